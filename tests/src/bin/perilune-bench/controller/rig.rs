//! A control plane without nodes, simulated arrays in this process, and the controller's release binary between them.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ObjectMeta, PostParams};
use perilune_array::{Array, Connector as _, Name, NewVolume, Owner, PoolId, RecordId, Size};
use perilune_csi_proto::csi::v1 as csi;
use perilune_csi_proto::csi::v1::controller_client::ControllerClient;
use perilune_csi_proto::csi::v1::identity_client::IdentityClient;
use perilune_drivers::VendorConnector;
use perilune_lab::{Lab, Spec};
use perilune_simulator::{Action, Config, Fault, Running, Simulator};
use perilune_tests::{Kubectl, NAMESPACE, Places, wait_for};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use super::{AT_ONCE, timed};
use crate::roundtrips;

/// Calls that a backend takes at once.
pub(crate) const PERMITS: usize = 8;
const NODE: &str = "bench-0123456789";
const SOON: Duration = Duration::from_secs(60);
const GIB: i64 = 1 << 30;

pub(crate) struct Rig {
    lab: Lab,
    places: Places,
    kubectl: Kubectl,
    arrays: Running,
    controller: Option<Child>,
    client: Option<ControllerClient<Channel>>,
}

impl Rig {
    /// One SolidFire for each latency: `sf1`, `sf2`, …
    pub(crate) async fn start(latencies: &[Duration]) -> Result<Self> {
        let places = Places::find()?;
        let state = Spec::new_state_dir("bench");
        let spec = Spec {
            state,
            binaries: places.kubernetes.clone(),
            cache: places.cache.clone(),
            images: Vec::new(),
            fresh_images: Vec::new(),
            shares: Vec::new(),
            guests: Vec::new(),
            controller_manager_args: Vec::new(),
        };
        let lab = Lab::start(&places.programs.join("perilune-lab"), spec, |_| {})?;
        let kubectl = Kubectl { binary: places.kubernetes.join("kubectl"), kubeconfig: lab.kubeconfig() };
        let arrays = Simulator::start(arrays(latencies)).await?;
        let mut rig = Self { lab, places, kubectl, arrays, controller: None, client: None };
        rig.install()?;
        rig.run().await?;
        for array in rig.arrays.arrays() {
            let ready = || Ok(perilune_tests::story::ready(&rig.kubectl, &array.name)?.map(drop));
            wait_for(&format!("ArrayBackend {}", array.name), SOON, ready)?;
        }
        Ok(rig)
    }

