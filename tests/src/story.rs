//! The demo: one volume's life, in front of the viewer.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::array::Family;
use crate::bed::{Bed, NAMESPACE};
use crate::kubectl::{Kubectl, wait_for};
use crate::leftovers;
use crate::narrator::Narrator;

const NS: &str = "demo";
const MINUTE: Duration = Duration::from_secs(60);

/// Installs Perilune and a backend.
pub fn install(bed: &Bed, narrator: &Narrator) -> Result<()> {
    narrator.step("snapshot definitions and snapshot controller", || {
        Ok((bed.install_snapshots()?, String::new()))
    })?;
    narrator.step("helm install perilune-crds, perilune", || Ok((bed.install_perilune()?, String::new())))?;
    narrator.step("Perilune runs", || Ok(((), bed.wait_for_pods()?)))?;
    let backend = format!("ArrayBackend {}", bed.array.name());
    narrator.step(&format!("{backend} Ready"), || {
        bed.kubectl.apply(&bed.array.manifests(&bed.lab)?)?;
        wait_for(&backend, MINUTE, || ready(&bed.kubectl, bed.array.name())).map(|words| ((), words))
    })?;
    narrator.step("StorageClass and VolumeSnapshotClass", || {
        Ok((bed.kubectl.apply(&classes(bed.array))?, String::new()))
    })?;
    Ok(())
}

/// The volume's life.
pub fn run(bed: &Bed, narrator: &Narrator) -> Result<()> {
    bed.kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}))?;
    let sum = write(bed, narrator)?;
    grow(bed, narrator)?;
    lose(bed, narrator)?;
    restore(bed, narrator, &sum)?;
    copy_and_move(bed, narrator, &sum)?;
    end(bed, narrator)
}

fn write(bed: &Bed, narrator: &Narrator) -> Result<String> {
    narrator.step("PVC data bound", || {
        bed.kubectl.apply(&claim("data", "1Gi", None))?;
        bound(bed, "data").map(|words| ((), words))
    })?;
    narrator.step("pod on node1 writes 16 MiB and syncs", || {
        bed.kubectl.apply(&pod("writer", "data", "node1"))?;
        running(bed, "writer")?;
        let script =
            "dd if=/dev/urandom of=/data/file bs=1M count=16 2>/dev/null; sync; sha256sum </data/file";
        let sum = bed.kubectl.sh(NS, "writer", script)?;
        Ok((sum.clone(), format!("sha256 {}", short(&sum))))
    })
}

fn grow(bed: &Bed, narrator: &Narrator) -> Result<()> {
    narrator.step("volume grown online to 2Gi", || {
        let before = size(bed, "writer")?;
        let patch = r#"{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}"#;
        bed.kubectl.run(&["-n", NS, "patch", "pvc", "data", "-p", patch])?;
        let after = wait_for("the pod to see the new size", 2 * MINUTE, || {
            let now = size(bed, "writer")?;
            Ok(if now > before * 3 / 2 { Ok(now) } else { Err(format!("df says {now} KiB")) })
        })?;
        Ok(((), format!("the pod saw {} MiB, sees {} MiB", before / 1024, after / 1024)))
    })
}

fn lose(bed: &Bed, narrator: &Narrator) -> Result<()> {
    narrator.step("VolumeSnapshot snap", || {
        bed.kubectl.apply(&snapshot("snap", "data"))?;
        let ready = |s: &Value| s["status"]["readyToUse"] == true;
        until(bed, "volumesnapshot", "snap", ready)
            .map(|s| ((), format!("restore size {}", text(&s["status"]["restoreSize"]))))
    })?;
    narrator.step("file deleted", || {
        let left =
            bed.kubectl.sh(NS, "writer", "rm /data/file; sync; ls /data | grep -v lost+found || true")?;
        ensure!(left.is_empty(), "still there: {left}");
        Ok(((), String::new()))
    })
}

fn restore(bed: &Bed, narrator: &Narrator, sum: &str) -> Result<()> {
    narrator.step("PVC restored from the snapshot, content there", || {
        let source = json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "snap"});
        bed.kubectl.apply(&claim("restored", "2Gi", Some(&source)))?;
        bed.kubectl.apply(&pod("restored", "restored", "node2"))?;
        running(bed, "restored")?;
        same_content(bed, "restored", sum).map(|words| ((), words))
    })
}

fn copy_and_move(bed: &Bed, narrator: &Narrator, sum: &str) -> Result<()> {
    narrator.step("clone of the restored PVC, content there", || {
        let source = json!({"kind": "PersistentVolumeClaim", "name": "restored"});
        bed.kubectl.apply(&claim("clone", "3Gi", Some(&source)))?;
        bed.kubectl.apply(&pod("clone", "clone", "node2"))?;
        running(bed, "clone")?;
        let words = same_content(bed, "clone", sum)?;
        Ok(((), format!("{words}; {} MiB", size(bed, "clone")? / 1024)))
    })?;
    narrator.step("pod moved from node2 to node1, content there", || {
        bed.kubectl.run(&["-n", NS, "delete", "pod", "clone", "--wait=true", "--timeout=120s"])?;
        bed.kubectl.apply(&pod("clone", "clone", "node1"))?;
        running(bed, "clone")?;
        same_content(bed, "clone", sum).map(|words| ((), words))
    })
}

