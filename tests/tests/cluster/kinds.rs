//! The kinds of volumes beside the usual ext4: xfs and raw block, in one pod.

use anyhow::{Result, ensure};
use perilune_tests::{Bed, NAMESPACE, story};
use serde_json::{Value, json};

use crate::{clean, on_bed};

const NS: &str = "demo";

fn xfs_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "perilune-xfs"},
        "provisioner": "csi.perilune.dev",
        "parameters": {
            "perilune.dev/backend": "sf1",
            "csi.storage.k8s.io/fstype": "xfs",
            "csi.storage.k8s.io/node-stage-secret-name": "sf1-chap",
            "csi.storage.k8s.io/node-stage-secret-namespace": NAMESPACE,
        },
    })
}

/// A pod with a mounted claim at `/data` and a raw one at `/dev/raw`.
fn pod() -> Value {
    let mut pod = story::pod("kinds", "xfs", "node1");
    pod["spec"]["containers"][0]["volumeDevices"] = json!([{"name": "raw", "devicePath": "/dev/raw"}]);
    if let Some(volumes) = pod["spec"]["volumes"].as_array_mut() {
        volumes.push(json!({"name": "raw", "persistentVolumeClaim": {"claimName": "raw"}}));
    }
    pod
}

fn use_both(bed: &Bed) -> Result<()> {
    let (mut xfs, mut raw) = (story::claim("xfs", "1Gi", None), story::claim("raw", "1Gi", None));
    xfs["spec"]["storageClassName"] = "perilune-xfs".into();
    raw["spec"]["volumeMode"] = "Block".into();
    bed.kubectl
        .apply(&json!({"apiVersion": "v1", "kind": "List", "items": [xfs_class(), xfs, raw, pod()]}))?;
    story::running(bed, "kinds")?;
    let kind = bed.kubectl.sh(NS, "kinds", "grep ' /data ' /proc/mounts | cut -d' ' -f3")?;
    ensure!(kind == "xfs", "/data is {kind:?}");
    let script = "echo kept >/data/x; sync; cat /data/x; \
        echo stamped | dd of=/dev/raw bs=512 seek=100 conv=notrunc,fsync 2>/dev/null; \
        dd if=/dev/raw bs=512 skip=100 count=1 2>/dev/null | head -n 1; blockdev --getsize64 /dev/raw";
    let said = bed.kubectl.sh(NS, "kinds", script)?;
    ensure!(said == format!("kept\nstamped\n{}", 1 << 30), "the pod reads {said:?}");
    Ok(())
}

#[test]
fn xfs_and_raw_block_reach_their_pod_and_leave_nothing() {
    on_bed(|bed| {
        let _ =
            bed.kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}));
        let used = use_both(bed);
        bed.kubectl.run(&["-n", NS, "delete", "pod", "kinds", "--timeout=120s"])?;
        bed.kubectl.run(&["-n", NS, "delete", "pvc", "xfs", "raw", "--timeout=120s"])?;
        bed.kubectl.run(&["delete", "storageclass", "perilune-xfs"])?;
        used?;
        clean(bed)
    });
}
