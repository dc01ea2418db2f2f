//! Mirrors: one side of a pair of volumes on two paired clusters.
//!
//! Which side is the source is told by the two volumes' access and by nothing else: the writable one is. When both were
//! turned round, the pair copies the other way by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use perilune_array::{
    Activity, ArrayId, Currency, Direction, Error, ErrorKind, Half, Link, Mirrors, Mode, NewMirror, Pairing,
    PeerCopy, Result, Role, Subject, VolumeId,
};
use serde_json::Value;

use super::{Solidfire, mark, not_found, volumes};
use crate::fault;
use crate::protocol::NoParams;
use crate::protocol::mirror::{ClusterPair, ClusterPairsAnswer, ModifyPair, Replication, VolumePair};
use crate::protocol::volume::{ByVolume, ListVolumes, ModifyVolumes, Volume, VolumesAnswer};

/// Volumes in one call.
const AT_ONCE: usize = 500;
const WRITABLE: &str = "readWrite";
pub(super) const TARGET: &str = "replicationTarget";

fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongState, text)
}

pub(super) fn subject(volume: u64) -> Subject {
    Subject::Volume(VolumeId::new(volume.to_string()))
}

pub(super) fn number(subject: &Subject) -> Result<u64> {
    match subject {
        Subject::Volume(id) => volumes::number(id),
        Subject::Group(id) => Err(not_found(format_args!("consistency group {id}"))),
    }
}

/// The pair of a volume, once the other cluster knows of it too.
pub(super) fn pair_of(volume: &Volume) -> Option<(&VolumePair, &Replication, u64)> {
    let pair = volume.volume_pairs.first()?;
    let remote = pair.remote_volume.filter(|remote| *remote != 0)?;
    Some((pair, pair.remote_replication.as_ref()?, remote))
}

/// What the other cluster calls itself.
pub(super) fn caller(pair: &ClusterPair) -> String {
    match &pair.uuid {
        Value::String(text) => text.clone(),
        // Four digits are four letters too.
        other => other.to_string(),
    }
}

fn mode(replication: &Replication) -> Result<Mode> {
    match replication.mode.as_str() {
        "Sync" => Ok(Mode::Sync),
        "Async" => Ok(Mode::Async { interval: Duration::ZERO }),
        "SnapshotsOnly" => Ok(Mode::Snapshots),
        _ => Err(fault::garbled("ListVolumes", "a pair's mode is none")),
    }
}

fn activity(state: &str) -> Activity {
    match state {
        "Active" => Activity::Active,
        "Idle" => Activity::Idle,
        _ if state.starts_with("Resuming") => Activity::Initializing(None),
        _ => Activity::Suspended,
    }
}

/// While copying goes on, the target is neither old nor new. When it stopped, nobody tells here how far it had come.
fn currency(state: &str, mode: Mode, role: Role) -> Currency {
    match (state, role) {
        ("Active", Role::Source) => Currency::InSync,
        ("Active", Role::Target) if mode == Mode::Sync => Currency::InSync,
        (_, Role::Target) if state.starts_with("Resuming") => Currency::Inconsistent,
        _ => Currency::Unknown,
    }
}

fn link(state: &str, pair: Option<&ClusterPair>) -> Link {
    match (state, pair.map(|pair| pair.status.as_str())) {
        ("PausedDisconnected", _) | (_, Some("Disconnected")) => Link::Down,
        ("Active", _) | (_, Some("Connected")) => Link::Up,
        _ => Link::Unknown,
    }
}

fn fault_word(state: &str) -> Option<String> {
    let well = matches!(state, "Active" | "Idle" | "PausedManual" | "PausedManualRemote")
        || state.starts_with("Resuming");
    (!well).then(|| state.to_owned())
}

