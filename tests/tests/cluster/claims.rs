//! Claims that cannot be met: the message is on the claim, says what to do, and the array is untouched.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use perilune_tests::{Bed, NAMESPACE, story, wait_for};
use serde_json::{Value, json};

use crate::on_bed;

const NS: &str = "claims";

/// The calls that alter an array.
const ALTERING: [&str; 9] = [
    "CreateVolume",
    "CloneVolume",
    "ModifyVolume",
    "DeleteVolume",
    "PurgeDeletedVolume",
    "CreateSnapshot",
    "DeleteSnapshot",
    "RollbackToSnapshot",
    "AddAccount",
];

fn class(name: &str, parameters: &Value) -> Value {
    let mut all = json!({
        "csi.storage.k8s.io/node-stage-secret-name": "sf1-chap",
        "csi.storage.k8s.io/node-stage-secret-namespace": NAMESPACE,
    });
    if let (Some(all), Some(more)) = (all.as_object_mut(), parameters.as_object()) {
        all.extend(more.clone());
    }
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "csi.perilune.dev", "parameters": all,
    })
}

fn claim(name: &str, class: &str, size: &str, mode: &str) -> Value {
    let mut claim = story::claim(name, size, None);
    claim["metadata"]["namespace"] = NS.into();
    claim["spec"]["storageClassName"] = class.into();
    claim["spec"]["accessModes"] = json!([mode]);
    claim
}

/// Asks for it, and expects an event on the claim with all these words, no altering call, and no storm of calls.
fn refused(bed: &Bed, parameters: &Value, size: &str, mode: &str, words: &[&str]) -> Result<()> {
    static CLAIMS: AtomicU32 = AtomicU32::new(0);
    // events outlive their claims: each claim has a name of its own
    let name = format!("bad-{}", CLAIMS.fetch_add(1, Ordering::Relaxed));
    let kubectl = &bed.kubectl;
    let _ = kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}));
    bed.control("DELETE", "journal", "")?;
    kubectl.apply(&class("bad", parameters))?;
    kubectl.apply(&claim(&name, "bad", size, mode))?;
    let told = wait_for(&format!("an event that says {words:?}"), Duration::from_secs(45), || {
        let events = kubectl.events(NS, &name)?;
        let told =
            events.iter().find(|e| e.contains("ProvisioningFailed") && words.iter().all(|w| e.contains(w)));
        Ok(told.cloned().ok_or_else(|| events.join(" | ")))
    });
    std::thread::sleep(Duration::from_secs(5));
    let journal = bed.journal();
    kubectl.run(&["-n", NS, "delete", "pvc", &name, "--timeout=60s"])?;
    kubectl.run(&["delete", "storageclass", "bad"])?;
    println!("{}", told?);
    let journal = journal.context("the journal")?;
    let altered: Vec<&String> = journal.iter().filter(|c| ALTERING.contains(&c.as_str())).collect();
    ensure!(altered.is_empty(), "the array was touched: {altered:?}");
    ensure!(journal.len() < 20, "a storm of {} calls: {journal:?}", journal.len());
    let records = kubectl.list(&["arrayvolumes"])?;
    ensure!(records.is_empty(), "a refusal left records: {records:?}");
    Ok(())
}

#[test]
fn an_unknown_class_parameter_is_named_beside_the_known_ones() {
    on_bed(|bed| {
        refused(
            bed,
            &json!({"perilune.dev/poool": "x"}),
            "1Gi",
            "ReadWriteOnce",
            &["perilune.dev/poool", "perilune.dev/pool"],
        )
    });
}

#[test]
fn a_class_that_fits_no_backend_is_told_which_there_are() {
    on_bed(|bed| {
        refused(bed, &json!({"perilune.dev/backend": "nowhere"}), "1Gi", "ReadWriteOnce", &["nowhere", "sf1"])
    });
}

#[test]
fn a_selector_without_a_match_is_told_which_backends_there_are() {
    on_bed(|bed| {
        refused(
            bed,
            &json!({"perilune.dev/backend-selector": "tier=gold"}),
            "1Gi",
            "ReadWriteOnce",
            &["tier=gold", "sf1"],
        )
    });
}

#[test]
fn a_pool_that_is_not_there_is_told_with_those_that_are() {
    on_bed(|bed| {
        refused(bed, &json!({"perilune.dev/pool": "p9"}), "1Gi", "ReadWriteOnce", &["has no pool p9", "only"])
    });
}

#[test]
fn a_size_under_the_arrays_smallest_is_refused_with_that_size() {
    on_bed(|bed| refused(bed, &json!({}), "100Mi", "ReadWriteOnce", &["smallest volume"]));
}

#[test]
fn a_size_over_the_arrays_largest_is_refused_with_that_size() {
    on_bed(|bed| refused(bed, &json!({}), "17Ti", "ReadWriteOnce", &["largest volume", "16 TiB"]));
}

#[test]
fn a_size_that_the_pool_has_no_room_for_is_refused_with_its_room() {
    on_bed(|bed| refused(bed, &json!({}), "16Ti", "ReadWriteOnce", &["has no room for 16 TiB"]));
}

#[test]
fn a_file_system_for_many_writers_is_refused() {
    on_bed(|bed| refused(bed, &json!({}), "1Gi", "ReadWriteMany", &["volumeMode Block"]));
}

#[test]
fn a_volume_that_no_record_names_does_not_attach_and_says_so() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ = kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}));
        let handle = "v1:00000000-0000-5000-8000-000000000000";
        kubectl.apply(&json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "ghost"},
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "", "csi": {"driver": "csi.perilune.dev", "volumeHandle": handle},
            },
        }))?;
        let mut claim = claim("ghost", "", "1Gi", "ReadWriteOnce");
        claim["spec"]["volumeName"] = "ghost".into();
        kubectl.apply(&claim)?;
        let mut pod = story::pod("ghost", "ghost", "node1");
        pod["metadata"]["namespace"] = NS.into();
        kubectl.apply(&pod)?;
        let told = wait_for("an event on the pod", Duration::from_secs(60), || {
            let events = kubectl.events(NS, "ghost")?;
            Ok(events
                .iter()
                .find(|e| e.contains("there is no volume"))
                .cloned()
                .ok_or_else(|| events.join(" | ")))
        });
        kubectl.run(&["-n", NS, "delete", "pod", "ghost", "--timeout=90s"])?;
        kubectl.run(&["-n", NS, "delete", "pvc", "ghost", "--timeout=60s"])?;
        kubectl.run(&["delete", "pv", "ghost", "--timeout=60s"])?;
        println!("{}", told?);
        Ok(())
    });
}
