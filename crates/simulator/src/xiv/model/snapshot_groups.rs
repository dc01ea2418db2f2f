//! Snapshots of a whole consistency group, taken at one moment and ended together.

use jiff::Timestamp;

use super::{Net, System};
use crate::kernel::clock;
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

/// Names of members are cut to this, one less than names may have.
const LONGEST: usize = 62;

#[derive(Clone, Debug)]
pub(crate) struct SnapshotGroup {
    pub(crate) id: u64,
    pub(crate) group: String,
    pub(crate) taken: Timestamp,
    pub(crate) locked: bool,
    pub(crate) delete_priority: u8,
}

impl System {
    fn snapshot_group(&self, name: &str) -> Result<&SnapshotGroup, Refusal> {
        self.snapshot_groups.get(name).ok_or_else(codes::no_snapshot_group)
    }

    /// Numbers of the snapshots in a snapshot group.
    pub(crate) fn taken_in(&self, name: &str) -> Vec<u64> {
        let taken = self.volumes.values().filter(|volume| volume.snapshot_group.as_deref() == Some(name));
        taken.map(|volume| volume.number).collect()
    }

    /// What a member snapshot is called.
    fn member_name(snapshot_group: &str, volume: &str) -> String {
        let mut name = format!("{snapshot_group}.{volume}");
        name.truncate(LONGEST);
        name
    }

    pub(crate) fn snap_group_list(&mut self, arguments: &Arguments) -> Answer {
        let (group, wanted) = (arguments.text("cg"), arguments.text("snap_group"));
        let found = self.snapshot_groups.iter().filter(|(name, taken)| {
            wanted.is_none_or(|wanted| wanted == *name) && group.is_none_or(|group| taken.group == group)
        });
        let show = |(name, taken): (&String, &SnapshotGroup)| {
            Row::new("snap_group", taken.id)
                .with("id", taken.id)
                .with("name", name)
                .with("cg", &taken.group)
                .with("snapshot_time", clock::seconds(taken.taken))
                .with("delete_priority", taken.delete_priority)
                .flag("locked", taken.locked)
        };
        Ok(found.map(show).collect())
    }

    pub(crate) fn snap_group_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("snap_group")?;
        let id = self.snapshot_group(name)?.id;
        let members = self.taken_in(name);
        if members.iter().any(|number| self.is_mapped(*number)) {
            return Err(Refusal::new("SNAPSHOT_IS_MAPPED", "Snapshot is currently mapped"));
        }
        members.into_iter().try_for_each(|number| self.end(number))?;
        self.snapshot_groups.remove(name);
        self.forget_metadata("snapshot_group", id);
        Ok(Vec::new())
    }

    pub(crate) fn snap_group_lock(&mut self, arguments: &Arguments) -> Answer {
        self.set_group_locked(arguments.needed("snap_group")?, true)
    }

    pub(crate) fn snap_group_unlock(&mut self, arguments: &Arguments) -> Answer {
        self.set_group_locked(arguments.needed("snap_group")?, false)
    }

    fn set_group_locked(&mut self, name: &str, locked: bool) -> Answer {
        let members = self.taken_in(name);
        self.snapshot_groups.get_mut(name).ok_or_else(codes::no_snapshot_group)?.locked = locked;
        for number in members {
            if let Some(volume) = self.volumes.get_mut(&number) {
                (volume.locked, volume.modified) = (locked, volume.modified || !locked);
            }
        }
        Ok(Vec::new())
    }
}