    fn install(&self) -> Result<()> {
        let definitions = self.places.root.join("crds");
        self.kubectl.run(&["apply", "--server-side", "-f", &definitions.to_string_lossy()])?;
        self.kubectl.run(&["create", "namespace", NAMESPACE])?;
        let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data});
        let mut items = vec![
            secret("account", json!({"username": "admin", "password": "secret"})),
            secret("ca", json!({"ca.crt": self.arrays.ca_pem()})),
            secret("chap", json!({"username": "bench", "password": "bench-chap-01"})),
            json!({
                "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayNode", "metadata": {"name": "bench"},
                "spec": {"nodeID": NODE},
            }),
        ];
        items.extend(self.arrays.arrays().iter().map(|array| {
            json!({
                "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend", "metadata": {"name": array.name},
                "spec": {
                    "type": "SolidFire",
                    "endpoints": [{"address": array.address.to_string(), "port": array.port}],
                    "credentialsSecretRef": {"name": "account"},
                    "tls": {"caBundle": {"secretRef": {"name": "ca"}}},
                    "iscsi": {"chap": {"mode": "OneWay", "secretRef": {"name": "chap"}}},
                    "limits": {"maxConcurrentOps": PERMITS, "minPaths": 1},
                    "solidFire": {"tenant": "bench"},
                },
            })
        }));
        wait_for("the definitions", SOON, || {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            Ok(self.kubectl.apply(&list).map(drop).map_err(|error| format!("{error:#}")))
        })?;
        let status = json!({"status": {"initiators": [{"name": "iqn.2026-01.dev.perilune:bench", "protocol": "ISCSI"}]}});
        let patch = status.to_string();
        self.kubectl
            .run(&["patch", "arraynode", "bench", "--subresource=status", "--type=merge", "-p", &patch])
            .map(drop)
    }

    /// Starts the controller; returns when it may be called.
    pub(crate) async fn run(&mut self) -> Result<()> {
        let program = self.places.programs.join("perilune-controller");
        ensure!(program.is_file(), "{} is not built; run this by `cargo xtask bench`", program.display());
        let socket = self.socket();
        let log = fs::File::create(self.lab.state_dir().join("controller.log"))?;
        let child = Command::new(program)
            .env("KUBECONFIG", self.lab.kubeconfig())
            .args([
                "--namespace",
                NAMESPACE,
                "--identity=bench",
                "--health-addr=127.0.0.1:0",
                "--log-level=warn",
            ])
            .arg(format!("--endpoint=unix://{}", socket.display()))
            .stdout(log.try_clone()?)
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .context("starting the controller")?;
        self.controller = Some(child);
        let end = tokio::time::Instant::now() + SOON;
        loop {
            if let Ok(channel) = self.probe().await {
                self.client = Some(ControllerClient::new(channel));
                return Ok(());
            }
            ensure!(tokio::time::Instant::now() < end, "the controller did not become ready in {SOON:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn socket(&self) -> PathBuf {
        self.lab.state_dir().join("csi.sock")
    }

    async fn probe(&self) -> Result<Channel> {
        let path = self.socket();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://plugin").connect_with_connector(connector).await?;
        let answer = IdentityClient::new(channel.clone()).probe(csi::ProbeRequest {}).await?.into_inner();
        ensure!(answer.ready == Some(true), "not ready");
        Ok(channel)
    }

    /// Ends the controller as kubelet would.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.client = None;
        let mut child = self.controller.take().context("no controller runs")?;
        let pid = child.id().context("the controller has ended")?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        tokio::time::timeout(SOON, child.wait()).await.context("the controller does not end")??;
        Ok(())
    }

    fn client(&self) -> Result<ControllerClient<Channel>> {
        self.client.clone().context("no controller runs")
    }

    /// Makes a volume as the provisioner would; its handle.
    pub(crate) async fn create(&self, name: &str, backend: &str) -> Result<String> {
        let request = csi::CreateVolumeRequest {
            name: name.to_owned(),
            capacity_range: Some(csi::CapacityRange { required_bytes: GIB, limit_bytes: 0 }),
            volume_capabilities: vec![capability()],
            parameters: [("perilune.dev/backend".to_owned(), backend.to_owned())].into(),
            ..Default::default()
        };
        let answer = self.client()?.create_volume(request).await.with_context(|| format!("create {name}"))?;
        Ok(answer.into_inner().volume.context("no volume in the answer")?.volume_id)
    }

    pub(crate) async fn publish(&self, handle: &str) -> Result<()> {
        let request = csi::ControllerPublishVolumeRequest {
            volume_id: handle.to_owned(),
            node_id: NODE.to_owned(),
            volume_capability: Some(capability()),
            ..Default::default()
        };
        let answer = self.client()?.controller_publish_volume(request).await;
        answer.map(drop).with_context(|| format!("publish {handle}"))
    }

    /// Makes many volumes, spread over these backends; how long each took.
    pub(crate) async fn many(&self, name: &str, count: usize, backends: &[&str]) -> Result<Vec<Duration>> {
        let all = stream::iter((0..count).map(async |n| {
            let backend = backends.get(n % backends.len()).copied().unwrap_or_default();
            timed(self.create(&format!("{name}-{n}"), backend)).await
        }));
        all.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// One page of ListVolumes: how many it holds, and where it goes on.
    pub(crate) async fn page(&self, size: i32, token: &str) -> Result<(usize, String)> {
        let request = csi::ListVolumesRequest { max_entries: size, starting_token: token.to_owned() };
        let answer = self.client()?.list_volumes(request).await?.into_inner();
        Ok((answer.entries.len(), answer.next_token))
    }

    /// A client of the API server, with its connection made.
    pub(crate) async fn writer(&self) -> Result<Api<ConfigMap>> {
        let kubeconfig = kube::config::Kubeconfig::read_from(self.lab.kubeconfig())?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await?;
        Ok(Api::namespaced(kube::Client::try_from(config)?, NAMESPACE))
    }

    /// A session with the first array, past the controller.
    pub(crate) async fn session(&self) -> Result<(Arc<dyn Array>, PoolId)> {
        let array = VendorConnector.connect(&roundtrips::connect_spec(&self.arrays)?).await?;
        let pool = array.inspect().await?.pools.into_iter().next().context("the array has no pool")?.id;
        Ok((array, pool))
    }

    pub(crate) fn clear_journals(&self) -> Result<()> {
        for array in self.arrays.arrays() {
            self.arrays.control().clear_journal(&array.name)?;
        }
        Ok(())
    }

    pub(crate) fn calls(&self, array: &str) -> Result<usize> {
        Ok(self.arrays.control().journal(array)?.len())
    }

    /// From now on the array takes connections and requests, and answers none.
    pub(crate) fn hang(&self, array: &str) -> Result<()> {
        let silence = Action::Late(u64::from(u32::MAX));
        Ok(self.arrays.control().order(array, Fault::every("*", silence))?)
    }

    /// Memory that the controller has in use, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let pid = self.controller.as_ref().and_then(Child::id).context("no controller runs")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}

fn arrays(latencies: &[Duration]) -> Config {
    let mut config = Config::solidfire("sf1");
    config.arrays = latencies
        .iter()
        .zip(1..)
        .map(|(latency, n)| {
            let mut one = Config::solidfire(&format!("sf{n}")).arrays.remove(0);
            one.listen.set_ip(std::net::Ipv4Addr::new(127, 0, 0, n).into());
            one.latency = *latency;
            one
        })
        .collect();
    config
}

/// One write, as large as the ledger's.
pub(crate) async fn write(api: &Api<ConfigMap>, run: usize) -> Result<()> {
    let metadata = ObjectMeta { name: Some(format!("write-{run}")), ..ObjectMeta::default() };
    let data = [("entry".to_owned(), "x".repeat(800))].into();
    api.create(&PostParams::default(), &ConfigMap { metadata, data: Some(data), ..ConfigMap::default() })
        .await?;
    Ok(())
}

/// The one call that makes a volume.
pub(crate) async fn call((array, pool): &(Arc<dyn Array>, PoolId), run: usize) -> Result<()> {
    let new = NewVolume {
        name: Name::new(format!("call-{run}")),
        pool: pool.clone(),
        size: Size::gib(1),
        owner: Owner::new("bench", RecordId::new(format!("call-{run}"))),
        qos: None,
    };
    array.volumes().create(&new).await?;
    Ok(())
}

fn capability() -> csi::VolumeCapability {
    use csi::volume_capability::access_mode::Mode;
    use csi::volume_capability::{AccessMode, AccessType, MountVolume};
    csi::VolumeCapability {
        access_type: Some(AccessType::Mount(MountVolume::default())),
        access_mode: Some(AccessMode { mode: Mode::SingleNodeWriter.into() }),
    }
}
