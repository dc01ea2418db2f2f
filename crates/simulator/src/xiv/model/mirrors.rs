//! Couplings: two volumes, or two consistency groups, of two systems, and what each end believes.
//!
//! The commands and what they refuse are in [`super::mirror_rules`]; here is the state, its progress with time, and how it
//! is shown.

use std::time::Duration;

use jiff::Timestamp;

use super::Net;
use crate::kernel::clock;
use crate::kernel::fabric::FabricError;
use crate::xiv::arguments::Arguments;
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Volume(u64),
    Group(String),
}

#[derive(Clone, Debug)]
pub(crate) struct End {
    /// The system's place in the net.
    pub(crate) at: usize,
    pub(crate) thing: Thing,
    pub(crate) master: bool,
    pub(crate) active: bool,
    /// Deleted here while the other system could not be told.
    pub(crate) gone: bool,
    pub(crate) schedule: String,
}

/// How a mirror that is not synchronous keeps up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lag {
    pub(crate) objective: Duration,
    pub(crate) interval: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Coupling {
    pub(crate) id: u64,
    /// The one that made it is first.
    pub(crate) ends: [End; 2],
    /// None: synchronous.
    pub(crate) lag: Option<Lag>,
    /// The group's coupling that it is a part of.
    pub(crate) parent: Option<u64>,
    /// Was the slave ever a whole copy?
    pub(crate) whole: bool,
    /// The master may have what the slave has not.
    pub(crate) behind: bool,
    /// A copy is under way, until then.
    pub(crate) copying: Option<Timestamp>,
    /// When the slave was last equal.
    pub(crate) equal_at: Option<Timestamp>,
}

impl Coupling {
    /// This system's end and the other.
    pub(crate) fn seen_from(&self, at: usize) -> Option<(&End, &End)> {
        let [one, other] = &self.ends;
        [(one, other), (other, one)].into_iter().find(|(mine, _)| mine.at == at && !mine.gone)
    }

    pub(crate) fn end_mut(&mut self, at: usize) -> Option<&mut End> {
        self.ends.iter_mut().find(|end| end.at == at)
    }

    pub(crate) fn one_master(&self) -> bool {
        self.ends[0].master != self.ends[1].master && self.ends.iter().all(|end| !end.gone)
    }

    pub(crate) fn active(&self) -> bool {
        self.ends.iter().all(|end| end.active)
    }

    pub(crate) fn synchronized(&self) -> bool {
        self.whole && !self.behind && self.copying.is_none()
    }
}

impl Net {
    pub(crate) fn linked(&self, one: usize, other: usize) -> bool {
        [one, other].iter().all(|at| self.systems[*at].linked && self.systems[*at].online)
    }

    pub(crate) fn operational(&self, coupling: &Coupling) -> bool {
        coupling.active() && coupling.one_master() && self.linked(coupling.ends[0].at, coupling.ends[1].at)
    }

    /// The coupling of a volume, as far as this system knows of one.
    pub(crate) fn coupling_of(&self, at: usize, volume: u64) -> Option<&Coupling> {
        self.coupling(at, &Thing::Volume(volume))
    }

    pub(crate) fn group_coupling(&self, at: usize, group: &str) -> Option<&Coupling> {
        self.coupling(at, &Thing::Group(group.to_owned()))
    }

    pub(crate) fn coupling(&self, at: usize, thing: &Thing) -> Option<&Coupling> {
        self.couplings
            .iter()
            .find(|coupling| coupling.seen_from(at).is_some_and(|(mine, _)| mine.thing == *thing))
    }

    /// The other volume of a mirrored one.
    pub(crate) fn peer_of(&self, at: usize, volume: u64) -> Option<(usize, u64)> {
        let (_, other) = self.coupling_of(at, volume)?.seen_from(at)?;
        match &other.thing {
            Thing::Volume(number) if !other.gone => Some((other.at, *number)),
            _ => None,
        }
    }

    /// Refuses what needs both systems where they do not see each other.
    pub(crate) fn reachable(&self, at: usize, other: usize) -> Result<(), Refusal> {
        if self.linked(at, other) {
            return Ok(());
        }
        Err(Refusal::new(
            "REMOTE_TARGET_NOT_CONNECTED",
            "There is currently no connection to the remote target",
        ))
    }

