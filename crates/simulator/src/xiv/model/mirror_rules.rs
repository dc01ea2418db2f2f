//! The commands on mirrors: what each does to one end or to both, and what it refuses.

use std::time::Duration;

use super::mirrors::{Coupling, End, Lag, Thing};
use super::schedules::SHORTEST;
use super::{Net, System};
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::Answer;

fn refused<T>(code: &str, text: &str) -> Result<T, Refusal> {
    Err(Refusal::new(code, text))
}

fn no_mirror<T>(thing: &Thing) -> Result<T, Refusal> {
    match thing {
        Thing::Volume(_) => refused("VOLUME_NO_MIRROR", "Volume does not have a mirror"),
        Thing::Group(_) => refused("CONS_GROUP_NO_MIRROR", "Consistency Group does not have a mirror"),
    }
}

impl Net {
    /// What the arguments name on this system.
    fn thing(&self, at: usize, arguments: &Arguments) -> Result<Thing, Refusal> {
        let system = &self.systems[at];
        match (arguments.text("vol"), arguments.text("cg")) {
            (Some(volume), None) => system.number(volume).map(Thing::Volume),
            (None, Some(group)) => system.group(group).map(|_| Thing::Group(group.to_owned())),
            _ => Err(codes::bad_arguments("Exactly one of 'vol' and 'cg' must be given")),
        }
    }

    /// The coupling of what the arguments name: its place, and those of its members.
    fn addressed(&self, at: usize, arguments: &Arguments) -> Result<(usize, Vec<usize>), Refusal> {
        let thing = self.thing(at, arguments)?;
        let place = |id: u64| self.couplings.iter().position(|coupling| coupling.id == id);
        let Some(coupling) = self.coupling(at, &thing) else { return no_mirror(&thing) };
        if coupling.parent.is_some() {
            return Err(codes::in_mirrored_group());
        }
        let members = self.couplings.iter().filter(|member| member.parent == Some(coupling.id));
        let members = members.filter_map(|member| place(member.id)).collect();
        place(coupling.id).map(|place| (place, members)).ok_or_else(codes::no_volume)
    }

    fn lag(&self, at: usize, arguments: &Arguments) -> Result<Option<Lag>, Refusal> {
        let kind = arguments.text("type").unwrap_or("sync_best_effort").to_ascii_lowercase();
        if kind == "sync_best_effort" {
            return Ok(None);
        }
        if kind != "async_interval" {
            return Err(codes::bad_value("type", &kind));
        }
        let seconds =
            arguments.number("rpo")?.ok_or_else(|| codes::bad_arguments("Missing argument 'rpo'"))?;
        if !(30..=86_400).contains(&seconds) {
            return Err(codes::bad_value("rpo", &seconds.to_string()));
        }
        let schedule = self.systems[at].schedule(arguments.text("schedule").unwrap_or(SHORTEST))?;
        let objective = Duration::from_secs(seconds);
        Ok(Some(Lag { objective, interval: schedule.interval.unwrap_or(Duration::MAX) }))
    }

    pub(crate) fn mirror_create(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let thing = self.thing(at, arguments)?;
        let there = self.target(at, arguments.needed("target")?)?;
        self.free_of_mirrors(at, &thing)?;
        self.reachable(at, there)?;
        if self.systems[at].shows_disks || self.systems[there].shows_disks {
            return refused("SIMULATOR_FAILURE", "Data of real disks is not carried to another system");
        }
        let lag = self.lag(at, arguments)?;
        if self.systems[at].limits.reached("mirrors", self.couplings.len()) {
            return refused("MAX_MIRRORS_REACHED", "Maximum number of mirrors already defined");
        }
        let peer = match &thing {
            Thing::Volume(number) => Thing::Volume(self.slave_volume(at, *number, there, arguments)?),
            Thing::Group(group) => self.slave_group(at, group, there, arguments)?,
        };
        if let Thing::Volume(number) = &peer {
            self.systems[there].lock(*number, true);
        }
        let schedule =
            |name: &str| arguments.text(name).filter(|_| lag.is_some()).unwrap_or_default().to_owned();
        let end =
            |at, thing, master, schedule| End { at, thing, master, active: false, gone: false, schedule };
        self.last_coupling += 1;
        let ends = [
            end(at, thing, true, schedule("schedule")),
            end(there, peer, false, schedule("remote_schedule")),
        ];
        let whole = matches!(ends[0].thing, Thing::Group(_));
        self.couplings.push(Coupling {
            id: self.last_coupling,
            ends,
            lag,
            parent: None,
            whole,
            behind: false,
            copying: None,
            equal_at: None,
        });
        Ok(Vec::new())
    }

