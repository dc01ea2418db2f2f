//! Claims that cannot be met: the message is on the claim, says what to do, and the array is untouched.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
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

/// A claim that cannot be met.
struct Hopeless {
    /// Its own, and its class's.
    name: &'static str,
    parameters: Value,
    size: &'static str,
    mode: &'static str,
}

fn hopeless() -> Vec<Hopeless> {
    let by_class = |name, parameters| Hopeless { name, parameters, size: "1Gi", mode: "ReadWriteOnce" };
    let by_size = |name, size| Hopeless { name, parameters: json!({}), size, mode: "ReadWriteOnce" };
    vec![
        by_class("unknown-parameter", json!({"perilune.dev/poool": "x"})),
        by_class("unknown-backend", json!({"perilune.dev/backend": "nowhere"})),
        by_class("unmatched-selector", json!({"perilune.dev/backend-selector": "tier=gold"})),
        by_class("unknown-pool", json!({"perilune.dev/pool": "p9"})),
        by_size("too-small", "100Mi"),
        by_size("too-large", "17Ti"),
        by_size("no-room", "16Ti"),
        Hopeless { name: "many-writers", parameters: json!({}), size: "1Gi", mode: "ReadWriteMany" },
    ]
}

/// What became of the hopeless claims.
struct Refusals {
    /// The last word on each claim.
    told: BTreeMap<&'static str, String>,
    journal: Vec<String>,
    records: usize,
}

/// All of them are asked for at once, because each keeps the provisioner busy for a while.
fn refusals(bed: &Bed) -> Result<&'static Refusals> {
    static REFUSALS: OnceLock<Result<Refusals, String>> = OnceLock::new();
    let made = REFUSALS.get_or_init(|| ask(bed).map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!("{error}"))
}

fn ask(bed: &Bed) -> Result<Refusals> {
    let kubectl = &bed.kubectl;
    let all = hopeless();
    let _ = kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}));
    bed.control("DELETE", "journal", "")?;
    let items: Vec<Value> = all
        .iter()
        .flat_map(|h| [class(h.name, &h.parameters), claim(h.name, h.name, h.size, h.mode)])
        .collect();
    kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
    let mut told = BTreeMap::new();
    for Hopeless { name, .. } in &all {
        let event = wait_for(&format!("a refusal of claim {name}"), Duration::from_secs(150), || {
            let events = kubectl.events(NS, name)?;
            let refused = events.iter().find(|e| e.contains("ProvisioningFailed"));
            Ok(refused.cloned().ok_or_else(|| events.join(" | ")))
        })?;
        told.insert(*name, event);
    }
    std::thread::sleep(Duration::from_secs(5));
    let journal = bed.journal().context("the journal")?;
    let records = kubectl.list(&["arrayvolumes"])?.len();
    for kind in ["pvc", "storageclass"] {
        let mut args = vec!["-n", NS, "delete", kind, "--timeout=120s"];
        args.extend(all.iter().map(|h| h.name));
        kubectl.run(&args)?;
    }
    Ok(Refusals { told, journal, records })
}

/// The event on this claim has all these words.
fn refused(name: &str, words: &[&str]) {
    on_bed(|bed| {
        let told = refusals(bed)?.told.get(name).context("no such claim")?;
        println!("{told}");
        ensure!(words.iter().all(|word| told.contains(word)), "not all of {words:?} in: {told}");
        Ok(())
    });
}

#[test]
fn no_refused_claim_touches_the_array_or_leaves_a_record_or_starts_a_storm() {
    on_bed(|bed| {
        let Refusals { told, journal, records } = refusals(bed)?;
        let altered: Vec<&String> = journal.iter().filter(|c| ALTERING.contains(&c.as_str())).collect();
        ensure!(altered.is_empty(), "the array was touched: {altered:?}");
        ensure!(journal.len() < 20 * told.len(), "a storm of {} calls: {journal:?}", journal.len());
        ensure!(*records == 0, "refusals left {records} records");
        Ok(())
    });
}

#[test]
fn an_unknown_class_parameter_is_named_beside_the_known_ones() {
    refused("unknown-parameter", &["perilune.dev/poool", "perilune.dev/pool"]);
}

#[test]
fn a_class_that_fits_no_backend_is_told_which_there_are() {
    refused("unknown-backend", &["nowhere", "sf1"]);
}

#[test]
fn a_selector_without_a_match_is_told_which_backends_there_are() {
    refused("unmatched-selector", &["tier=gold", "sf1"]);
}

#[test]
fn a_pool_that_is_not_there_is_told_with_those_that_are() {
    refused("unknown-pool", &["has no pool p9", "only"]);
}

#[test]
fn a_size_under_the_arrays_smallest_is_refused_with_that_size() {
    refused("too-small", &["smallest volume"]);
}

#[test]
fn a_size_over_the_arrays_largest_is_refused_with_that_size() {
    refused("too-large", &["largest volume", "16 TiB"]);
}

#[test]
fn a_size_that_the_pool_has_no_room_for_is_refused_with_its_room() {
    refused("no-room", &["has no room for 16 TiB"]);
}

#[test]
fn a_file_system_for_many_writers_is_refused() {
    refused("many-writers", &["volumeMode Block"]);
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
        let told = wait_for("an event on the pod", Duration::from_secs(150), || {
            let events = kubectl.events(NS, "ghost")?;
            Ok(events
                .iter()
                .find(|e| e.contains("there is no volume"))
                .cloned()
                .ok_or_else(|| events.join(" | ")))
        });
        kubectl.run(&["-n", NS, "delete", "pod", "ghost", "--timeout=120s"])?;
        kubectl.run(&["-n", NS, "delete", "pvc", "ghost", "--timeout=120s"])?;
        // what a refused attach leaves, the attach controller sweeps up once the node says that it does not use it
        kubectl.run(&["delete", "pv", "ghost", "--timeout=240s"])?;
        println!("{}", told?);
        Ok(())
    });
}
