//! Volumes, of which snapshots are a kind: names, sizes, copies, locks.

use jiff::Timestamp;

use super::{Net, System};
use crate::kernel::clock;
use crate::kernel::fabric::Image;
use crate::xiv::arguments::{Arguments, BLOCK, GB, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

/// Names that the system gives to snapshots of its own.
const RESERVED: &[&str] = &["last-replicated-", "most-recent", "most_recent", "most_updated"];

#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) pool: String,
    pub(crate) bytes: u64,
    pub(crate) image: Image,
    /// Of a snapshot: what it was taken of.
    pub(crate) master: Option<u64>,
    pub(crate) snapshot_group: Option<String>,
    pub(crate) taken: Option<Timestamp>,
    pub(crate) delete_priority: u8,
    pub(crate) modified: bool,
    pub(crate) locked: bool,
    pub(crate) group: Option<String>,
    pub(crate) class: Option<String>,
    /// WWN of what it was copied from, on systems that show it.
    pub(crate) copied_from: Option<String>,
}

impl System {
    pub(crate) fn volume(&self, name: &str) -> Result<&Volume, Refusal> {
        let found = self.names.get(name).and_then(|number| self.volumes.get(number));
        found.ok_or_else(codes::no_volume)
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.volume(name).map(|volume| volume.number)
    }

    pub(crate) fn is_mapped(&self, number: u64) -> bool {
        self.mapped.values().any(|mapped| mapped.values().any(|volume| *volume == number))
    }

    pub(crate) fn show_volume(&self, volume: &Volume) -> Row {
        let name_of = |number: Option<u64>| {
            number.and_then(|number| self.volumes.get(&number)).map_or("", |volume| volume.name.as_str())
        };
        let master = name_of(volume.master);
        let row = Row::new(
            if volume.master.is_some() { "snapshot" } else { "volume" },
            format!("{:x}", volume.number),
        )
        .with("id", format!("{:x}", volume.number))
        .with("name", &volume.name)
        .with("size", self.taken(volume.bytes) / GB)
        .with("size_MiB", volume.bytes / (1 << 20))
        .with("capacity", volume.bytes / BLOCK)
        .with("pool_name", &volume.pool)
        .with("cg_name", volume.group.as_deref().unwrap_or_default())
        .with("creator", "admin")
        .flag("locked", volume.locked)
        .with("wwn", self.facts.wwn(volume.number))
        .with("serial", volume.number)
        .with("master_name", master)
        .with("snapshot_of", master)
        .with("sg_name", volume.snapshot_group.as_deref().unwrap_or_default())
        .with("used_capacity", 0)
        .flag("modified", volume.modified)
        .with("delete_priority", volume.delete_priority)
        .with("snapshot_time", volume.taken.map_or_else(String::new, clock::seconds))
        .with("perf_class", volume.class.as_deref().unwrap_or_default());
        if self.facts.model.flash() {
            row.with("copy_master_wwn", volume.copied_from.as_deref().unwrap_or("Not Available"))
        } else {
            row
        }
    }

