//! Snapshots, which this family keeps among the volumes: names and WWNs are of one space.

use std::collections::HashMap;
use std::time::SystemTime;

use perilune_array::{
    Error, ErrorKind, GroupSnapshotId, Name, NewSnapshot, Owner, Result, Snapshot, SnapshotId, Snapshots,
    VolumeId,
};

use super::mark::{self, Marks};
use super::volumes::Shown;
use super::{Xiv, halfway, invalid, not_found};
use crate::fault;
use crate::protocol::Command;

impl Xiv {
    pub(super) async fn snapshot(&self, id: &SnapshotId) -> Result<Shown> {
        let found = self.by_wwn(id.as_str()).await?.filter(|shown| shown.master.is_some());
        found.ok_or_else(|| not_found(format_args!("snapshot {id}")))
    }

    /// The volume that a snapshot was taken of.
    pub(super) async fn master_of(&self, snapshot: &Shown) -> Result<Option<Shown>> {
        let Some(master) = &snapshot.master else { return Ok(None) };
        let found = self.listed(Command::new("vol_list").with("vol", master.clone())).await?;
        Ok(found.into_iter().find(|shown| shown.name == *master))
    }

    /// Whose it is: a member of a snapshot group bears its group's mark.
    async fn owner_of(&self, snapshot: &Shown) -> Result<Option<Owner>> {
        match &snapshot.snapshot_group {
            Some(group) => self.mark_of("snapshot_group", group).await,
            None => self.mark_of("volume", &snapshot.name).await,
        }
    }

    async fn whole(&self, shown: &Shown, owner: Option<Owner>) -> Result<Snapshot> {
        let volume = self.master_of(shown).await?;
        told(shown, volume.ok_or_else(|| not_found(format_args!("snapshot {}", shown.name)))?.id(), owner)
    }

    /// Snapshots in the port's words, with what all of them need read once.
    pub(super) async fn all_told(&self, all: &[Shown], of: impl Fn(&Shown) -> bool) -> Result<Vec<Snapshot>> {
        let masters: HashMap<&str, VolumeId> = all
            .iter()
            .filter(|shown| shown.master.is_none())
            .map(|shown| (shown.name.as_str(), shown.id()))
            .collect();
        let wanted: Vec<&Shown> = all.iter().filter(|shown| shown.master.is_some() && of(shown)).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let marks = self.marks("volume").await?;
        let grouped = wanted.iter().any(|shown| shown.snapshot_group.is_some());
        let group_marks = if grouped { self.marks("snapshot_group").await? } else { Marks::default() };
        let mut snapshots = Vec::new();
        for shown in wanted {
            let owner = match &shown.snapshot_group {
                Some(group) => group_marks.get(group),
                None => marks.get(&shown.name),
            };
            let master = shown.master.as_deref().and_then(|master| masters.get(master));
            if let Some(volume) = master {
                snapshots.push(told(shown, volume.clone(), owner.cloned())?);
            }
        }
        Ok(snapshots)
    }
}

/// The array tells times in its own zone, which `config_get` shows as UTC or as hours from it; these are its words.
pub(super) fn time(text: Option<&str>) -> Option<SystemTime> {
    let text = text?.trim();
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let plain = || text.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().ok();
    let zoned =
        zoned.or_else(|| plain()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp()));
    zoned.map(SystemTime::from)
}

pub(super) fn told(shown: &Shown, volume: VolumeId, owner: Option<Owner>) -> Result<Snapshot> {
    let created = time(shown.taken.as_deref());
    Ok(Snapshot {
        id: SnapshotId::new(shown.wwn.clone()),
        volume,
        name: mark::shown(&shown.name),
        size: shown.size,
        created: created
            .ok_or_else(|| fault::garbled("vol_list", "a snapshot's snapshot_time is no time"))?,
        ready: true,
        owner,
        group: shown.snapshot_group.clone().map(GroupSnapshotId::new),
        expires: None,
    })
}

#[async_trait::async_trait]
impl Snapshots for Xiv {
    async fn find(&self, volume: &VolumeId, name: &Name) -> Result<Vec<Snapshot>> {
        let all = match self.list(Some(volume)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            all => all?,
        };
        Ok(all.into_iter().filter(|snapshot| snapshot.name == *name).collect())
    }

