//! What each test runs against.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use perilune_array::fake::{FakeArray, FakeBuilder, FakeConnector};
use perilune_array::{AccessModel, Volume};
use perilune_csi::proto::csi::v1::controller_client::ControllerClient;
use perilune_csi::proto::csi::v1::identity_client::IdentityClient;
use perilune_csi::server::Socket;
use perilune_csi_controller::services;
use perilune_engine::ledger::memory::MemoryLedger;
use perilune_engine::nodes::{NodeFacts, memory::MemoryNodes};
use perilune_engine::{
    AdministrativeState, Applied, BackendSpec, ConnectSpec, Credentials, Endpoint, Engine, Fleet, Limits,
    Secret, Settings, Trust, Vendor, Writer,
};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint as Peer};

/// The one backend's name.
pub(crate) const BACKEND: &str = "sf1";

/// A controller that is served, and everything beneath it.
pub(crate) struct Rig {
    pub(crate) client: ControllerClient<Channel>,
    pub(crate) identity: IdentityClient<Channel>,
    pub(crate) array: FakeArray,
    pub(crate) ledger: Arc<MemoryLedger>,
    fleet: Arc<Fleet>,
    lease: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::on(array()).await
    }

    pub(crate) async fn on(builder: FakeBuilder) -> Self {
        let array = builder.build();
        let fleet = Arc::new(Fleet::new(Arc::new(FakeConnector::default().with("array", array.clone()))));
        let ledger = Arc::new(MemoryLedger::default());
        let (lease, held) = watch::channel(true);
        let nodes = MemoryNodes::default();
        for name in ["node-1", "node-2"] {
            nodes.put(name, NodeFacts { name: name.into(), ..NodeFacts::default() });
        }
        let engine =
            Engine::new(Arc::clone(&fleet), Arc::clone(&ledger) as _, Writer::new(held), "cluster-1");
        let engine = Arc::new(engine.with_nodes(Arc::new(nodes)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("csi.sock");
        let (stop, stopped) = watch::channel(false);
        let socket = Socket::bind(&path, 0o600).unwrap();
        let routes = services(engine, "csi.perilune.dev".parse().unwrap(), "1.2.3", lease.subscribe());
        tokio::spawn(socket.serve(routes, stopped));
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
        });
        let channel = Peer::from_static("http://plugin").connect_with_connector(connector).await.unwrap();
        let identity = IdentityClient::new(channel.clone());
        let client = ControllerClient::new(channel);
        let rig = Self { client, identity, array, ledger, fleet, lease, _stop: stop, _folder: folder };
        rig.describe(|_| {}).await;
        rig.array.faults().clear();
        rig
    }

    /// The administrator says how the backend may be used.
    pub(crate) async fn administer(&self, state: AdministrativeState) {
        self.describe(|spec| spec.state = state).await;
    }

    /// The administrator describes the backend otherwise than it was at first.
    pub(crate) async fn describe(&self, alter: impl FnOnce(&mut BackendSpec)) {
        let mut spec = backend();
        alter(&mut spec);
        let applied = self.fleet.apply(spec).await;
        assert!(matches!(applied, Applied::Working(_)), "{applied:?}");
    }

    /// Another replica takes over.
    pub(crate) fn lose_lease(&self) {
        self.lease.send(false).unwrap();
    }

    /// The one volume of this name on the array.
    pub(crate) fn on_array(&self, name: &str) -> Volume {
        let mut found: Vec<Volume> = self.array.inventory().volumes;
        found.retain(|volume| volume.name.as_str() == name);
        assert_eq!(found.len(), 1, "volumes named {name}");
        found.remove(0)
    }

    /// The altering calls that the array saw.
    pub(crate) fn altered(&self) -> Vec<&'static str> {
        self.array.faults().calls().iter().filter(|call| call.alters()).map(|call| call.verb).collect()
    }
}

/// An array with the habits of the first real one: one account for all hosts, names that may repeat.
pub(crate) fn array() -> FakeBuilder {
    FakeBuilder::new().names_repeat(true).profile(|profile| {
        profile.vendor = Vendor::Solidfire;
        profile.access = AccessModel::Account;
    })
}

fn backend() -> BackendSpec {
    let connect = ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: vec![Endpoint { address: "array".into(), port: None }],
        credentials: Credentials { username: "admin".into(), password: Secret::new("password") },
        trust: Trust::Nothing,
        server_name: None,
        chap: None,
        timeout: Duration::from_secs(5),
        settings: Settings::default(),
    };
    BackendSpec {
        labels: BTreeMap::from([("tier".into(), "gold".into())]),
        limits: Limits { min_paths: 2, ..Limits::default() },
        ..BackendSpec::new(BACKEND, connect)
    }
}
