//! What was read about the cluster and is used again: only what cannot mislead when it is old, or what the array's own
//! answer proves wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use perilune_array::Initiator;

use super::clones::Clones;
use crate::protocol::access::FibrePort;
use crate::protocol::volume::{Limits, Policy};
use crate::protocol::{ClusterInfo, VersionInfo};

/// How long facts are believed that change only when somebody works at the cluster.
const BELIEVED: Duration = Duration::from_secs(300);

/// A fact and when it was read.
#[derive(Debug)]
pub(super) struct Kept<T>(Option<(T, Instant)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Kept<T> {
    pub(super) fn get(&self) -> Option<T> {
        self.0.as_ref().filter(|(_, read)| read.elapsed() < BELIEVED).map(|(fact, _)| fact.clone())
    }

    pub(super) fn put(&mut self, fact: T) {
        self.0 = Some((fact, Instant::now()));
    }
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) cluster: ClusterInfo,
    pub(super) version: Kept<VersionInfo>,
    /// The account that owns our volumes. None: somebody removed it since.
    pub(super) account: Option<u64>,
    /// Addresses of the cluster's further storage networks.
    pub(super) networks: Kept<Vec<String>>,
    pub(super) fibre: Kept<Vec<FibrePort>>,
    pub(super) default_limits: Kept<Limits>,
    pub(super) policies: Kept<Vec<Policy>>,
    /// Volumes that somebody is logged in to, and who, for the pages of one listing.
    pub(super) sessions: Kept<BTreeMap<u64, String>>,
    /// Volume access groups by their number: each answer about one shows whether this is still so.
    pub(super) hosts: BTreeMap<u64, KnownHost>,
    pub(super) clones: Clones,
    /// What the other cluster of a pair calls itself. A pair's number never comes to mean another one.
    pub(super) peers: BTreeMap<u64, String>,
    /// A pairing of clusters that was begun, and whose key perhaps never reached the other one.
    pub(super) begun_pair: Option<u64>,
    /// Volumes seen with a pair: their snapshots are to reach the other cluster too.
    pub(super) mirrored: BTreeSet<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownHost {
    pub(super) name: String,
    pub(super) initiators: Vec<Initiator>,
}

impl Known {
    pub(super) fn new(cluster: ClusterInfo) -> Self {
        Self {
            cluster,
            version: Kept::default(),
            account: None,
            networks: Kept::default(),
            fibre: Kept::default(),
            default_limits: Kept::default(),
            policies: Kept::default(),
            sessions: Kept::default(),
            hosts: BTreeMap::new(),
            clones: Clones::default(),
            peers: BTreeMap::new(),
            begun_pair: None,
            mirrored: BTreeSet::new(),
        }
    }
}
