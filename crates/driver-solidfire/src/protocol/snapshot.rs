//! Snapshots, of one volume and of several at one moment.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// Zero: in no group.
    #[serde(rename = "groupID", default)]
    pub(crate) group: Option<u64>,
    /// A time, `fifo`, or none.
    #[serde(default)]
    pub(crate) expiration_time: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSnapshot<'a> {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) name: &'a str,
    #[serde(flatten)]
    pub(crate) traits: Traits,
}

/// What a snapshot and a group of them are born with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Traits {
    pub(crate) attributes: Map<String, Value>,
    /// `HH:mm:ss`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enable_remote_replication: Option<bool>,
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

#[derive(Debug, Serialize)]
pub(crate) struct CreateGroupSnapshot<'a> {
    pub(crate) volumes: &'a [u64],
    pub(crate) name: &'a str,
    #[serde(flatten)]
    pub(crate) traits: Traits,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct ListGroupSnapshots {
    #[serde(rename = "groupSnapshotID", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSnapshotsAnswer {
    pub(crate) group_snapshots: Vec<GroupSnapshot>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSnapshotAnswer {
    pub(crate) group_snapshot: GroupSnapshot,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSnapshot {
    #[serde(rename = "groupSnapshotID")]
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) create_time: String,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    pub(crate) members: Vec<Snapshot>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteGroupSnapshot {
    #[serde(rename = "groupSnapshotID")]
    pub(crate) id: u64,
    pub(crate) save_members: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RollbackGroup {
    #[serde(rename = "groupSnapshotID")]
    pub(crate) id: u64,
    pub(crate) save_current_state: bool,
}
