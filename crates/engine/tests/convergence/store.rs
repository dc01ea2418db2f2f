//! The ledger seen through the script.

use std::sync::Arc;

use perilune_engine::ledger::{Entry, Index, Ledger, memory::MemoryLedger};
use perilune_engine::{LedgerError, RecordId};

use crate::script::{Fault, Kind, Script, Touch};

/// One replica's way to the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) inner: Arc<MemoryLedger>,
    pub(crate) script: Script,
    pub(crate) replica: usize,
}

fn error(fault: Fault) -> LedgerError {
    match fault {
        Fault::Busy => LedgerError::Conflict,
        _ => LedgerError::Unavailable(format!("{fault:?} on purpose")),
    }
}

impl Store {
    fn touch(&self, site: &'static str, kind: Kind) -> Touch {
        Touch { site, kind, replica: self.replica }
    }
}

#[async_trait::async_trait]
impl Ledger for Store {
    async fn get(&self, id: &RecordId) -> Result<Option<Entry>, LedgerError> {
        let (inner, id) = (Arc::clone(&self.inner), id.clone());
        let touch = self.touch("ledger.get", Kind::Look);
        self.script.pass(touch, Box::pin(async move { inner.get(&id).await }), error).await
    }

    /// From memory, so nothing can befall it; it is as fresh as the store.
    fn index(&self) -> &Index {
        self.inner.index()
    }

    async fn create(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        let (inner, entry) = (Arc::clone(&self.inner), entry.clone());
        let touch = self.touch("ledger.create", Kind::Note);
        self.script.pass(touch, Box::pin(async move { inner.create(&entry).await }), error).await
    }

    async fn update(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        let (inner, entry) = (Arc::clone(&self.inner), entry.clone());
        let touch = self.touch("ledger.update", Kind::Note);
        self.script.pass(touch, Box::pin(async move { inner.update(&entry).await }), error).await
    }

    async fn delete(&self, entry: &Entry) -> Result<(), LedgerError> {
        let (inner, entry) = (Arc::clone(&self.inner), entry.clone());
        let touch = self.touch("ledger.delete", Kind::Note);
        self.script.pass(touch, Box::pin(async move { inner.delete(&entry).await }), error).await
    }
}
