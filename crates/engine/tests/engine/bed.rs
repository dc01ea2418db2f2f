//! An engine over an in-memory array and ledger, and the checker that compares the two.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use perilune_array::fake::{FakeArray, FakeBuilder, FakeConnector};
use perilune_array::{AccessModel, Credentials, Endpoint, Secret, Settings, Size, Trust, Vendor};
use perilune_engine::ledger::{Ledger, memory::MemoryLedger};
use perilune_engine::nodes::memory::MemoryNodes;
use perilune_engine::{
    Applied, BackendSpec, ConnectSpec, Engine, Fleet, Initiator, Limits, NodeFacts, Nodes, SizeRange,
    VolumeRequest, Writer,
};
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) struct Bed {
    pub(crate) array: FakeArray,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) engine: Engine,
    pub(crate) nodes: Arc<MemoryNodes>,
    pub(crate) writer: watch::Sender<bool>,
}

/// An array that keeps a map: who may reach what, by which LUN.
pub(crate) fn mapping_array() -> FakeBuilder {
    FakeBuilder::new().polls_to_copy(2)
}

/// An array as SolidFire is: access by account, names repeat, a copy takes a look or two.
pub(crate) fn account_array() -> FakeBuilder {
    FakeBuilder::new().names_repeat(true).polls_to_copy(2).profile(|p| p.access = AccessModel::Account)
}

pub(crate) fn spec(name: &str) -> BackendSpec {
    let connect = ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: vec![Endpoint { address: "array".to_owned(), port: None }],
        credentials: Credentials { username: "admin".to_owned(), password: Secret::new("password") },
        trust: Trust::System,
        server_name: None,
        chap: None,
        timeout: Duration::from_secs(10),
        settings: Settings::default(),
    };
    BackendSpec {
        labels: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
        limits: Limits { concurrent: 4, ..Limits::default() },
        ..BackendSpec::new(name, connect)
    }
}

impl Bed {
    pub(crate) async fn new(array: FakeArray) -> Self {
        Self::with(array, spec("a")).await
    }

    pub(crate) async fn with(array: FakeArray, spec: BackendSpec) -> Self {
        let fleet = Arc::new(Fleet::new(Arc::new(FakeConnector::default().with("array", array.clone()))));
        assert!(matches!(fleet.apply(spec).await, Applied::Working(_)));
        array.faults().clear();
        let ledger = Arc::new(MemoryLedger::default());
        let (writer, _) = watch::channel(true);
        let nodes = Arc::new(MemoryNodes::default());
        for name in ["n", "n1", "n2", "node-1"] {
            nodes.put(name, node(name));
        }
        let engine = engine(&fleet, &ledger, &nodes, &writer);
        Self { array, ledger, fleet, engine, nodes, writer }
    }

    /// The process died and came back: locks and memory are gone, array and ledger are not.
    pub(crate) fn restart(&mut self) {
        self.array.faults().heal();
        self.engine = engine(&self.fleet, &self.ledger, &self.nodes, &self.writer);
    }

    /// Array and ledger agree: each ready record has exactly its volume and snapshots, and nothing of ours is without one.
    pub(crate) fn check(&self) {
        let inventory = self.array.inventory();
        let entries = self.ledger.entries();
        for volume in &inventory.volumes {
            let holders = entries.iter().filter(|e| e.native.as_ref() == Some(&volume.id)).count();
            assert_eq!(holders, 1, "volume {} is an orphan; entries: {entries:#?}", volume.id);
        }
        for snapshot in &inventory.snapshots {
            let held = entries
                .iter()
                .flat_map(|e| &e.snapshots)
                .filter(|s| s.native.as_ref() == Some(&snapshot.id))
                .count();
            assert_eq!(held, 1, "snapshot {} is an orphan", snapshot.id);
        }
        assert_eq!(inventory.volumes.len(), entries.len(), "a record without a volume: {entries:#?}");
    }
}

/// A node with one iSCSI initiator.
pub(crate) fn node(name: &str) -> NodeFacts {
    let initiators = vec![Initiator::Iqn(format!("iqn.2026-01.test:{name}"))];
    NodeFacts { name: name.to_owned(), initiators, fenced: None }
}

fn engine(
    fleet: &Arc<Fleet>,
    ledger: &Arc<MemoryLedger>,
    nodes: &Arc<MemoryNodes>,
    writer: &watch::Sender<bool>,
) -> Engine {
    Engine::new(
        Arc::clone(fleet),
        Arc::clone(ledger) as Arc<dyn Ledger>,
        Writer::new(writer.subscribe()),
        "cluster-1",
    )
    .with_nodes(Arc::clone(nodes) as Arc<dyn Nodes>)
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(50)
}

pub(crate) fn request(name: &str, gib: u64) -> VolumeRequest {
    VolumeRequest {
        csi_name: name.to_owned(),
        size: SizeRange { required: Size::gib(gib), limit: None },
        ..VolumeRequest::default()
    }
}
