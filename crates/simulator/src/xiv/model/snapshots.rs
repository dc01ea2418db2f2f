//! Snapshots of single volumes: taken, restored, ended.

use super::volumes::Volume;
use super::{Net, System};
use crate::xiv::arguments::Arguments;
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::Answer;

impl System {
    pub(crate) fn snapshot_named(&self, name: &str) -> Result<&Volume, Refusal> {
        let found = self.volume(name)?;
        if found.master.is_none() { Err(codes::not_a_snapshot()) } else { Ok(found) }
    }

    /// A snapshot as its master is now.
    pub(crate) fn take(
        &mut self,
        master: u64,
        name: String,
        priority: u8,
        group: Option<String>,
    ) -> Result<u64, Refusal> {
        let source = self.volumes.get(&master).cloned().ok_or_else(codes::no_volume)?;
        let (number, image) = (self.fresh_volume(), self.fresh_image());
        self.fabric.copy(source.image, image, source.bytes)?;
        let copied_from = Some(self.facts.wwn(master));
        self.insert(Volume {
            number,
            name,
            image,
            master: Some(master),
            snapshot_group: group,
            taken: Some(self.clock.now()),
            delete_priority: priority,
            modified: false,
            locked: true,
            group: None,
            class: None,
            copied_from,
            ..source
        });
        Ok(number)
    }

    /// A name as the array makes one where nobody gives it.
    fn automatic_name(&self, master: &str) -> String {
        let names = (1_u32..).map(|number| format!("{master}.snapshot_{number:05}"));
        names.into_iter().find(|name| !self.names.contains_key(name)).unwrap_or_default()
    }

    pub(crate) fn snapshot_list(&mut self, arguments: &Arguments) -> Answer {
        let number = self.number(arguments.needed("vol")?)?;
        let taken = self.volumes.values().filter(|volume| volume.master == Some(number));
        Ok(taken.map(|snapshot| self.show_volume(snapshot)).collect())
    }

    pub(crate) fn snapshot_delete(&mut self, arguments: &Arguments) -> Answer {
        let snapshot = self.snapshot_named(arguments.needed("snapshot")?)?;
        if snapshot.snapshot_group.is_some() {
            return Err(codes::part_of_snapshot_group());
        }
        if self.is_mapped(snapshot.number) {
            return Err(Refusal::new("SNAPSHOT_IS_MAPPED", "Snapshot is currently mapped"));
        }
        let number = snapshot.number;
        self.end(number)?;
        Ok(Vec::new())
    }

    pub(crate) fn snapshot_duplicate(&mut self, arguments: &Arguments) -> Answer {
        let source = self.snapshot_named(arguments.needed("snapshot")?)?.clone();
        let master = source.master.unwrap_or_default();
        let name = match arguments.text("name") {
            Some(name) => self.free_name(name)?,
            None => self.automatic_name(&source.name),
        };
        self.check_snapshot_room(&source.pool, 1)?;
        let number = self.take(master, name, source.delete_priority, None)?;
        let duplicate = self.volumes[&number].clone();
        self.fabric.revert(duplicate.image, source.image, source.bytes)?;
        if let Some(volume) = self.volumes.get_mut(&number) {
            (volume.bytes, volume.taken) = (source.bytes, source.taken);
        }
        Ok(vec![self.show_volume(&self.volumes[&number])])
    }

    pub(crate) fn snapshot_rename(&mut self, arguments: &Arguments) -> Answer {
        let number = self.snapshot_named(arguments.needed("snapshot")?)?.number;
        let name = self.free_name(arguments.needed("new_name")?)?;
        if let Some(volume) = self.volumes.get_mut(&number) {
            self.names.remove(&volume.name);
            self.names.insert(name.clone(), number);
            volume.name = name;
        }
        Ok(Vec::new())
    }
}

impl Net {
    pub(crate) fn snapshot_create(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let system = &self.systems[at];
        let master = system.volume(arguments.needed("vol")?)?.clone();
        if master.master.is_some() {
            return Err(Refusal::new("VOLUME_IS_SNAPSHOT", "Operation is not permitted on snapshot volume"));
        }
        let priority = arguments.number("delete_priority")?.unwrap_or(1);
        let priority = u8::try_from(priority).ok().filter(|priority| (1..=4).contains(priority));
        let priority = priority.ok_or_else(|| codes::bad_value("delete_priority", "out of range"))?;
        if let Some(overwrite) = arguments.text("overwrite") {
            let old = system.snapshot_named(overwrite)?.clone();
            if old.master != Some(master.number) {
                return Err(Refusal::new("SNAPSHOT_ILLEGAL_OVERWRITE", "Snapshot is of another volume"));
            }
            let now = system.clock.now();
            let system = &mut self.systems[at];
            system.fabric.revert(old.image, master.image, master.bytes)?;
            if let Some(volume) = system.volumes.get_mut(&old.number) {
                (volume.bytes, volume.taken, volume.modified, volume.locked) =
                    (master.bytes, Some(now), false, true);
            }
            return Ok(vec![system.show_volume(&system.volumes[&old.number])]);
        }
        self.consistent_for_snapshot(at, master.number)?;
        let system = &mut self.systems[at];
        let name = match arguments.text("name") {
            Some(name) => system.free_name(name)?,
            None => system.automatic_name(&master.name),
        };
        if system.limits.reached("volumes", system.volumes.len()) {
            return Err(codes::too_many_volumes());
        }
        system.check_snapshot_room(&master.pool, 1)?;
        let number = system.take(master.number, name, priority, None)?;
        Ok(vec![system.show_volume(&system.volumes[&number])])
    }

    /// Puts a volume, or another snapshot of it, back to what the snapshot holds.
    pub(crate) fn snapshot_restore(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let system = &self.systems[at];
        let snapshot = system.snapshot_named(arguments.needed("snapshot")?)?.clone();
        let target = match arguments.text("target_snapshot") {
            None => snapshot.master,
            Some(name) => Some(system.snapshot_named(name)?.number),
        };
        let target =
            target.and_then(|number| system.volumes.get(&number)).ok_or_else(codes::no_volume)?.clone();
        if target.locked && target.master.is_none() {
            return Err(codes::locked());
        }
        if self.coupling_of(at, target.number).is_some() {
            return Err(Refusal::new("VOLUME_HAS_MIRROR", "Mirror is defined for volume"));
        }
        let system = &mut self.systems[at];
        let more = system.taken(snapshot.bytes).saturating_sub(system.taken(target.bytes));
        if more > 0 {
            system.check_room(&target.pool, more)?;
        }
        system.fabric.revert(target.image, snapshot.image, snapshot.bytes)?;
        if let Some(volume) = system.volumes.get_mut(&target.number) {
            volume.bytes = snapshot.bytes;
        }
        Ok(Vec::new())
    }
}
