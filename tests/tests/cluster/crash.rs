//! Processes die at bad moments; what was begun ends as if nothing had happened.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use perilune_tests::{Bed, NAMESPACE, story, wait_for};
use serde_json::json;

use crate::{clean, clean_within, on_bed};

/// The pods of Perilune whose name contains this and that are ready.
fn ready_pods(bed: &Bed, part: &str) -> Result<Vec<(String, String)>> {
    let pods = bed.kubectl.list(&["pods", "-n", NAMESPACE])?;
    let ready = pods.iter().filter(|pod| {
        pod["status"]["conditions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
    });
    let named = ready.filter_map(|pod| {
        Some((pod["metadata"]["name"].as_str()?.to_owned(), pod["spec"]["nodeName"].as_str()?.to_owned()))
    });
    Ok(named.filter(|(name, _)| name.contains(part)).collect())
}

#[test]
fn a_leader_killed_among_creates_leaves_one_volume_for_each_claim() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ =
            kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}));
        let names: Vec<String> = (0..8).map(|n| format!("many-{n}")).collect();
        let claims: Vec<_> = names.iter().map(|name| story::claim(name, "1Gi", None)).collect();
        kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": claims}))?;
        let leader = kubectl.get(&["leases", "-n", NAMESPACE])?;
        let holder = leader["items"][0]["spec"]["holderIdentity"].as_str().context("a holder")?.to_owned();
        let (_, node) = ready_pods(bed, "controller")?
            .into_iter()
            .find(|(name, _)| *name == holder)
            .context("the leader's pod")?;
        // the process itself, at once, as the kernel would
        bed.lab.guest(&node)?.run("pkill -9 -x perilune-contro", Duration::from_secs(20))?;
        for name in &names {
            story::bound(bed, name)?;
        }
        let volumes =
            bed.solidfire_call("ListVolumes", &json!({}))?["volumes"].as_array().map_or(0, Vec::len);
        let records = kubectl.list(&["arrayvolumes"])?.len();
        let mut args = vec!["-n", "demo", "delete", "pvc", "--timeout=120s"];
        args.extend(names.iter().map(String::as_str));
        kubectl.run(&args)?;
        ensure!(
            (volumes, records) == (8, 8),
            "{volumes} volumes on the array and {records} records for 8 claims"
        );
        // a volume whose making was in doubt is deleted three minutes later at the earliest, and the provisioner asks
        // for it ever more rarely
        clean_within(bed, Duration::from_secs(600))
    });
}

#[test]
fn a_node_plugin_killed_during_stage_starts_the_pod_after_its_restart() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ =
            kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}));
        kubectl.apply(&story::claim("staged", "1Gi", None))?;
        story::bound(bed, "staged")?;
        kubectl.apply(&story::pod("staged", "staged", "node2"))?;
        let node = bed.lab.guest("node2")?;
        // the record is the first thing that a stage writes: there it is in the midst of it
        let script = "for i in $(seq 600); do ls /var/lib/kubelet/plugins/csi.perilune.dev/*/*.json /var/lib/kubelet/plugins/csi.perilune.dev/*.json \
                      2>/dev/null | grep -q . && pkill -9 -x perilune-node && echo killed && exit 0; sleep 0.05; done; exit 1";
        let out = node.run(script, Duration::from_secs(60))?.success()?;
        ensure!(out.contains("killed"), "the plugin was not killed: {out}");
        story::running(bed, "staged")?;
        wait_for("the pod to write", Duration::from_secs(150), || {
            Ok(kubectl.sh("demo", "staged", "echo ok >/data/x; sync; cat /data/x").map_err(|e| e.to_string()))
        })?;
        kubectl.run(&["-n", "demo", "delete", "pod", "staged", "--timeout=120s"])?;
        kubectl.run(&["-n", "demo", "delete", "pvc", "staged", "--timeout=120s"])?;
        clean(bed)
    });
}
