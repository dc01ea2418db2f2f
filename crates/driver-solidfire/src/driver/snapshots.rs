//! Snapshots of a cluster, told in the port's words.

use std::time::SystemTime;

use perilune_array::{
    Error, ErrorKind, Name, NewSnapshot, Owner, Result, Size, Snapshot, SnapshotId, Snapshots, VolumeId,
};
use serde_json::Map;

use super::{Solidfire, mark, not_found, volumes};
use crate::fault;
use crate::protocol::{
    self, BySnapshot, CreateSnapshot, ListSnapshots, Rollback, SnapshotAnswer, SnapshotsAnswer,
};

/// An id as the array writes it; anything else is no snapshot of this array.
pub(super) fn number(id: &SnapshotId) -> Result<u64> {
    id.as_str().parse().map_err(|_| not_found(format_args!("snapshot {id}")))
}

impl Solidfire {
    async fn listed_snapshots(&self, query: ListSnapshots) -> Result<Vec<protocol::Snapshot>> {
        match self.session.call::<SnapshotsAnswer>("ListSnapshots", query).await {
            Ok(answer) => Ok(answer.snapshots),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn read_snapshot(&self, id: &SnapshotId) -> Result<protocol::Snapshot> {
        let wanted = number(id)?;
        let query = ListSnapshots { snapshot: Some(wanted), volume: None };
        let found = self.listed_snapshots(query).await?.into_iter().find(|snapshot| snapshot.id == wanted);
        found.ok_or_else(|| not_found(format_args!("snapshot {id}")))
    }

    /// What forbids putting the volume back.
    async fn may_revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<(u64, u64)> {
        let (found, snapshot) = (self.read_volume(volume).await?, self.read_snapshot(to).await?);
        if snapshot.volume != found.id {
            return Err(not_found(format_args!("snapshot {to} of volume {volume}")));
        }
        if !found.volume_pairs.is_empty() || snapshot.total_size != found.total_size {
            let text = format!("volume {volume} is mirrored or was resized since snapshot {to}");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        if self.in_session(found.id).await? {
            return Err(Error::new(ErrorKind::InUse, format!("hosts are logged in to volume {volume}")));
        }
        Ok((found.id, snapshot.id))
    }
}

fn shown(snapshot: protocol::Snapshot) -> Result<Snapshot> {
    let created = snapshot.create_time.parse::<jiff::Timestamp>().map(SystemTime::from);
    Ok(Snapshot {
        id: SnapshotId::new(snapshot.id.to_string()),
        volume: VolumeId::new(snapshot.volume.to_string()),
        name: Name::new(snapshot.name),
        size: Size::bytes(snapshot.total_size),
        created: created
            .map_err(|_| fault::garbled("ListSnapshots", "a snapshot's createTime is no time"))?,
        ready: matches!(snapshot.status.to_ascii_lowercase().as_str(), "done" | "active" | "cloning"),
        owner: mark::of(&snapshot.attributes),
        group: None,
        expires: None,
    })
}

#[async_trait::async_trait]
impl Snapshots for Solidfire {
    async fn find(&self, volume: &VolumeId, name: &Name) -> Result<Vec<Snapshot>> {
        let Ok(wanted) = volumes::number(volume) else { return Ok(Vec::new()) };
        let query = ListSnapshots { volume: Some(wanted), snapshot: None };
        let found = self.listed_snapshots(query).await?.into_iter();
        found
            .filter(|snapshot| snapshot.volume == wanted && snapshot.name == name.as_str())
            .map(shown)
            .collect()
    }

    async fn get(&self, id: &SnapshotId) -> Result<Snapshot> {
        shown(self.read_snapshot(id).await?)
    }

    async fn list(&self, volume: Option<&VolumeId>) -> Result<Vec<Snapshot>> {
        let wanted = volume.map(volumes::number).transpose()?;
        let found = self.listed_snapshots(ListSnapshots { volume: wanted, snapshot: None }).await?;
        if let (true, Some(volume)) = (found.is_empty(), volume) {
            self.read_volume(volume).await?;
        }
        found
            .into_iter()
            .filter(|snapshot| wanted.is_none_or(|id| snapshot.volume == id))
            .map(shown)
            .collect()
    }

    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        if !self.profile.snapshot_names.accepts(new.name.as_str()) {
            let text = format!("snapshot name {} may have 1 to 64 letters, digits and hyphens", new.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let params = CreateSnapshot {
            volume: volumes::number(&new.volume)?,
            name: new.name.as_str(),
            attributes: mark::set(Map::new(), Some(&new.owner))?,
        };
        shown(self.session.call::<SnapshotAnswer>("CreateSnapshot", params).await?.snapshot)
    }

    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        let found = self.read_snapshot(id).await?;
        mark::check(format_args!("snapshot {id}"), &found.attributes, owner)?;
        self.session.act("DeleteSnapshot", BySnapshot { snapshot: found.id }).await
    }

    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        let (volume, snapshot) = self.may_revert(volume, to).await?;
        self.session.act("RollbackToSnapshot", Rollback { volume, snapshot, save_current_state: false }).await
    }
}
