//! Words on the wire: the envelope and those members of requests and answers that the driver uses. No IO, no meaning.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod mirror;
pub(crate) mod snapshot;
pub(crate) mod version;
pub(crate) mod volume;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
pub(crate) struct Request<'a, P> {
    pub(crate) method: &'a str,
    pub(crate) params: P,
    pub(crate) id: u64,
}

/// Exactly one of `result` and `error`.
#[derive(Debug, Deserialize)]
pub(crate) struct Response<R> {
    pub(crate) id: Option<u64>,
    pub(crate) result: Option<R>,
    pub(crate) error: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// An object whose members nobody reads.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Debug, Serialize)]
pub(crate) struct NoParams {}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterInfoAnswer {
    pub(crate) cluster_info: ClusterInfo,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ClusterInfo {
    pub(crate) name: String,
    pub(crate) uuid: String,
    #[serde(rename = "uniqueID")]
    pub(crate) unique_id: String,
    pub(crate) svip: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct VersionInfo {
    #[serde(rename = "clusterAPIVersion")]
    pub(crate) api_version: String,
    #[serde(rename = "clusterVersion")]
    pub(crate) version: String,
    #[serde(rename = "clusterVersionInfo", default)]
    pub(crate) nodes: Vec<Nothing>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapacityAnswer {
    pub(crate) cluster_capacity: Capacity,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capacity {
    pub(crate) max_used_space: u64,
    pub(crate) used_space: u64,
    pub(crate) max_used_metadata_space: u64,
    pub(crate) used_metadata_space: u64,
    pub(crate) provisioned_space: u64,
    pub(crate) max_over_provisionable_space: u64,
}

/// Limits of this cluster; older releases tell fewer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LimitsAnswer {
    pub(crate) volume_size_min: Option<u64>,
    pub(crate) volume_size_max: Option<u64>,
    pub(crate) snapshots_per_volume_max: Option<u32>,
    pub(crate) volumes_per_group_snapshot_max: Option<u32>,
    pub(crate) volumes_per_volume_access_group_count_max: Option<u32>,
    #[serde(rename = "volumeMinIOPSMin")]
    pub(crate) min_iops_min: Option<u32>,
    #[serde(rename = "volumeMinIOPSMax")]
    pub(crate) min_iops_max: Option<u32>,
    #[serde(rename = "volumeMaxIOPSMin")]
    pub(crate) max_iops_min: Option<u32>,
    #[serde(rename = "volumeMaxIOPSMax")]
    pub(crate) max_iops_max: Option<u32>,
    #[serde(rename = "volumeBurstIOPSMin")]
    pub(crate) burst_iops_min: Option<u32>,
    #[serde(rename = "volumeBurstIOPSMax")]
    pub(crate) burst_iops_max: Option<u32>,
}
