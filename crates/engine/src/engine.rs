//! The engine itself: what every use case shares.

use std::sync::Arc;

use perilune_array::{Error, ErrorKind, Origin, Owner, RecordId};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::failure::{Failure, of_ledger};
use crate::fleet::Fleet;
use crate::guard::Guard;
use crate::handle::VolumeHandle;
use crate::health::Seen;
use crate::ledger::{Entry, Index, Ledger};
use crate::naming;
use crate::nodes::Nodes;
use crate::wishes::Wishes;
use crate::writer::{Fenced, Writer};
use crate::{UseCase, disposition};

/// One method per use case; see the modules `volume`, `attach` and `snapshot`.
///
/// Each takes the instant by which its caller stops listening.
#[derive(Debug)]
pub struct Engine {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) guard: Guard,
    pub(crate) clock: Clock,
    pub(crate) nodes: Option<Arc<dyn Nodes>>,
    pub(crate) seen: Seen,
    pub(crate) wishes: Option<Arc<dyn Wishes>>,
    cluster: String,
}

impl Engine {
    /// `cluster` is written into every mark; it must stay the same for the life of the cluster.
    pub fn new(
        fleet: Arc<Fleet>,
        ledger: Arc<dyn Ledger>,
        writer: Writer,
        cluster: impl Into<String>,
    ) -> Self {
        let clock = Clock::default();
        let guard = Guard::new(Arc::clone(&fleet), writer.clone(), clock.clone());
        let ledger = Arc::new(Fenced { inner: ledger, writer });
        let (nodes, seen) = (None, Seen::default());
        Self { guard, fleet, ledger, clock, nodes, seen, wishes: None, cluster: cluster.into() }
    }

    /// Looks nodes up in `nodes`. Without it, only arrays that keep no map of hosts can be attached, and to any node.
    #[must_use]
    pub fn with_nodes(mut self, nodes: Arc<dyn Nodes>) -> Self {
        self.nodes = Some(nodes);
        self
    }

    /// Asks `wishes` whether a claim is to adopt a volume. Without it, none is.
    #[must_use]
    pub fn with_wishes(mut self, wishes: Arc<dyn Wishes>) -> Self {
        self.wishes = Some(wishes);
        self
    }

    /// Reads the time of day from `clock`.
    #[must_use]
    pub fn clocked(mut self, clock: Clock) -> Self {
        self.guard.clock = clock.clone();
        self.clock = clock;
        self
    }

    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    pub(crate) fn record_of(&self, csi_name: &str) -> RecordId {
        naming::record(&self.cluster, csi_name)
    }

    pub(crate) fn owner(&self, record: &RecordId) -> Owner {
        Owner::new(self.cluster.clone(), record.clone())
    }

    /// The mark of a volume: whose it is, and for whom it was made.
    pub(crate) fn owner_of(&self, entry: &Entry) -> Owner {
        let claim = entry.claim.as_ref().map(|claim| (claim.namespace.clone(), claim.name.clone()));
        self.owner(&entry.id).with_origin(Origin { csi_name: Some(entry.csi_name.clone()), claim })
    }

    /// The mark of a snapshot: whose it is, and what Kubernetes calls it.
    pub(crate) fn snapshot_owner(&self, csi_name: &str) -> Owner {
        let origin = Origin { csi_name: Some(csi_name.to_owned()), claim: None };
        self.owner(&self.record_of(csi_name)).with_origin(origin)
    }

    /// What all our marks in this cluster say.
    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// What the ledger's memory holds.
    pub(crate) fn index(&self) -> &Index {
        self.ledger.index()
    }

    /// An entry, read from the store itself.
    pub(crate) async fn recorded(&self, id: &RecordId, deadline: Instant) -> Result<Option<Entry>, Error> {
        within(deadline, self.ledger.get(id)).await
    }

    /// Writes down what was done on an array. If that fails the deed stands unrecorded, so the caller must come back.
    pub(crate) async fn note(&self, entry: &Entry, deadline: Instant) -> Result<Entry, Error> {
        within(deadline, self.ledger.update(entry)).await.map_err(Error::into_unsettled)
    }

    /// The entry behind a handle, within the caller's time.
    pub(crate) async fn entry(
        &self,
        use_case: UseCase,
        handle: &VolumeHandle,
        deadline: Instant,
    ) -> Result<Option<Entry>, Failure> {
        self.recorded(handle.record(), deadline).await.map_err(|error| {
            Failure::of(use_case, &error.context(format!("read the record of volume {handle}")))
        })
    }

    /// As [`Self::entry`], for callers that need the volume to be there.
    pub(crate) async fn known(
        &self,
        use_case: UseCase,
        handle: &VolumeHandle,
        deadline: Instant,
    ) -> Result<Entry, Failure> {
        self.entry(use_case, handle, deadline).await?.ok_or_else(|| {
            Failure::refuse(
                use_case,
                ErrorKind::NotFound,
                format!("there is no volume {handle}; `kubectl get avol` lists all"),
            )
        })
    }
}

/// A ledger call within a deadline, its error in the port's kinds.
pub(crate) async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, crate::ledger::LedgerError>>,
) -> Result<T, Error> {
    match tokio::time::timeout_at(deadline, call).await {
        Ok(answer) => answer.map_err(|error| of_ledger("use the ledger", error)),
        Err(_) => Err(Error::new(ErrorKind::TimedOut, "the ledger did not answer in time")),
    }
}

/// Is the error one of those that leave the world as it was?
pub(crate) fn settled(use_case: UseCase, error: &Error) -> bool {
    !error.is_unsettled() && !disposition::disposition(use_case, error.kind(), false).code.keeps_the_caller()
}
