//! Words on the wire: the envelope and those members of requests and answers that the driver uses. No IO, no meaning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Every cluster in service speaks this version, and all that the driver asks for was there by then.
pub(crate) const PATH: &str = "/json-rpc/10.0";

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

#[derive(Debug, Serialize)]
pub(crate) struct ByUsername<'a> {
    pub(crate) username: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct ByAccount {
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
}

/// `AddAccount`, and `ModifyAccount` where `account` is given. Never printed: it holds secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountParams<'a> {
    #[serde(rename = "accountID", skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<&'a str>,
    pub(crate) initiator_secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_secret: Option<&'a str>,
    pub(crate) attributes: &'a Map<String, Value>,
    pub(crate) enable_chap: bool,
}

#[derive(Deserialize)]
pub(crate) struct AccountAnswer {
    pub(crate) account: Account,
}

/// Never printed: it holds secrets.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[serde(rename = "accountID")]
    pub(crate) id: u64,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) volumes: Vec<u64>,
    pub(crate) initiator_secret: Option<String>,
    pub(crate) target_secret: Option<String>,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    /// Older clusters have no way without CHAP and do not say it.
    pub(crate) enable_chap: Option<bool>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListVolumes<'a> {
    #[serde(rename = "volumeIDs", skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<[u64; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) volume_name: Option<&'a str>,
    #[serde(rename = "startVolumeID", skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
    pub(crate) include_virtual_volumes: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VolumesAnswer {
    pub(crate) volumes: Vec<Volume>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VolumeAnswer {
    pub(crate) volume: Volume,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    #[serde(rename = "volumeID")]
    pub(crate) id: u64,
    pub(crate) name: String,
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
    pub(crate) status: String,
    pub(crate) access: String,
    pub(crate) total_size: u64,
    #[serde(default)]
    pub(crate) iqn: String,
    #[serde(rename = "scsiNAADeviceID")]
    pub(crate) naa: String,
    #[serde(rename = "scsiEUIDeviceID")]
    pub(crate) eui: String,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    #[serde(default)]
    pub(crate) volume_access_groups: Vec<u64>,
    #[serde(default)]
    pub(crate) volume_pairs: Vec<Nothing>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateVolume<'a> {
    pub(crate) name: &'a str,
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
    pub(crate) total_size: u64,
    pub(crate) enable512e: bool,
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloneVolume<'a> {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(rename = "snapshotID", skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<u64>,
    pub(crate) name: &'a str,
    #[serde(rename = "newAccountID")]
    pub(crate) account: u64,
    pub(crate) access: &'a str,
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModifyVolume {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ByVolume {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct ListSnapshots {
    #[serde(rename = "volumeID", skip_serializing_if = "Option::is_none")]
    pub(crate) volume: Option<u64>,
    #[serde(rename = "snapshotID", skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotsAnswer {
    pub(crate) snapshots: Vec<Snapshot>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotAnswer {
    pub(crate) snapshot: Snapshot,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot {
    #[serde(rename = "snapshotID")]
    pub(crate) id: u64,
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) name: String,
    pub(crate) total_size: u64,
    pub(crate) create_time: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSnapshot<'a> {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) name: &'a str,
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BySnapshot {
    #[serde(rename = "snapshotID")]
    pub(crate) snapshot: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rollback {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(rename = "snapshotID")]
    pub(crate) snapshot: u64,
    pub(crate) save_current_state: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SessionsAnswer {
    pub(crate) sessions: Vec<Session>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
}
