//! `ArrayNode`: what a node brings to the table, written by the node plugin on that node alone.
//!
//! Named after the Node. The controller reads the initiators here, so that a replaced adapter or a renamed IQN repairs the
//! host object on the array instead of changing the node's CSI id.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::schema::{conditions, keyed_by};

/// Who the node is.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[kube(
    group = "perilune.dev",
    version = "v1alpha1",
    kind = "ArrayNode",
    plural = "arraynodes",
    shortname = "anode",
    category = "perilune",
    status = "ArrayNodeStatus",
    derive = "PartialEq",
    doc = "What a node can do with arrays. Internal: the node plugin on that node writes it, users read it.",
    printcolumn(name = "Initiators", type_ = "string", json_path = ".status.initiators[*].name"),
    printcolumn(name = "Protocols", type_ = "string", json_path = ".status.protocols"),
    printcolumn(name = "Volumes", type_ = "integer", json_path = ".status.volumes"),
    printcolumn(
        name = "Paths",
        type_ = "string",
        json_path = ".status.paths",
        description = "Found/expected"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.pluginVersion", priority = 1),
    printcolumn(name = "Heartbeat", type_ = "date", json_path = ".status.heartbeatTime", priority = 1)
)]
#[serde(rename_all = "camelCase")]
pub struct ArrayNodeSpec {
    /// The CSI node id: the name of the Node with a short hash of its machine id.
    #[serde(rename = "nodeID")]
    #[schemars(length(min = 1, max = 256))]
    pub node_id: String,
}

/// What the node plugin found on its node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrayNodeStatus {
    /// `Ready`: the node can attach volumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = conditions)]
    pub conditions: Vec<Condition>,

    /// The names by which arrays know this node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), transform = by_name)]
    pub initiators: Vec<Initiator>,

    /// The protocols that work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub protocols: Vec<Protocol>,

    /// What was checked on the host, with the remedy where it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), transform = by_name)]
    pub checks: Vec<Check>,

    /// How many volumes are staged on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<i32>,

    /// Paths found and paths expected over all staged volumes, as `found/expected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub paths: Option<String>,

    /// The staged volumes, each with its paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512), transform = by_volume)]
    pub staged_volumes: Vec<StagedVolume>,

    /// Version of the node plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub plugin_version: Option<String>,

    /// When the node plugin last wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_time: Option<Time>,
}

/// One name by which arrays know this node.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Initiator {
    /// IQN or WWPN.
    #[schemars(length(min = 1, max = 223))]
    pub name: String,
    /// What it speaks.
    pub protocol: Protocol,
}

/// A volume staged on this node.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StagedVolume {
    /// The CSI handle of the volume.
    #[schemars(length(min = 1, max = 1024))]
    pub volume: String,
    /// Paths that can carry its IO.
    #[schemars(range(min = 0))]
    pub found: i32,
    /// Paths that it should have.
    #[schemars(range(min = 0))]
    pub expected: i32,
    /// The paths that are not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 512)))]
    pub missing: Vec<String>,
}

/// How a node reaches volumes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Protocol {
    /// iSCSI over TCP.
    #[serde(rename = "ISCSI")]
    Iscsi,
    /// iSCSI over RDMA.
    #[serde(rename = "ISER")]
    Iser,
    /// Fibre Channel.
    #[serde(rename = "FC")]
    Fc,
}

/// One thing that was checked on the host.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked, for example `iscsid`.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

fn by_volume(schema: &mut Schema) {
    keyed_by(schema, "volume");
}

fn by_name(schema: &mut Schema) {
    keyed_by(schema, "name");
}