    fn free_of_mirrors(&self, at: usize, thing: &Thing) -> Result<(), Refusal> {
        let system = &self.systems[at];
        match (thing, self.coupling(at, thing).and_then(|coupling| coupling.seen_from(at))) {
            (Thing::Volume(_), Some((mine, _))) if mine.master => {
                refused("VOLUME_IS_MASTER", "Volume is already a master of a mirror")
            }
            (Thing::Volume(_), Some(_)) => refused("VOLUME_IS_SLAVE", "Volume is defined as a slave volume"),
            (Thing::Group(_), Some(_)) => {
                refused("CONS_GROUP_HAS_MIRROR", "Mirror is defined for Consistency Group")
            }
            (Thing::Volume(number), None) => match system.volumes.get(number) {
                Some(volume) if volume.group.is_some() => {
                    refused("VOLUME_BELONGS_TO_CG", "Volume is part of a Consistency Group")
                }
                Some(volume) if volume.master.is_some() => {
                    refused("VOLUME_IS_SNAPSHOT", "Operation is not permitted on snapshot volume")
                }
                _ => Ok(()),
            },
            (Thing::Group(group), None) if !system.members(group).is_empty() => {
                refused("CONS_GROUP_NOT_EMPTY", "Consistency Group is not empty")
            }
            (Thing::Group(_), None) => Ok(()),
        }
    }

    /// Finds or makes the volume that is to follow.
    fn slave_volume(
        &mut self,
        at: usize,
        number: u64,
        there: usize,
        arguments: &Arguments,
    ) -> Result<u64, Refusal> {
        let name = new_name(arguments.needed("slave_vol")?)?;
        let master = self.systems[at].volumes.get(&number).ok_or_else(codes::no_volume)?.clone();
        let system = &mut self.systems[there];
        if arguments.flag("create_slave")? {
            let pool = arguments.needed("remote_pool")?.to_owned();
            if system.names.contains_key(&name) {
                return refused("REMOTE_VOLUME_EXISTS", "Volume name already exists on the remote system");
            }
            if !system.pools.contains_key(&pool) {
                return refused("REMOTE_VOLUME_BAD_POOL", "Pool does not exist on the remote system");
            }
            if system.limits.reached("volumes", system.volumes.len()) {
                return refused(
                    "REMOTE_MAX_VOLUMES_REACHED",
                    "Maximum number of volumes on the remote system reached",
                );
            }
            let full =
                |_| Refusal::new("NOT_ENOUGH_SPACE_ON_REMOTE_MACHINE", "No space on the remote system");
            system.check_room(&pool, system.taken(master.bytes)).map_err(full)?;
            return system.make_volume(name, pool, master.bytes);
        }
        let slave = system.volume(&name)?.clone();
        if let Some((end, _)) =
            self.coupling_of(there, slave.number).and_then(|coupling| coupling.seen_from(there))
        {
            let code = if end.master { "REMOTE_VOLUME_IS_MASTER" } else { "REMOTE_VOLUME_HAS_MIRROR" };
            return refused(code, "The remote volume has a mirror");
        }
        if slave.group.is_some() {
            return refused(
                "REMOTE_VOLUME_BELONGS_TO_CONS_GROUP",
                "The remote volume is in a Consistency Group",
            );
        }
        if slave.bytes != master.bytes {
            return refused("VOLUME_INCOMPATIBLE_SIZE", "The volumes' sizes differ");
        }
        Ok(slave.number)
    }

    fn slave_group(
        &self,
        at: usize,
        group: &str,
        there: usize,
        arguments: &Arguments,
    ) -> Result<Thing, Refusal> {
        let name = arguments.needed("slave_cg")?.to_owned();
        self.systems[there].group(&name)?;
        let thing = Thing::Group(name);
        self.free_of_mirrors(there, &thing)?;
        self.systems[at].group(group).map(|_| thing)
    }