fn half(volume: &Volume, peers: &BTreeMap<u64, String>, pairs: &[ClusterPair]) -> Result<Option<Half>> {
    let Some((pair, replication, remote)) = pair_of(volume) else { return Ok(None) };
    let cluster = pair.cluster_pair.unwrap_or_default();
    // A pair that we did not make is known by the other cluster's short name only.
    let peer = mark::peer(&volume.attributes).or_else(|| peers.get(&cluster).cloned().map(ArrayId::new));
    let peer =
        peer.ok_or_else(|| fault::garbled("ListVolumes", "a volume's pair is of no pair of clusters"))?;
    let (mode, state) = (mode(replication)?, replication.state.as_str());
    let writable = volume.access == WRITABLE;
    let role = if volume.access == TARGET { Role::Target } else { Role::Source };
    Ok(Some(Half {
        subject: subject(volume.id),
        role,
        writable,
        activity: activity(state),
        currency: currency(state, mode, role),
        link: link(state, pairs.iter().find(|pair| pair.id == cluster)),
        mode,
        peer: PeerCopy { array: peer, subject: subject(remote) },
        fault: fault_word(state),
    }))
}

impl Solidfire {
    pub(super) async fn cluster_pairs(&self) -> Result<Vec<ClusterPair>> {
        let pairs =
            self.session.call::<ClusterPairsAnswer>("ListClusterPairs", NoParams {}).await?.cluster_pairs;
        self.known().peers = pairs.iter().map(|pair| (pair.id, caller(pair))).collect();
        Ok(pairs)
    }

    /// The halves of these volumes; the link as far as the volumes themselves tell, unless pairs are given.
    pub(super) async fn halves(&self, found: &[Volume], mut pairs: Vec<ClusterPair>) -> Result<Vec<Half>> {
        let of = |volume: &Volume| pair_of(volume).and_then(|(pair, ..)| pair.cluster_pair);
        let strange = |id: u64| !self.known().peers.contains_key(&id);
        if pairs.is_empty() && found.iter().filter_map(of).any(strange) {
            pairs = self.cluster_pairs().await?;
        }
        let mut known = self.known();
        known
            .mirrored
            .extend(found.iter().filter(|volume| pair_of(volume).is_some()).map(|volume| volume.id));
        let halves = found.iter().map(|volume| half(volume, &known.peers, &pairs));
        halves.filter_map(Result::transpose).collect()
    }

    /// A volume that must have a pair.
    async fn paired(&self, subject: &Subject) -> Result<Volume> {
        let volume = self.read_volume(&VolumeId::new(number(subject)?.to_string())).await?;
        if pair_of(&volume).is_some() {
            Ok(volume)
        } else {
            Err(not_found(format_args!("a mirror of volume {}", volume.id)))
        }
    }

    async fn all_paired(&self, subjects: &[Subject]) -> Result<Vec<Volume>> {
        let ids = subjects.iter().map(number).collect::<Result<Vec<_>>>()?;
        let mut found = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            found.extend(self.read_volumes(ids).await?);
        }
        let is_paired = |id: &&u64| found.iter().any(|volume| volume.id == **id && pair_of(volume).is_some());
        match ids.iter().find(|id| !is_paired(id)) {
            Some(id) => Err(not_found(format_args!("volume {id}, or a mirror of it,"))),
            None => Ok(found),
        }
    }

    async fn set_access(&self, found: Vec<Volume>, access: &'static str) -> Result<Vec<Half>> {
        let wanted: Vec<_> =
            found.iter().filter(|volume| volume.access != access).map(|volume| volume.id).collect();
        let mut now: Vec<_> = found.into_iter().filter(|volume| volume.access == access).collect();
        for volumes in wanted.chunks(AT_ONCE) {
            let params = ModifyVolumes { volumes, access };
            let changed: VolumesAnswer = self.session.call("ModifyVolumes", params).await?;
            if changed.volumes.iter().any(|volume| volume.access != access) {
                return Err(fault::garbled(
                    "ModifyVolumes",
                    "a volume has another access than was asked for",
                ));
            }
            now.extend(changed.volumes);
        }
        now.sort_by_key(|volume| volume.id);
        self.halves(&now, Vec::new()).await
    }

    async fn pause(&self, volume: u64, paused_manual: bool) -> Result<()> {
        self.session.act("ModifyVolumePair", ModifyPair { volume, paused_manual }).await
    }
}

