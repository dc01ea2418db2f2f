//! Group snapshots of the in-memory array.

use super::state::{GroupSnapshotRow, State, check_owner};
use super::{FakeArray, not_found};
use crate::{
    Error, ErrorKind, GroupSnapshot, GroupSnapshotId, GroupSnapshots, Members, Name, NewGroupSnapshot,
    NewSnapshot, Owner, Result, VolumeId,
};

impl State {
    fn group_snapshot(&self, id: &GroupSnapshotId) -> Result<&GroupSnapshotRow> {
        self.group_snapshots.get(id).ok_or_else(|| not_found(format_args!("group snapshot {id}")))
    }

    fn shown_group_snapshot(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot> {
        let row = self.group_snapshot(id)?;
        let snapshots = row.snapshots.iter().map(|id| Ok(self.snapshot(id)?.snapshot.clone()));
        Ok(GroupSnapshot {
            id: id.clone(),
            name: row.name.clone(),
            created: row.created,
            snapshots: snapshots.collect::<Result<_>>()?,
            owner: Some(row.owner.clone()),
        })
    }

    fn members(&self, members: &Members) -> Result<Vec<VolumeId>> {
        let volumes = match members {
            Members::Group(id) => self.group(id)?.members.clone(),
            Members::Volumes(_) if !self.profile.ad_hoc_group_snapshots => {
                return Err(Error::new(ErrorKind::Unsupported, "group snapshots need a group here"));
            }
            Members::Volumes(ids) => ids.clone(),
        };
        if volumes.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a group snapshot needs a member"));
        }
        if self.profile.volumes_per_group.is_some_and(|max| volumes.len() > max as usize) {
            return Err(Error::new(ErrorKind::LimitReached, "too many members for one group snapshot"));
        }
        Ok(volumes)
    }

    fn take_group_snapshot(&mut self, new: &NewGroupSnapshot) -> Result<GroupSnapshot> {
        self.check_retention(new.retention)?;
        let volumes = self.members(&new.members)?;
        if !self.limits.names_repeat && self.group_snapshots.values().any(|row| row.name == new.name) {
            return Err(Error::new(ErrorKind::Exists, format!("group snapshot {} is there", new.name)));
        }
        // All or none: every member is asked before the first is taken.
        for volume in &volumes {
            self.may_snapshot(volume, &new.name)?;
        }
        let created = self.now();
        let id = GroupSnapshotId::new(format!("gsnap-{}", self.next()));
        let mut snapshots = Vec::new();
        for volume in volumes {
            let (name, owner, retention) = (new.name.clone(), new.owner.clone(), new.retention);
            let one = NewSnapshot { volume, name, owner, retention };
            snapshots.push(self.take_snapshot(&one, Some(id.clone()))?.id);
        }
        let row = GroupSnapshotRow { name: new.name.clone(), owner: new.owner.clone(), created, snapshots };
        self.group_snapshots.insert(id.clone(), row);
        self.shown_group_snapshot(&id)
    }

    fn drop_group_snapshot(&mut self, id: &GroupSnapshotId, owner: &Owner) -> Result<()> {
        let row = self.group_snapshot(id)?.clone();
        check_owner(format_args!("group snapshot {id}"), Some(&row.owner), owner)?;
        if row.snapshots.iter().any(|id| self.is_read(id)) {
            return Err(Error::new(
                ErrorKind::InUse,
                format!("a copy reads a member of group snapshot {id}"),
            ));
        }
        self.snapshots.retain(|id, _| !row.snapshots.contains(id));
        self.group_snapshots.remove(id);
        Ok(())
    }

    fn revert_group(&mut self, id: &GroupSnapshotId) -> Result<()> {
        let pairs = self
            .shown_group_snapshot(id)?
            .snapshots
            .into_iter()
            .map(|s| (s.volume, s.id))
            .collect::<Vec<_>>();
        for (volume, snapshot) in &pairs {
            self.may_revert(volume, snapshot)?;
        }
        pairs.iter().try_for_each(|(volume, snapshot)| self.revert_volume(volume, snapshot))
    }
}

#[async_trait::async_trait]
impl GroupSnapshots for FakeArray {
    async fn find(&self, name: &Name) -> Result<Vec<GroupSnapshot>> {
        self.call("group_snapshots.find", |state| {
            let ids = state.group_snapshots.iter().filter(|(_, row)| row.name == *name).map(|(id, _)| id);
            ids.map(|id| state.shown_group_snapshot(id)).collect()
        })
        .await
    }

    async fn get(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot> {
        self.call("group_snapshots.get", |state| state.shown_group_snapshot(id)).await
    }

    async fn list(&self) -> Result<Vec<GroupSnapshot>> {
        self.call("group_snapshots.list", |state| {
            state.group_snapshots.keys().map(|id| state.shown_group_snapshot(id)).collect()
        })
        .await
    }

    async fn create(&self, new: &NewGroupSnapshot) -> Result<GroupSnapshot> {
        self.call("group_snapshots.create", |state| state.take_group_snapshot(new)).await
    }

    async fn delete(&self, id: &GroupSnapshotId, owner: &Owner) -> Result<()> {
        self.call("group_snapshots.delete", |state| state.drop_group_snapshot(id, owner)).await
    }

    async fn revert(&self, id: &GroupSnapshotId) -> Result<()> {
        self.call("group_snapshots.revert", |state| state.revert_group(id)).await
    }
}
