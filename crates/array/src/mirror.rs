//! Copies kept on another array, seen from one side.
//!
//! A mirror relates two copies of a volume, or of a consistency group, on two arrays. Each array knows its own half,
//! and either may be out of reach: a port instance reports a [`Half`], and only the engine, holding both, says what
//! the pair is.

use std::time::{Duration, SystemTime};

use crate::{ArrayId, GroupId, PoolId, Result, Secret, VolumeId};

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
    /// Zero: all the time.
    Async {
        interval: Duration,
    },
    /// Nothing is copied but the snapshots that ask for it.
    Snapshots,
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

/// A mirror to make. The target's copy is made or must exist, as `mirror_makes_peer` in the profile says; where it
/// exists `peer_subject` names it to the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMirror {
    /// The copy on the array that is called.
    pub subject: Subject,
    /// What that copy is to be.
    pub role: Role,
    pub peer_array: ArrayId,
    pub peer_pool: PoolId,
    pub peer_subject: Option<Subject>,
    pub mode: Mode,
    /// What the other array wants this one to know.
    pub invitation: Option<Invitation>,
}

/// What one array wants the other to know before they relate copies; only the two understand it. It may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation(Secret);

impl Invitation {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// How far the relating of two copies has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// They are related; the half of the array that was called.
    Done(Half),
    /// The array did its part and cannot tell its peer. Call the other array's `pair` with this, and go on to and fro
    /// until one is done.
    Tell(Invitation),
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

    /// Relates the two copies and starts the first copy. **Overwrites the target's copy.** Begin at the source.
    /// A second call answers `Exists`, or goes on where the first was not carried to the other array. `NotFound`,
    /// `WrongState` (arrays not connected, sizes differ, target mapped), `LimitReached`, `Busy` (arrays still getting connected).
    async fn pair(&self, new: &NewMirror) -> Result<Pairing>;

    /// Ends the relation and keeps both copies, each writable or not as it is. Call it on both sides: not every array
    /// tells its peer.
    /// A second call does nothing. `WrongState` where it must be suspended first.
    async fn unpair(&self, subject: &Subject) -> Result<()>;

    /// Stops copying; the array remembers what changes.
    /// A second call does nothing. `NotFound`, `Unsupported` only where no documented call exists.
    async fn suspend(&self, subject: &Subject) -> Result<()>;

    /// Copies again in that direction. **Destroys the writes that the overwritten copy took alone.**
    /// A second call does nothing. `NotFound`, `WrongState` (both writable, link down).
    async fn resume(&self, subject: &Subject, direction: Direction) -> Result<()>;

    /// Makes these copies writable though the others may be too. **Loses what their sources had not yet sent.** All are
    /// judged before the first is changed; where the array cannot change them at once, a failure leaves a part done.
    /// A second call does nothing. `NotFound`, `WrongState` (a copy is inconsistent).
    async fn promote(&self, subjects: &[Subject]) -> Result<Vec<Half>>;

    /// Makes these copies unwritable, to be overwritten when copying resumes; an array may resume by itself.
    /// **Gives up the writes they took alone.** Judged and changed like `promote`.
    /// A second call does nothing. `NotFound`, `InUse` (a copy is mapped to hosts).
    async fn demote(&self, subjects: &[Subject]) -> Result<Vec<Half>>;
}

/// Exchanging the roles where both sides are up and in sync, in one step of the array's own.
#[async_trait::async_trait]
pub trait RoleSwap: Send + Sync {
    /// Source becomes target and target source, without a moment of two writable copies. Call it on the source.
    /// A second call swaps back: observe first. `WrongState` (not in sync, link down, not the source).
    async fn swap(&self, subject: &Subject) -> Result<Half>;
}