    /// A slave whose content is of no one moment, or that only follows from time to time, gives no snapshots.
    pub(crate) fn consistent_for_snapshot(&self, at: usize, volume: u64) -> Result<(), Refusal> {
        let Some(coupling) = self.coupling_of(at, volume) else { return Ok(()) };
        let slave = coupling.seen_from(at).is_some_and(|(mine, _)| !mine.master);
        if slave && (coupling.lag.is_some() || !coupling.whole || coupling.copying.is_some()) {
            return Err(Refusal::new("VOLUME_IS_SLAVE", "Operation is not permitted on this slave volume"));
        }
        Ok(())
    }

    /// Lets time do its work on every coupling.
    pub(crate) fn tick(&mut self) -> Result<(), Refusal> {
        for index in 0..self.couplings.len() {
            let coupling = &self.couplings[index];
            let now = self.systems[coupling.ends[0].at].clock.now();
            let (operational, delay) =
                (self.operational(coupling), self.systems[coupling.ends[0].at].copying);
            let due = |since: Option<Timestamp>, lag: Lag| {
                since.is_none_or(|since| clock::after(since, lag.interval) <= now)
            };
            let copy = match (operational, coupling.copying) {
                (false, _) => {
                    let coupling = &mut self.couplings[index];
                    (coupling.behind, coupling.copying) = (coupling.whole, None);
                    false
                }
                (true, Some(until)) => until <= now,
                (true, None) if !coupling.whole || coupling.behind => {
                    self.couplings[index].copying = Some(clock::after(now, delay));
                    delay.is_zero()
                }
                (true, None) => coupling.lag.is_some_and(|lag| due(coupling.equal_at, lag)),
            };
            if copy {
                self.bring_up(index)?;
            }
        }
        Ok(())
    }

    /// Makes the slave equal to its master.
    pub(crate) fn bring_up(&mut self, index: usize) -> Result<(), Refusal> {
        let coupling = self.couplings[index].clone();
        let [one, other] = &coupling.ends;
        let (master, slave) = if one.master { (one, other) } else { (other, one) };
        if let (Thing::Volume(from), Thing::Volume(to)) = (&master.thing, &slave.thing) {
            self.transfer((master.at, *from), (slave.at, *to))?;
        }
        let now = self.systems[master.at].clock.now();
        let coupling = &mut self.couplings[index];
        (coupling.whole, coupling.behind, coupling.copying) = (true, false, None);
        coupling.equal_at = Some(now);
        Ok(())
    }

    fn transfer(&mut self, from: (usize, u64), to: (usize, u64)) -> Result<(), Refusal> {
        let source = self.systems[from.0].volumes.get(&from.1).ok_or_else(codes::no_volume)?.clone();
        let target = self.systems[to.0].volumes.get(&to.1).ok_or_else(codes::no_volume)?.clone();
        let content = self.systems[from.0].fabric.content(source.image);
        let content = content.ok_or_else(|| FabricError("disks here cannot be mirrored".to_owned()))?;
        self.systems[to.0].fabric.absorb(target.image, &content)?;
        Ok(())
    }

    /// Where a host's write to this volume goes as well, at once.
    pub(crate) fn written_too(&self, at: usize, volume: u64) -> Option<(usize, u64)> {
        let coupling = self.coupling_of(at, volume)?;
        let (mine, _) = coupling.seen_from(at)?;
        let at_once =
            mine.master && coupling.lag.is_none() && coupling.synchronized() && self.operational(coupling);
        at_once.then(|| self.peer_of(at, volume)).flatten()
    }

    pub(crate) fn name_of(&self, end: &End) -> String {
        match &end.thing {
            Thing::Volume(number) => {
                self.systems[end.at].volumes.get(number).map(|volume| volume.name.clone()).unwrap_or_default()
            }
            Thing::Group(name) => name.clone(),
        }
    }