    /// One whose mark was not written yet gets it now: the tag proves whose it is.
    async fn attempts(&self, volume: &VolumeId, name: &Name, owner: &Owner) -> Result<Vec<Snapshot>> {
        let Some(shown) = self.left(name, owner).await?.filter(|shown| shown.master.is_some()) else {
            return Ok(Vec::new());
        };
        if self.mark_of("volume", &shown.name).await?.is_none() {
            self.write_mark("volume", &shown.name, owner).await?;
        }
        let snapshot = self.whole(&shown, Some(owner.clone())).await?;
        Ok(Some(snapshot).into_iter().filter(|snapshot| snapshot.volume == *volume).collect())
    }

    async fn get(&self, id: &SnapshotId) -> Result<Snapshot> {
        let shown = self.snapshot(id).await?;
        let owner = self.owner_of(&shown).await?;
        self.whole(&shown, owner).await
    }

    async fn list(&self, volume: Option<&VolumeId>) -> Result<Vec<Snapshot>> {
        match volume {
            None => {
                let all = self.listed(Command::new("vol_list")).await?;
                self.all_told(&all, |_| true).await
            }
            Some(id) => {
                let master = self.volume(id).await?;
                let list = Command::new("snapshot_list").with("vol", master.name.clone());
                let mut all = self.listed(list).await?;
                all.push(master);
                self.all_told(&all, |_| true).await
            }
        }
    }

    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        self.admit_name(&new.name)?;
        if new.retention.is_some() {
            return Err(invalid("snapshots of this family stay until somebody deletes them"));
        }
        let volume = self.volume(&new.volume).await?;
        let name = mark::tagged(new.name.as_str(), &new.owner);
        let create = Command::new("snapshot_create").with("vol", volume.name).with("name", name.clone());
        let rows = self.call(create.with("delete_priority", "1")).await?;
        self.write_mark("volume", &name, &new.owner).await.map_err(halfway)?;
        let taken = match rows.first() {
            Some(row) if row.text("wwn").is_some() => Shown::read(row),
            _ => self.left(&new.name, &new.owner).await.and_then(|left| {
                left.ok_or_else(|| fault::garbled("snapshot_create", "the snapshot is not there afterwards"))
            }),
        };
        told(&taken.map_err(halfway)?, new.volume.clone(), Some(new.owner.clone())).map_err(halfway)
    }

    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        let shown = self.snapshot(id).await?;
        if let Some(group) = &shown.snapshot_group {
            let text = format!("snapshot {id} is part of group snapshot {group}");
            return Err(Error::new(ErrorKind::InUse, text));
        }
        self.prove("volume", &shown.name, owner).await?;
        self.act(Command::new("snapshot_delete").with("snapshot", shown.name)).await
    }

    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        let (found, snapshot) = (self.volume(volume).await?, self.snapshot(to).await?);
        if snapshot.master.as_ref() != Some(&found.name) {
            return Err(not_found(format_args!("snapshot {to} of volume {volume}")));
        }
        if snapshot.size != found.size || found.locked {
            let text = format!("volume {volume} is locked or was resized since snapshot {to}");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        self.unused(&found).await?;
        let restore = Command::new("snapshot_restore").with("snapshot", snapshot.name);
        self.act(restore).await.map_err(mirrored)
    }
}

/// A mirrored volume cannot go back in time: its state forbids it, not its use.
pub(super) fn mirrored(error: Error) -> Error {
    if fault::is(&error, "VOLUME_HAS_MIRROR") || fault::is(&error, "CONS_GROUP_HAS_MIRROR") {
        return Error::new(ErrorKind::WrongState, "it is mirrored; end or suspend the mirror first")
            .with_source(error);
    }
    error
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::time;

    #[test]
    fn a_time_is_read_in_either_form() {
        let wanted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_460_000_000);
        assert_eq!(time(Some("2016-04-07T03:33:20Z")), Some(wanted));
        assert_eq!(time(Some("2016-04-07 03:33:20")), Some(wanted));
        assert_eq!((time(Some("yesterday")), time(None)), (None, None));
    }
}