    /// A name that is free for a new volume or snapshot.
    pub(crate) fn free_name(&self, name: &str) -> Result<String, Refusal> {
        let name = new_name(name)?;
        if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(Refusal::new("VOLUME_BAD_PREFIX", "Volume name has a reserved prefix"));
        }
        if self.names.contains_key(&name) { Err(codes::volume_exists()) } else { Ok(name) }
    }

    pub(crate) fn insert(&mut self, volume: Volume) {
        self.names.insert(volume.name.clone(), volume.number);
        self.volumes.insert(volume.number, volume);
    }

    /// Bytes as this system makes them of a size.
    fn sized(&self, (bytes, in_gb): (u64, bool)) -> Result<u64, Refusal> {
        let bytes = if in_gb { bytes.next_multiple_of(self.facts.model.unit().max(BLOCK)) } else { bytes };
        if bytes == 0 {
            return Err(codes::bad_value("size_blocks", "0"));
        }
        if bytes > self.limits.get("volumeGiB") << 30 {
            return Err(Refusal::new("VOLUME_SIZE_ABOVE_LIMIT", "Volume size is above the limit"));
        }
        Ok(bytes)
    }

    /// A new volume of zeros; the caller has checked that there is room.
    pub(crate) fn make_volume(&mut self, name: String, pool: String, bytes: u64) -> Result<u64, Refusal> {
        let (number, image) = (self.fresh_volume(), self.fresh_image());
        self.fabric.create(image, bytes)?;
        self.insert(Volume {
            number,
            name,
            pool,
            bytes,
            image,
            master: None,
            snapshot_group: None,
            taken: None,
            delete_priority: 0,
            modified: false,
            locked: false,
            group: None,
            class: None,
            copied_from: None,
        });
        Ok(number)
    }

    pub(crate) fn vol_create(&mut self, arguments: &Arguments) -> Answer {
        let name = self.free_name(arguments.needed("vol")?)?;
        let pool = arguments.needed("pool")?.to_owned();
        let bytes = self.sized(arguments.size()?)?;
        self.pool(&pool)?;
        if self.limits.reached("volumes", self.volumes.len()) {
            return Err(codes::too_many_volumes());
        }
        self.check_room(&pool, self.taken(bytes))?;
        let number = self.make_volume(name, pool, bytes)?;
        Ok(vec![self.show_volume(&self.volumes[&number])])
    }

    pub(crate) fn vol_list(&mut self, arguments: &Arguments) -> Answer {
        if let Some(name) = arguments.text("vol") {
            new_name(name)?;
            return Ok(self.volume(name).map(|volume| self.show_volume(volume)).into_iter().collect());
        }
        if let Some(wwn) = arguments.text("wwn") {
            return Ok(self.by_wwn(wwn)?.map(|volume| self.show_volume(volume)).into_iter().collect());
        }
        let (pool, group) = (arguments.text("pool"), arguments.text("cg"));
        let wanted = |volume: &&Volume| {
            pool.is_none_or(|pool| volume.pool == pool)
                && group.is_none_or(|group| volume.group.as_deref() == Some(group))
        };
        Ok(self.volumes.values().filter(wanted).map(|volume| self.show_volume(volume)).collect())
    }

    fn by_wwn(&self, wwn: &str) -> Result<Option<&Volume>, Refusal> {
        let length = if self.facts.model.flash() { 32 } else { 16 };
        if wwn.len() != length || !wwn.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(codes::bad_value("wwn", wwn));
        }
        let tail = &wwn[length - length / 4 * 2..];
        let tail = if length == 16 { &tail[tail.len() - 4..] } else { tail };
        let number = u64::from_str_radix(tail, 16).map_err(|_| codes::bad_value("wwn", wwn))?;
        let found = self.volumes.get(&number);
        Ok(found.filter(|volume| self.facts.wwn(volume.number).eq_ignore_ascii_case(wwn)))
    }

    pub(crate) fn vol_rename(&mut self, arguments: &Arguments) -> Answer {
        let number = self.number(arguments.needed("vol")?)?;
        let name = self.free_name(arguments.needed("new_name")?)?;
        if let Some(volume) = self.volumes.get_mut(&number) {
            self.names.remove(&volume.name);
            self.names.insert(name.clone(), number);
            volume.name = name;
        }
        Ok(Vec::new())
    }

    pub(crate) fn vol_move(&mut self, arguments: &Arguments) -> Answer {
        let (volume, pool) =
            (self.volume(arguments.needed("vol")?)?.clone(), arguments.needed("pool")?.to_owned());
        self.pool(&pool)?;
        if volume.group.is_some() {
            return Err(Refusal::new("VOLUME_BELONGS_TO_CG", "Volume is part of a Consistency Group"));
        }
        if volume.master.is_some() {
            return Err(Refusal::new("VOLUME_IS_SNAPSHOT", "Operation is not permitted on snapshot volume"));
        }
        if volume.pool != pool {
            self.check_room(&pool, self.taken(volume.bytes))?;
        }
        for moved in self.volumes.values_mut() {
            if moved.number == volume.number || moved.master == Some(volume.number) {
                moved.pool.clone_from(&pool);
            }
        }
        Ok(Vec::new())
    }

    pub(crate) fn vol_unlock(&mut self, arguments: &Arguments) -> Answer {
        self.set_locked(arguments.needed("vol")?, false)
    }

    pub(crate) fn vol_lock(&mut self, arguments: &Arguments) -> Answer {
        self.set_locked(arguments.needed("vol")?, true)
    }

    fn set_locked(&mut self, name: &str, locked: bool) -> Answer {
        let number = self.number(name)?;
        if let Some(volume) = self.volumes.get_mut(&number) {
            if volume.snapshot_group.is_some() {
                return Err(codes::part_of_snapshot_group());
            }
            volume.modified |= volume.master.is_some() && !locked;
            volume.locked = locked;
        }
        Ok(Vec::new())
    }
}

impl Net {
    pub(crate) fn vol_resize(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let system = &self.systems[at];
        let volume = system.volume(arguments.needed("vol")?)?.clone();
        let bytes = system.sized(arguments.size()?)?;
        if volume.locked {
            return Err(codes::locked());
        }
        if bytes < volume.bytes && !arguments.flag("shrink_volume")? {
            return Err(Refusal::new("CAN_NOT_SHRINK_VOLUME", "Volume size cannot be decreased"));
        }
        // a mirrored volume grows on both sides or on none
        let mut all = vec![(at, volume.number)];
        if let Some(peer) = self.peer_of(at, volume.number) {
            self.reachable(at, peer.0)?;
            all.push(peer);
        }
        for (at, number) in &all {
            let system = &self.systems[*at];
            if let Some(volume) = system.volumes.get(number) {
                let more = system.taken(bytes).saturating_sub(system.taken(volume.bytes));
                if more > 0 {
                    system.check_room(&volume.pool, more)?;
                }
            }
        }
        all.into_iter().try_for_each(|(at, number)| self.systems[at].resize(number, bytes))?;
        Ok(Vec::new())
    }

