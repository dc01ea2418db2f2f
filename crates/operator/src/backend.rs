//! The reconciler of `ArrayBackend`: keeps the engine's fleet as the objects say, and says in them what the fleet found.

mod describe;
mod report;
mod resolve;

use std::sync::Arc;

use futures::FutureExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::runtime::controller::Controller;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{Predicate, WatchStreamExt, predicates, watcher};
use kube::{Api, Client, ResourceExt};
use perilune_api::names::BACKEND_FINALIZER;
use perilune_api::{ArrayBackend, ArrayBackendSpec, ArrayBackendStatus};
use perilune_engine::{Applied, BackendSpec, BackendView, Fleet};
use tokio::sync::watch;

use crate::ArrayVolumeLedger;
use crate::runner::{Kind, Runner, Verdict, Watched};
use describe::Unresolved;
use resolve::Resolved;

/// What the reconcilers need to know.
#[derive(Clone, Debug)]
pub struct OperatorSettings {
    /// Where Secrets and ConfigMaps are looked for: the namespace of the release.
    pub namespace: String,
    /// Signs events: the pod's name.
    pub identity: String,
}

/// Reconciles all `ArrayBackend` objects into `fleet`, from the moment that `writer` says that this replica holds the lease,
/// until `stop`.
pub async fn run(
    client: Client,
    settings: OperatorSettings,
    fleet: Arc<Fleet>,
    ledger: ArrayVolumeLedger,
    mut writer: watch::Receiver<bool>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let stop = stop.shared();
    tokio::select! {
        () = stop.clone() => return,
        // no sender, no lease: nothing to do for this replica
        held = writer.wait_for(|held| *held) => if held.is_err() { return },
    }
    let backends = Backends { client: client.clone(), namespace: settings.namespace.clone(), fleet, ledger };
    let controller = triggers(&client, &settings.namespace).graceful_shutdown_on(stop);
    Runner::new(client, backends, settings.identity).run(controller).await;
}

/// A backend is looked at when its spec or labels change, when it is deleted, and when a Secret or ConfigMap that it names does.
fn triggers(client: &Client, namespace: &str) -> Controller<Watched<ArrayBackend>> {
    let (reader, writer) = reflector::store();
    let changed = predicates::generation::<Watched<ArrayBackend>>.combine(predicates::labels);
    let backends = watcher(Api::<Watched<ArrayBackend>>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .applied_objects()
        // our own writes of the status are no news
        .predicate_filter(changed, Default::default());
    let of_secret = users_of(reader.clone(), secrets_of);
    let of_config_map = users_of(reader.clone(), |spec| config_map_of(spec).into_iter().collect());
    Controller::for_stream(backends, reader)
        .watches(
            Api::<Secret>::namespaced(client.clone(), namespace),
            watcher::Config::default(),
            move |secret| of_secret(&secret.name_any()),
        )
        .watches(
            Api::<ConfigMap>::namespaced(client.clone(), namespace),
            watcher::Config::default(),
            move |map| of_config_map(&map.name_any()),
        )
}

/// From the name of an object to the backends whose spec names it.
fn users_of(
    backends: Store<Watched<ArrayBackend>>,
    names: impl Fn(&ArrayBackendSpec) -> Vec<&str>,
) -> impl Fn(&str) -> Vec<ObjectRef<Watched<ArrayBackend>>> {
    move |name| {
        let uses = |backend: &Arc<Watched<ArrayBackend>>| {
            backend.0.as_ref().is_ok_and(|backend| names(&backend.spec).contains(&name))
        };
        backends.state().iter().filter(|b| uses(b)).map(|b| ObjectRef::from_obj(b.as_ref())).collect()
    }
}

fn secrets_of(spec: &ArrayBackendSpec) -> Vec<&str> {
    let account = Some(&spec.credentials_secret_ref.name);
    let chap = spec
        .iscsi
        .as_ref()
        .and_then(|i| i.chap.as_ref())
        .and_then(|c| c.secret_ref.as_ref())
        .map(|s| &s.name);
    let bundle = spec
        .tls
        .as_ref()
        .and_then(|t| t.ca_bundle.as_ref())
        .and_then(|b| b.secret_ref.as_ref())
        .map(|s| &s.name);
    [account, chap, bundle].into_iter().flatten().map(String::as_str).collect()
}

fn config_map_of(spec: &ArrayBackendSpec) -> Option<&str> {
    let bundle = spec.tls.as_ref()?.ca_bundle.as_ref()?;
    bundle.config_map_ref.as_ref().map(|map| map.name.as_str())
}

/// The kind at work.
struct Backends {
    client: Client,
    namespace: String,
    fleet: Arc<Fleet>,
    ledger: ArrayVolumeLedger,
}

/// What to do about a backend.
#[derive(Debug)]
enum Plan {
    /// It is deleted and nothing of ours is on the array any more.
    Release { name: String },
    /// Use it as described.
    Use { spec: Box<BackendSpec>, secret_version: Option<String>, volumes: usize },
    /// It cannot be described.
    Wait { why: Unresolved, volumes: usize },
}

/// What came of it.
#[derive(Debug)]
enum Outcome {
    Released,
    Used { applied: Box<Applied>, spec: Box<BackendSpec>, secret_version: Option<String>, volumes: usize },
    Waiting { why: Unresolved, volumes: usize },
}

#[async_trait::async_trait]
impl Kind for Backends {
    type Object = ArrayBackend;
    type Status = ArrayBackendStatus;
    type Inputs = Resolved;
    type Plan = Plan;
    type Outcome = Outcome;

    const FINALIZER: &'static str = BACKEND_FINALIZER;

    fn status(object: &ArrayBackend) -> Option<&ArrayBackendStatus> {
        object.status.as_ref()
    }

    fn conditions(status: &ArrayBackendStatus) -> &[Condition] {
        &status.conditions
    }

    async fn resolve(&self, object: &ArrayBackend) -> Result<Resolved, kube::Error> {
        // without a session nothing can be placed there either
        let idle = |view: BackendView| view.report.is_none() || describe::takes_no_volumes(&view.spec.state);
        let draining = self.fleet.view(&object.name_any()).is_none_or(idle);
        let volumes = self.ledger.count(&object.name_any()).await?;
        resolve::resolve(&self.client, &self.namespace, &object.spec, volumes, draining).await
    }

    fn decide(&self, object: &ArrayBackend, inputs: Resolved) -> Plan {
        describe::decide(object, inputs)
    }

    async fn act(&self, plan: Plan) -> Outcome {
        match plan {
            Plan::Release { name } => {
                self.fleet.remove(&name);
                Outcome::Released
            }
            Plan::Use { spec, secret_version, volumes } => {
                let applied = Box::new(self.fleet.apply((*spec).clone()).await);
                Outcome::Used { applied, spec, secret_version, volumes }
            }
            Plan::Wait { why, volumes } => Outcome::Waiting { why, volumes },
        }
    }

    fn report(&self, object: &ArrayBackend, outcome: Outcome, now: &Time) -> Verdict<ArrayBackendStatus> {
        report::report(object, outcome, now)
    }
}
