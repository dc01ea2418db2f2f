//! Volumes of the in-memory array.

use std::collections::BTreeMap;

use super::state::{Copying, State, VolumeRow, check_owner};
use super::{FakeArray, not_found};
use crate::{
    Error, ErrorKind, Name, NewVolume, Owner, Page, PageToken, QosWish, Rename, Result, Size, Source, Volume,
    VolumeId, Volumes,
};

impl State {
    fn shown(&self, id: &VolumeId) -> Result<Volume> {
        self.volumes
            .get(id)
            .map(|row| self.show(id, row))
            .ok_or_else(|| not_found(format_args!("volume {id}")))
    }

    /// What `create` and `copy` check alike; gives the rounded size.
    fn admit(&self, new: &NewVolume) -> Result<Size> {
        if !self.profile.volume_names.accepts(new.name.as_str()) {
            return Err(Error::new(ErrorKind::Invalid, format!("volume name {} is not allowed", new.name)));
        }
        let size = self.fit(new.size)?;
        if !self.limits.names_repeat && self.volumes.values().any(|v| v.name == new.name) {
            return Err(Error::new(ErrorKind::Exists, format!("volume name {} is taken", new.name)));
        }
        if self.volumes.len() >= self.limits.volumes {
            return Err(Error::new(ErrorKind::LimitReached, "array holds no more volumes"));
        }
        self.room(&new.pool, size.get())?;
        Ok(size)
    }

    pub(super) fn add_volume(
        &mut self,
        new: &NewVolume,
        owner: Option<Owner>,
        copying: Option<Copying>,
    ) -> Result<Volume> {
        let size = self.admit(new)?;
        let qos = new.qos.as_ref().map(|wish| self.throughput(wish)).transpose()?;
        let number = self.next();
        let id = VolumeId::new(format!("{number}"));
        let row = VolumeRow {
            name: new.name.clone(),
            pool: new.pool.clone(),
            size,
            owner,
            content: String::new(),
            faulted: false,
            copying,
            mapped: BTreeMap::new(),
            session: false,
            number,
        };
        let shown = self.show(&id, &row);
        self.volumes.insert(id.clone(), row);
        self.qos.extend(qos.map(|qos| (id, qos)));
        Ok(shown)
    }

    /// Content and size of a source that may be read.
    fn source(&self, source: &Source) -> Result<(String, Size, Copying)> {
        let (volume, snapshot) = match source {
            Source::Volume(id) => (id, None),
            Source::Snapshot(id, volume) => (volume, Some(id)),
        };
        let copying = Copying {
            polls_left: self.limits.polls_to_copy,
            volume: volume.clone(),
            snapshot: snapshot.cloned(),
        };
        if let Some(id) = snapshot {
            let row = self.snapshots.get(id).filter(|row| row.snapshot.volume == *volume);
            let row = row.ok_or_else(|| not_found(format_args!("snapshot {id} of volume {volume}")))?;
            return Ok((row.content.clone(), row.snapshot.size, copying));
        }
        let row = self.volumes.get(volume).ok_or_else(|| not_found(format_args!("volume {volume}")))?;
        Ok((row.content.clone(), row.size, copying))
    }

    fn copy_volume(&mut self, new: &NewVolume, source: &Source) -> Result<Volume> {
        let (content, size, copying) = self.source(source)?;
        if self.volumes.values().filter(|v| v.copying.is_some()).count() >= self.limits.copies_at_once {
            return Err(Error::new(ErrorKind::Busy, "array makes as many copies as it can"));
        }
        let wanted = self.fit(new.size)?;
        if wanted < size && self.profile.copy_may_grow {
            let text = format!("a copy of {size} cannot be made with {wanted}");
            return Err(Error::new(ErrorKind::OutOfRange, text));
        }
        let size = if self.profile.copy_may_grow { wanted } else { size };
        let inherited = self.qos.get(&copying.volume).copied().map(QosWish::Limits);
        let qos = if self.profile.copy_takes_qos { new.qos.clone().or(inherited) } else { inherited };
        let new = NewVolume { size, qos, ..new.clone() };
        let made = self.add_volume(&new, Some(new.owner.clone()), Some(copying))?;
        self.volume(&made.id)?.content = content;
        Ok(made)
    }

    fn resize_volume(&mut self, id: &VolumeId, size: Size) -> Result<Volume> {
        let wanted = self.fit(size)?;
        let (present, pool) = {
            let row = self.volume(id)?;
            (row.size, row.pool.clone())
        };
        if wanted < present {
            return Err(Error::new(ErrorKind::OutOfRange, format!("volume {id} of {present} cannot shrink")));
        }
        if wanted > present {
            if self.mirrored(id) || self.volume(id)?.copying.is_some() {
                return Err(Error::new(
                    ErrorKind::WrongState,
                    format!("volume {id} is mirrored or being copied"),
                ));
            }
            self.room(&pool, wanted.get() - present.get())?;
            self.volume(id)?.size = wanted;
        }
        self.shown(id)
    }

