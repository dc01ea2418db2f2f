//! What is the same in every reconciler, once.
//!
//! A kind implements four hooks, called in this order for each change of an object and again after the time that the last
//! round asked for:
//!
//! | hook | | does |
//! |---|---|---|
//! | `resolve` | async, reads only | what the object refers to |
//! | `decide` | pure | wish + what is → plan |
//! | `act` | async | carries the plan out, through the engine |
//! | `report` | pure | outcome *or error* → status, and when to look again |
//!
//! The runner adds the finalizer before the first act and takes it off when a kind says that nothing of the object is left; it
//! writes the status after success and failure, only if it says something new; it tells transitions of conditions as events;
//! and it backs off. Commands given by annotation have their whole life in `commanding`; a kind offers verbs, says whether one
//! may be carried out, and carries it out. Conditions carry their times along while they stay the same, so that comparing two statuses compares what
//! they say.

mod backoff;
pub(crate) mod command;
mod commanding;
pub(crate) mod events;
mod first_round;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Controller};
use kube::{Api, Client, Resource, ResourceExt};
use perilune_api::names::FIELD_MANAGER;
use perilune_api::operation::Operation;
use perilune_engine::Requeue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use backoff::Backoff;
use events::Events;

pub(crate) use command::Command;
pub(crate) use first_round::FirstRound;

/// An object of the kind as the watch delivers it, readable or not.
pub(crate) type Watched<O> = DeserializeGuard<O>;

/// What `report` concludes.
#[derive(Debug)]
pub(crate) struct Verdict<S> {
    /// The status to be.
    pub(crate) status: S,
    /// When to look again.
    pub(crate) requeue: Requeue,
    /// Nothing of a deleted object is left: it may go.
    pub(crate) released: bool,
}

/// Where a status keeps the record of commands.
pub(crate) struct Operations<'a> {
    pub(crate) present: &'a mut Option<Operation>,
    pub(crate) history: &'a mut Vec<Operation>,
}

/// The four hooks of a kind, and what it does on command.
#[async_trait::async_trait]
pub(crate) trait Kind: Send + Sync + 'static {
    type Object: Resource<DynamicType = (), Scope = ClusterResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;
    type Status: Clone + Default + PartialEq + Serialize + Send + Sync;
    type Inputs: Send;
    type Plan: Send;
    type Outcome: Send;

    /// Holds a deleted object until nothing of it is left.
    const FINALIZER: &'static str;

    fn status(object: &Self::Object) -> Option<&Self::Status>;
    fn conditions(status: &Self::Status) -> &[Condition];

    async fn resolve(&self, object: &Self::Object) -> Result<Self::Inputs, kube::Error>;
    fn decide(&self, object: &Self::Object, inputs: Self::Inputs) -> Self::Plan;
    async fn act(&self, plan: Self::Plan) -> Self::Outcome;
    fn report(&self, object: &Self::Object, outcome: Self::Outcome, now: &Time) -> Verdict<Self::Status>;

    /// The annotations that are commands to this kind.
    const VERBS: &'static [&'static str];

    fn operations(status: &mut Self::Status) -> Operations<'_>;

    /// What the command would do, in words; or what must be mended before it can be done.
    fn admit(
        &self,
        object: &Self::Object,
        status: &Self::Status,
        command: &Command,
    ) -> Result<String, String>;

    /// Carries a command out, again if it was begun before, and says what came of it. What it found goes into the status.
    async fn execute(
        &self,
        object: &Self::Object,
        operation: &Operation,
        status: &mut Self::Status,
    ) -> Result<String, String>;
}

/// A kind at work.
pub(crate) struct Runner<K: Kind> {
    kind: K,
    api: Api<K::Object>,
    events: Events,
    backoff: Backoff,
    first: FirstRound,
}

impl<K: Kind> Runner<K> {
    /// `identity` signs the events.
    pub(crate) fn new(client: Client, kind: K, identity: String, first: FirstRound) -> Self {
        Self {
            kind,
            api: Api::all(client.clone()),
            events: Events::new(client, identity),
            backoff: Backoff::default(),
            first,
        }
    }

