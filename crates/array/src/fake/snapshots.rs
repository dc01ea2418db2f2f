//! Snapshots of the in-memory array.

use std::time::Duration;

use super::state::{SnapshotRow, State, check_owner};
use super::{FakeArray, not_found};
use crate::{
    Error, ErrorKind, GroupSnapshotId, Name, NewSnapshot, Owner, Result, Snapshot, SnapshotId, Snapshots,
    VolumeId,
};

impl State {
    /// What must hold before a snapshot of this volume can be taken.
    pub(super) fn may_snapshot(&self, volume: &VolumeId, name: &Name) -> Result<()> {
        if !self.volumes.contains_key(volume) {
            return Err(not_found(format_args!("volume {volume}")));
        }
        if !self.profile.snapshot_names.accepts(name.as_str()) {
            return Err(Error::new(ErrorKind::Invalid, format!("snapshot name {name} is not allowed")));
        }
        let of_volume = || self.snapshots.values().filter(|row| row.snapshot.volume == *volume);
        if !self.limits.names_repeat && of_volume().any(|row| row.snapshot.name == *name) {
            return Err(Error::new(ErrorKind::Exists, format!("snapshot name {name} is taken")));
        }
        if self.profile.snapshots_per_volume.is_some_and(|max| of_volume().count() >= max as usize) {
            return Err(Error::new(
                ErrorKind::LimitReached,
                format!("volume {volume} has no room for a snapshot more"),
            ));
        }
        Ok(())
    }

    pub(super) fn check_retention(&self, retention: Option<Duration>) -> Result<()> {
        if retention.is_none() || self.profile.snapshot_retention {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, "this array ends no snapshot by itself"))
    }

    pub(super) fn take_snapshot(
        &mut self,
        new: &NewSnapshot,
        group: Option<GroupSnapshotId>,
    ) -> Result<Snapshot> {
        self.check_retention(new.retention)?;
        self.may_snapshot(&new.volume, &new.name)?;
        let created = self.now();
        let id = SnapshotId::new(format!("snap-{}", self.next()));
        let row = self.volume(&new.volume)?;
        let content = row.content.clone();
        let snapshot = Snapshot {
            id: id.clone(),
            volume: new.volume.clone(),
            name: new.name.clone(),
            size: row.size,
            created,
            ready: true,
            owner: Some(new.owner.clone()),
            group,
            expires: new.retention.map(|time| created + time),
        };
        self.snapshots.insert(id, SnapshotRow { snapshot: snapshot.clone(), content });
        Ok(snapshot)
    }

    pub(super) fn snapshot(&self, id: &SnapshotId) -> Result<&SnapshotRow> {
        self.snapshots.get(id).ok_or_else(|| not_found(format_args!("snapshot {id}")))
    }

    pub(super) fn is_read(&self, id: &SnapshotId) -> bool {
        self.volumes.values().any(|v| v.copying.as_ref().is_some_and(|c| c.snapshot.as_ref() == Some(id)))
    }

    fn drop_snapshot(&mut self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        let row = self.snapshot(id)?;
        check_owner(format_args!("snapshot {id}"), row.snapshot.owner.as_ref(), owner)?;
        if row.snapshot.group.is_some() || self.is_read(id) {
            return Err(Error::new(
                ErrorKind::InUse,
                format!("snapshot {id} is read by a copy or part of a group"),
            ));
        }
        self.snapshots.remove(id);
        Ok(())
    }

    /// What must hold before a volume can be put back.
    pub(super) fn may_revert(&mut self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        let row = self.volume(volume)?;
        let (mapped, size, copying) =
            (!row.mapped.is_empty() || row.session, row.size, row.copying.is_some());
        let taken = &self.snapshot(to)?.snapshot;
        if taken.volume != *volume {
            return Err(not_found(format_args!("snapshot {to} of volume {volume}")));
        }
        if mapped {
            return Err(Error::new(ErrorKind::InUse, format!("volume {volume} is mapped")));
        }
        if taken.size != size || copying || self.mirrored(volume) {
            let text = format!("volume {volume} was resized, is mirrored or being copied");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        Ok(())
    }

    pub(super) fn revert_volume(&mut self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        self.may_revert(volume, to)?;
        let content = self.snapshot(to)?.content.clone();
        self.volume(volume)?.content = content;
        Ok(())
    }
}

#[async_trait::async_trait]
impl Snapshots for FakeArray {
    async fn find(&self, volume: &VolumeId, name: &Name) -> Result<Vec<Snapshot>> {
        self.call("snapshots.find", |state| {
            let shown = state.snapshots.values().map(|row| &row.snapshot);
            Ok(shown.filter(|s| s.volume == *volume && s.name == *name).cloned().collect())
        })
        .await
    }

    async fn get(&self, id: &SnapshotId) -> Result<Snapshot> {
        self.call("snapshots.get", |state| Ok(state.snapshot(id)?.snapshot.clone())).await
    }

    async fn list(&self, volume: Option<&VolumeId>) -> Result<Vec<Snapshot>> {
        self.call("snapshots.list", |state| {
            let shown = || state.snapshots.values().map(|row| &row.snapshot);
            let Some(id) = volume else { return Ok(shown().cloned().collect()) };
            let found: Vec<_> = shown().filter(|s| s.volume == *id).cloned().collect();
            // Snapshots that outlive their volume are still found by it.
            if found.is_empty() && !state.volumes.contains_key(id) {
                return Err(not_found(format_args!("volume {id}")));
            }
            Ok(found)
        })
        .await
    }

    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        self.call("snapshots.create", |state| state.take_snapshot(new, None)).await
    }

    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        self.call("snapshots.delete", |state| state.drop_snapshot(id, owner)).await
    }

    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        self.call("snapshots.revert", |state| state.revert_volume(volume, to)).await
    }
}