    fn delete_volume(&mut self, id: &VolumeId, owner: &Owner) -> Result<()> {
        check_owner(format_args!("volume {id}"), self.volume(id)?.owner.as_ref(), owner)?;
        let used = if !self.volume(id)?.mapped.is_empty() {
            Some("mapped")
        } else if self.mirrored(id) {
            Some("mirrored")
        } else if self.groups.values().any(|g| g.members.contains(id)) {
            Some("in a group")
        } else if self.volumes.values().any(|v| v.copying.as_ref().is_some_and(|c| c.volume == *id)) {
            Some("being copied")
        } else {
            None
        };
        if let Some(used) = used {
            return Err(Error::new(ErrorKind::InUse, format!("volume {id} is {used}")));
        }
        self.volumes.remove(id);
        self.qos.remove(id);
        if !self.profile.snapshots_outlive_volume {
            self.snapshots.retain(|_, row| row.snapshot.volume != *id);
            for row in self.group_snapshots.values_mut() {
                row.snapshots.retain(|id| self.snapshots.contains_key(id));
            }
        }
        Ok(())
    }

    fn rename_volume(&mut self, id: &VolumeId, name: &Name) -> Result<Volume> {
        if !self.profile.volume_names.accepts(name.as_str()) {
            return Err(Error::new(ErrorKind::Invalid, format!("volume name {name} is not allowed")));
        }
        self.volume(id)?;
        let taken = self.volumes.iter().any(|(other, row)| other != id && row.name == *name);
        if taken && !self.limits.names_repeat {
            return Err(Error::new(ErrorKind::Exists, format!("volume name {name} is taken")));
        }
        self.volume(id)?.name = name.clone();
        self.shown(id)
    }

    fn page(&mut self, from: Option<&PageToken>) -> Result<Page<Volume>> {
        let prefix = format!("{}/", self.id);
        let start = match from {
            None => 0,
            Some(token) => {
                token.0.strip_prefix(&prefix).and_then(|n| n.parse::<u64>().ok()).ok_or_else(|| {
                    Error::new(ErrorKind::Invalid, format!("page token {} is not of this array", token.0))
                })?
            }
        };
        let mut numbers: Vec<_> = self.volumes.iter().map(|(id, row)| (row.number, id.clone())).collect();
        numbers.sort_unstable();
        numbers.retain(|(number, _)| *number >= start);
        let next = numbers.get(self.limits.page).map(|(number, _)| PageToken(format!("{prefix}{number}")));
        numbers.truncate(self.limits.page);
        let items = numbers.iter().map(|(_, id)| {
            self.look(id);
            self.shown(id)
        });
        Ok(Page { items: items.collect::<Result<_>>()?, next })
    }
}

#[async_trait::async_trait]
impl Volumes for FakeArray {
    async fn find(&self, name: &Name) -> Result<Vec<Volume>> {
        self.call("volumes.find", |state| {
            let ids: Vec<_> =
                state.volumes.iter().filter(|(_, row)| row.name == *name).map(|(id, _)| id.clone()).collect();
            ids.iter()
                .map(|id| {
                    state.look(id);
                    state.shown(id)
                })
                .collect()
        })
        .await
    }

    async fn get(&self, id: &VolumeId) -> Result<Volume> {
        self.call("volumes.get", |state| {
            state.look(id);
            state.shown(id)
        })
        .await
    }

    async fn list(&self, from: Option<&PageToken>) -> Result<Page<Volume>> {
        self.call("volumes.list", |state| state.page(from)).await
    }

    async fn create(&self, new: &NewVolume) -> Result<Volume> {
        self.call("volumes.create", |state| state.add_volume(new, Some(new.owner.clone()), None)).await
    }

    async fn copy(&self, new: &NewVolume, source: &Source) -> Result<Volume> {
        self.call("volumes.copy", |state| state.copy_volume(new, source)).await
    }

    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume> {
        self.call("volumes.resize", |state| state.resize_volume(id, size)).await
    }

    async fn delete(&self, id: &VolumeId, owner: &Owner) -> Result<()> {
        self.call("volumes.delete", |state| state.delete_volume(id, owner)).await
    }

    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()> {
        self.call("volumes.mark", |state| {
            state.volume(id)?.owner = owner.cloned();
            Ok(())
        })
        .await
    }
}

#[async_trait::async_trait]
impl Rename for FakeArray {
    async fn rename(&self, id: &VolumeId, name: &Name) -> Result<Volume> {
        self.call("rename.rename", |state| state.rename_volume(id, name)).await
    }
}
