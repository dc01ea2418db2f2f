//! Snapshots of a cluster, told in the port's words.

use std::time::{Duration, SystemTime};

use perilune_array::{
    Error, ErrorKind, GroupSnapshotId, Name, NewSnapshot, Owner, Result, Size, Snapshot, SnapshotId,
    Snapshots, VolumeId,
};
use serde_json::Map;

use super::{Solidfire, mark, not_found, volumes};
use crate::fault;
use crate::protocol;
use crate::protocol::snapshot::{
    BySnapshot, CreateSnapshot, ListSnapshots, Rollback, SnapshotAnswer, SnapshotsAnswer, Traits,
};

/// More hours than any schedule asks for, and few enough for any field.
const LONGEST_HOURS: u64 = 87_600;

/// An id as the array writes it; anything else is no snapshot of this array.
pub(super) fn number(id: &SnapshotId) -> Result<u64> {
    id.as_str().parse().map_err(|_| not_found(format_args!("snapshot {id}")))
}

impl Solidfire {
    async fn listed_snapshots(&self, query: ListSnapshots) -> Result<Vec<protocol::snapshot::Snapshot>> {
        match self.session.call::<SnapshotsAnswer>("ListSnapshots", query).await {
            Ok(answer) => Ok(answer.snapshots),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn read_snapshot(&self, id: &SnapshotId) -> Result<protocol::snapshot::Snapshot> {
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
        may_put_back(&found, &snapshot)?;
        let ids = (found.id, snapshot.id);
        if self.used(&[found]).await?.is_some() {
            return Err(Error::new(ErrorKind::InUse, format!("hosts use volume {volume}")));
        }
        Ok(ids)
    }

    /// What a snapshot of these volumes is born with.
    pub(super) fn traits(
        &self,
        name: &Name,
        owner: &Owner,
        retention: Option<Duration>,
        volumes: &[u64],
    ) -> Result<Traits> {
        if !self.profile.snapshot_names.accepts(name.as_str()) {
            let text = format!("snapshot name {name} may have 1 to 64 letters, digits and hyphens");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let mirrored = volumes.iter().any(|volume| self.known().mirrored.contains(volume));
        Ok(Traits {
            attributes: mark::set(Map::new(), Some(owner))?,
            retention: retention.map(span).transpose()?,
            enable_remote_replication: mirrored.then_some(true),
        })
    }
}

/// A whole number of seconds, as the array writes it; a part of one is kept as a whole.
fn span(time: Duration) -> Result<String> {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > LONGEST_HOURS || time.is_zero() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("a snapshot is kept for a second up to {LONGEST_HOURS} hours, or for ever"),
        ));
    }
    Ok(format!("{hours:02}:{minutes:02}:{seconds:02}"))
}

pub(super) fn time(method: &str, text: &str) -> Result<SystemTime> {
    let time = text.parse::<jiff::Timestamp>().map(SystemTime::from);
    time.map_err(|_| fault::garbled(method, "a time is no time"))
}

/// Does the volume's state allow it to be put back?
pub(super) fn may_put_back(
    volume: &protocol::volume::Volume,
    snapshot: &protocol::snapshot::Snapshot,
) -> Result<()> {
    if volume.volume_pairs.is_empty() && snapshot.total_size == volume.total_size && volume.status == "active"
    {
        return Ok(());
    }
    let text = format!(
        "volume {} is mirrored, is still being made, or was resized since snapshot {}",
        volume.id, snapshot.id
    );
    Err(Error::new(ErrorKind::WrongState, text))
}

pub(super) fn shown(snapshot: protocol::snapshot::Snapshot) -> Result<Snapshot> {
    let timed = snapshot.expiration_time.as_deref().filter(|text| !matches!(*text, "" | "fifo"));
    Ok(Snapshot {
        id: SnapshotId::new(snapshot.id.to_string()),
        volume: VolumeId::new(snapshot.volume.to_string()),
        name: Name::new(snapshot.name),
        size: Size::bytes(snapshot.total_size),
        created: time("ListSnapshots", &snapshot.create_time)?,
        ready: matches!(snapshot.status.to_ascii_lowercase().as_str(), "done" | "active" | "cloning"),
        owner: mark::of(&snapshot.attributes),
        group: snapshot
            .group
            .filter(|group| *group != 0)
            .map(|group| GroupSnapshotId::new(group.to_string())),
        expires: timed.map(|text| time("ListSnapshots", text)).transpose()?,
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
        let query = ListSnapshots { volume: wanted, snapshot: None };
        let found = self.session.call::<SnapshotsAnswer>("ListSnapshots", query).await?.snapshots;
        let of_volume = found.into_iter().filter(|snapshot| wanted.is_none_or(|id| snapshot.volume == id));
        of_volume.map(shown).collect()
    }

    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        let volume = volumes::number(&new.volume)?;
        let traits = self.traits(&new.name, &new.owner, new.retention, &[volume])?;
        let params = CreateSnapshot { volume, name: new.name.as_str(), traits };
        shown(self.session.call::<SnapshotAnswer>("CreateSnapshot", params).await?.snapshot)
    }

    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        let found = self.read_snapshot(id).await?;
        mark::check(format_args!("snapshot {id}"), &found.attributes, owner)?;
        if let Some(group) = found.group.filter(|group| *group != 0) {
            let text = format!("snapshot {id} is part of group snapshot {group} and ends with it");
            return Err(Error::new(ErrorKind::InUse, text));
        }
        self.session.act("DeleteSnapshot", BySnapshot { snapshot: found.id }).await
    }

    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        let (volume, snapshot) = self.may_revert(volume, to).await?;
        self.session.act("RollbackToSnapshot", Rollback { volume, snapshot, save_current_state: false }).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::span;

    #[test]
    fn a_retention_is_written_in_hours_minutes_and_seconds() {
        assert_eq!(span(Duration::from_secs(3 * 86_400 + 61)).unwrap(), "72:01:01");
        assert_eq!(span(Duration::from_millis(1)).unwrap(), "00:00:01");
        for time in [Duration::ZERO, Duration::MAX] {
            span(time).unwrap_err();
        }
    }
}
