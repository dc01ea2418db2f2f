//! A backend as an administrator describes it: where it is, what may be put there, how hard it may be worked.

use std::collections::BTreeMap;

use perilune_array::{ArrayId, ConnectSpec, Protocol, Size, Throughput};

use crate::topology::Segments;

/// Calls at once where nobody set a limit.
const CONCURRENT: usize = 8;

/// What an administrator lets happen on a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdministrativeState {
    Active,
    /// No new volumes.
    Draining,
    /// No changes at all, but hosts may attach and detach.
    Frozen {
        reason: String,
    },
}

/// How hard a backend may be worked, and what its users must bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Operations at once.
    pub concurrent: usize,
    /// Ways to a volume that a node must have before it uses it.
    pub min_paths: u16,
    /// Calls a second, spread evenly; `None`: as fast as the array answers.
    pub requests_per_second: Option<u32>,
    /// Volumes of this backend on one node; the array's own limit holds beside it.
    pub volumes_per_node: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrent: CONCURRENT, min_paths: 1, requests_per_second: None, volumes_per_node: None }
    }
}

/// What an administrator says of one pool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PoolSpec {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// How many times its physical room may be promised; `None`: as much as the array allows.
    pub max_oversubscription: Option<f64>,
    /// Physical room that new volumes must leave free, in percent.
    pub reserved_percent: u8,
    pub max_volume_size: Option<Size>,
    /// Where its volumes can be reached from; empty: as the backend says.
    pub topology: Vec<Segments>,
}

impl PoolSpec {
    /// A pool of which nothing but its name is said.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// How the backend is rated when a new volume looks for a place. Both expressions are CEL over `pool`, `volume` and
/// `capabilities`: the module `rating` lists their fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduling {
    /// Must be true for a pool to be used.
    pub filter: Option<String>,
    /// From 0 to 100; the best pool is taken.
    pub goodness: Option<String>,
    /// Decides between pools of equal goodness, before free space does: the higher, the rather.
    pub weight: i32,
}

/// What is done about host objects on arrays that keep maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPolicy {
    /// Make and mend them from what the nodes tell; else they must exist with the right initiators.
    pub managed: bool,
    /// A host whose last mapping goes, goes too.
    pub delete_unused: bool,
}

impl Default for HostPolicy {
    fn default() -> Self {
        Self { managed: true, delete_unused: false }
    }
}

/// A backend as an administrator describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendSpec {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub connect: ConnectSpec,
    /// The array that it must be.
    pub expected: Option<ArrayId>,
    /// Which pools; empty: all that the login may see.
    pub pools: Vec<PoolSpec>,
    pub state: AdministrativeState,
    pub limits: Limits,
    /// Which protocols nodes may use, best first; empty: all that the array serves.
    pub protocols: Vec<Protocol>,
    /// Where its volumes can be reached from; empty: from everywhere.
    pub topology: Vec<Segments>,
    pub scheduling: Scheduling,
    pub hosts: HostPolicy,
    /// What a volume may draw whose request does not say.
    pub default_qos: Option<Throughput>,
    /// Names for settings of what a volume may draw.
    pub qos_tiers: BTreeMap<String, Throughput>,
}

impl BackendSpec {
    /// An active backend of which nothing but how to reach it is said.
    pub fn new(name: impl Into<String>, connect: ConnectSpec) -> Self {
        Self {
            name: name.into(),
            labels: BTreeMap::new(),
            connect,
            expected: None,
            pools: Vec::new(),
            state: AdministrativeState::Active,
            limits: Limits::default(),
            protocols: Vec::new(),
            topology: Vec::new(),
            scheduling: Scheduling::default(),
            hosts: HostPolicy::default(),
            default_qos: None,
            qos_tiers: BTreeMap::new(),
        }
    }

    /// What is said of a pool of this name; nothing, if all pools are used unnamed.
    pub(crate) fn pool(&self, name: &str) -> Option<&PoolSpec> {
        self.pools.iter().find(|pool| pool.name == name)
    }
}
