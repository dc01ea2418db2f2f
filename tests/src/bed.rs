//! A lab with a simulated array and Perilune in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use perilune_lab::events::{Event, Stage};
use perilune_lab::{Command as GuestCommand, GuestSpec, Lab, Spec, image};
use serde_json::{Value, json};

use crate::kubectl::{Kubectl, wait_for};
use crate::narrator::Narrator;
use crate::places::Places;

/// Where Perilune is installed.
pub const NAMESPACE: &str = "perilune-system";
const ARRAY: &str = "10.250.0.30";
const PORTALS: [&str; 2] = ["10.250.0.30:3260", "10.250.0.31:3260"];
/// Where the simulator is steered, inside its guest.
const CONTROL: u16 = 9000;
/// What the hosts of tenant `demo` log in with.
pub const CHAP: (&str, &str) = ("demo", "demo-chap-0001");

/// The demo's cluster.
#[derive(Debug)]
pub struct Bed {
    pub lab: Lab,
    pub kubectl: Kubectl,
    root: PathBuf,
    helm: PathBuf,
}

impl Bed {
    /// Starts the lab: control plane, two nodes, an array. Returns when the nodes are ready.
    pub fn start(label: &str, narrator: &Narrator) -> Result<Self> {
        let places = Places::find()?;
        let images = narrator.step("container images", || {
            let sidecars = image::kubernetes(&places.kubernetes, &places.cache)?;
            let name = format!("ghcr.io/perilune/perilune:{}", env!("CARGO_PKG_VERSION"));
            let product = image::product(&places.root, &places.programs, &name, &places.cache)?;
            Ok(((sidecars, product), "sidecars and Perilune".to_owned()))
        })?;
        let spec = spec(label, &places, images)?;
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
        Self::over(lab, places)
    }

    /// Joins a bed that was kept.
    pub fn attach(state: &Path) -> Result<Self> {
        Self::over(Lab::attach(state)?, Places::find()?)
    }

    fn over(lab: Lab, places: Places) -> Result<Self> {
        let kubectl = Kubectl { binary: places.kubernetes.join("kubectl"), kubeconfig: lab.kubeconfig() };
        Ok(Self { lab, kubectl, root: places.root, helm: places.kubernetes.join("helm") })
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
        let script = format!(
            "curl -sS --fail-with-body -X {method} -d '{body}' http://127.0.0.1:{CONTROL}/arrays/sf1/{what}"
        );
        self.lab.guest("array")?.run(&script, Duration::from_secs(20))?.success()
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

    /// Calls the array's own API, past Perilune.
    pub fn array_call(&self, method: &str, params: &Value) -> Result<Value> {
        array_call(&self.lab, method, params)
    }

    /// See [`backend_manifests`].
    pub fn backend_manifests(&self) -> Result<Value> {
        backend_manifests(&self.lab)
    }
}

/// Calls the array's own API, past Perilune.
pub fn array_call(lab: &Lab, method: &str, params: &Value) -> Result<Value> {
    let body = json!({"method": method, "params": params}).to_string();
    let script = format!(
        "curl -sS --cacert /run/simulator/ca.pem -u admin:secret https://{ARRAY}/json-rpc/12.3 -d '{body}'"
    );
    let out = lab.guest("array")?.run(&script, Duration::from_secs(20))?.success()?;
    let answer: Value = serde_json::from_str(&out).with_context(|| format!("the array said {out}"))?;
    match answer.get("result") {
        Some(result) => Ok(result.clone()),
        None => bail!("the array refuses {method}: {}", answer["error"]),
    }
}

/// The certificate authority of the simulated array.
fn array_ca(lab: &Lab) -> Result<String> {
    let array = lab.guest("array")?;
    wait_for("the array's certificate", Duration::from_secs(30), || {
        let out = array.run("cat /run/simulator/ca.pem", Duration::from_secs(10))?;
        Ok(if out.code == 0 { Ok(out.stdout) } else { Err(out.stderr) })
    })
}

/// Secrets and the ArrayBackend of the simulated array.
pub fn backend_manifests(lab: &Lab) -> Result<Value> {
    let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"perilune.dev/backend": "sf1"}}, "stringData": data});
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": [
        secret("sf1-account", json!({"username": "admin", "password": "secret"})),
        secret("sf1-ca", json!({"ca.crt": array_ca(lab)?})),
        secret("sf1-chap", json!({"username": CHAP.0, "password": CHAP.1})),
        backend("sf1", json!({})),
    ]}))
}

/// The ArrayBackend of the simulated array, with whatever a test wants different.
pub fn backend(name: &str, different: Value) -> Value {
    let mut spec = json!({
        "type": "SolidFire",
        "endpoints": [{"address": ARRAY}],
        "credentialsSecretRef": {"name": "sf1-account"},
        "tls": {"caBundle": {"secretRef": {"name": "sf1-ca"}}},
        "iscsi": {"chap": {"mode": "OneWay", "secretRef": {"name": "sf1-chap"}}},
        "limits": {"minPaths": 1},
        "solidFire": {"tenant": "demo"},
    });
    if let (Some(spec), Value::Object(different)) = (spec.as_object_mut(), different) {
        spec.extend(different);
    }
    json!({"apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend", "metadata": {"name": name, "labels": {"tier": "demo"}}, "spec": spec})
}

fn spec(label: &str, places: &Places, (sidecars, product): (PathBuf, PathBuf)) -> Result<Spec> {
    Ok(Spec {
        state: Spec::new_state_dir(label),
        binaries: places.kubernetes.clone(),
        cache: places.cache.clone(),
        images: vec![sidecars],
        fresh_images: vec![product],
        shares: vec![places.programs.clone(), places.cache.clone()],
        guests: vec![GuestSpec::node("node1", 11), GuestSpec::node("node2", 12), array(label, places)?],
        // a refused attach leaves an attachment behind, which is swept up once in this time
        controller_manager_args: vec!["--attach-detach-reconcile-sync-period=10s".to_owned()],
    })
}

/// The guest `array`: the simulator with one SolidFire, `sf1`, whose volumes are the kernel's.
pub fn array(label: &str, places: &Places) -> Result<GuestSpec> {
    let config = places.cache.join(format!("{label}-array.yaml"));
    let portals = PORTALS.map(|p| format!("\"{p}\"")).join(", ");
    fs::write(
        &config,
        format!(
            "control: 127.0.0.1:{CONTROL}\ntls: {{directory: /run/simulator}}\narrays:\n  - name: sf1\n    vendor: solidfire\n    listen: {ARRAY}:443\n    \
             credentials: {{username: admin, password: secret}}\n    iscsi: [{portals}]\n    data: lio\n"
        ),
    )?;
    let mut array = GuestSpec::plain("array", &[30, 31]);
    array.commands = vec![GuestCommand {
        name: "simulator".to_owned(),
        command: format!(
            "exec {} --config {}",
            places.programs.join("perilune-simulator").display(),
            config.display()
        ),
    }];
    Ok(array)
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
