//! The ledger in memory, by the same rules as the real one, with a switch for every fault that a store can have.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perilune_array::RecordId;

use super::{Entry, Index, Ledger, LedgerError};

/// What happens to the next write that is counted down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store never hears of it.
    Lost,
    /// The store does it, the answer is lost.
    ReplyLost,
    /// The store never hears of it, and the caller never hears of that.
    HangBefore,
    /// The store does it, and the caller hangs.
    HangAfter,
    /// The store takes so long.
    Slow(Duration),
}

/// An in-memory ledger.
#[derive(Debug)]
pub struct MemoryLedger {
    state: Mutex<State>,
    index: Index,
}

impl Default for MemoryLedger {
    fn default() -> Self {
        let index = Index::default();
        index.fill([]);
        Self { state: Mutex::default(), index }
    }
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<RecordId, Entry>,
    version: u64,
    writes: usize,
    faults: BTreeMap<usize, Fault>,
}

impl MemoryLedger {
    /// Everything that is recorded.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.values().cloned().collect()
    }

    /// How many writes were asked for so far.
    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    /// The `nth` write from the very first (0) meets this fault.
    pub fn fail_write(&self, nth: usize, fault: Fault) {
        self.lock().faults.insert(nth, fault);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write<T>(
        &self,
        write: impl FnOnce(&mut State) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        let fault = {
            let mut state = self.lock();
            state.writes += 1;
            let nth = state.writes - 1;
            state.faults.remove(&nth)
        };
        match fault {
            None => write(&mut self.lock()),
            Some(Fault::Slow(wait)) => {
                tokio::time::sleep(wait).await;
                write(&mut self.lock())
            }
            Some(Fault::Lost) => Err(LedgerError::Unavailable("lost on purpose".into())),
            Some(Fault::HangBefore) => std::future::pending().await,
            Some(Fault::ReplyLost) => {
                write(&mut self.lock())?;
                Err(LedgerError::Unavailable("answer lost on purpose".into()))
            }
            Some(Fault::HangAfter) => {
                write(&mut self.lock())?;
                std::future::pending().await
            }
        }
    }
}

impl State {
    fn put(&mut self, entry: &Entry, index: &Index) -> Entry {
        self.version += 1;
        let stored = Entry { version: Some(self.version.to_string()), ..entry.clone() };
        self.entries.insert(entry.id.clone(), stored.clone());
        index.put(stored.clone());
        stored
    }

    fn at_version(&self, entry: &Entry) -> Result<(), LedgerError> {
        match self.entries.get(&entry.id) {
            None => Err(LedgerError::NotFound),
            Some(stored) if stored.version != entry.version => Err(LedgerError::Conflict),
            Some(_) => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Ledger for MemoryLedger {
    async fn get(&self, id: &RecordId) -> Result<Option<Entry>, LedgerError> {
        Ok(self.lock().entries.get(id).cloned())
    }

    fn index(&self) -> &Index {
        &self.index
    }

    async fn create(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        self.write(|state| match state.entries.contains_key(&entry.id) {
            true => Err(LedgerError::Exists),
            false => Ok(state.put(entry, &self.index)),
        })
        .await
    }

    async fn update(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        self.write(|state| state.at_version(entry).map(|()| state.put(entry, &self.index))).await
    }

    async fn delete(&self, entry: &Entry) -> Result<(), LedgerError> {
        self.write(|state| {
            state.at_version(entry)?;
            state.entries.remove(&entry.id);
            self.index.remove(&entry.id);
            Ok(())
        })
        .await
    }
}