impl Net {
    pub(crate) fn cg_snapshots_create(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let group = arguments.needed("cg")?.to_owned();
        let system = &self.systems[at];
        let pool = system.group(&group)?.pool.clone();
        let members = system.members(&group);
        if members.is_empty() {
            return Err(Refusal::new("CONS_GROUP_EMPTY", "Consistency Group is empty"));
        }
        for number in &members {
            self.consistent_for_snapshot(at, *number)?;
        }
        if arguments.text("overwrite").is_some() {
            return self.overwrite(at, &group, arguments.needed("overwrite")?);
        }
        let system = &mut self.systems[at];
        let name = system.free_snapshot_group(arguments, &group)?;
        if system.limits.get("volumes") < (system.volumes.len() + members.len()) as u64 {
            return Err(codes::too_many_volumes());
        }
        system.check_snapshot_room(&pool, members.len() as u64)?;
        let named = |number: &u64| {
            let volume = system.volumes.get(number).map(|volume| volume.name.as_str());
            (*number, System::member_name(&name, volume.unwrap_or_default()))
        };
        let names: Vec<(u64, String)> = members.iter().map(named).collect();
        let distinct: std::collections::BTreeSet<&String> = names.iter().map(|(_, name)| name).collect();
        if distinct.len() < names.len() || names.iter().any(|(_, name)| system.names.contains_key(name)) {
            return Err(codes::volume_exists());
        }
        let (id, taken) = (system.fresh_object(), system.clock.now());
        for (number, member) in names {
            system.take(number, member, 1, Some(name.clone()))?;
        }
        let made = SnapshotGroup { id, group, taken, locked: true, delete_priority: 1 };
        system.snapshot_groups.insert(name, made);
        Ok(Vec::new())
    }

    /// Takes the group's snapshots anew, in the place of those of a snapshot group.
    fn overwrite(&mut self, at: usize, group: &str, name: &str) -> Answer {
        let system = &mut self.systems[at];
        if system.snapshot_group(name)?.group != group {
            return Err(Refusal::new(
                "OVERWRITE_SNAPSHOT_GROUP_DOES_NOT_BELONG_TO_GIVEN_GROUP",
                "Snapshot Group is of another Consistency Group",
            ));
        }
        let now = system.clock.now();
        for number in system.taken_in(name) {
            let Some(old) = system.volumes.get(&number).cloned() else { continue };
            let Some(master) = old.master.and_then(|master| system.volumes.get(&master)).cloned() else {
                continue;
            };
            system.fabric.revert(old.image, master.image, master.bytes)?;
            if let Some(volume) = system.volumes.get_mut(&number) {
                (volume.bytes, volume.taken) = (master.bytes, Some(now));
            }
        }
        if let Some(taken) = system.snapshot_groups.get_mut(name) {
            taken.taken = now;
        }
        Ok(Vec::new())
    }

    /// Puts every volume of the group back, or none.
    pub(crate) fn snap_group_restore(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let name = arguments.needed("snap_group")?;
        let system = &self.systems[at];
        system.snapshot_group(name)?;
        let mut pairs = Vec::new();
        for number in system.taken_in(name) {
            let snapshot = system.volumes.get(&number).cloned();
            let master = snapshot.as_ref().and_then(|taken| system.volumes.get(&taken.master?)).cloned();
            let (Some(snapshot), Some(master)) = (snapshot, master) else { continue };
            if master.locked {
                return Err(codes::locked());
            }
            if self.coupling_of(at, master.number).is_some() {
                return Err(Refusal::new("CONS_GROUP_HAS_MIRROR", "Mirror is defined for Consistency Group"));
            }
            pairs.push((snapshot, master));
        }
        let system = &mut self.systems[at];
        for (snapshot, master) in pairs {
            system.fabric.revert(master.image, snapshot.image, snapshot.bytes)?;
            if let Some(volume) = system.volumes.get_mut(&master.number) {
                volume.bytes = snapshot.bytes;
            }
        }
        Ok(Vec::new())
    }
}

impl System {
    fn free_snapshot_group(&self, arguments: &Arguments, group: &str) -> Result<String, Refusal> {
        let Some(name) = arguments.text("snap_group") else {
            let names = (1_u32..).map(|number| format!("{group}.snap_group_{number:05}"));
            return Ok(names
                .into_iter()
                .find(|name| !self.snapshot_groups.contains_key(name))
                .unwrap_or_default());
        };
        let name = new_name(name)?;
        if ["last-replicated", "most-recent"].iter().any(|prefix| name.starts_with(prefix)) {
            return Err(Refusal::new(
                "SNAPSHOT_GROUP_BAD_PREFIX",
                "Snapshot Group name has a reserved prefix",
            ));
        }
        if self.snapshot_groups.contains_key(&name) {
            return Err(Refusal::new("SNAPSHOT_GROUP_NAME_EXISTS", "Snapshot Group name already exists"));
        }
        Ok(name)
    }
}
