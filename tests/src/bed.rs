//! A lab with a simulated array and Perilune in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use perilune_lab::events::{Event, Stage};
use perilune_lab::{GuestSpec, Lab, Spec, image};
use serde_json::Value;

use crate::array::{Family, solidfire_call};
use crate::kubectl::{Kubectl, wait_for};
use crate::narrator::Narrator;
use crate::places::Places;

/// Where Perilune is installed.
pub const NAMESPACE: &str = "perilune-system";

/// The demo's cluster.
#[derive(Debug)]
pub struct Bed {
    pub lab: Lab,
    pub kubectl: Kubectl,
    pub array: Family,
    root: PathBuf,
    helm: PathBuf,
}

impl Bed {
    /// Starts the lab: control plane, two nodes, an array. Returns when the nodes are ready.
    pub fn start(label: &str, array: Family, narrator: &Narrator) -> Result<Self> {
        let places = Places::find()?;
        let images = narrator.step("container images", || {
            let sidecars = image::kubernetes(&places.kubernetes, &places.cache)?;
            let name = format!("ghcr.io/perilune/perilune:{}", env!("CARGO_PKG_VERSION"));
            let product = image::product(&places.root, &places.programs, &name, &places.cache)?;
            Ok(((sidecars, product), "sidecars and Perilune".to_owned()))
        })?;
        let spec = spec(label, array, &places, images)?;
        let tell = |event: &Event| {
            if event.stage == Stage::Ready {
                narrator.note(&format!("{:5.1} s  {} ready", event.seconds, event.subject));
            }
        };
        let lab = narrator.step(
            "Kubernetes: etcd, API server, controller-manager, scheduler, two nodes, an array",
            || {
                let lab = Lab::start(&places.programs.join("perilune-lab"), spec, tell)?;
                lab.wait_ready(Duration::from_secs(180), tell)?;
                Ok((lab, String::new()))
            },
        )?;
        let kubectl = Kubectl { binary: places.kubernetes.join("kubectl"), kubeconfig: lab.kubeconfig() };
        Ok(Self { lab, kubectl, array, root: places.root, helm: places.kubernetes.join("helm") })
    }

    /// Installs what a cluster with snapshots has: their definitions and the snapshot controller.
    pub fn install_snapshots(&self) -> Result<()> {
        for kind in ["volumesnapshotclasses", "volumesnapshots", "volumesnapshotcontents"] {
            let file = snapshot_definitions(&self.root)?.join(format!("snapshot.storage.k8s.io_{kind}.yaml"));
            self.kubectl.run(&["apply", "--server-side", "-f", &file.to_string_lossy()])?;
        }
        let manifest = self.root.join("tests/manifests/snapshot-controller.yaml");
        self.kubectl.run(&["apply", "-f", &manifest.to_string_lossy()]).map(drop)
    }

    /// Installs Perilune as its users do.
    pub fn install_perilune(&self) -> Result<()> {
        let _ = self.kubectl.run(&["create", "namespace", NAMESPACE]);
        self.helm(&["upgrade", "--install", "perilune-crds", "charts/perilune-crds"])?;
        // the guests' kernel has no seccomp, and the lab no cluster DNS
        self.helm(&[
            "upgrade",
            "--install",
            "perilune",
            "charts/perilune",
            "--set",
            "controller.podSecurityContext.seccompProfile=null",
            "--set",
            "controller.dnsPolicy=Default",
        ])
    }

    fn helm(&self, args: &[&str]) -> Result<()> {
        let out = Command::new(&self.helm)
            .current_dir(&self.root)
            .args(args)
            .args(["--namespace", NAMESPACE, "--kubeconfig"])
            .arg(&self.kubectl.kubeconfig)
            .output()
            .with_context(|| format!("starting {}", self.helm.display()))?;
        let said = String::from_utf8_lossy(&out.stderr);
        if !out.status.success() {
            bail!("helm {}: {}", args.join(" "), said.trim());
        }
        if said.contains("Warning") || said.contains("WARNING") {
            bail!("helm {} warned: {}", args.join(" "), said.trim());
        }
        Ok(())
    }

    /// Waits until every pod of Perilune runs.
    pub fn wait_for_pods(&self) -> Result<String> {
        wait_for("Perilune's pods", Duration::from_secs(180), || {
            let pods = self.kubectl.list(&["pods", "-n", NAMESPACE])?;
            let running = pods.iter().filter(|pod| is_ready(pod) || is_standby(pod)).count();
            let leader = pods.iter().any(|pod| {
                is_ready(pod) && pod["metadata"]["name"].as_str().is_some_and(|n| n.contains("controller"))
            });
            let nodes = pods
                .iter()
                .filter(|pod| is_ready(pod))
                .filter(|pod| pod["metadata"]["name"].as_str().is_some_and(|n| n.contains("node")))
                .count();
            if leader && nodes == 2 && running == pods.len() && pods.len() == 4 {
                return Ok(Ok("two controllers, one of them leading, and a plugin on each node".to_owned()));
            }
            Ok(Err(pods.iter().map(describe).collect::<Vec<_>>().join("; ")))
        })
    }

