//! The ledger over `ArrayVolume` objects: one object per volume, its name the volume's uuid.
//!
//! Every write is one request to the API server and carries the version it was made from, so that of two writers one is
//! refused. Single reads ask the API server and not a cache: the engine decides by them whether to alter an array. Listings
//! and look-ups come from an index in memory that follows the API server, so that they cost it nothing.

mod convert;
mod follow;

use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Api, Client, ResourceExt};
use perilune_api::ArrayVolume;
use perilune_api::names::{BACKEND_LABEL, VOLUME_FINALIZER};
use perilune_engine::ledger::{Entry, Index};
use perilune_engine::{Ledger, LedgerError, RecordId};
use serde_json::json;
use tokio::sync::watch;

use convert::{entry_of, object_of, status_of};

/// How long one request to the API server may take; the engine's own deadline may be shorter.
const PATIENCE: Duration = Duration::from_secs(15);

/// The engine's ledger, kept as `ArrayVolume` objects.
#[derive(Clone)]
pub struct ArrayVolumeLedger {
    api: Api<ArrayVolume>,
    index: Arc<Index>,
    /// The index is complete.
    filled: Arc<watch::Sender<bool>>,
}

impl ArrayVolumeLedger {
    /// The ledger of the cluster that `client` speaks with. Its index is empty until [`Self::follow`] runs.
    pub fn new(client: Client) -> Self {
        Self { api: Api::all(client), index: Arc::default(), filled: Arc::new(watch::Sender::new(false)) }
    }

    /// Keeps the index; goes on until it is dropped.
    pub async fn follow(self) {
        follow::follow(&self.api, &self.index, &self.filled).await;
    }

    /// Waits until the index is complete.
    pub(crate) async fn filled(&self) {
        // the sender is ours: it cannot be lost
        let _ = self.filled.subscribe().wait_for(|filled| *filled).await;
    }

    /// How many volumes are on record at this backend, by the API server itself: a backend is let go by it.
    pub(crate) async fn count(&self, backend: &str) -> Result<usize, kube::Error> {
        let params = ListParams::default().labels(&format!("{BACKEND_LABEL}={backend}"));
        self.api.list_metadata(&params).await.map(|list| list.items.len())
    }

    /// What was stored, also in the index before anybody is answered.
    fn known(&self, stored: ArrayVolume) -> Result<Entry, LedgerError> {
        let entry = entry_of(stored)?;
        self.index.put(entry.clone());
        Ok(entry)
    }

    /// Lets go of an object that is being deleted: takes our finalizer off, which is what held it.
    async fn release(&self, object: &ArrayVolume) -> Result<(), LedgerError> {
        let others: Vec<&String> = object.finalizers().iter().filter(|f| *f != VOLUME_FINALIZER).collect();
        let patch = json!({"metadata": {"resourceVersion": object.resource_version(), "finalizers": others}});
        let params = PatchParams::default();
        match request(self.api.patch(&object.name_any(), &params, &Patch::Merge(&patch))).await {
            Ok(_) | Err(LedgerError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Debug for ArrayVolumeLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArrayVolumeLedger")
    }
}

#[async_trait::async_trait]
impl Ledger for ArrayVolumeLedger {
    async fn get(&self, id: &RecordId) -> Result<Option<Entry>, LedgerError> {
        request(self.api.get_opt(id.as_str())).await?.map(entry_of).transpose()
    }

    fn index(&self) -> &Index {
        &self.index
    }

    async fn create(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        let object = object_of(entry)?;
        match request(self.api.create(&PostParams::default(), &object)).await {
            Ok(stored) => self.known(stored),
            Err(LedgerError::NotFound) => Err(LedgerError::Refused(
                "the API server knows no ArrayVolume; install the chart perilune-crds".to_owned(),
            )),
            Err(error) => Err(error),
        }
    }

    async fn update(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        // only what can change, so that labels and annotations of others stay
        let operations = json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version(entry)?},
            {"op": "add", "path": "/status", "value": status_of(entry)?},
        ]);
        let operations =
            serde_json::from_value(operations).map_err(|error| LedgerError::Refused(error.to_string()))?;
        let patch = Patch::<ArrayVolume>::Json(operations);
        self.known(request(self.api.patch(entry.id.as_str(), &PatchParams::default(), &patch)).await?)
    }

    async fn delete(&self, entry: &Entry) -> Result<(), LedgerError> {
        let params = DeleteParams {
            preconditions: Some(Preconditions { resource_version: Some(version(entry)?), uid: None }),
            ..DeleteParams::default()
        };
        // an object that the finalizer still holds comes back, a status tells that it is gone
        if let Some(object) = request(self.api.delete(entry.id.as_str(), &params)).await?.left() {
            self.release(&object).await?;
        }
        self.index.remove(&entry.id);
        Ok(())
    }
}

fn version(entry: &Entry) -> Result<String, LedgerError> {
    entry.version.clone().ok_or_else(|| LedgerError::Refused(format!("record {} was never stored", entry.id)))
}

/// One request, in the ledger's words.
async fn request<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, LedgerError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(|error| fault(&error)),
        Err(_) => Err(LedgerError::Unavailable("the API server did not answer in time".to_owned())),
    }
}

fn fault(error: &kube::Error) -> LedgerError {
    match error {
        kube::Error::Api(status) => refusal(status),
        other => LedgerError::Unavailable(other.to_string()),
    }
}

fn refusal(status: &Status) -> LedgerError {
    match (status.code, status.reason.as_str()) {
        (409, "AlreadyExists") => LedgerError::Exists,
        (409, _) => LedgerError::Conflict,
        (404, _) => LedgerError::NotFound,
        // too many requests is no answer to the question
        (400..=499, _) if status.code != 429 => LedgerError::Refused(status.message.clone()),
        _ => LedgerError::Unavailable(status.message.clone()),
    }
}
