//! From four kinds of object to one row for each volume: pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::ResourceExt;
use perilune_api::node::StagedVolume;
use perilune_api::volume::Attachment;
use perilune_api::{ArrayNode, ArrayVolume};
use serde::Serialize;

/// What is known of one volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) namespace: String,
    pub(super) claim: String,
    /// The PersistentVolume.
    pub(super) volume: String,
    pub(super) handle: String,
    pub(super) size: String,
    pub(super) backend: String,
    pub(super) pool: String,
    /// The id at the array.
    pub(super) array_volume: String,
    pub(super) name_at_array: String,
    pub(super) wwid: String,
    /// The record's phase, and what is out of the ordinary about claim and PersistentVolume.
    pub(super) state: String,
    pub(super) snapshots: usize,
    pub(super) nodes: Vec<OnNode>,
}

/// A node that has the volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OnNode {
    pub(super) node: String,
    pub(super) read_only: bool,
    /// Paths that carry its IO; not told unless the node has it staged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paths_found: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paths_expected: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) missing_paths: Vec<String>,
}

pub(super) fn join(
    records: &[ArrayVolume],
    nodes: &[ArrayNode],
    volumes: &[PersistentVolume],
    claims: &[PersistentVolumeClaim],
) -> Vec<Row> {
    let by_handle: BTreeMap<&str, &PersistentVolume> =
        volumes.iter().filter_map(|volume| Some((handle_of(volume)?, volume))).collect();
    let by_id: BTreeMap<&str, &ArrayNode> =
        nodes.iter().map(|node| (node.spec.node_id.as_str(), node)).collect();
    records.iter().map(|record| row(record, &by_id, &by_handle, claims)).collect()
}

fn handle_of(volume: &PersistentVolume) -> Option<&str> {
    Some(volume.spec.as_ref()?.csi.as_ref()?.volume_handle.as_str())
}

fn row(
    record: &ArrayVolume,
    nodes: &BTreeMap<&str, &ArrayNode>,
    volumes: &BTreeMap<&str, &PersistentVolume>,
    claims: &[PersistentVolumeClaim],
) -> Row {
    let (handle, status) = (format!("v1:{}", record.name_any()), record.status.clone().unwrap_or_default());
    let volume = volumes.get(handle.as_str()).copied();
    let told = record.spec.claim.as_ref().map(|claim| (claim.namespace.clone(), claim.name.clone()));
    // who is bound now counts, whoever it was made for
    let bound = volume.and_then(|volume| volume.spec.as_ref()?.claim_ref.clone());
    let bound = bound.and_then(|claim| Some((claim.namespace?, claim.name?)));
    let (namespace, claim) = bound.or(told).unwrap_or_default();
    let there = claims.iter().find(|c| c.name_any() == claim && c.namespace().as_deref() == Some(&namespace));
    Row {
        state: state(record, volume, there),
        volume: volume.map(ResourceExt::name_any).unwrap_or_default(),
        size: status.size.clone(),
        backend: record.spec.backend.clone(),
        pool: record.spec.pool.clone(),
        array_volume: status.native_id.clone().unwrap_or_default(),
        name_at_array: record.spec.native_name.clone(),
        wwid: status.wwid.clone().unwrap_or_default(),
        snapshots: status.snapshots.len(),
        nodes: status.attachments.iter().map(|attached| on_node(attached, nodes, &handle)).collect(),
        namespace,
        claim,
        handle,
    }
}

fn state(
    record: &ArrayVolume,
    volume: Option<&PersistentVolume>,
    claim: Option<&PersistentVolumeClaim>,
) -> String {
    let phase = format!("{:?}", record.phase());
    let volume_phase = volume.and_then(|volume| volume.status.as_ref()?.phase.as_deref());
    let remark = match (volume, volume_phase) {
        (None, _) => "no PersistentVolume",
        (_, Some("Released")) => "claim deleted",
        (_, Some("Failed")) => "PersistentVolume failed",
        _ if claim.is_some_and(|claim| claim.metadata.deletion_timestamp.is_some()) => {
            "claim is being deleted"
        }
        _ => return phase,
    };
    format!("{phase} ({remark})")
}

/// The node's name, and what it tells of the paths; without a record of the node, its CSI id.
fn on_node(attached: &Attachment, nodes: &BTreeMap<&str, &ArrayNode>, handle: &str) -> OnNode {
    let node = nodes.get(attached.node.as_str());
    let staged = node.and_then(|node| node.status.as_ref()).map(|status| status.staged_volumes.as_slice());
    let staged: Option<&StagedVolume> =
        staged.and_then(|all| all.iter().find(|staged| staged.volume == handle));
    OnNode {
        node: node.map_or_else(|| attached.node.clone(), |node| node.name_any()),
        read_only: attached.read_only,
        paths_found: staged.map(|staged| staged.found),
        paths_expected: staged.map(|staged| staged.expected),
        missing_paths: staged.map(|staged| staged.missing.clone()).unwrap_or_default(),
    }
}

/// A sentence for each node that lacks paths to the volume.
pub(super) fn missing_paths(row: &Row) -> Vec<String> {
    let short = row.nodes.iter().filter(|node| node.paths_found < node.paths_expected);
    let told = short.map(|node| {
        let names = if node.missing_paths.is_empty() {
            String::new()
        } else {
            format!(": {}", node.missing_paths.join(", "))
        };
        let (found, expected) =
            (node.paths_found.unwrap_or_default(), node.paths_expected.unwrap_or_default());
        let missing = expected.saturating_sub(found);
        format!(
            "{}/{}: {missing} of {expected} paths missing on {}{names}",
            row.namespace, row.claim, node.node
        )
    });
    told.collect()
}