    /// Keeps what Perilune's containers wrote, for a failed run to look at.
    pub fn collect_pod_logs(&self, into: &Path) {
        for pod in self.kubectl.list(&["pods", "-n", NAMESPACE]).unwrap_or_default() {
            let Some(name) = pod["metadata"]["name"].as_str() else { continue };
            for extra in ["", "--previous"] {
                let mut args = vec!["-n", NAMESPACE, "logs", name, "--all-containers", "--prefix"];
                args.extend(Some(extra).filter(|e| !e.is_empty()));
                if let Ok(log) = self.kubectl.run(&args) {
                    let _ = fs::write(into.join(format!("{name}{extra}.log")), log);
                }
            }
        }
        if let Ok(all) = self.kubectl.run(&["get", "events", "-A", "--sort-by=.lastTimestamp"]) {
            let _ = fs::write(into.join("events.log"), all);
        }
    }

    /// The commands that the array was sent, in order.
    pub fn journal(&self) -> Result<Vec<String>> {
        let entries: Value = serde_json::from_str(&self.control("GET", "journal", "")?)?;
        let commands = entries.as_array().into_iter().flatten();
        Ok(commands.filter_map(|e| e["method"].as_str()).map(str::to_owned).collect())
    }

    /// Asks the simulator's control about the array.
    pub fn control(&self, method: &str, what: &str, body: &str) -> Result<String> {
        self.array.control(&self.lab, method, what, body)
    }

    /// Checks the chart as its users would, and that rendering it twice gives the same.
    pub fn lint_charts(&self) -> Result<()> {
        for chart in ["charts/perilune", "charts/perilune-crds"] {
            self.helm(&["lint", "--strict", chart])?;
            let render = || -> Result<Vec<u8>> {
                let out = Command::new(&self.helm)
                    .current_dir(&self.root)
                    .args(["template", "perilune", chart])
                    .output()?;
                Ok(out.stdout)
            };
            let (first, second) = (render()?, render()?);
            if first.is_empty() || first != second {
                bail!("{chart}: two renderings differ, or are empty");
            }
        }
        Ok(())
    }

    /// Calls the API of the array, which is a SolidFire, past Perilune.
    pub fn solidfire_call(&self, method: &str, params: &Value) -> Result<Value> {
        solidfire_call(&self.lab, method, params)
    }
}

fn spec(
    label: &str,
    family: Family,
    places: &Places,
    (sidecars, product): (PathBuf, PathBuf),
) -> Result<Spec> {
    Ok(Spec {
        state: Spec::new_state_dir(label),
        binaries: places.kubernetes.clone(),
        cache: places.cache.clone(),
        images: vec![sidecars],
        fresh_images: vec![product],
        shares: vec![places.programs.clone(), places.cache.clone()],
        guests: vec![
            GuestSpec::node("node1", 11),
            GuestSpec::node("node2", 12),
            family.guest(label, places)?,
        ],
        // a refused attach leaves an attachment behind, which is swept up once in this time
        controller_manager_args: vec!["--attach-detach-reconcile-sync-period=10s".to_owned()],
    })
}

/// The folder of the snapshot definitions, in the Go module that publishes them.
fn snapshot_definitions(root: &Path) -> Result<PathBuf> {
    let out = Command::new("go")
        .current_dir(root.join("tests/kubernetes"))
        .args(["list", "-m", "-f", "{{.Dir}}", "github.com/kubernetes-csi/external-snapshotter/client/v8"])
        .output()
        .context("asking go for the snapshot definitions")?;
    let dir = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if dir.is_empty() {
        bail!(
            "the snapshot definitions' module is not there: {}",
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(Path::new(&dir).join("config/crd"))
}

fn conditions(pod: &Value) -> Option<&Vec<Value>> {
    pod["status"]["conditions"].as_array()
}

fn is_ready(pod: &Value) -> bool {
    conditions(pod).is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

/// A controller that waits for the lease: running, and not ready on purpose.
fn is_standby(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array();
    pod["metadata"]["name"].as_str().is_some_and(|n| n.contains("controller"))
        && statuses.is_some_and(|all| all.iter().all(|c| c["state"].get("running").is_some()))
}

fn describe(pod: &Value) -> String {
    let name = pod["metadata"]["name"].as_str().unwrap_or("?");
    let waiting: Vec<String> = pod["status"]["containerStatuses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|c| c["ready"] != true)
        .map(|c| format!("{} {}", c["name"].as_str().unwrap_or("?"), c["state"]))
        .collect();
    format!("{name} {} {}", pod["status"]["phase"].as_str().unwrap_or("?"), waiting.join(", "))
}