    pub(crate) fn vol_delete(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let system = &self.systems[at];
        let volume = system.volume(arguments.needed("vol")?)?;
        let refused = |code, text| Err(Refusal::new(code, text));
        if volume.master.is_some() {
            return refused("VOLUME_IS_SNAPSHOT", "Operation is not permitted on snapshot volume");
        }
        if system.is_mapped(volume.number) {
            return refused("VOLUME_IS_MAPPED", "Volume that is mapped to a host cannot be deleted");
        }
        if self.coupling_of(at, volume.number).is_some() {
            return refused("VOLUME_HAS_MIRROR", "Mirror is defined for volume");
        }
        if volume.group.is_some() {
            return refused("VOLUME_BELONGS_TO_CG", "Volume is part of a Consistency Group");
        }
        let number = volume.number;
        self.systems[at].end_with_snapshots(number)?;
        Ok(Vec::new())
    }

    pub(crate) fn vol_copy(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let unknown = |code: &'static str| move |_| Refusal::new(code, "Volume name does not exist");
        let system = &self.systems[at];
        let source =
            system.volume(arguments.needed("vol_src")?).map_err(unknown("SOURCE_VOLUME_BAD_NAME"))?.clone();
        let target =
            system.volume(arguments.needed("vol_trg")?).map_err(unknown("TARGET_VOLUME_BAD_NAME"))?.clone();
        if target.locked {
            return Err(codes::locked());
        }
        if source.number == target.number || target.master.is_some() {
            return Err(Refusal::new("TARGET_VOLUME_BAD_NAME", "Target is no volume to copy to"));
        }
        if self.coupling_of(at, target.number).is_some() {
            return Err(Refusal::new("VOLUME_HAS_MIRROR", "Mirror is defined for volume"));
        }
        let more = system.taken(source.bytes).saturating_sub(system.taken(target.bytes));
        if more > 0 {
            system.check_room(&target.pool, more)?;
        }
        let wwn = system.facts.wwn(source.number);
        let system = &mut self.systems[at];
        system.fabric.revert(target.image, source.image, source.bytes)?;
        if let Some(volume) = system.volumes.get_mut(&target.number) {
            (volume.bytes, volume.copied_from) = (source.bytes, Some(wwn));
        }
        Ok(Vec::new())
    }

    pub(crate) fn vol_format(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let volume = self.systems[at].volume(arguments.needed("vol")?)?.clone();
        if volume.locked {
            return Err(codes::locked());
        }
        if self.coupling_of(at, volume.number).is_some() {
            return Err(Refusal::new("VOLUME_HAS_MIRROR", "Mirror is defined for volume"));
        }
        let system = &mut self.systems[at];
        let blank = system.fresh_image();
        system.fabric.create(blank, volume.bytes)?;
        system.fabric.revert(volume.image, blank, volume.bytes)?;
        system.fabric.delete(blank)?;
        Ok(Vec::new())
    }
}

impl System {
    fn resize(&mut self, number: u64, bytes: u64) -> Result<(), Refusal> {
        if let Some(volume) = self.volumes.get_mut(&number) {
            self.fabric.grow(volume.image, bytes)?;
            volume.bytes = bytes;
        }
        Ok(())
    }

    /// Ends a volume and, as the array does, the snapshots of it.
    pub(crate) fn end_with_snapshots(&mut self, number: u64) -> Result<(), Refusal> {
        let snapshots = self.volumes.values().filter(|volume| volume.master == Some(number));
        let mapped = snapshots.clone().any(|snapshot| self.is_mapped(snapshot.number));
        if mapped {
            return Err(Refusal::new("SNAPSHOT_IS_MAPPED", "A snapshot of the volume is mapped"));
        }
        let all: Vec<u64> = snapshots.map(|snapshot| snapshot.number).chain([number]).collect();
        all.into_iter().try_for_each(|number| self.end(number))
    }

    /// Ends one volume or snapshot and forgets all that speaks of it.
    pub(crate) fn end(&mut self, number: u64) -> Result<(), Refusal> {
        let Some(volume) = self.volumes.get(&number).cloned() else { return Ok(()) };
        self.fabric.delete(volume.image)?;
        self.names.remove(&volume.name);
        self.volumes.remove(&number);
        self.forget_metadata("volume", number);
        if let Some(group) = &volume.snapshot_group {
            let left = self.volumes.values().any(|other| other.snapshot_group.as_ref() == Some(group));
            if !left {
                self.snapshot_groups.remove(group);
            }
        }
        Ok(())
    }
}
