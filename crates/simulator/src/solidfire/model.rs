//! The cluster itself: what exists on it, its rules, and what happens as time passes.
//!
//! Each noun has a file with its record, its methods and how it looks in an answer. A method checks everything first,
//! then changes the disks below, then the records, so that a refused call leaves nothing behind.

mod access_groups;
mod accounts;
mod async_results;
mod audit;
mod capacity;
mod clones;
mod cluster_info;
mod cluster_pairing;
mod copies;
mod deletion;
mod exports;
mod fibre_channel;
mod group_snapshots;
mod identity;
mod initiators;
mod jobs;
mod listing;
mod luns;
mod modifications;
mod nodes;
mod qos;
mod qos_policies;
mod replication;
mod retention;
mod rollback;
mod sessions;
mod snapshots;
mod statistics;
mod volume_pairing;
mod volumes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;

use self::access_groups::AccessGroup;
use self::accounts::Account;
use self::async_results::AsyncResult;
use self::capacity::Capacity;
use self::group_snapshots::GroupSnapshot;
use self::identity::Identity;
use self::initiators::Initiator;
use self::qos::Qos;
use self::qos_policies::QosPolicy;
use self::snapshots::Snapshot;
use self::volumes::Volume;
use super::codes::Refusal;
use super::limits::Limits;
use super::links::{Card, Links, Seat};
use crate::config::{ArrayConfig, CloneOverflow};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::{Fabric, Image, Memory};

pub(crate) use identity::IQN_PREFIX;

#[derive(Debug)]
pub(crate) struct Cluster {
    identity: Identity,
    limits: Limits,
    capacity: Capacity,
    clone_delay: Duration,
    clone_overflow: CloneOverflow,
    clock: Clock,
    fabric: Box<dyn Fabric>,
    links: Links,
    seat: Seat,
    counters: Counters,
    accounts: BTreeMap<u64, Account>,
    /// Accounts by their unique user name.
    usernames: HashMap<String, u64>,
    volumes: BTreeMap<u64, Volume>,
    snapshots: BTreeMap<u64, Snapshot>,
    group_snapshots: BTreeMap<u64, GroupSnapshot>,
    access_groups: BTreeMap<u64, AccessGroup>,
    initiators: BTreeMap<u64, Initiator>,
    /// Initiators by their unique lower-case name.
    initiator_names: HashMap<String, u64>,
    qos_policies: BTreeMap<u64, QosPolicy>,
    /// What a volume gets that asks for nothing.
    default_qos: Qos,
    async_results: BTreeMap<u64, AsyncResult>,
    /// Handles of the jobs that still run.
    running: BTreeSet<u64>,
    due: BTreeSet<(Timestamp, Due)>,
}

/// Something that time brings about. One that no longer applies when its time comes does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    JobComplete { handle: u64 },
    Purge { volume: u64 },
    Expire { snapshot: u64 },
}

/// The last number given out, per kind. None is given twice.
#[derive(Debug, Default)]
struct Counters {
    account: u64,
    volume: u64,
    snapshot: u64,
    group_snapshot: u64,
    access_group: u64,
    initiator: u64,
    qos_policy: u64,
    cluster_pair: u64,
    async_result: u64,
    clone: u64,
    image: u32,
}

fn next(counter: &mut u64) -> u64 {
    *counter += 1;
    *counter
}

impl Cluster {
    pub(crate) fn new(config: &ArrayConfig, mvip: IpAddr, clock: Clock, links: Links) -> Self {
        let identity = Identity::new(config, mvip);
        let seat = links.join(Card {
            name: identity.name.clone(),
            unique_id: identity.unique_id.clone(),
            mvip,
            version: identity.firmware.clone(),
            habits: config.replication.clone(),
        });
        Self {
            identity,
            links,
            seat,
            limits: Limits::new(&config.limits),
            capacity: Capacity::new(config),
            clone_delay: config.clone_delay,
            clone_overflow: config.clone_overflow,
            clock,
            fabric: Box::new(Memory::default()),
            counters: Counters::default(),
            accounts: BTreeMap::new(),
            usernames: HashMap::new(),
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            group_snapshots: BTreeMap::new(),
            access_groups: BTreeMap::new(),
            initiators: BTreeMap::new(),
            initiator_names: HashMap::new(),
            qos_policies: BTreeMap::new(),
            default_qos: Qos::DEFAULT,
            async_results: BTreeMap::new(),
            running: BTreeSet::new(),
            due: BTreeSet::new(),
        }
    }

    pub(crate) fn with_fabric(self, fabric: Box<dyn Fabric>) -> Self {
        Self { fabric, ..self }
    }

    pub(crate) fn portals(&self) -> &[SocketAddr] {
        &self.identity.portals
    }

    pub(crate) fn fibre_channel(&self) -> &[String] {
        &self.identity.fibre_channel
    }

    pub(crate) fn uuid(&self) -> &str {
        &self.identity.uuid
    }

    pub(crate) fn unique_id(&self) -> &str {
        &self.identity.unique_id
    }

    pub(crate) fn pool_name(&self) -> &str {
        &self.identity.pool
    }

    /// Brings the cluster to the present.
    pub(crate) fn settle(&mut self) -> Result<(), Refusal> {
        self.take_in()?;
        let now = self.clock.now();
        while let Some((time, due)) = self.due.first().copied().filter(|(time, _)| *time <= now) {
            self.due.remove(&(time, due));
            match due {
                Due::JobComplete { handle } => self.complete_job(handle, time)?,
                Due::Purge { volume } => self.purge_if_due(volume, time)?,
                Due::Expire { snapshot } => self.expire_if_due(snapshot, time)?,
            }
        }
        Ok(())
    }

    pub(crate) fn seat(&self) -> Seat {
        self.seat
    }

    /// Takes down what stands behind the volumes.
    pub(crate) fn close(&mut self) {
        self.fabric.close();
    }

    fn next_image(&mut self) -> Image {
        self.counters.image += 1;
        Image(self.counters.image)
    }
}

#[cfg(test)]
mod tests;
