//! Snapshots of several volumes at one moment.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::identity::fresh_uuid;
use super::snapshots::Traits;
use super::{Cluster, next};
use crate::kernel::clock;

#[derive(Debug)]
pub(super) struct GroupSnapshot {
    pub(super) id: u64,
    pub(super) uuid: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) attributes: Map<String, Value>,
    pub(super) remote_replication: bool,
    /// Snapshot ids. The group goes with its last member.
    pub(super) members: Vec<u64>,
}

impl Cluster {
    pub(super) fn show_group_snapshot(&self, group: &GroupSnapshot) -> Value {
        let members = group.members.iter().filter_map(|id| self.snapshots.get(id));
        json!({
            "groupSnapshotID": group.id,
            "groupSnapshotUUID": group.uuid,
            "name": group.name,
            "createTime": clock::seconds(group.created),
            "status": "done",
            "enableRemoteReplication": group.remote_replication,
            "attributes": group.attributes,
            "members": members.map(|snapshot| self.show_snapshot(snapshot)).collect::<Vec<_>>(),
        })
    }

    /// The short form of members that a creation answers with.
    pub(super) fn show_members(&self, group: u64) -> Value {
        let members =
            self.group_snapshots.get(&group).map(|group| group.members.as_slice()).unwrap_or_default();
        let snapshots = members.iter().filter_map(|id| self.snapshots.get(id));
        let member = |s: &super::Snapshot| json!({"volumeID": s.volume, "snapshotID": s.id, "snapshotUUID": s.uuid, "checksum": "0x0"});
        snapshots.map(member).collect()
    }

    /// All members or none. Every member bears the group's name.
    pub(super) fn take_group_snapshot(
        &mut self,
        volumes: &[u64],
        name: String,
        traits: &Traits,
    ) -> Result<u64, Refusal> {
        volumes.iter().try_for_each(|volume| self.check_snapshot_room(*volume))?;
        let id = next(&mut self.counters.group_snapshot);
        let mut members = Vec::with_capacity(volumes.len());
        for volume in volumes {
            let member = self.take_snapshot(*volume, name.clone(), traits.clone(), None)?;
            if let Some(snapshot) = self.snapshots.get_mut(&member) {
                snapshot.group = Some(id);
            }
            members.push(member);
        }
        let group = GroupSnapshot {
            id,
            uuid: fresh_uuid(),
            name,
            created: self.clock.now(),
            attributes: traits.attributes.clone(),
            remote_replication: traits.remote_replication,
            members,
        };
        let sent = group.members.clone();
        self.group_snapshots.insert(id, group);
        sent.into_iter().for_each(|member| self.send_snapshot(member));
        Ok(id)
    }

    pub(crate) fn create_group_snapshot(&mut self, params: &mut Params) -> Answer {
        let mut volumes = params.needed_numbers("volumes")?;
        volumes.sort_unstable();
        volumes.dedup();
        let max = self.limits.get("volumesPerGroupSnapshotMax");
        if volumes.is_empty() || volumes.len() as u64 > max {
            return Err(codes::invalid(format!("volumes must name 1 to {max} volumes.")));
        }
        volumes.iter().try_for_each(|volume| self.active_volume(*volume).map(|_| ()))?;
        let name = self.snapshot_name(params)?.unwrap_or_else(|| clock::seconds(self.clock.now()));
        let traits = self.snapshot_traits(params)?;
        let id = self.take_group_snapshot(&volumes, name, &traits)?;
        let group = self.group_snapshots.get(&id).ok_or_else(|| codes::no_group_snapshot(id))?;
        Ok(json!({
            "groupSnapshotID": id,
            "groupSnapshot": self.show_group_snapshot(group),
            "members": self.show_members(id),
        }))
    }

    pub(crate) fn list_group_snapshots(&mut self, params: &mut Params) -> Answer {
        let id = params.id("groupSnapshotID")?;
        let volumes = params.numbers("volumes")?.filter(|volumes| !volumes.is_empty());
        if let Some(id) = id.filter(|id| !self.group_snapshots.contains_key(id)) {
            return Err(codes::no_group_snapshot(id));
        }
        let has_volume = |group: &&GroupSnapshot| {
            let mut members = group.members.iter().filter_map(|id| self.snapshots.get(id));
            volumes.as_ref().is_none_or(|volumes| members.any(|snapshot| volumes.contains(&snapshot.volume)))
        };
        let groups = self.group_snapshots.values().filter(|group| id.is_none_or(|id| id == group.id));
        let shown: Vec<Value> =
            groups.filter(has_volume).map(|group| self.show_group_snapshot(group)).collect();
        Ok(json!({"groupSnapshots": shown}))
    }

    /// Members change with their group.
    pub(crate) fn modify_group_snapshot(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("groupSnapshotID")?;
        let change = self.snapshot_change(params)?;
        let Some(group) = self.group_snapshots.get_mut(&id) else { return Err(codes::no_group_snapshot(id)) };
        change.name.iter().for_each(|name| group.name.clone_from(name));
        group.remote_replication = change.remote_replication.unwrap_or(group.remote_replication);
        let members = group.members.clone();
        members.into_iter().try_for_each(|member| self.change_snapshot(member, &change))?;
        let group = self.group_snapshots.get(&id).ok_or_else(|| codes::no_group_snapshot(id))?;
        Ok(json!({"groupSnapshot": self.show_group_snapshot(group)}))
    }

    pub(crate) fn delete_group_snapshot(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("groupSnapshotID")?;
        let save = params.flag("saveMembers")?.unwrap_or(false);
        let group = self.group_snapshots.get(&id).ok_or_else(|| codes::no_group_snapshot(id))?;
        for member in group.members.clone() {
            if !save {
                self.forget_snapshot(member)?;
            } else if let Some(snapshot) = self.snapshots.get_mut(&member) {
                snapshot.group = None;
            }
        }
        self.group_snapshots.remove(&id);
        Ok(json!({}))
    }

    pub(super) fn leave_group(&mut self, group: u64, snapshot: u64) {
        if let Some(members) = self.group_snapshots.get_mut(&group).map(|group| &mut group.members) {
            members.retain(|member| *member != snapshot);
            if members.is_empty() {
                self.group_snapshots.remove(&group);
            }
        }
    }
}
