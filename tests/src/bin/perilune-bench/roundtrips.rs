//! Management calls to the array for each operation of the engine, as the simulator's journal counts them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use perilune_drivers::VendorConnector;
use perilune_engine::ledger::memory::MemoryLedger;
use perilune_engine::{
    Applied, BackendChoice, BackendSpec, Chap, ConnectSpec, ContentSource, Credentials, Endpoint, Engine,
    Failure, Fleet, Limits, PublishRequest, Secret, Settings, Size, SizeRange, SnapshotRequest,
    TopologyRequirement, Trust, Vendor, VolumeRequest, Writer,
};
use perilune_simulator::{Config, Running, Simulator};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::row::Row;

/// What each operation may cost, and what the driver that exists spends on it.
const BUDGETS: [(&str, usize, Option<usize>); 9] = [
    ("create", 1, Some(5)),
    ("clone", 2, Some(7)),
    ("from-snapshot", 2, Some(8)),
    ("expand", 1, Some(3)),
    // two calls more than the protocol needs: the mark is read before anything is deleted, and so are the volume's snapshots, for
    // those that nobody recorded would go with it
    ("delete", 4, Some(3)),
    ("snapshot", 1, Some(4)),
    ("publish", 1, Some(4)),
    ("unpublish", 1, None),
    // the cluster's identity is read at each look, so that another array at the address is noticed before it is used
    ("capacity-and-health", 2, Some(2)),
];

pub(crate) async fn measure() -> Result<Vec<Row>> {
    let counts = count().await?;
    let mut rows = Vec::new();
    for (name, budget, peer) in BUDGETS {
        let value = *counts.get(name).ok_or_else(|| anyhow!("{name} was not counted"))?;
        let row = Row::new(format!("roundtrips/solidfire/{name}"), value as f64, "calls", budget as f64);
        rows.push(Row { peer: peer.map(|calls| calls as f64), ..row });
    }
    Ok(rows)
}

/// The engine over a simulated array, and the journal between them.
struct Bench {
    array: Running,
    fleet: Arc<Fleet>,
    engine: Engine,
    spec: BackendSpec,
    counts: BTreeMap<&'static str, usize>,
    _writer: watch::Sender<bool>,
}

impl Bench {
    async fn new() -> Result<Self> {
        let mut config = Config::solidfire("sf1");
        // how often a copy is looked at depends on how long it takes; counted is what even the shortest costs
        config.arrays[0].clone_delay = Duration::ZERO;
        let array = Simulator::start(config).await?;
        let spec = spec(&array)?;
        let fleet = Arc::new(Fleet::new(Arc::new(VendorConnector)));
        let applied = fleet.apply(spec.clone()).await;
        ensure!(matches!(applied, Applied::Working(_)), "the array is not usable: {applied:?}");
        let (held, writer) = watch::channel(true);
        let engine =
            Engine::new(Arc::clone(&fleet), Arc::new(MemoryLedger::default()), Writer::new(writer), "bench");
        Ok(Self { array, fleet, engine, spec, counts: BTreeMap::new(), _writer: held })
    }

    /// Does it and counts the calls that it took.
    async fn count<T>(
        &mut self,
        name: &'static str,
        work: impl AsyncFnOnce(&Engine) -> Result<T, Failure>,
    ) -> Result<T> {
        self.array.control().clear_journal("sf1")?;
        let done = work(&self.engine).await.map_err(|failure| anyhow!("{name}: {failure}"))?;
        self.counts.insert(name, self.array.control().journal("sf1")?.len());
        Ok(done)
    }
}

async fn count() -> Result<BTreeMap<&'static str, usize>> {
    let mut bench = Bench::new().await?;
    // the first volume of a session may fetch what later ones know
    bench.count("first", async |e| e.ensure_volume(&volume("first", None), soon()).await).await?;
    let made =
        bench.count("create", async |e| e.ensure_volume(&volume("v", None), soon()).await).await?.handle;
    let whole = Some(ContentSource::Volume(made.clone()));
    bench.count("clone", async |e| e.ensure_volume(&volume("c", whole), soon()).await).await?;
    let take = SnapshotRequest {
        csi_name: "s".to_owned(),
        source: made.clone(),
        topology: TopologyRequirement::default(),
    };
    let snapshot = bench.count("snapshot", async |e| e.ensure_snapshot(&take, soon()).await).await?.handle;
    let moment = Some(ContentSource::Snapshot(snapshot.clone()));
    bench.count("from-snapshot", async |e| e.ensure_volume(&volume("r", moment), soon()).await).await?;
    let range = SizeRange { required: Size::gib(4), limit: None };
    bench.count("expand", async |e| e.grow(&made, range, soon()).await).await?;
    let publish =
        PublishRequest { volume: made.clone(), node: "n1".to_owned(), read_only: false, shared: false };
    bench.count("publish", async |e| e.publish(&publish, soon()).await).await?;
    bench.count("unpublish", async |e| e.unpublish(&made, Some("n1"), soon()).await).await?;
    bench.count("delete-snapshot", async |e| e.remove_snapshot(&snapshot, soon()).await).await?;
    bench.count("delete", async |e| e.remove_volume(&made, soon()).await).await?;
    let (fleet, spec) = (Arc::clone(&bench.fleet), bench.spec.clone());
    bench
        .count("capacity-and-health", async move |_| {
            fleet.apply(spec).await;
            Ok(())
        })
        .await?;
    Ok(bench.counts)
}

fn spec(array: &Running) -> Result<BackendSpec> {
    let connect = connect_spec(array)?;
    Ok(BackendSpec {
        limits: Limits { concurrent: 4, ..Limits::default() },
        ..BackendSpec::new("sf1", connect)
    })
}

/// How to reach the first array.
pub(crate) fn connect_spec(array: &Running) -> Result<ConnectSpec> {
    connect_spec_of(array, 0)
}

pub(crate) fn connect_spec_of(array: &Running, index: usize) -> Result<ConnectSpec> {
    let at = array.arrays().get(index).ok_or_else(|| anyhow!("the simulator has no such array"))?;
    Ok(ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: vec![Endpoint { address: at.address.to_string(), port: Some(at.port) }],
        credentials: Credentials { username: "admin".to_owned(), password: Secret::new("secret") },
        trust: Trust::Bundle(array.ca_pem().to_owned()),
        server_name: None,
        chap: Some(Chap {
            username: "bench".to_owned(),
            password: Secret::new("bench-chap-01"),
            mutual: None,
        }),
        timeout: Duration::from_secs(10),
        settings: Settings(vec![("tenant".to_owned(), "bench".to_owned())]),
    })
}

fn volume(name: &str, source: Option<ContentSource>) -> VolumeRequest {
    VolumeRequest {
        csi_name: name.to_owned(),
        size: SizeRange { required: Size::gib(2), limit: None },
        backend: BackendChoice::Any,
        pool: None,
        source,
        claim: None,
        parameters: BTreeMap::new(),
        mutable: BTreeMap::new(),
        topology: TopologyRequirement::default(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}
