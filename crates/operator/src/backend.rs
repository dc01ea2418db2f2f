//! The reconciler of `ArrayBackend`: keeps the engine's fleet as the objects say, and says in them what the fleet found.

mod describe;
mod endpoints;
mod placing;
mod report;
mod resolve;
mod scan;
mod tending;
mod triggers;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use perilune_api::names::{ANNOTATION_RESCAN, ANNOTATION_RESTORE_RECORDS, BACKEND_FINALIZER};
use perilune_api::operation::Operation;
use perilune_api::{ArrayBackend, ArrayBackendStatus};
use perilune_engine::{Applied, BackendSpec, BackendView, Engine};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::ArrayVolumeLedger;
use crate::claims;
use crate::runner::{Command, FirstRound, Kind, Operations, Runner, Verdict};
use describe::Unresolved;
use endpoints::Probed;
use resolve::Resolved;
use scan::Scanned;

/// A backend that hangs does not keep the others from being used for longer than this.
const LONGEST_FIRST_ROUND: Duration = Duration::from_secs(15);

/// How long to wait before the API server is asked again.
const RETRY: Duration = Duration::from_secs(2);

/// What the reconcilers need to know.
#[derive(Clone, Debug)]
pub struct OperatorSettings {
    /// Where Secrets and ConfigMaps are looked for: the namespace of the release.
    pub namespace: String,
    /// Signs events: the pod's name.
    pub identity: String,
    /// The name of the CSI driver, by which its PersistentVolumes are known.
    pub driver_name: String,
}

/// Reconciles all `ArrayBackend` objects into the engine's fleet, and heeds what claims command, from the moment that `writer`
/// says that this replica holds the lease, until `stop`. `ready` is told when every backend that there is has been looked at once
/// and the records are read: before that, the engine does not know what it could refuse.
pub async fn run(
    client: Client,
    settings: OperatorSettings,
    engine: Arc<Engine>,
    ledger: ArrayVolumeLedger,
    mut writer: watch::Receiver<bool>,
    ready: watch::Sender<bool>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let stop = stop.shared();
    let begun = async {
        // no sender, no lease: nothing to do for this replica
        writer.wait_for(|held| *held).await.ok()?;
        Some(FirstRound::of(names(&client).await))
    };
    let (first, seen) = tokio::select! {
        () = stop.clone() => return,
        first = begun => match first { Some(first) => first, None => return },
    };
    let becoming_ready = become_ready(ledger.clone(), seen, ready);
    let tending = tending::tend(client.clone(), Arc::clone(&engine), ledger.clone(), stop.clone());
    let commands = claims::run(client.clone(), settings.clone(), Arc::clone(&engine), stop.clone());
    let controller = triggers::triggers(&client, &settings.namespace).graceful_shutdown_on(stop);
    let backends = Backends { client: client.clone(), namespace: settings.namespace, engine, ledger };
    let reconciling = Runner::new(client, backends, settings.identity, first).run(controller);
    tokio::join!(reconciling, becoming_ready, commands, tending);
}

/// The backends that there are now.
async fn names(client: &Client) -> Vec<String> {
    let backends: Api<ArrayBackend> = Api::all(client.clone());
    loop {
        match backends.list_metadata(&ListParams::default()).await {
            Ok(list) => return list.items.iter().map(ResourceExt::name_any).collect(),
            Err(error) => {
                tracing::warn!(%error, "cannot list the ArrayBackends; trying again");
                sleep(RETRY).await;
            }
        }
    }
}

async fn become_ready(
    ledger: ArrayVolumeLedger,
    mut seen: watch::Receiver<bool>,
    ready: watch::Sender<bool>,
) {
    if !matches!(timeout(LONGEST_FIRST_ROUND, seen.wait_for(|seen| *seen)).await, Ok(Ok(_))) {
        tracing::warn!("a backend has not answered yet; serving the others meanwhile");
    }
    ledger.filled().await;
    ready.send_replace(true);
}

