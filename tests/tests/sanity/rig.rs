//! One storage host with both plugins and csi-sanity on it, an array, and a control plane without nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use perilune_lab::events::{Event, Stage};
use perilune_lab::{Guest, GuestSpec, Lab, Spec};
use perilune_tests::{CHAP, Family, Kubectl, NAMESPACE, Narrator, Places, ginkgo, wait_for};
use serde_json::{Value, json};

const KUBELET_DIR: &str = "/var/lib/kubelet";
const NODE_SOCKET: &str = "/var/lib/kubelet/plugins/csi.perilune.dev/csi.sock";
const CONTROLLER_SOCKET: &str = "/run/perilune-controller.sock";
const SOON: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);
/// What the node takes at once; csi-sanity goes as far, and one further.
const VOLUMES: u32 = 3;
/// csi-sanity's own time, and the guest's, which must not end first.
const LIMIT: (&str, Duration) = ("20m", Duration::from_secs(21 * 60));

pub(crate) struct Rig {
    lab: Lab,
    kubectl: Kubectl,
    array: Family,
    places: Places,
    program: PathBuf,
    narrator: Narrator,
}

impl Rig {
    /// Returns when both plugins may be called.
    pub(crate) fn start(array: Family) -> Result<Self> {
        let places = Places::find()?;
        let program = std::env::var_os("CSI_SANITY").map(PathBuf::from);
        let program = program.context("run this by `cargo xtask test sanity`, which builds csi-sanity")?;
        let narrator = Narrator::default();
        let spec = Spec {
            state: Spec::new_state_dir("sanity"),
            binaries: places.kubernetes.clone(),
            cache: places.cache.clone(),
            images: Vec::new(),
            fresh_images: Vec::new(),
            shares: vec![
                places.programs.clone(),
                places.cache.clone(),
                program.parent().unwrap_or(Path::new("/")).to_owned(),
            ],
            guests: vec![GuestSpec::host("host", 11), array.guest("sanity", &places)?],
            controller_manager_args: Vec::new(),
        };
        let tell = |event: &Event| {
            if event.stage == Stage::Ready {
                narrator.note(&format!("{:5.1} s  {} ready", event.seconds, event.subject));
            }
        };
        let lab = narrator.step("Kubernetes, a storage host, an array", || {
            let lab = Lab::start(&places.programs.join("perilune-lab"), spec, tell)?;
            lab.wait_ready(3 * MINUTE, tell)?;
            Ok((lab, String::new()))
        })?;
        let kubectl = Kubectl { binary: places.kubernetes.join("kubectl"), kubeconfig: lab.kubeconfig() };
        let rig = Self { lab, kubectl, array, places, program, narrator };
        rig.install().inspect_err(|_| rig.keep_logs())?;
        Ok(rig)
    }

    fn install(&self) -> Result<()> {
        self.narrator.step(&format!("definitions and ArrayBackend {}", self.array.name()), || {
            let definitions = self.places.root.join("crds");
            self.kubectl.run(&["apply", "--server-side", "-f", &definitions.to_string_lossy()])?;
            self.kubectl.run(&["create", "namespace", NAMESPACE])?;
            wait_for("the definitions", SOON, || Ok(self.configure().map_err(|e| format!("{e:#}"))))?;
            Ok(((), String::new()))
        })?;
        self.narrator.step("controller and node plugin", || {
            self.spawn("controller", &format!("--namespace={NAMESPACE} --identity=sanity --endpoint=unix://{CONTROLLER_SOCKET} --log-level=debug"))?;
            self.spawn("node", &format!("--node-name=host --host-root=/ --kubelet-dir={KUBELET_DIR} --max-volumes={VOLUMES} --log-level=debug"))?;
            wait_for("ArrayBackend and ArrayNode", 2 * MINUTE, || self.ready()).map(|()| ((), String::new()))
        })
    }

    fn configure(&self) -> Result<()> {
        self.kubectl.apply(&self.array.manifests(&self.lab)?)?;
        let limits = json!({"minPaths": 2, "maxVolumesPerNode": VOLUMES});
        self.kubectl.apply(&self.array.backend(self.array.name(), json!({"limits": limits}))).map(drop)
    }

    fn spawn(&self, plugin: &str, arguments: &str) -> Result<()> {
        let program = self.places.programs.join(format!("perilune-{plugin}"));
        let kubeconfig = self.lab.state_dir().join("inside.kubeconfig");
        let command = format!("KUBECONFIG={} exec {} {arguments}", kubeconfig.display(), program.display());
        self.host()?.spawn(plugin, &command).map(drop)
    }

