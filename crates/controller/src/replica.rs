//! One replica: the wiring, and the order of things. It competes for the lease, answers its sidecars all the while, and
//! reconciles once it holds the lease; its sidecars call it once it has also looked at every backend. When it is asked to stop, what is under way ends first and the lease is given back
//! last; when it loses the lease, it ends at once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use perilune_csi::server::Socket;
use perilune_csi_controller::services;
use perilune_drivers::VendorConnector;
use perilune_engine::{Engine, Fleet, Writer};
use perilune_operator::{
    ArrayNodes, ArrayVolumeLedger, ClaimWishes, LeaseEnd, LeaseSettings, OperatorSettings, WriterLease,
};
use perilune_telemetry::health::Health;
use perilune_telemetry::metrics::Metrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::args::Args;
use crate::meters::{EngineMeters, Inventory};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The sidecars of the pod run under the same group.
const SOCKET_MODE: u32 = 0o660;

/// How long the API server may take to say which cluster this is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs until a signal asks to stop, the lease is lost, or something fails that a restart may mend.
pub(crate) async fn run(args: Args) -> Result<()> {
    let stop = stop_on_signal()?;
    let client = Client::try_default()
        .await
        .context("finding the API server: in a pod by its service account, elsewhere by KUBECONFIG")?;
    let cluster = tokio::select! {
        () = asked(stop.clone()) => return Ok(()),
        cluster = cluster_id(&args, &client) => cluster?,
    };
    tracing::info!("controller {VERSION} of {} as {}, cluster id {cluster}", args.driver_name, args.identity);
    let settings = LeaseSettings::new(&args.namespace, &args.lease_name, &args.identity);
    let (lease, held) = WriterLease::new(client.clone(), settings);
    let metrics = Metrics::new("controller", VERSION);
    let (ready, is_ready) = watch::channel(false);
    let health = Health::bind(args.health_addr, is_ready.clone(), metrics.clone())
        .await
        .with_context(|| format!("listening at {} for health checks (--health-addr)", args.health_addr))?;
    tokio::spawn(health.serve());
    let work = work(
        &args,
        client,
        cluster,
        Signals { held, until: lease.until(), ready, is_ready, stop },
        &metrics,
    )?;
    holding(lease, work).await
}

/// What the parts of a replica tell each other.
struct Signals {
    /// This replica holds the lease.
    held: watch::Receiver<bool>,
    /// Until when it certainly does.
    until: watch::Receiver<Option<tokio::time::Instant>>,
    /// It has also looked at all backends and read all records: sidecars may call.
    ready: watch::Sender<bool>,
    is_ready: watch::Receiver<bool>,
    /// Somebody asked to stop.
    stop: watch::Receiver<bool>,
}

/// Sidecars and reconcilers, over one fleet; ends when `stop` says so and what was begun is done.
fn work(
    args: &Args,
    client: Client,
    cluster: String,
    signals: Signals,
    metrics: &Metrics,
) -> Result<impl Future<Output = Result<()>> + use<>> {
    let Signals { held, until, ready, is_ready, stop } = signals;
    let meters = Arc::new(EngineMeters::register(metrics));
    let fleet = Arc::new(Fleet::new(Arc::new(VendorConnector)).metered(meters));
    let ledger = ArrayVolumeLedger::new(client.clone());
    let writer = Writer::until(until);
    let engine = Engine::new(Arc::clone(&fleet), Arc::new(ledger.clone()), writer, cluster)
        .with_nodes(Arc::new(ArrayNodes::new(client.clone())))
        .with_wishes(Arc::new(ClaimWishes::new(client.clone())));
    let engine = Arc::new(engine);
    Inventory::register(metrics, fleet, Arc::new(ledger.clone()));
    // also while another replica holds the lease, so that taking over costs no time
    tokio::spawn(ledger.clone().follow());

    let path = args.endpoint.path().to_owned();
    let socket =
        Socket::bind(&path, SOCKET_MODE).with_context(|| format!("listening at {}", path.display()))?;
    let routes = services(Arc::clone(&engine), args.driver_name.clone(), VERSION, is_ready);
    let serving = tokio::spawn(socket.serve(routes, stop.clone()));

    let settings = OperatorSettings {
        namespace: args.namespace.clone(),
        identity: args.identity.clone(),
        driver_name: args.driver_name.as_str().to_owned(),
    };
    let until = asked(stop.clone());
    let reconciling =
        tokio::spawn(perilune_operator::run(client, settings, engine, ledger, held, ready, until));
    Ok(async move {
        let serving = async {
            serving
                .await
                .context("the CSI server broke off")?
                .with_context(|| format!("serving {}", path.display()))?;
            on_purpose(&stop, "the CSI server")
        };
        let reconciling = async {
            reconciling.await.context("the reconcilers broke off")?;
            on_purpose(&stop, "the reconcilers")
        };
        tokio::try_join!(serving, reconciling).map(|_| ())
    })
}

/// Competes for the lease and keeps it until the work is done. Without the lease there is no work.
async fn holding(lease: WriterLease, work: impl Future<Output = Result<()>>) -> Result<()> {
    let (done, is_done) = oneshot::channel::<()>();
    let mut keeping = tokio::spawn(lease.run(async {
        // no matter how: either way the work is done
        let _ = is_done.await;
    }));
    let outcome = tokio::select! {
        _ = &mut keeping => bail!("the writer lease was lost; a restarted replica competes anew"),
        outcome = work => outcome,
    };
    drop(done);
    match keeping.await {
        Ok(LeaseEnd::Released) => outcome,
        Ok(LeaseEnd::Lost) | Err(_) => outcome.and(Err(anyhow!("the writer lease was lost while stopping"))),
    }
}

fn on_purpose(stop: &watch::Receiver<bool>, what: &str) -> Result<()> {
    if *stop.borrow() { Ok(()) } else { Err(anyhow!("{what} ended though nobody asked for it")) }
}

/// What marks our objects on the arrays; the same for all replicas, and for life.
async fn cluster_id(args: &Args, client: &Client) -> Result<String> {
    if let Some(id) = &args.cluster_id {
        return Ok(id.clone());
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = tokio::time::timeout(PATIENCE, namespaces.get("kube-system"))
        .await
        .context("the API server did not answer in time")
        .and_then(|answer| answer.map_err(Into::into))
        .context(
            "reading the namespace kube-system, whose uid is the cluster's id (or give one with --cluster-id)",
        )?;
    found
        .metadata
        .uid
        .context("the namespace kube-system has no uid; give the cluster an id with --cluster-id")
}

async fn asked(mut stop: watch::Receiver<bool>) {
    // a lost sender asks for the same
    let _ = stop.wait_for(|stop| *stop).await;
}

fn stop_on_signal() -> Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM"),
            _ = interrupt.recv() => tracing::info!("asked to stop by SIGINT"),
        }
        stop.send_replace(true);
        // held, so that readers see a stop and not a lost sender
        stop.closed().await;
    });
    Ok(stopped)
}
