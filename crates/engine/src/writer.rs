//! Whether this replica may write: the lease as a value to watch, and a ledger that asks it before every write.
//!
//! A process that stood still for a while learns late that its lease is gone. So the lease is told with its end, and everything
//! that alters something looks at the time itself, right before it does.

use std::sync::Arc;

use perilune_array::RecordId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ledger::{Entry, Index, Ledger, LedgerError};

/// Tells whether this replica may alter arrays.
#[derive(Debug, Clone)]
pub struct Writer(Hold);

#[derive(Debug, Clone)]
enum Hold {
    Told(watch::Receiver<bool>),
    Until(watch::Receiver<Option<Instant>>),
}

impl Writer {
    /// As somebody says, who is never late.
    pub fn new(held: watch::Receiver<bool>) -> Self {
        Self(Hold::Told(held))
    }

    /// Until an instant that each renewal moves on.
    pub fn until(end: watch::Receiver<Option<Instant>>) -> Self {
        Self(Hold::Until(end))
    }

    pub fn holds(&self) -> bool {
        match &self.0 {
            Hold::Told(held) => *held.borrow(),
            Hold::Until(end) => end.borrow().is_some_and(|end| Instant::now() < end),
        }
    }
}

/// A ledger that takes no word from a replica without the lease.
#[derive(Debug)]
pub(crate) struct Fenced {
    pub(crate) inner: Arc<dyn Ledger>,
    pub(crate) writer: Writer,
}

impl Fenced {
    fn admit(&self) -> Result<(), LedgerError> {
        if self.writer.holds() {
            return Ok(());
        }
        Err(LedgerError::Unavailable("this replica does not hold the writer lease any more".to_owned()))
    }
}

#[async_trait::async_trait]
impl Ledger for Fenced {
    async fn get(&self, id: &RecordId) -> Result<Option<Entry>, LedgerError> {
        self.inner.get(id).await
    }

    fn index(&self) -> &Index {
        self.inner.index()
    }

    async fn create(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        self.admit()?;
        self.inner.create(entry).await
    }

    async fn update(&self, entry: &Entry) -> Result<Entry, LedgerError> {
        self.admit()?;
        self.inner.update(entry).await
    }

    async fn delete(&self, entry: &Entry) -> Result<(), LedgerError> {
        self.admit()?;
        self.inner.delete(entry).await
    }
}
