//! How a pair comes to be. Two clusters tell each other nothing: each makes a key that must be carried to the other, first
//! for the clusters themselves, then for every pair of volumes.

use perilune_array::{
    ArrayId, Error, ErrorKind, Invitation, Mode, NewMirror, Pairing, Result, Subject, VolumeId,
};
use serde::{Deserialize, Serialize};

use super::mirrors::{TARGET, caller, number, pair_of};
use super::{Solidfire, mark};
use crate::fault;
use crate::protocol::NoParams;
use crate::protocol::mirror::{
    ByClusterPair, ClusterKey, ClusterKeyAnswer, ClusterPair, CompletePairing, StartPairing, VolumeKeyAnswer,
};
use crate::protocol::volume::{ByVolume, ModifyVolume, Volume, VolumeAnswer};

/// What one cluster's driver tells the other's.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Word {
    /// Pair with this cluster, if you are the array that is meant.
    Cluster { array: String, key: String },
    /// The clusters are paired from this side too.
    ClustersPaired,
    /// Let this volume of yours be the target of one that has so many bytes.
    Volume { array: String, volume: u64, key: String, size: u64 },
}

impl Word {
    fn invitation(&self) -> Result<Pairing> {
        let text = serde_json::to_string(self);
        let text = text.map_err(|_| Error::new(ErrorKind::Bug, "an invitation cannot be written"))?;
        Ok(Pairing::Tell(Invitation::new(text)))
    }

    fn read(invitation: Option<&Invitation>) -> Result<Self> {
        let read = invitation.and_then(|invitation| serde_json::from_str(invitation.reveal()).ok());
        read.ok_or_else(|| invalid("the target of a mirror needs the invitation that its source gave"))
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongState, text)
}

fn word(mode: Mode) -> Result<&'static str> {
    match mode {
        Mode::Sync => Ok("Sync"),
        Mode::Async { .. } => Ok("Async"),
        Mode::Snapshots => Ok("SnapshotsOnly"),
        Mode::ActiveActive => {
            Err(Error::new(ErrorKind::Unsupported, "a SolidFire keeps no two writable copies of a volume"))
        }
    }
}

fn unpaired(volume: &Volume) -> Result<()> {
    match pair_of(volume) {
        Some(_) => Err(Error::new(ErrorKind::Exists, format!("volume {} has a pair", volume.id))),
        None => Ok(()),
    }
}

impl Solidfire {
    async fn subject_volume(&self, subject: &Subject) -> Result<Volume> {
        self.read_volume(&VolumeId::new(number(subject)?.to_string())).await
    }

    /// The source's part.
    pub(super) async fn offer(&self, new: &NewMirror) -> Result<Pairing> {
        let mode = word(new.mode)?;
        let target = new.peer_subject.as_ref();
        let target = target.ok_or_else(|| invalid("the other volume of a pair must exist and be named"))?;
        let target = number(target)?;
        let volume = self.subject_volume(&new.subject).await?;
        unpaired(&volume)?;
        if let Some(first) = self.reach_cluster(new).await? {
            return Ok(first);
        }
        // A key that was never carried over is lost; the array gives a new one only when the old pairing is gone.
        if !volume.volume_pairs.is_empty() {
            self.session.act("RemoveVolumePair", ByVolume { volume: volume.id }).await?;
        }
        let attributes = Some(mark::with_peer(volume.attributes, &new.peer_array));
        let params = ModifyVolume { volume: volume.id, attributes, ..ModifyVolume::default() };
        let _: VolumeAnswer = self.session.call("ModifyVolume", params).await?;
        let params = StartPairing { volume: volume.id, mode };
        let started = self.session.call::<VolumeKeyAnswer>("StartVolumePairing", params).await;
        let key = started?.volume_pairing_key;
        let array = new.peer_array.to_string();
        Word::Volume { array, volume: target, key, size: volume.total_size }.invitation()
    }