#[async_trait::async_trait]
impl Mirrors for Solidfire {
    async fn find(&self, subject: &Subject) -> Result<Option<Half>> {
        let volume = self.read_volume(&VolumeId::new(number(subject)?.to_string())).await?;
        if pair_of(&volume).is_none() {
            return Ok(None);
        }
        let pairs = self.cluster_pairs().await?;
        Ok(self.halves(&[volume], pairs).await?.pop())
    }

    async fn list(&self) -> Result<Vec<Half>> {
        let (pairs, mut found, mut start) = (self.cluster_pairs().await?, Vec::new(), None);
        loop {
            let query = ListVolumes { start, limit: Some(AT_ONCE), ..ListVolumes::default() };
            let page = self.session.call::<VolumesAnswer>("ListActivePairedVolumes", query).await?.volumes;
            let next = page.last().filter(|_| page.len() >= AT_ONCE).map(|last| last.id.saturating_add(1));
            found.extend(page);
            if next.is_none() || next <= start {
                break;
            }
            start = next;
        }
        self.halves(&found, pairs).await
    }

    async fn pair(&self, new: &NewMirror) -> Result<Pairing> {
        match new.role {
            Role::Source => self.offer(new).await,
            Role::Target => self.accept(new).await,
        }
    }

    async fn unpair(&self, subject: &Subject) -> Result<()> {
        let volume = number(subject)?;
        let removed = self.session.act("RemoveVolumePair", ByVolume { volume }).await;
        self.known().mirrored.remove(&volume);
        match removed {
            Err(error) if fault::is(&error, "xVolumeNotPaired") => Ok(()),
            removed => removed,
        }
    }

    async fn suspend(&self, subject: &Subject) -> Result<()> {
        let volume = self.paired(subject).await?;
        match pair_of(&volume) {
            Some((_, replication, _)) if replication.state == "PausedManual" => Ok(()),
            _ => self.pause(volume.id, true).await,
        }
    }

    async fn resume(&self, subject: &Subject, direction: Direction) -> Result<()> {
        let volume = self.paired(subject).await?;
        let state = pair_of(&volume).map(|(_, replication, _)| replication.state.clone()).unwrap_or_default();
        let wanted = if direction == Direction::FromHere { WRITABLE } else { TARGET };
        if volume.access != wanted {
            let access = self.session.clean(&volume.access);
            return Err(wrong(format!("volume {} is {access}, so copying cannot go that way", volume.id)));
        }
        match activity(&state) {
            Activity::Suspended if state == "PausedManual" => self.pause(volume.id, false).await,
            Activity::Suspended => {
                let state = self.session.clean(&state);
                Err(wrong(format!("the pair of volume {} is {state}", volume.id)))
            }
            _ => Ok(()),
        }
    }

    async fn promote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        let found = self.all_paired(subjects).await?;
        for half in self.halves(&found, Vec::new()).await? {
            if !half.writable && half.currency == Currency::Inconsistent {
                return Err(wrong(format!(
                    "the copy of {:?} is inconsistent: it is being copied to",
                    half.subject
                )));
            }
        }
        self.set_access(found, WRITABLE).await
    }

    async fn demote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        let found = self.all_paired(subjects).await?;
        let (shut, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|volume| volume.access == TARGET);
        if let Some(used) = self.used(&open).await? {
            return Err(Error::new(ErrorKind::InUse, format!("hosts use volume {used}")));
        }
        self.set_access(shut.into_iter().chain(open).collect(), TARGET).await
    }
}

#[cfg(test)]
mod tests;
