//! The ledger: the crash journal and the answer to "which volume is this, and where".
//!
//! One [`Entry`] per volume, created with the intent *before* the first altering array call and completed after it.
//! The port is small so that an implementation stays an adapter: `operator` keeps entries as `ArrayVolume` objects.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use perilune_array::{HostId, Name, PoolId, RecordId, Size, SnapshotId, VolumeId, Wwid};

use crate::request::Claim;
use crate::topology::Segments;

mod index;

pub use index::Index;

/// How far a volume's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Intent written; the array may or may not have it.
    Pending,
    /// Made, and answered for.
    Ready,
    /// To be deleted; the array may or may not still have it.
    Deleting,
    /// Left to the array: it bears no mark of ours any more, and nothing of ours alters or uses it.
    Released,
}

/// A node that was given access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The CSI node id.
    pub node: String,
    pub read_only: bool,
    /// The host on the array that stands for the node, where the array keeps maps.
    pub host: Option<HostId>,
    /// When a request to map it was last begun.
    pub since: Option<SystemTime>,
}

/// A node that was given access and lost it so soon that a request to give it may still be on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departed {
    pub node: String,
    pub host: HostId,
    pub at: SystemTime,
}

/// A snapshot of this volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotEntry {
    pub csi_name: String,
    /// What the array calls it.
    pub name: Name,
    /// Unknown while it is only intended.
    pub native: Option<SnapshotId>,
    pub size: Size,
    pub created: Option<SystemTime>,
    /// It can be copied from; some arrays take a while after it was cut.
    pub ready: bool,
    /// When an altering call was last started whose outcome is not recorded yet.
    pub attempted: Option<SystemTime>,
}

/// What the ledger knows of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Derived from the CSI name, so that two callers with one name meet at one record.
    pub id: RecordId,
    pub csi_name: String,
    pub claim: Option<Claim>,
    pub backend: String,
    pub pool: PoolId,
    pub pool_name: String,
    /// What the array calls it.
    pub name: Name,
    /// What the volume measures, or is to measure.
    pub size: Size,
    /// The StorageClass parameters it was asked for with, to tell a repeated request from a different one.
    pub parameters: BTreeMap<String, String>,
    /// The parameters that can be altered, as they were last set.
    pub mutable: BTreeMap<String, String>,
    /// Where it can be reached from, as told when it was made.
    pub topology: Vec<Segments>,
    /// Handle of the volume or snapshot that its first content came from.
    pub source: Option<String>,
    /// It was made empty for its claim: nothing that stands on it can be worth keeping before its first use.
    pub born_empty: bool,
    /// Counts up when identity or content is exchanged beneath the handle. From 1.
    pub generation: u64,
    pub native: Option<VolumeId>,
    pub wwid: Option<Wwid>,
    pub wwid_alt: Option<Wwid>,
    pub phase: Phase,
    /// When an altering call was last started whose outcome is not recorded yet.
    pub attempted: Option<SystemTime>,
    pub attachments: Vec<Attached>,
    /// Maps that have to be looked for once more.
    pub departed: Vec<Departed>,
    pub snapshots: Vec<SnapshotEntry>,
    /// The store's mark of this state; an update of any other state is refused. `None` until stored.
    pub version: Option<String>,
}

/// Why the ledger did not do it.
#[derive(Debug)]
pub enum LedgerError {
    /// An entry of that id exists.
    Exists,
    /// No entry of that id.
    NotFound,
    /// Somebody changed it since it was read.
    Conflict,
    /// The store refuses it, and will again.
    Refused(String),
    /// The store did not answer, or not in time: the write may have happened.
    Unavailable(String),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("the record exists"),
            Self::NotFound => f.write_str("there is no such record"),
            Self::Conflict => f.write_str("the record changed meanwhile"),
            Self::Refused(why) => write!(f, "the record was refused: {why}"),
            Self::Unavailable(why) => write!(f, "the record store did not answer: {why}"),
        }
    }
}

impl std::error::Error for LedgerError {}

#[async_trait::async_trait]
pub trait Ledger: Send + Sync + fmt::Debug {
    /// The entry, read from the store itself and not from a cache.
    async fn get(&self, id: &RecordId) -> Result<Option<Entry>, LedgerError>;

    /// All entries in memory. The implementation keeps it: by following the store, and by what it writes itself before it
    /// answers the write. It lags behind at most by what others wrote in the last moment.
    fn index(&self) -> &Index;

    /// Stores a new entry durably; answers it with its version. `Exists`.
    async fn create(&self, entry: &Entry) -> Result<Entry, LedgerError>;

    /// Replaces the entry if it still is at `entry.version`; answers it with the new version. `Conflict`, `NotFound`.
    async fn update(&self, entry: &Entry) -> Result<Entry, LedgerError>;

    /// Removes the entry if it still is at `entry.version`. `Conflict`, `NotFound`.
    async fn delete(&self, entry: &Entry) -> Result<(), LedgerError>;
}

#[cfg(any(test, feature = "fake"))]
pub mod memory;
