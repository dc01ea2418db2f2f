//! Pairing volumes with those of another cluster.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::codes::{self, Refusal};
use super::super::keys;
use super::super::links::{Mode, Seat, Status};
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::volumes::{Status as VolumeStatus, Volume};

/// Bytes of writes that pile up before a slow link pauses a pair; shown, never reached.
const PAUSE_LIMIT: u64 = 3_145_728_000;

fn mode(params: &mut Params) -> Result<Option<Mode>, Refusal> {
    Ok(match params.text("mode")?.as_deref() {
        None => None,
        Some("Async") => Some(Mode::Async),
        Some("Sync") => Some(Mode::Sync),
        Some("SnapshotsOnly") => Some(Mode::SnapshotsOnly),
        Some(other) => return Err(codes::enumeration(other)),
    })
}

fn not_paired() -> Refusal {
    Refusal::new("xVolumeNotPaired", "Volume not paired.")
}

impl Cluster {
    pub(super) fn show_volume_pairs(&self, volume: &Volume) -> Value {
        let board = self.links.board();
        let Some(pair) = board.volume_pair(self.seat, volume.id) else { return json!([]) };
        let across = pair.ends(self.seat).1;
        let cluster = across.and_then(|end| board.cluster_pair_between(self.seat, end.seat));
        let remote = across.map_or(0, |end| end.volume);
        json!([{
            "clusterPairID": cluster.and_then(|pair| pair.ends(self.seat)).map_or(0, |(mine, _)| mine.id),
            "remoteVolumeID": remote,
            "remoteSliceID": remote,
            "remoteVolumeName": across.map_or("", |end| end.facts.name.as_str()),
            "volumePairUUID": pair.uuid.to_string(),
            "remoteReplication": {
                "mode": pair.mode.name(),
                "state": board.volume_pair_state(pair, self.seat, self.clock.now()).name(),
                "stateDetails": "",
                "pauseLimit": PAUSE_LIMIT,
                "remoteServiceID": remote,
                "resumeDetails": "",
                "snapshotReplication": {"state": "Idle", "stateDetails": ""},
            },
        }])
    }

    pub(super) fn is_paired(&self, volume: u64) -> bool {
        self.links.board().volume_pair(self.seat, volume).is_some()
    }

    fn unpaired_volume(&self, id: u64) -> Result<&Volume, Refusal> {
        let volume = self.active_volume(id)?;
        if self.is_paired(id) {
            return Err(Refusal::new("xVolumeAlreadyPaired", format!("VolumeID {id} is already paired.")));
        }
        if self.fabric.content(volume.image).is_none() {
            let problem = "data: lio is not carried to another array, so its volumes are not paired.";
            return Err(Refusal::new("xSimulatorFailure", problem));
        }
        Ok(volume)
    }

    pub(crate) fn start_volume_pairing(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        let volume = self.unpaired_volume(id)?;
        let mode = mode(params)?.unwrap_or(Mode::Async);
        let uuid = self.links.board().start_volume_pair(self.seat, id, self.facts(volume), mode);
        let key = keys::encode(&json!({
            "mvip": self.identity.mvip.to_string(),
            "volumeID": id,
            "volumeName": volume.name,
            "volumePairUUID": uuid.to_string(),
        }));
        self.post(id);
        Ok(json!({"volumePairingKey": key}))
    }

    pub(crate) fn complete_volume_pairing(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        let key = params.needed_text("volumePairingKey")?;
        let invalid = || Refusal::new("xInvalidPairingKey", "The volume pairing key is not valid.");
        let content = keys::decode(&key).ok_or_else(invalid)?;
        let uuid = content["volumePairUUID"].as_str().and_then(|text| Uuid::parse_str(text).ok());
        let uuid = uuid.ok_or_else(invalid)?;
        let facts = self.facts(self.unpaired_volume(id)?);
        let mut board = self.links.board();
        let origin = board.waiting(uuid);
        let mvip = content["mvip"].as_str().unwrap_or_default();
        let now = self.clock.now();
        let known = |peer: &Seat| board.card(*peer).mvip.to_string() == mvip;
        let mut peers = board.cluster_pairs(self.seat).filter(|pair| {
            board.cluster_pair_status(pair, self.seat, now) == Status::Connected
                && pair.peer(self.seat).is_some_and(|peer| origin.map_or_else(|| known(&peer), |o| o == peer))
        });
        if peers.next().is_none() {
            let message = format!("The cluster of MVIP {mvip} is not paired with this one.");
            return Err(Refusal::new("xMVIPNotPaired", message));
        }
        if origin.is_none() {
            return Err(invalid());
        }
        drop(peers);
        board.complete_volume_pair(uuid, self.seat, id, facts, now);
        drop(board);
        self.post(id);
        Ok(json!({}))
    }

    pub(crate) fn modify_volume_pair(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        self.usable_volume(id)?;
        if !self.is_paired(id) {
            return Err(not_paired());
        }
        let (paused, mode, now) = (params.flag("pausedManual")?, mode(params)?, self.clock.now());
        params.ignore(&["pauseLimit"]);
        let mut board = self.links.board();
        paused.into_iter().for_each(|paused| board.pause(self.seat, id, paused, now));
        mode.into_iter().for_each(|mode| board.set_mode(self.seat, id, mode, now));
        Ok(json!({}))
    }

    /// Succeeds on a volume that is not paired, as clients rely on.
    pub(crate) fn remove_volume_pair(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        if !self.volumes.contains_key(&id) {
            return Err(codes::no_volume(id));
        }
        self.links.board().leave_volume_pair(self.seat, id, self.clock.now());
        Ok(json!({}))
    }

    pub(crate) fn list_active_paired_volumes(&mut self, params: &mut Params) -> Answer {
        let start = params.number("startVolumeID")?.unwrap_or(0);
        let limit = params.id("limit")?.map_or(usize::MAX, |limit| limit as usize);
        params.ignore(&["includeVirtualVolumes"]);
        let mut ids = self.links.board().paired_volumes(self.seat);
        ids.sort_unstable();
        let volumes = ids.iter().filter(|id| **id >= start).filter_map(|id| self.volumes.get(id));
        let active = volumes.filter(|volume| volume.status == VolumeStatus::Active).take(limit);
        Ok(json!({"volumes": active.map(|volume| self.show_volume(volume)).collect::<Vec<_>>()}))
    }
}