    /// What must be told before volumes can be paired; none if the clusters are.
    async fn reach_cluster(&self, new: &NewMirror) -> Result<Option<Pairing>> {
        let (peer, pairs) = (&new.peer_array, self.cluster_pairs().await?);
        // The one pool of a cluster bears its short name.
        let is_peer = |called: &str| called == peer.as_str() || called == new.peer_pool.as_str();
        let Some(pair) = pairs.iter().find(|pair| is_peer(&caller(pair))) else {
            if !self.config.pairs_clusters {
                let text = format!(
                    "this cluster is not paired with {peer}; pair them at the array, or let Perilune do it with the setting \
                     clusterPairing: Managed"
                );
                return Err(wrong(text));
            }
            return self.begin_cluster_pair(peer, &pairs).await.map(Some);
        };
        let name = self.session.clean(&pair.cluster_name);
        match pair.status.as_str() {
            "Connected" => Ok(None),
            "Unconfigured" => {
                let text = format!("the pair of clusters with {name} is still being set up");
                Err(Error::new(ErrorKind::Busy, text))
            }
            other => Err(wrong(format!("the pair of clusters with {name} is {}", self.session.clean(other)))),
        }
    }

    async fn begin_cluster_pair(&self, peer: &ArrayId, pairs: &[ClusterPair]) -> Result<Pairing> {
        let begun = self.known().begun_pair.take();
        let waits = |id: &u64| pairs.iter().any(|pair| pair.id == *id && pair.status == "Unconfigured");
        if let Some(id) = begun.filter(waits) {
            // The cluster has few places, and this one's key is lost.
            self.session.act("RemoveClusterPair", ByClusterPair { id }).await?;
        }
        let started: ClusterKeyAnswer = self.session.call("StartClusterPairing", NoParams {}).await?;
        self.known().begun_pair = Some(started.id);
        Word::Cluster { array: peer.to_string(), key: started.cluster_pairing_key }.invitation()
    }

    /// The target's part.
    pub(super) async fn accept(&self, new: &NewMirror) -> Result<Pairing> {
        let ours = self.known().cluster.uuid.clone();
        match Word::read(new.invitation.as_ref())? {
            Word::Cluster { array, .. } | Word::Volume { array, .. } if array != ours => {
                Err(wrong(format!("the invitation is for array {array}, and this is {ours}")))
            }
            Word::Volume { volume, .. } if number(&new.subject)? != volume => {
                Err(wrong(format!("the invitation is for volume {volume}, not for {:?}", new.subject)))
            }
            Word::Cluster { key, .. } => self.pair_clusters(&key).await,
            Word::Volume { key, size, .. } => self.become_target(new, &key, size).await,
            Word::ClustersPaired => Err(invalid("this invitation is meant for the source of the mirror")),
        }
    }

    async fn pair_clusters(&self, key: &str) -> Result<Pairing> {
        if !self.config.pairs_clusters {
            return Err(wrong(
                "clusters may be paired only where both have the setting clusterPairing: Managed",
            ));
        }
        let params = ClusterKey { cluster_pairing_key: key };
        match self.session.act("CompleteClusterPairing", params).await {
            Err(error) if error.kind() != ErrorKind::Exists => Err(error),
            _ => Word::ClustersPaired.invitation(),
        }
    }

    /// The volume's content is given up, so it must be one of ours that nobody uses.
    async fn become_target(&self, new: &NewMirror, key: &str, size: u64) -> Result<Pairing> {
        let volume = self.subject_volume(&new.subject).await?;
        unpaired(&volume)?;
        if mark::of(&volume.attributes).is_none() {
            let text = format!("volume {} bears no mark of ours and would be overwritten", volume.id);
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        if volume.total_size != size {
            return Err(wrong(format!(
                "volume {} has {} bytes, its source {size}",
                volume.id, volume.total_size
            )));
        }
        let id = volume.id;
        let attributes = Some(mark::with_peer(volume.attributes.clone(), &new.peer_array));
        if self.used(&[volume]).await?.is_some() {
            return Err(wrong(format!("hosts use volume {id}, which would be overwritten")));
        }
        let params = ModifyVolume { volume: id, access: Some(TARGET), attributes, ..ModifyVolume::default() };
        let _: VolumeAnswer = self.session.call("ModifyVolume", params).await?;
        let params = CompletePairing { volume: id, volume_pairing_key: key };
        self.session.act("CompleteVolumePairing", params).await?;
        let paired = self.read_volume(&VolumeId::new(id.to_string())).await?;
        let half = self.halves(&[paired], Vec::new()).await?.pop();
        half.map(Pairing::Done)
            .ok_or_else(|| fault::garbled("ListVolumes", "the volume has no pair although it was made"))
    }
}