/// The kind at work.
struct Backends {
    client: Client,
    namespace: String,
    engine: Arc<Engine>,
    ledger: ArrayVolumeLedger,
}

/// How much of ours is on record at a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct OnRecord {
    volumes: usize,
    snapshots: usize,
    attachments: usize,
}

/// What to do about a backend.
#[derive(Debug)]
enum Plan {
    /// It is deleted and nothing of ours is on the array any more.
    Release { name: String },
    /// Use it as described.
    Use {
        spec: Box<BackendSpec>,
        secret_version: Option<String>,
        on_record: OnRecord,
        scan: bool,
        probe: bool,
    },
    /// It cannot be described.
    Wait { why: Unresolved, on_record: OnRecord },
}

/// What came of it.
#[derive(Debug)]
enum Outcome {
    Released,
    Used {
        applied: Box<Applied>,
        spec: Box<BackendSpec>,
        secret_version: Option<String>,
        on_record: OnRecord,
        scanned: Option<Scanned>,
        probed: Option<Vec<Probed>>,
    },
    Waiting {
        why: Unresolved,
        on_record: OnRecord,
    },
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
        let name = object.name_any();
        let draining = self.engine.fleet().view(&name).is_none_or(idle);
        let mut on_record = self.on_record(&name);
        if object.metadata.deletion_timestamp.is_some() {
            on_record.volumes = self.ledger.count(&name).await?;
        }
        let (status, now) = (object.status.as_ref(), Timestamp::now());
        let scan_due = scan::due(status.and_then(|status| status.scan.as_ref()), now);
        let probe_due = endpoints::due(status, object.spec.endpoints.len(), now);
        let referred = resolve::resolve(&self.client, &self.namespace, &object.spec).await?;
        Ok(Resolved { on_record, draining, scan_due, probe_due, ..referred })
    }

    fn decide(&self, object: &ArrayBackend, inputs: Resolved) -> Plan {
        describe::decide(object, inputs)
    }

    async fn act(&self, plan: Plan) -> Outcome {
        match plan {
            Plan::Release { name } => {
                self.engine.fleet().remove(&name);
                Outcome::Released
            }
            Plan::Use { spec, secret_version, on_record, scan, probe } => {
                let probing =
                    async { if probe { Some(endpoints::probe(&spec.connect).await) } else { None } };
                let (applied, probed) = tokio::join!(self.engine.fleet().apply((*spec).clone()), probing);
                let applied = Box::new(applied);
                let scanned = match applied.as_ref() {
                    Applied::Working(_) | Applied::KeptOld { .. } if scan => {
                        Some(self.scan(&spec.name).await)
                    }
                    _ => None,
                };
                Outcome::Used { applied, spec, secret_version, on_record, scanned, probed }
            }
            Plan::Wait { why, on_record } => Outcome::Waiting { why, on_record },
        }
    }

    fn report(&self, object: &ArrayBackend, outcome: Outcome, now: &Time) -> Verdict<ArrayBackendStatus> {
        report::report(object, outcome, now)
    }

    const VERBS: &'static [&'static str] = &[ANNOTATION_RESCAN, ANNOTATION_RESTORE_RECORDS];

    fn operations(status: &mut ArrayBackendStatus) -> Operations<'_> {
        Operations { present: &mut status.operation, history: &mut status.history }
    }

    fn admit(
        &self,
        object: &ArrayBackend,
        status: &ArrayBackendStatus,
        command: &Command,
    ) -> Result<String, String> {
        scan::admit(object, status, command)
    }

    async fn execute(
        &self,
        object: &ArrayBackend,
        operation: &Operation,
        status: &mut ArrayBackendStatus,
    ) -> Result<String, String> {
        let name = object.name_any();
        let restored = if ANNOTATION_RESTORE_RECORDS.ends_with(&operation.verb) {
            Some(self.restore_records(&name).await?)
        } else {
            None
        };
        let scanned = self.scan(&name).await;
        report::scanned(status, object, &scanned, &Time(Timestamp::now()));
        scan::told(&scanned, restored)
    }
}
