//! One simulated system of the family, and the net of systems that mirror to each other.

pub(crate) mod audit;
pub(crate) mod classes;
pub(crate) mod domains;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod facts;
pub(crate) mod groups;
pub(crate) mod hosts;
pub(crate) mod mapping;
pub(crate) mod metadata;
pub(crate) mod mirror_rules;
pub(crate) mod mirrors;
pub(crate) mod pools;
pub(crate) mod ports;
pub(crate) mod schedules;
pub(crate) mod snapshot_groups;
pub(crate) mod snapshots;
pub(crate) mod volumes;

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::config::{ArrayConfig, Data};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::{Export, Fabric, Image};

use self::classes::Class;
use self::events::Happening;
use self::facts::Facts;
use self::groups::Group;
use self::hosts::{Cluster, Host};
use self::mapping::{Mapped, Owner};
use self::metadata::Key;
use self::mirrors::Coupling;
use self::pools::Pool;
use self::schedules::Schedule;
use self::snapshot_groups::SnapshotGroup;
use self::volumes::Volume;
use super::limits::Limits;

/// All systems of one simulator, in the order in which they were brought to life, and what relates their volumes.
#[derive(Debug, Default)]
pub(crate) struct Net {
    pub(crate) systems: Vec<System>,
    pub(crate) couplings: Vec<Coupling>,
    pub(crate) last_coupling: u64,
}

/// One system.
#[derive(Debug)]
pub(crate) struct System {
    /// Its place in the net.
    pub(crate) at: usize,
    pub(crate) facts: Facts,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) fabric: Box<dyn Fabric>,
    /// Are its volumes disks that somebody can log in to?
    pub(crate) shows_disks: bool,
    /// What the disks below were told last.
    exposed: BTreeMap<Image, Export>,
    pub(crate) domains: Vec<String>,
    pub(crate) pools: BTreeMap<String, Pool>,
    /// Snapshots too: both are volumes here.
    pub(crate) volumes: BTreeMap<u64, Volume>,
    pub(crate) names: HashMap<String, u64>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) snapshot_groups: BTreeMap<String, SnapshotGroup>,
    pub(crate) hosts: BTreeMap<String, Host>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) mapped: BTreeMap<Owner, Mapped>,
    pub(crate) classes: BTreeMap<String, Class>,
    pub(crate) metadata: BTreeMap<Key, BTreeMap<String, String>>,
    pub(crate) schedules: BTreeMap<String, Schedule>,
    pub(crate) happenings: VecDeque<Happening>,
    /// Systems that this one mirrors to, by name.
    pub(crate) partners: Vec<String>,
    /// Is its replication link up?
    pub(crate) linked: bool,
    pub(crate) online: bool,
    /// 1 happy to 5 consumed, as the control puts it.
    pub(crate) fullness: u8,
    /// How long a first copy takes.
    pub(crate) copying: std::time::Duration,
    pub(crate) switch_deactivates: bool,
    last_image: u32,
    last_volume: u64,
    last_object: u64,
}

impl System {
    pub(crate) fn new(
        at: usize,
        config: &ArrayConfig,
        facts: Facts,
        clock: Clock,
        fabric: Box<dyn Fabric>,
    ) -> Self {
        let mut system = Self {
            at,
            facts,
            limits: Limits::new(&config.limits),
            clock,
            fabric,
            shows_disks: config.data == Data::Lio,
            exposed: BTreeMap::new(),
            domains: config.xiv.domains.clone(),
            pools: BTreeMap::new(),
            volumes: BTreeMap::new(),
            names: HashMap::new(),
            groups: BTreeMap::new(),
            snapshot_groups: BTreeMap::new(),
            hosts: BTreeMap::new(),
            clusters: BTreeMap::new(),
            mapped: BTreeMap::new(),
            classes: BTreeMap::new(),
            metadata: BTreeMap::new(),
            schedules: BTreeMap::new(),
            happenings: VecDeque::new(),
            partners: Vec::new(),
            linked: true,
            online: true,
            fullness: 1,
            copying: config.clone_delay,
            switch_deactivates: config.xiv.switch_deactivates,
            last_image: 0,
            last_volume: 0,
            last_object: 0,
        };
        system.predefine_schedules();
        system.predefine_pools(config);
        system
    }

    /// An image number never used before.
    pub(crate) fn fresh_image(&mut self) -> Image {
        self.last_image += 1;
        Image(self.last_image)
    }

    /// The number of a new volume or snapshot: it ends its WWN.
    pub(crate) fn fresh_volume(&mut self) -> u64 {
        self.last_volume += 1;
        self.last_volume
    }

    /// The number of any other new object.
    pub(crate) fn fresh_object(&mut self) -> u64 {
        self.last_object += 1;
        self.last_object
    }

    /// Takes everything down.
    pub(crate) fn close(&mut self) {
        self.fabric.close();
    }
}
