//! What is known of an array: written by the controller alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use super::AdministrativeState;
use crate::operation::Operation;
use crate::schema::{conditions, keyed_by};

/// What was last seen of the array.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrayBackendStatus {
    /// The generation of the spec that the rest of the status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready` sums them up; each of the others has one meaning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = conditions)]
    pub conditions: Vec<Condition>,

    /// Which array answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayIdentity>,

    /// Which management addresses take connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub endpoints: Vec<EndpointStatus>,

    /// What the array can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// The sum over the pools in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,

    /// The pools in use, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), transform = by_name)]
    pub pools: Vec<PoolStatus>,

    /// The ports where nodes reach volumes, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub ports: Vec<PortStatus>,

    /// How many objects of ours the array holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,

    /// Which version of the Secret is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialState>,

    /// What may be altered on the array, from `spec.administrativeState` and the annotation `perilune.dev/freeze` together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrative_state: Option<AdministrativeState>,

    /// Why and since when nothing may be altered; only while that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenState>,

    /// When the whole array was last looked through; `kubectl perilune manageable` and `orphans` show what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanState>,

    /// The command that is being carried out, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,

    /// Commands that ended before, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub history: Vec<Operation>,
}

/// Why and since when nothing may be altered.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrozenState {
    /// Since when.
    pub since: Time,
    /// Why, in the words of who asked for it.
    #[schemars(length(max = 256))]
    pub reason: String,
    /// Where it was asked for.
    pub requested_by: FrozenBy,
}

/// Where a freeze was asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum FrozenBy {
    /// By `spec.administrativeState`.
    Spec,
    /// By the annotation `perilune.dev/freeze`.
    Annotation,
}

/// When the whole array was last looked through, and what that came to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanState {
    /// When it was last looked through from end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Into how many ConfigMaps the rows went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<i32>,
    /// Why the last try did not get to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub error: Option<String>,
    /// When it was last tried.
    pub tried: Time,
}

/// Which array answered.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrayIdentity {
    /// The name that its administrators gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Serial number, system id or cluster uuid: what `spec.arrayID` is compared with.
    pub serial: String,
    /// Version of its software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Version of its management interface that is spoken with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
}

/// One management address.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointStatus {
    /// The address with its port.
    pub address: String,
    /// Whether it took a connection when it was last tried. That says nothing about login and identity.
    pub reachable: bool,
    /// When it was last tried: every five minutes.
    pub last_probe_time: Time,
    /// How long the connection took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
}

/// What the array can do.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Snapshots, and volumes made from them.
    #[serde(default)]
    pub snapshots: bool,
    /// Groups of volumes.
    #[serde(default)]
    pub groups: bool,
    /// Snapshots of several volumes at one point in time.
    #[serde(default)]
    pub group_snapshots: bool,
    /// Mirrors to another array.
    #[serde(default)]
    pub replication: bool,
    /// Limits of throughput per volume.
    #[serde(default)]
    pub qos: bool,
    /// The smallest volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_volume_size: Option<String>,
    /// The largest volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_volume_size: Option<String>,
    /// Sizes are multiples of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_unit: Option<String>,
}

/// Sizes as quantities, rounded down.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// All of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// What is still free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<String>,
}

/// One pool of the array.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatus {
    /// The pool's name at the array.
    pub name: String,
    /// All of its physical room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// The physical room that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<String>,
    /// What has been promised to volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<String>,
}

/// One port where nodes reach volumes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortStatus {
    /// `ISCSI` or `FC`.
    pub protocol: String,
    /// Address and port, or WWPN.
    pub address: String,
    /// Whether the array says that the port is up.
    pub up: bool,
}

/// How many objects of ours the array holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Volumes on record.
    #[serde(default)]
    pub volumes: i64,
    /// Snapshots on record.
    #[serde(default)]
    pub snapshots: i64,
    /// Attachments of volumes to nodes on record.
    #[serde(default)]
    pub attachments: i64,
    /// Volumes on the array that bear our mark and that no record knows, by the last scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans: Option<i64>,
    /// Records whose volume was not on the array, by the last scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<i64>,
    /// Volumes on the array that are not ours, by the last scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manageable: Option<i64>,
}

/// Which version of the Secret is in use.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialState {
    /// `metadata.resourceVersion` of the Secret that the present session logged in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_resource_version: Option<String>,
    /// When the Secret was last changed and tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation_time: Option<Time>,
    /// How that went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation_result: Option<RotationResult>,
}

/// What became of a changed Secret.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum RotationResult {
    /// The array took it; it is in use.
    Succeeded,
    /// The array refused it; the old one is still in use.
    Rejected,
}

fn by_name(schema: &mut Schema) {
    keyed_by(schema, "name");
}