    fn sync_state(&self, coupling: &Coupling, mine: &End) -> &'static str {
        let good = coupling.synchronized() && self.operational(coupling);
        match (coupling.whole, coupling.lag, mine.master) {
            (false, _, _) => "Initializing",
            (true, Some(lag), _) => {
                let now = self.systems[mine.at].clock.now();
                let fresh = coupling.equal_at.is_some_and(|at| now <= clock::after(at, lag.objective));
                if fresh { "RPO OK" } else { "RPO Lagging" }
            }
            (true, None, true) if good => "Synchronized",
            (true, None, true) => "Unsynchronized",
            (true, None, false) if coupling.copying.is_some() => "Inconsistent",
            (true, None, false) => "Consistent",
        }
    }

    fn show_end(&self, coupling: &Coupling, mine: &End, other: &End) -> Row {
        let object = if matches!(mine.thing, Thing::Group(_)) { "CG" } else { "Volume" };
        let designation = if coupling.ends[0].at == mine.at { "Primary" } else { "Secondary" };
        let both_masters = mine.master && other.master && !other.gone;
        let objective = coupling.lag.map_or_else(String::new, |lag| lag.objective.as_secs().to_string());
        let equal_at = coupling.lag.and(coupling.equal_at).map_or_else(String::new, clock::seconds);
        let progress = if coupling.copying.is_some() { 50 } else { 100 };
        Row::new("mirror", coupling.id)
            .with("mirror_object", object)
            .with("local_peer_name", self.name_of(mine))
            .with("remote_peer_name", self.name_of(other))
            .with("target_name", &self.systems[other.at].facts.name)
            .with("designation", designation)
            .with("current_role", if mine.master { "Master" } else { "Slave" })
            .with("sync_type", if coupling.lag.is_some() { "async_interval" } else { "sync_best_effort" })
            .with("sync_state", self.sync_state(coupling, mine))
            .with("sync_progress", progress)
            .flag("active", mine.active)
            .flag("connected", self.linked(mine.at, other.at) && !other.gone)
            .flag("operational", self.operational(coupling))
            .with("mirror_error", if both_masters { "Configuration_Error" } else { "No_Error" })
            .with("schedule_name", &mine.schedule)
            .with("specified_rpo", &objective)
            .with("remote_rpo", &objective)
            .with("last_replicated_snapshot_time", equal_at)
    }

    pub(crate) fn mirror_list(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (volume, group) = (arguments.text("vol"), arguments.text("cg"));
        let scope = arguments.text("scope").map(str::to_ascii_lowercase);
        let wanted = |mine: &End| {
            let name = self.name_of(mine);
            let is_group = matches!(mine.thing, Thing::Group(_));
            volume.is_none_or(|wanted| !is_group && name == wanted)
                && group.is_none_or(|wanted| is_group && name == wanted)
                && scope.as_deref().is_none_or(|scope| (scope == "cg") == is_group)
        };
        let ends = self.couplings.iter().filter_map(|coupling| Some((coupling, coupling.seen_from(at)?)));
        let found = ends.filter(|(_, (mine, _))| wanted(mine));
        Ok(found.map(|(coupling, (mine, other))| self.show_end(coupling, mine, other)).collect())
    }

    pub(crate) fn target_list(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("target");
        let found = self.systems.iter().filter(|other| self.systems[at].partners.contains(&other.facts.name));
        let show = |other: &super::System| {
            Row::new("target", other.at)
                .with("name", &other.facts.name)
                .with("system_id", other.facts.system_id())
                .with("scsi_type", "iSCSI")
                .flag("connected", self.linked(at, other.at))
                .with("iscsi_name", other.facts.iqn())
                .with("xiv_target", "yes")
        };
        Ok(found.filter(|other| wanted.is_none_or(|wanted| wanted == other.facts.name)).map(show).collect())
    }

    /// The system that this one knows by that name.
    pub(crate) fn target(&self, at: usize, name: &str) -> Result<usize, Refusal> {
        let known = self.systems[at].partners.iter().any(|partner| partner == name);
        let found = self.systems.iter().find(|system| known && system.facts.name == name);
        found.map(|system| system.at).ok_or_else(codes::no_target)
    }
}
