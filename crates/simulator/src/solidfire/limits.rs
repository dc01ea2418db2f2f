//! The cluster's limits, by the names `GetLimits` gives them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Name and value of a 12.x cluster.
const DEFAULTS: &[(&str, u64)] = &[
    ("accountCountMax", 5000),
    ("accountNameLengthMax", 64),
    ("accountNameLengthMin", 1),
    ("backupTargetNameLengthMax", 64),
    ("backupTargetNameLengthMin", 1),
    ("bulkVolumeJobsPerNodeMax", 8),
    ("bulkVolumeJobsPerVolumeMax", 2),
    ("chapCredentialsCountMax", 15000),
    ("cloneJobsPerNodeMax", 8),
    ("cloneJobsPerVirtualVolumeMax", 8),
    ("cloneJobsPerVolumeMax", 2),
    ("clusterAdminAccountMax", 5000),
    ("clusterAdminInfoNameLengthMax", 1024),
    ("clusterAdminInfoNameLengthMin", 1),
    ("clusterPairsCountMax", 4),
    ("fibreChannelVolumeAccessMax", 16384),
    ("initiatorAliasLengthMax", 224),
    ("initiatorCountMax", 10000),
    ("initiatorNameLengthMax", 224),
    ("initiatorsPerVolumeAccessGroupCountMax", 128),
    ("iscsiSessionsFromFibreChannelNodesMax", 4096),
    ("maxAuthSessionsForCluster", 1024),
    ("maxAuthSessionsPerUser", 1024),
    ("nodesPerClusterCountMax", 100),
    ("nodesPerClusterCountMin", 3),
    ("qosPolicyCountMax", 500),
    ("qosPolicyNameLengthMax", 64),
    ("qosPolicyNameLengthMin", 1),
    ("scheduleNameLengthMax", 244),
    ("secretLengthMax", 16),
    ("secretLengthMin", 12),
    ("snapMirrorEndpointIPAddressesCountMax", 64),
    ("snapMirrorEndpointsCountMax", 4),
    ("snapMirrorLabelLengthMax", 31),
    ("snapMirrorObjectAttributeValueInfoCountMax", 9_900_000),
    ("snapshotNameLengthMax", 255),
    ("snapshotsPerVolumeMax", 32),
    ("storageNodesPerClusterCountMin", 2),
    ("virtualVolumeCountMax", 8000),
    ("virtualVolumesPerAccountCountMax", 10000),
    ("volumeAccessGroupCountMax", 1000),
    ("volumeAccessGroupLunMax", 16383),
    ("volumeAccessGroupNameLengthMax", 64),
    ("volumeAccessGroupNameLengthMin", 1),
    ("volumeAccessGroupsPerInitiatorCountMax", 1),
    ("volumeAccessGroupsPerVolumeCountMax", 64),
    ("volumeBurstIOPSMax", 200_000),
    ("volumeBurstIOPSMin", 100),
    ("volumeCountMax", 4000),
    ("volumeMaxIOPSMax", 200_000),
    ("volumeMaxIOPSMin", 100),
    ("volumeMinIOPSMax", 15_000),
    ("volumeMinIOPSMin", 50),
    ("volumeNameLengthMax", 64),
    ("volumeNameLengthMin", 1),
    ("volumeSizeMax", 17_592_186_044_416),
    ("volumeSizeMin", 1_000_000_000),
    ("volumesPerAccountCountMax", 2000),
    ("volumesPerGroupSnapshotMax", 32),
    ("volumesPerVolumeAccessGroupCountMax", 2000),
    ("witnessNodesPerClusterCountMax", 4),
];

pub(crate) fn is_known(name: &str) -> bool {
    DEFAULTS.iter().any(|(known, _)| *known == name)
}

#[derive(Clone, Debug)]
pub(crate) struct Limits(BTreeMap<&'static str, u64>);

impl Limits {
    /// The defaults, with those of the configuration in their stead.
    pub(crate) fn new(configured: &BTreeMap<String, u64>) -> Self {
        let value =
            |(name, default): &(&'static str, u64)| (*name, *configured.get(*name).unwrap_or(default));
        Self(DEFAULTS.iter().map(value).collect())
    }

    /// A limit that is not in the table bounds nothing.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(u64::MAX)
    }

    /// Whether one more than `count` would be too many.
    pub(crate) fn reached(&self, name: &str, count: usize) -> bool {
        count as u64 >= self.get(name)
    }

    pub(crate) fn members(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }
}
