//! What one connected array accepts.

use crate::{NameRules, Protocol, QosLimits, SizeRules, Vendor};

/// What stands between a host and a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessModel {
    /// The array maps a volume to a host, and only then the host sees it.
    Mapping,
    /// Whoever holds the account's CHAP secret reaches the account's volumes; the array keeps no map.
    Account,
}

/// Limits and habits of an array that callers need before they ask. Fixed for one connection.
#[derive(Debug, Clone)]
pub struct Profile {
    pub vendor: Vendor,
    pub volume_names: NameRules,
    pub snapshot_names: NameRules,
    pub sizes: SizeRules,
    /// A clone or restore may be born larger than its source; else it is always born equal.
    pub copy_may_grow: bool,
    /// A clone or restore is born with the limits asked for; else it has its source's until they are set.
    pub copy_takes_qos: bool,
    pub snapshots_per_volume: Option<u32>,
    /// A volume may go although its snapshots stay.
    pub snapshots_outlive_volume: bool,
    /// Snapshots may be given a time after which the array ends them.
    pub snapshot_retention: bool,
    pub volumes_per_host: Option<u32>,
    pub access: AccessModel,
    pub protocols: Vec<Protocol>,
    /// A group snapshot may name volumes that are in no group.
    pub ad_hoc_group_snapshots: bool,
    pub volumes_per_group: Option<u32>,
    pub qos: Option<QosLimits>,
    /// Named sets of limits that a volume may be given.
    pub qos_tiers: Vec<String>,
    /// `Mirrors::pair` makes the other copy by itself; else it must exist, with the same size.
    pub mirror_makes_peer: bool,
}
