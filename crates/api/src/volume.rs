//! `ArrayVolume`: the record of one volume, written by the controller alone.
//!
//! Its name is the volume's uuid, and the CSI volume id is made of that. The spec is the intent: it is written before the
//! array is asked for anything and never changes afterwards. The status is what became of it. Together they are the crash
//! journal, and the answer to "which LUN is this claim". The status is no subresource: both must be written at once.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::CustomResource;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::schema::{keyed_by, rule};

/// What was asked for: fixed when the record is made.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[kube(
    group = "perilune.dev",
    version = "v1alpha1",
    kind = "ArrayVolume",
    plural = "arrayvolumes",
    shortname = "avol",
    category = "perilune",
    status = "ArrayVolumeStatus",
    derive = "PartialEq",
    doc = "The record of one volume on an array. Internal: the controller writes it, users read it.",
    printcolumn(name = "Backend", type_ = "string", json_path = ".spec.backend"),
    printcolumn(name = "Pool", type_ = "string", json_path = ".spec.pool"),
    printcolumn(
        name = "Native",
        type_ = "string",
        json_path = ".status.nativeID",
        description = "Id at the array"
    ),
    printcolumn(name = "Size", type_ = "string", json_path = ".status.size"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Namespace", type_ = "string", json_path = ".spec.claim.namespace"),
    printcolumn(name = "Claim", type_ = "string", json_path = ".spec.claim.name"),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.attachments[*].node"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "WWID", type_ = "string", json_path = ".status.wwid", priority = 1),
    printcolumn(name = "Name at array", type_ = "string", json_path = ".spec.nativeName", priority = 1),
    printcolumn(name = "CSI name", type_ = "string", json_path = ".spec.csiName", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = spec_rules)]
pub struct ArrayVolumeSpec {
    /// The name in the CSI request, by which a repeated request finds this record.
    #[schemars(length(min = 1, max = 256))]
    pub csi_name: String,

    /// The `ArrayBackend` where the volume lives.
    #[schemars(length(min = 1, max = 63))]
    pub backend: String,

    /// The pool's name at the array.
    #[schemars(length(min = 1, max = 128))]
    pub pool: String,

    /// The pool's id at the array.
    #[serde(rename = "poolID")]
    #[schemars(length(min = 1, max = 128))]
    pub pool_id: String,

    /// The name given to the volume at the array.
    #[schemars(length(min = 1, max = 128))]
    pub native_name: String,

    /// What the volume was filled from, `volume` or `snapshot` and its CSI id. Without it, the volume was born empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub source: Option<String>,

    /// The parameters of the request, to tell a repeated request from another one of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,

    /// The claim that the volume was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,

    /// Where it can be reached from: Nodes with all labels of one of these. Without it, from everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub topology: Vec<BTreeMap<String, String>>,

    /// Whether it was made empty, so that nothing on it can be worth keeping before its first use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub born_empty: bool,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What became of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrayVolumeStatus {
    /// How far it is.
    #[serde(default)]
    pub phase: Phase,

    /// The volume's id at the array.
    #[serde(rename = "nativeID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub native_id: Option<String>,

    /// The SCSI identity that nodes check before they touch the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub wwid: Option<String>,

    /// Another identity that the device may show instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub wwid_alt: Option<String>,

    /// The size in bytes: what the array reported, or before that what is asked of it.
    #[schemars(range(min = 0))]
    pub size_bytes: i64,

    /// The same as a quantity, for people.
    #[schemars(length(max = 32))]
    pub size: String,

    /// When an altering call was started whose outcome is not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted: Option<MicroTime>,

    /// The parameters that can be altered, as they were last set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mutable: BTreeMap<String, String>,

    /// Counts up when identity or content is exchanged beneath the volume's id. 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub generation: Option<i64>,

    /// The nodes that the array shows the volume to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), transform = by_node)]
    pub attachments: Vec<Attachment>,

    /// Nodes that the array has to be asked about once more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub departed: Vec<Departure>,

    /// The snapshots of the volume on the array.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512), transform = by_csi_name)]
    pub snapshots: Vec<SnapshotRecord>,
}

/// One node that the array shows the volume to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The CSI node id.
    #[schemars(length(min = 1, max = 256))]
    pub node: String,
    /// Whether the node may only read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The host at the array that stands for the node, where the array keeps maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub host: Option<String>,
    /// When a request to show it was last begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<MicroTime>,
}

/// One node that lost the volume so soon that a request to show it may still be on its way.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    /// The CSI node id.
    #[schemars(length(min = 1, max = 256))]
    pub node: String,
    /// The host at the array that stands for the node.
    #[schemars(length(min = 1, max = 256))]
    pub host: String,
    /// When the array was told to show it no more.
    pub at: MicroTime,
}

/// One snapshot of the volume.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRecord {
    /// The name in the CSI request.
    #[schemars(length(min = 1, max = 256))]
    pub csi_name: String,
    /// The name given to the snapshot at the array.
    #[schemars(length(min = 1, max = 128))]
    pub native_name: String,
    /// Its id at the array; unknown while it is only asked for.
    #[serde(rename = "nativeID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub native_id: Option<String>,
    /// What a volume made from it must hold at least, in bytes.
    #[schemars(range(min = 0))]
    pub size_bytes: i64,
    /// When it was cut, by the array's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<MicroTime>,
    /// Whether volumes can be made from it; some arrays take a while after it was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ready: bool,
    /// When an altering call was started whose outcome is not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted: Option<MicroTime>,
}

/// How far a volume is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Phase {
    /// Asked for; whether the array has it is not yet confirmed.
    #[default]
    Pending,
    /// On the array and in use or ready for it.
    Ready,
    /// Being removed from the array.
    Deleting,
    /// Left to the array: without our mark, and not managed any more.
    Released,
}

impl ArrayVolume {
    /// How far it is; a record without status is an intent that nothing is known of yet.
    pub fn phase(&self) -> Phase {
        self.status.as_ref().map_or(Phase::Pending, |s| s.phase)
    }
}

fn by_node(schema: &mut Schema) {
    keyed_by(schema, "node");
}

fn by_csi_name(schema: &mut Schema) {
    keyed_by(schema, "csiName");
}

fn spec_rules(schema: &mut Schema) {
    rule(schema, "self == oldSelf", "the record of a volume is kept by the controller and cannot be edited");
}
