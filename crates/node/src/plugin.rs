//! The wiring and the order of things: look around, serve kubelet's calls, register, tell the controller about this
//! node, and stop in good order.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use perilune_csi::identity::{Identity, IdentityServer};
use perilune_csi::proto::csi::v1::node_server::NodeServer;
use perilune_csi::server::Socket;
use perilune_csi_node::{Node, NodeId, Outcome, Registration};
use perilune_host::{Host, LinuxHost, Settings};
use perilune_telemetry::health::Health;
use perilune_telemetry::metrics::Metrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tonic::service::Routes;

use crate::args::Args;
use crate::meters::HostMeters;
use crate::place;
use crate::record::Publisher;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Only kubelet, which is root, calls here.
const SOCKET_MODE: u32 = 0o600;

/// Runs until a signal asks to stop, or something fails that a restart may mend.
pub(crate) async fn run(args: Args) -> Result<()> {
    let id = node_id(&args)?;
    tracing::info!("node plugin {VERSION} of {} on {} as {id}", args.driver_name, args.node_name);
    let stop = stop_on_signal()?;
    let metrics = Metrics::new("node", VERSION);
    let (ready, is_ready) = watch::channel(false);
    let health = Health::bind(args.health_addr, is_ready, metrics.clone())
        .await
        .with_context(|| format!("listening at {} for health checks (--health-addr)", args.health_addr))?;
    tokio::spawn(health.serve());

    let host = open_host(&args, &metrics)?;
    look_around(&*host).await?;
    let identity = host.identity().await.context("looking at the host")?;
    tokio::spawn(Publisher::new(args.node_name.clone(), id.clone(), host.clone()).run());
    let place = place::find(&args, &identity, stop.clone()).await?;
    let node = Node::new(host, id, place, args.kubelet_dir.clone());
    serve(&args, node, ready, stop).await
}

/// The CSI socket takes connections before kubelet learns of it, because kubelet calls back at once.
async fn serve(
    args: &Args,
    node: Node,
    ready: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let path = args.socket();
    let socket = listen(&path)?;
    let registration = Registration::new(args.driver_name.clone(), path.clone());
    let registration_path = args.registration_dir().join(registration.socket_name());
    tokio::spawn(follow(registration.outcome(), ready));

    let calls = tokio::spawn(socket.serve(csi_services(args, node), stop.clone()));
    let registration_socket = listen(&registration_path)?;
    tracing::info!("listening at {}, waiting for kubelet at {}", path.display(), registration_path.display());
    let mut registering = Routes::builder();
    registering.add_service(registration.into_server());
    let registering = tokio::spawn(registration_socket.serve(registering.routes(), stop.clone()));

    let (calls, registering) = tokio::try_join!(calls, registering).context("a server broke off")?;
    calls.with_context(|| format!("serving {}", path.display()))?;
    registering.with_context(|| format!("serving {}", registration_path.display()))?;
    if *stop.borrow() { Ok(()) } else { Err(anyhow!("the servers ended though nobody asked for it")) }
}

fn csi_services(args: &Args, node: Node) -> Routes {
    let identity = Identity {
        name: args.driver_name.clone(),
        version: VERSION.to_owned(),
        // Nothing is served before it is ready.
        ready: watch::channel(true).1,
    };
    let mut routes = Routes::builder();
    routes.add_service(IdentityServer::new(identity)).add_service(NodeServer::new(node));
    routes.routes()
}

fn node_id(args: &Args) -> Result<NodeId> {
    let file = args.host_root.join("etc/machine-id");
    let machine_id = std::fs::read_to_string(&file)
        .with_context(|| format!("reading {}; is the node's root mounted at --host-root?", file.display()))?;
    NodeId::new(&args.node_name, &machine_id)
        .with_context(|| format!("making this node's id from {}", file.display()))
}

fn open_host(args: &Args, metrics: &Metrics) -> Result<Arc<LinuxHost>> {
    let records = args.record_dir();
    make_folder(&records)?;
    let settings = Settings { host_root: args.host_root.clone(), records, places: args.places() };
    let host = Arc::new(LinuxHost::new(settings).context("taking the node into use")?);
    metrics.register(|registry| registry.register_collector(Box::new(HostMeters(host.clone()))));
    Ok(host)
}

/// Before the first call: what did an earlier life of this plugin leave, and what is not ours?
async fn look_around(host: &dyn Host) -> Result<()> {
    let found = host.reconcile().await.context("looking for volumes of an earlier run")?;
    tracing::info!("{} volumes have a record on this node", found.volumes.len());
    for reason in &found.unreadable {
        tracing::error!(
            "a volume's record cannot be used, its volume cannot be detached before that is mended: {reason}"
        );
    }
    for foreign in &found.foreign {
        tracing::info!("left alone, it is not ours: {foreign}");
    }
    Ok(())
}

fn listen(path: &Path) -> Result<Socket> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    Socket::bind(path, SOCKET_MODE).with_context(|| format!("listening at {}", path.display()))
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the directory {}", folder.display()))
}

/// The plugin counts as ready while kubelet uses it.
async fn follow(mut outcome: watch::Receiver<Outcome>, ready: watch::Sender<bool>) {
    while outcome.changed().await.is_ok() {
        ready.send_replace(*outcome.borrow() == Outcome::Registered);
    }
}

fn stop_on_signal() -> Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM; volumes stay attached and mounted"),
            _ = interrupt.recv() => tracing::info!("asked to stop by SIGINT; volumes stay attached and mounted"),
        }
        stop.send_replace(true);
        // Held, so that readers see a stop and not a lost sender.
        stop.closed().await;
    });
    Ok(stopped)
}