fn end(bed: &Bed, narrator: &Narrator) -> Result<()> {
    narrator.step("all deleted", || Ok((delete_all(bed)?, String::new())))?;
    let found = narrator.step("nothing left", || {
        let places = wait_for("everything to be gone", 2 * MINUTE, || leftovers::look(bed))?;
        Ok((places, String::new()))
    })?;
    for (place, what) in found {
        narrator.note(&format!("{place}: {what}"));
    }
    Ok(())
}

fn delete_all(bed: &Bed) -> Result<()> {
    for (kind, names) in [
        ("pod", vec!["writer", "restored", "clone"]),
        ("pvc", vec!["clone", "restored"]),
        ("volumesnapshot", vec!["snap"]),
        ("pvc", vec!["data"]),
    ] {
        let mut args = vec!["-n", NS, "delete", kind, "--wait=true", "--timeout=120s"];
        args.extend(names);
        bed.kubectl.run(&args)?;
    }
    Ok(())
}

/// Is the backend's `Ready` condition true? Else why not.
pub fn ready(kubectl: &Kubectl, backend: &str) -> Result<Result<String, String>> {
    let object = kubectl.get(&["arraybackend", backend])?;
    let condition =
        object["status"]["conditions"].as_array().and_then(|all| all.iter().find(|c| c["type"] == "Ready"));
    Ok(match condition {
        Some(c) if c["status"] == "True" => {
            let array = &object["status"]["array"];
            Ok(format!(
                "{}, firmware {}, {}",
                text(&array["model"]),
                text(&array["firmware"]),
                text(&array["serial"])
            ))
        }
        Some(c) => Err(format!("{}: {}", text(&c["reason"]), text(&c["message"]))),
        None => Err("no Ready condition yet".to_owned()),
    })
}

/// Waits until the claim is bound; answers its volume.
pub fn bound(bed: &Bed, name: &str) -> Result<String> {
    let claim = wait_for(&format!("PVC {name} to be bound"), MINUTE, || {
        let claim = bed.kubectl.get(&["pvc", name, "-n", NS])?;
        if claim["status"]["phase"] == "Bound" {
            return Ok(Ok(claim));
        }
        Ok(Err(bed.kubectl.events(NS, name)?.pop().unwrap_or_default()))
    })?;
    Ok(text(&claim["spec"]["volumeName"]).to_owned())
}

/// Waits until the pod runs.
pub fn running(bed: &Bed, name: &str) -> Result<()> {
    wait_for(&format!("pod {name} to run"), 2 * MINUTE, || {
        let pod = bed.kubectl.get(&["pod", name, "-n", NS])?;
        if pod["status"]["phase"] == "Running" {
            return Ok(Ok(()));
        }
        Ok(Err(bed.kubectl.events(NS, name)?.pop().unwrap_or_default()))
    })
}

fn until(bed: &Bed, kind: &str, name: &str, done: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_for(&format!("{kind} {name}"), MINUTE, || {
        let object = bed.kubectl.get(&[kind, name, "-n", NS])?;
        Ok(if done(&object) { Ok(object) } else { Err(object["status"].to_string()) })
    })
}

fn same_content(bed: &Bed, pod: &str, sum: &str) -> Result<String> {
    let found = bed.kubectl.sh(NS, pod, "sha256sum </data/file")?;
    if found != sum {
        bail!("pod {pod} reads {found}, written was {sum}");
    }
    Ok(format!("sha256 {} as written", short(&found)))
}

/// The size of the file system that the pod sees, in KiB.
fn size(bed: &Bed, pod: &str) -> Result<u64> {
    let out = bed.kubectl.sh(NS, pod, "df -k /data | tail -n 1 | awk '{print $2}'")?;
    out.parse().map_err(|_| anyhow::anyhow!("df in pod {pod} says {out:?}"))
}

fn short(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn classes(array: Family) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "perilune"},
            "provisioner": "csi.perilune.dev", "allowVolumeExpansion": true, "reclaimPolicy": "Delete",
            "parameters": {
                "perilune.dev/backend-selector": "tier=demo",
                "csi.storage.k8s.io/fstype": "ext4",
                "csi.storage.k8s.io/node-stage-secret-name": array.chap_secret(),
                "csi.storage.k8s.io/node-stage-secret-namespace": NAMESPACE,
            },
        },
        {
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": "perilune"},
            "driver": "csi.perilune.dev", "deletionPolicy": "Delete",
        },
    ]})
}

/// A claim for the demo's class.
pub fn claim(name: &str, size: &str, source: Option<&Value>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": NS},
        "spec": {
            "storageClassName": "perilune", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}}, "dataSource": source,
        },
    })
}

/// A pod that holds a claim at `/data`.
pub fn pod(name: &str, claim: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node}, "dnsPolicy": "Default", "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "main", "image": "localhost/busybox:1", "command": ["sleep", "infinity"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
    })
}

fn snapshot(name: &str, claim: &str) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name, "namespace": NS},
        "spec": {"volumeSnapshotClassName": "perilune", "source": {"persistentVolumeClaimName": claim}},
    })
}
