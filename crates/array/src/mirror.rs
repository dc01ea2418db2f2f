//! Copies kept on another array, seen from one side.
//!
//! A mirror relates two copies of a volume, or of a consistency group, on two arrays. Each array knows its own half,
//! and either may be out of reach: a port instance reports a [`Half`], and only the engine, holding both, says what
//! the pair is.

use std::time::{Duration, SystemTime};

use crate::{ArrayId, GroupId, PoolId, Result, VolumeId};

/// What is mirrored. Groups only on arrays whose groups can be mirrored whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    Volume(VolumeId),
    Group(GroupId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Source,
    Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Sync,
    Async { interval: Duration },
    ActiveActive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// First copy under way, in percent where the array tells.
    Initializing(Option<u8>),
    Active,
    Suspended,
    Idle,
}

/// How good this copy is, as far as this side can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Currency {
    InSync,
    ConsistentAt(SystemTime),
    Lagging(Duration),
    Inconsistent,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Up,
    Down,
    Unknown,
}

/// The other copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCopy {
    pub array: ArrayId,
    pub subject: Subject,
}

/// One array's view of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Half {
    pub subject: Subject,
    pub role: Role,
    /// Does this copy accept host writes now?
    pub writable: bool,
    pub activity: Activity,
    pub currency: Currency,
    pub link: Link,
    pub mode: Mode,
    pub peer: PeerCopy,
    /// The array's own word, if it is unhappy.
    pub fault: Option<String>,
}

/// A mirror to make. The peer's copy is made, or must exist, as the array has it; where it exists `peer_subject` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMirror {
    pub subject: Subject,
    pub peer_array: ArrayId,
    pub peer_pool: PoolId,
    pub peer_subject: Option<Subject>,
    pub mode: Mode,
}

/// Which copy overwrites the other when copying resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    FromHere,
    ToHere,
}

#[async_trait::async_trait]
pub trait Mirrors: Send + Sync {
    /// This array's half of the subject's mirror.
    /// A second call reads again. `NotFound` for the subject; `None` if it has no mirror.
    async fn find(&self, subject: &Subject) -> Result<Option<Half>>;

    /// All halves on this array.
    /// A second call reads again. Transport kinds only.
    async fn list(&self) -> Result<Vec<Half>>;

    /// Relates the two copies, this one being the source, and starts the first copy. **Overwrites the peer's copy.**
    /// A second call answers `Exists`. `NotFound`, `WrongState` (arrays not connected, sizes differ), `LimitReached`.
    async fn pair(&self, new: &NewMirror) -> Result<Half>;

    /// Ends the relation and keeps both copies.
    /// A second call does nothing. `WrongState` where it must be suspended first.
    async fn unpair(&self, subject: &Subject) -> Result<()>;

    /// Stops copying; the array remembers what changes.
    /// A second call does nothing. `NotFound`, `Unsupported` only where no documented call exists.
    async fn suspend(&self, subject: &Subject) -> Result<()>;

    /// Copies again in that direction. **Destroys the writes that the overwritten copy took alone.**
    /// A second call does nothing. `NotFound`, `WrongState` (both writable, link down).
    async fn resume(&self, subject: &Subject, direction: Direction) -> Result<()>;

    /// Makes this copy writable though the other may be too. **Loses what the source had not yet sent.**
    /// A second call does nothing. `NotFound`, `WrongState` (this copy is inconsistent).
    async fn promote(&self, subject: &Subject) -> Result<Half>;

    /// Makes this copy unwritable, to be overwritten when copying resumes. **Gives up the writes it took alone.**
    /// A second call does nothing. `NotFound`, `InUse` (mapped to hosts).
    async fn demote(&self, subject: &Subject) -> Result<Half>;
}

/// Exchanging the roles where both sides are up and in sync, in one step of the array's own.
#[async_trait::async_trait]
pub trait RoleSwap: Send + Sync {
    /// Source becomes target and target source, without a moment of two writable copies. Call it on the source.
    /// A second call swaps back: observe first. `WrongState` (not in sync, link down, not the source).
    async fn swap(&self, subject: &Subject) -> Result<Half>;
}