    fn ready(&self) -> Result<Result<(), String>> {
        let backend = self.kubectl.get(&["arraybackend", self.array.name()])?;
        let conditions = backend["status"]["conditions"].as_array().cloned().unwrap_or_default();
        if !conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True") {
            return Ok(Err(Value::from(conditions).to_string()));
        }
        self.kubectl.get(&["arraynode", "host"])?;
        let sockets = format!("test -S {NODE_SOCKET} && test -S {CONTROLLER_SOCKET}");
        Ok(self.host()?.run(&sockets, SOON)?.success().map(drop).map_err(|_| "no sockets yet".to_owned()))
    }

    /// Runs all of csi-sanity with volumes of this access type.
    pub(crate) fn sanity(&self, access_type: &str) -> Result<Vec<ginkgo::Spec>> {
        let (host, folder) = (self.host()?, self.host()?.dir());
        let file = |name: &str, value: &Value| -> Result<String> {
            let path = folder.join(name);
            // YAML's elder brother
            fs::write(&path, value.to_string())?;
            Ok(path.display().to_string())
        };
        let chap = json!({"username": CHAP.0, "password": CHAP.1});
        let report = folder.join(format!("{access_type}.json"));
        let arguments = [
            format!("--csi.endpoint=unix://{NODE_SOCKET}"),
            format!("--csi.controllerendpoint=unix://{CONTROLLER_SOCKET}"),
            format!("--csi.mountdir={KUBELET_DIR}/sanity-mount"),
            format!("--csi.stagingdir={KUBELET_DIR}/sanity-staging"),
            format!("--csi.testvolumeaccesstype={access_type}"),
            format!("--csi.testvolumesize={}", 1 << 30),
            format!("--csi.secrets={}", file("secrets", &json!({"NodeStageVolumeSecret": chap}))?),
            format!(
                "--csi.testvolumeparameters={}",
                file("class", &json!({"perilune.dev/backend": self.array.name()}))?
            ),
            format!(
                "--csi.testvolumemutableparameters={}",
                file("limits", &json!({"perilune.dev/max-iops": "1500"}))?
            ),
            format!("--ginkgo.json-report={}", report.display()),
            format!("--ginkgo.timeout={}", LIMIT.0),
            "--csi.testnodevolumeattachlimit".to_owned(),
            "--ginkgo.no-color".to_owned(),
        ];
        // its own log is for a person, the report for us; both must have reached this side
        let command = format!(
            "{} {} >{}/csi-sanity.log 2>&1; code=$?; sync; exit $code",
            self.program.display(),
            arguments.join(" "),
            folder.display()
        );
        self.narrator.step(&format!("csi-sanity with {access_type} volumes of {}", self.array.name()), || {
            let ended = host.run(&command, LIMIT.1)?;
            let text = fs::read_to_string(&report)
                .with_context(|| format!("csi-sanity ended with {} and left no report", ended.code))?;
            let specs = ginkgo::read(&text)?;
            let said = format!("{} specs, status {}", specs.len(), ended.code);
            Ok((specs, said))
        })
    }

    /// What is still there that csi-sanity made.
    pub(crate) fn left(&self) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let held = self.array.holds(&self.lab)?.into_iter().filter(|(_, found)| !found.is_empty());
        left.extend(held.map(|(what, found)| format!("array, {what}: {found}")));
        let records = self.kubectl.list(&["arrayvolumes"])?;
        left.extend(records.iter().map(|r| format!("ledger: {}", r["metadata"]["name"])));
        let look = format!(
            "ls /sys/class/iscsi_session | sed 's/^/session /'; dmsetup ls | grep -v '^No devices' | sed 's/^/map /'; \
             grep {KUBELET_DIR} /proc/mounts | sed 's/^/mount /'; ls {KUBELET_DIR}/plugins/*/volumes | sed 's/^/record /'; true"
        );
        let node = self.host()?.run(&look, SOON)?.success()?;
        left.extend(node.lines().map(|line| format!("node: {line}")));
        Ok(left)
    }

    pub(crate) fn keep_logs(&self) {
        let logs = self.places.root.join("target/sanity-logs").join(self.array.word());
        // where the plugins' last words may still be on their way
        let _ = self.host().and_then(|host| host.run("sync", SOON));
        match self.lab.collect_logs(&logs) {
            Ok(()) => self.narrator.note(&format!("the logs are in {}", logs.display())),
            Err(error) => self.narrator.note(&format!("the logs could not be kept: {error:#}")),
        }
    }

    fn host(&self) -> Result<Guest<'_>> {
        self.lab.guest("host")
    }
}
