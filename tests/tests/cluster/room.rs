//! Room on the array as the scheduler sees it: a pod whose volume would find none is not placed.

use std::time::Duration;

use anyhow::{Result, ensure};
use perilune_tests::{Bed, story, wait_for};
use serde_json::{Value, json};

use crate::{clean, on_bed};

const NS: &str = "demo";
const CLASS: &str = "perilune-waits";

fn class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": CLASS},
        "provisioner": "csi.perilune.dev", "volumeBindingMode": "WaitForFirstConsumer",
        "parameters": {"perilune.dev/backend": "sf1"},
    })
}

fn claim(name: &str, size: &str) -> Value {
    let mut claim = story::claim(name, size, None);
    claim["spec"]["storageClassName"] = CLASS.into();
    claim
}

/// What the provisioner published of the class's room.
fn published(bed: &Bed) -> Result<Vec<Value>> {
    let all = bed.kubectl.list(&["csistoragecapacities", "-A"])?;
    Ok(all.into_iter().filter(|room| room["storageClassName"] == CLASS).collect())
}

fn place(bed: &Bed) -> Result<()> {
    let room = wait_for("the class's room to be published", Duration::from_secs(150), || {
        Ok(published(bed)?.into_iter().find(|room| room["capacity"].is_string()).ok_or_else(String::new))
    })?;
    let owner = &room["metadata"]["ownerReferences"][0]["kind"];
    ensure!(owner == "Deployment", "{owner} owns the room, which thus goes or stays at the wrong time");
    println!("room {}, largest volume {}", room["capacity"], room["maximumVolumeSize"]);

    let items = [claim("vast", "16Ti"), story::pod("vast", "vast", "node1")];
    bed.kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
    let told = wait_for("the scheduler to refuse", Duration::from_secs(150), || {
        let events = bed.kubectl.events(NS, "vast")?;
        let told = events.iter().find(|event| event.contains("enough free storage"));
        Ok(told.cloned().ok_or_else(|| events.join(" | ")))
    })?;
    println!("{told}");
    Ok(())
}

#[test]
fn a_pod_whose_volume_finds_no_room_is_not_placed() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ = kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}));
        kubectl.apply(&class())?;
        let placed = place(bed);
        kubectl.run(&["-n", NS, "delete", "pod/vast", "pvc/vast", "--ignore-not-found", "--timeout=120s"])?;
        kubectl.run(&["delete", "storageclass", CLASS])?;
        placed?;
        wait_for("the room of a deleted class to go", Duration::from_secs(150), || {
            let left = published(bed)?;
            Ok(if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) })
        })?;
        clean(bed)
    });
}
