//! Putting volumes back to what a snapshot holds, its size included. Attributes and the other snapshots stay.

use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::retention::Retention;
use super::snapshots::Traits;
use super::volumes::Access;
use crate::kernel::clock;

impl Cluster {
    fn kept_traits(attributes: Map<String, Value>) -> Traits {
        Traits { attributes, remote_replication: false, retention: Retention::Forever, mirror_label: None }
    }

    pub(crate) fn rollback_to_snapshot(&mut self, params: &mut Params) -> Answer {
        let volume = params.needed_number("volumeID")?;
        let id = params.needed_number("snapshotID")?;
        self.active_volume(volume)?;
        let snapshot = self.snapshot_of(volume, id)?.clone();
        let name = self.snapshot_name(params)?.unwrap_or_else(|| format!("{}-copy", snapshot.name));
        let attributes = params.attributes()?.unwrap_or_default();
        self.check_revert(&[(volume, id)])?;
        let saved = if params.flag("saveCurrentState")?.unwrap_or(false) {
            self.check_snapshot_room(volume)?;
            Some(self.take_snapshot(volume, name, Self::kept_traits(attributes), None)?)
        } else {
            None
        };
        self.revert(volume, id)?;
        let shown = saved.and_then(|id| self.snapshots.get(&id)).map(|snapshot| self.show_snapshot(snapshot));
        Ok(json!({"checksum": "0x0", "snapshotID": saved, "snapshot": shown}))
    }

    pub(crate) fn rollback_to_group_snapshot(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("groupSnapshotID")?;
        let group = self.group_snapshots.get(&id).ok_or_else(|| codes::no_group_snapshot(id))?;
        let members: Vec<(u64, u64)> =
            group.members.iter().filter_map(|id| self.snapshots.get(id)).map(|s| (s.volume, s.id)).collect();
        let volumes: Vec<u64> = members.iter().map(|(volume, _)| *volume).collect();
        self.check_revert(&members)?;
        let name = self.snapshot_name(params)?.unwrap_or_else(|| clock::seconds(self.clock.now()));
        let attributes = params.attributes()?.unwrap_or_default();
        let saved = if params.flag("saveCurrentState")?.unwrap_or(false) {
            Some(self.take_group_snapshot(&volumes, name, &Self::kept_traits(attributes))?)
        } else {
            None
        };
        members.iter().try_for_each(|(volume, snapshot)| self.revert(*volume, *snapshot))?;
        let shown =
            saved.and_then(|id| self.group_snapshots.get(&id)).map(|group| self.show_group_snapshot(group));
        let kept = saved.map_or(json!([]), |id| self.show_members(id));
        Ok(json!({"members": kept, "groupSnapshotID": saved, "groupSnapshot": shown}))
    }

    /// Sizes go back too, which may mean growing. A target's data are its source's: it does not go back by itself.
    fn check_revert(&self, members: &[(u64, u64)]) -> Result<(), Refusal> {
        let mut growth = 0;
        for (volume, snapshot) in members {
            let size = self.snapshot(*snapshot)?.total_size;
            let record = self.active_volume(*volume)?;
            if record.access == Access::ReplicationTarget {
                return Err(codes::invalid(format!("VolumeID {volume} is a replication target.")));
            }
            growth += size.saturating_sub(record.total_size);
        }
        if growth > 0 { self.check_capacity(growth) } else { Ok(()) }
    }

    fn revert(&mut self, volume: u64, snapshot: u64) -> Result<(), Refusal> {
        let (source, size) = self.snapshot(snapshot).map(|snapshot| (snapshot.image, snapshot.total_size))?;
        let record = self.active_volume(volume)?;
        let (image, before) = (record.image, record.total_size);
        self.fabric.revert(image, source, size)?;
        self.capacity.provisioned = self.capacity.provisioned - before + size;
        self.volumes.get_mut(&volume).into_iter().for_each(|volume| volume.total_size = size);
        self.post(volume);
        Ok(())
    }
}
