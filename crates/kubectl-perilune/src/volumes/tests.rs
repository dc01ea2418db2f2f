//! One line for each volume, whatever is missing of it.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use perilune_api::{ArrayNode, ArrayVolume};
use serde_json::{from_value, json};

use super::join::join;
use super::{nothing, text};

fn record() -> ArrayVolume {
    from_value(json!({
        "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayVolume", "metadata": {"name": "5a0c"},
        "spec": {"csiName": "pvc-1", "backend": "gold", "pool": "fast", "poolID": "1", "nativeName": "pvc-1",
            "claim": {"namespace": "shop", "name": "data"}},
        "status": {"phase": "Ready", "nativeID": "12", "wwid": "naa.6", "sizeBytes": 1073741824, "size": "1Gi",
            "attachments": [{"node": "worker-1-00aa"}, {"node": "gone-00bb"}]},
    }))
    .unwrap()
}

fn node() -> ArrayNode {
    from_value(json!({
        "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayNode", "metadata": {"name": "worker-1"},
        "spec": {"nodeID": "worker-1-00aa"},
        "status": {"stagedVolumes": [{"volume": "v1:5a0c", "found": 1, "expected": 2, "missing": ["192.0.2.31:3260"]}]},
    }))
    .unwrap()
}

fn volume(phase: &str) -> PersistentVolume {
    from_value(json!({
        "metadata": {"name": "pvc-1"},
        "spec": {"csi": {"driver": "csi.perilune.dev", "volumeHandle": "v1:5a0c"},
            "claimRef": {"namespace": "shop", "name": "renamed"}},
        "status": {"phase": phase},
    }))
    .unwrap()
}

#[test]
fn a_row_joins_claim_array_volume_node_and_paths() {
    let rows = join(&[record()], &[node()], &[volume("Bound")], &[]);
    assert_eq!((rows[0].claim.as_str(), rows[0].state.as_str()), ("renamed", "Ready"), "who is bound now");
    assert_eq!(rows[0].nodes[0].node, "worker-1");
    assert_eq!(rows[0].nodes[1].node, "gone-00bb", "a node without a record keeps its id");
    let shown = text(&rows, false, true);
    assert!(shown.contains("worker-1,gone-00bb   1/2,?"), "{shown}");
    assert!(shown.contains("shop/renamed: 1 of 2 paths missing on worker-1: 192.0.2.31:3260"), "{shown}");
    assert!(!shown.contains("naa.6") && text(&rows, true, true).contains("naa.6"));
}

#[test]
fn what_kubernetes_has_lost_is_told() {
    let rows = join(&[record()], &[], &[], &[]);
    assert_eq!((rows[0].claim.as_str(), rows[0].state.as_str()), ("data", "Ready (no PersistentVolume)"));
    assert_eq!(join(&[record()], &[], &[volume("Released")], &[])[0].state, "Ready (claim deleted)");
}

#[test]
fn a_claim_without_a_volume_says_where_to_look() {
    let pending: PersistentVolumeClaim = from_value(json!({
        "metadata": {"name": "data"}, "spec": {"storageClassName": "gold"}, "status": {"phase": "Pending"},
    }))
    .unwrap();
    assert!(nothing("data", "shop", &[pending]).contains("Pending (gold)"));
    assert!(nothing("other", "shop", &[]).contains("there is no claim other"));
}