    /// Reconciles what `controller` triggers until it is told to shut down.
    pub(crate) async fn run(self, controller: Controller<Watched<K::Object>>) {
        // the controller opens a span for each round that names the object
        let reconcile = |object: Arc<Watched<K::Object>>, runner: Arc<Self>| async move {
            Ok::<_, kube::Error>(runner.reconcile(&object).await)
        };
        // `reconcile` answers every failure itself; this is for what the type demands
        let policy = |_: Arc<Watched<K::Object>>, _: &kube::Error, _: Arc<Self>| {
            Action::requeue(Duration::from_secs(30))
        };
        let rounds = controller.run(reconcile, policy, Arc::new(self));
        rounds
            .for_each(|round| async move {
                if let Err(error) = round {
                    tracing::debug!(%error, "a round did not begin");
                }
            })
            .await;
    }

    async fn reconcile(&self, watched: &Watched<K::Object>) -> Action {
        let name = watched.name_any();
        let object = match &watched.0 {
            Ok(object) => object,
            Err(invalid) => {
                // only an object that is older than the rules can be like this
                tracing::error!(error = %invalid.error, "cannot read the object; correct it as `kubectl explain` tells");
                self.first.seen(&name);
                return Action::await_change();
            }
        };
        let requeue = match self.round(&object.name_any()).await {
            Ok(requeue) => requeue,
            Err(error) => {
                tracing::warn!(%error, "the API server did not do its part; trying again");
                Requeue::Soon
            }
        };
        self.first.seen(&name);
        self.backoff.action(&name, requeue)
    }

    /// One round over the object as it is now: what the watch delivered may lack what the last round wrote.
    async fn round(&self, name: &str) -> Result<Requeue, kube::Error> {
        let Some(object) = self.api.get_opt(name).await? else { return Ok(Requeue::OnChange) };
        let object = &object;
        let deleted = object.meta().deletion_timestamp.is_some();
        let held = object.finalizers().iter().any(|f| f == K::FINALIZER);
        if deleted && !held {
            return Ok(Requeue::OnChange);
        }
        if !held {
            self.set_finalizers(object, true).await?;
        }
        let inputs = self.kind.resolve(object).await?;
        let outcome = self.kind.act(self.kind.decide(object, inputs)).await;
        let verdict = self.kind.report(object, outcome, &Time(Timestamp::now()));
        if verdict.released {
            self.set_finalizers(object, false).await?;
            return Ok(Requeue::OnChange);
        }
        let mut status = verdict.status;
        self.publish(object, K::status(object), &status).await?;
        let more = !deleted && self.commands(object, &mut status).await?;
        Ok(if more { Requeue::Soon } else { verdict.requeue })
    }

    /// Writes the status if it says something new, and tells what changed.
    async fn publish(
        &self,
        object: &K::Object,
        old: Option<&K::Status>,
        status: &K::Status,
    ) -> Result<(), kube::Error> {
        if old == Some(status) {
            return Ok(());
        }
        let patch = json!({
            "apiVersion": K::Object::api_version(&()),
            "kind": K::Object::kind(&()),
            "metadata": {"name": object.name_any()},
            "status": status,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        self.api.patch_status(&object.name_any(), &params, &Patch::Apply(&patch)).await?;
        let before = old.map(K::conditions).unwrap_or_default();
        self.events.tell(&object.object_ref(&()), before, K::conditions(status)).await;
        Ok(())
    }

    /// Adds or removes our finalizer, unless the object changed meanwhile.
    async fn set_finalizers(&self, object: &K::Object, held: bool) -> Result<(), kube::Error> {
        let mut finalizers: Vec<&str> =
            object.finalizers().iter().map(String::as_str).filter(|f| *f != K::FINALIZER).collect();
        if held {
            finalizers.push(K::FINALIZER);
        }
        let patch =
            json!({"metadata": {"resourceVersion": object.resource_version(), "finalizers": finalizers}});
        match self.api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 && !held => Ok(()),
            Err(error) => Err(error),
        }
    }
}
