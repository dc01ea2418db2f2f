//! Consistency groups of the in-memory array.

use super::state::{GroupRow, State};
use super::{FakeArray, not_found};
use crate::{Error, ErrorKind, Group, GroupId, Groups, Name, NewGroup, Result, Subject, VolumeId};

impl State {
    pub(super) fn group(&self, id: &GroupId) -> Result<&GroupRow> {
        self.groups.get(id).ok_or_else(|| not_found(format_args!("group {id}")))
    }

    fn shown_group(&self, id: &GroupId) -> Result<Group> {
        let row = self.group(id)?;
        Ok(Group { id: id.clone(), name: row.name.clone(), members: row.members.clone() })
    }

    pub(super) fn add_group(&mut self, new: &NewGroup) -> Result<Group> {
        if !self.pools.iter().any(|p| p.id == new.pool) {
            return Err(not_found(format_args!("pool {}", new.pool)));
        }
        if self.groups.values().any(|g| g.name == new.name) {
            return Err(Error::new(ErrorKind::Exists, format!("group {} is there", new.name)));
        }
        if self.groups.len() >= self.limits.groups {
            return Err(Error::new(ErrorKind::LimitReached, "array holds no more groups"));
        }
        let id = GroupId::new(format!("group-{}", self.next()));
        let row = GroupRow { name: new.name.clone(), pool: new.pool.clone(), members: Vec::new() };
        self.groups.insert(id.clone(), row);
        self.shown_group(&id)
    }

    fn group_mirrored(&self, id: &GroupId) -> bool {
        self.mirrors.iter().any(|row| row.half.subject == Subject::Group(id.clone()))
    }

    pub(super) fn join(&mut self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        let pool = self.volume(volume)?.pool.clone();
        let row = self.group(group)?;
        if row.members.contains(volume) {
            return Ok(());
        }
        if self.groups.values().any(|g| g.members.contains(volume)) {
            return Err(Error::new(ErrorKind::InUse, format!("volume {volume} is in another group")));
        }
        if row.pool != pool || self.group_mirrored(group) || self.mirrored(volume) {
            let text = format!("volume {volume} is in another pool or mirrored otherwise than group {group}");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        if self.profile.volumes_per_group.is_some_and(|max| row.members.len() >= max as usize) {
            return Err(Error::new(ErrorKind::LimitReached, format!("group {group} is full")));
        }
        if let Some(row) = self.groups.get_mut(group) {
            row.members.push(volume.clone());
        }
        Ok(())
    }

    fn leave(&mut self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        if self.group(group)?.members.contains(volume) && self.group_mirrored(group) {
            return Err(Error::new(ErrorKind::WrongState, format!("group {group} is mirrored")));
        }
        if let Some(row) = self.groups.get_mut(group) {
            row.members.retain(|id| id != volume);
        }
        Ok(())
    }

    fn end_group(&mut self, id: &GroupId) -> Result<()> {
        if !self.group(id)?.members.is_empty() || self.group_mirrored(id) {
            return Err(Error::new(ErrorKind::InUse, format!("group {id} has members or a mirror")));
        }
        self.groups.remove(id);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Groups for FakeArray {
    async fn find(&self, name: &Name) -> Result<Option<Group>> {
        self.call("groups.find", |state| {
            let id = state.groups.iter().find(|(_, row)| row.name == *name).map(|(id, _)| id);
            id.map(|id| state.shown_group(id)).transpose()
        })
        .await
    }

    async fn get(&self, id: &GroupId) -> Result<Group> {
        self.call("groups.get", |state| state.shown_group(id)).await
    }

    async fn list(&self) -> Result<Vec<Group>> {
        self.call("groups.list", |state| state.groups.keys().map(|id| state.shown_group(id)).collect()).await
    }

    async fn create(&self, new: &NewGroup) -> Result<Group> {
        self.call("groups.create", |state| state.add_group(new)).await
    }

    async fn add(&self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        self.call("groups.add", |state| state.join(group, volume)).await
    }

    async fn remove(&self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        self.call("groups.remove", |state| state.leave(group, volume)).await
    }

    async fn delete(&self, id: &GroupId) -> Result<()> {
        self.call("groups.delete", |state| state.end_group(id)).await
    }
}