    pub(crate) fn mirror_activate(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, members) = self.addressed(at, arguments)?;
        let coupling = &self.couplings[place];
        let Some((mine, other)) = coupling.seen_from(at) else { return Ok(Vec::new()) };
        if !mine.master {
            return refused("LOCAL_PEER_IS_NOT_MASTER", "Local peer is not the master");
        }
        if mine.active {
            return refused("SYNC_ALREADY_ACTIVE", "Mirror is already active");
        }
        self.reachable(at, other.at)?;
        if !coupling.one_master() {
            return refused("MIRROR_CONFIGURATION_ERROR", "Both peers believe to be the master");
        }
        self.set_active(place, &members, None, true);
        Ok(Vec::new())
    }

    pub(crate) fn mirror_deactivate(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, members) = self.addressed(at, arguments)?;
        let Some((mine, other)) = self.couplings[place].seen_from(at) else { return Ok(Vec::new()) };
        if !mine.active {
            return refused("SYNC_ALREADY_INACTIVE", "Mirror is already inactive");
        }
        let only = if self.linked(at, other.at) { None } else { Some(at) };
        self.set_active(place, &members, only, false);
        Ok(Vec::new())
    }

    /// Sets both ends, or only one, of a coupling and of its members.
    fn set_active(&mut self, place: usize, members: &[usize], only: Option<usize>, active: bool) {
        for place in [place].iter().chain(members) {
            for end in &mut self.couplings[*place].ends {
                if only.is_none_or(|at| end.at == at) {
                    end.active = active;
                }
            }
        }
    }

    pub(crate) fn mirror_delete(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, members) = self.addressed(at, arguments)?;
        let Some((mine, other)) = self.couplings[place].seen_from(at) else { return Ok(Vec::new()) };
        if mine.active {
            return refused("MIRROR_IS_ACTIVE", "Mirror is active");
        }
        let told = self.linked(at, other.at);
        for place in [place].iter().chain(&members) {
            for end in &mut self.couplings[*place].ends {
                end.gone |= told || end.at == at;
            }
        }
        self.couplings.retain(|coupling| coupling.ends.iter().any(|end| !end.gone));
        Ok(Vec::new())
    }

    pub(crate) fn mirror_switch_roles(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, members) = self.addressed(at, arguments)?;
        let coupling = &self.couplings[place];
        let Some((mine, _)) = coupling.seen_from(at) else { return Ok(Vec::new()) };
        if !mine.master {
            return refused("LOCAL_PEER_IS_NOT_MASTER", "Local peer is not the master");
        }
        let all: Vec<usize> = [place].into_iter().chain(members).collect();
        for place in &all {
            let coupling = &self.couplings[*place];
            if !self.operational(coupling) {
                return refused("MIRROR_IS_NON_OPERATIONAL", "Mirror is non-operational");
            }
            if !coupling.synchronized() {
                return refused("MIRROR_IS_NOT_SYNCHRONIZED", "Mirror is not synchronized");
            }
        }
        for place in all {
            if self.couplings[place].lag.is_some() {
                self.bring_up(place)?;
            }
            let ends = [self.couplings[place].ends[0].clone(), self.couplings[place].ends[1].clone()];
            for end in ends {
                self.set_role(place, end.at, !end.master);
            }
            if self.systems[at].switch_deactivates {
                self.set_active(place, &[], None, false);
            }
        }
        Ok(Vec::new())
    }

    /// The role of one end, and with it whether hosts may write there.
    fn set_role(&mut self, place: usize, at: usize, master: bool) {
        let Some(end) = self.couplings[place].end_mut(at) else { return };
        end.master = master;
        if let Thing::Volume(number) = end.thing {
            self.systems[at].lock(number, !master);
        }
    }

    pub(crate) fn mirror_change_role(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, members) = self.addressed(at, arguments)?;
        let Some((mine, _)) = self.couplings[place].seen_from(at) else { return Ok(Vec::new()) };
        let (was, active) = (mine.master, mine.active);
        let master = match arguments.text("new_role").map(str::to_ascii_lowercase).as_deref() {
            None => !was,
            Some("master") => true,
            Some("slave") => false,
            Some(other) => return Err(codes::bad_value("new_role", other)),
        };
        if master == was {
            return Ok(Vec::new());
        }
        let all: Vec<usize> = [place].into_iter().chain(members).collect();
        for coupling in all.iter().map(|place| &self.couplings[*place]) {
            if self.operational(coupling) || (was && active) {
                return refused("MIRROR_IS_ACTIVE", "Mirror is active");
            }
            if was && coupling.copying.is_some() {
                return refused("MIRROR_IS_INITIAL", "Mirror is initializing");
            }
            if master && !coupling.whole {
                return refused("MIRROR_IS_NOT_SYNCHRONIZED", "The slave is not consistent");
            }
        }
        for place in all {
            self.set_role(place, at, master);
            self.couplings[place].behind = true;
            self.set_active(place, &[], Some(at), false);
        }
        Ok(Vec::new())
    }

    pub(crate) fn mirror_change_schedule(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (place, _) = self.addressed(at, arguments)?;
        let name = arguments.needed("schedule")?.to_owned();
        let interval = self.systems[at].schedule(&name)?.interval.unwrap_or(Duration::MAX);
        let coupling = &mut self.couplings[place];
        let Some(lag) = &mut coupling.lag else {
            return refused("MIRROR_IS_SYNC", "Mirror is synchronous");
        };
        lag.interval = interval;
        if let Some(end) = coupling.end_mut(at) {
            end.schedule = name;
        }
        Ok(Vec::new())
    }

    /// A volume that joins a mirrored group brings its mirror along; the other system's volume joins too.
    pub(crate) fn join_mirrored(&mut self, at: usize, group: &str, volume: u64) -> Result<(), Refusal> {
        let own = self.coupling_of(at, volume).map(|coupling| coupling.id);
        let Some(whole) = self.group_coupling(at, group).cloned() else {
            return match own {
                Some(_) => refused("VOLUME_HAS_MIRROR", "Mirror is defined for volume"),
                None => Ok(()),
            };
        };
        let Some((mine, other)) = whole.seen_from(at) else { return Ok(()) };
        if !mine.master {
            return refused("CONS_GROUP_IS_SLAVE", "Consistency Group is a slave");
        }
        self.reachable(at, other.at)?;
        let Some(coupling) = own.and_then(|id| self.couplings.iter().find(|coupling| coupling.id == id))
        else {
            return refused("CONS_GROUP_MIRROR_PARAMS_MISMATCH", "Volume is not mirrored as the group is");
        };
        let peer = coupling.seen_from(at).map(|(mine, other)| (mine.clone(), other.clone()));
        let Some((vol_end, vol_peer)) = peer else { return Ok(()) };
        let alike = vol_end.master
            && vol_peer.at == other.at
            && coupling.lag.is_some() == whole.lag.is_some()
            && vol_end.active == mine.active;
        if !alike {
            return refused("CONS_GROUP_MIRROR_PARAMS_MISMATCH", "Volume is not mirrored as the group is");
        }
        if vol_end.active && !coupling.synchronized() {
            return refused("MIRROR_IS_NOT_SYNCHRONIZED", "Mirror is not synchronized");
        }
        let (Thing::Group(there), Thing::Volume(number)) = (&other.thing, &vol_peer.thing) else {
            return Ok(());
        };
        let id = coupling.id;
        if let Some(volume) = self.systems[other.at].volumes.get_mut(number) {
            volume.group = Some(there.clone());
        }
        self.couplings
            .iter_mut()
            .filter(|coupling| coupling.id == id)
            .for_each(|c| c.parent = Some(whole.id));
        Ok(())
    }

    pub(crate) fn leave_mirrored(&mut self, at: usize, group: &str, volume: u64) -> Result<(), Refusal> {
        let Some(whole) = self.group_coupling(at, group).cloned() else { return Ok(()) };
        let Some((mine, other)) = whole.seen_from(at) else { return Ok(()) };
        if !mine.master {
            return refused("CONS_GROUP_IS_SLAVE", "Consistency Group is a slave");
        }
        self.reachable(at, other.at)?;
        let Some((there, number)) = self.peer_of(at, volume) else { return Ok(()) };
        if let Some(volume) = self.systems[there].volumes.get_mut(&number) {
            volume.group = None;
        }
        let of = |coupling: &&mut Coupling| {
            coupling.seen_from(at).is_some_and(|(mine, _)| mine.thing == Thing::Volume(volume))
        };
        self.couplings.iter_mut().filter(of).for_each(|coupling| coupling.parent = None);
        Ok(())
    }
}

impl System {
    fn lock(&mut self, number: u64, locked: bool) {
        if let Some(volume) = self.volumes.get_mut(&number) {
            volume.locked = locked;
        }
    }
}
