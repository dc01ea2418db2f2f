//! Point-in-time copies of one volume.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::{GroupSnapshotId, Name, Owner, Result, Size, VolumeId};

/// A snapshot's native id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotId(String);

impl SnapshotId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A snapshot as the array shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub volume: VolumeId,
    pub name: Name,
    /// The volume's size at that moment: what a restore needs.
    pub size: Size,
    /// By the array's clock.
    pub created: SystemTime,
    pub ready: bool,
    pub owner: Option<Owner>,
    /// The group snapshot that it is a member of, and ends with.
    pub group: Option<GroupSnapshotId>,
    /// When the array ends it by itself.
    pub expires: Option<SystemTime>,
}

/// A snapshot to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    pub volume: VolumeId,
    pub name: Name,
    pub owner: Owner,
    /// The array ends it by itself after so long. Only where the profile says `snapshot_retention`.
    pub retention: Option<Duration>,
}

impl NewSnapshot {
    /// One that stays until somebody deletes it.
    pub fn new(volume: VolumeId, name: Name, owner: Owner) -> Self {
        Self { volume, name, owner, retention: None }
    }
}

#[async_trait::async_trait]
pub trait Snapshots: Send + Sync {
    /// All snapshots of that name on that volume; more than one only where names may repeat.
    /// A second call reads again. Transport kinds only.
    async fn find(&self, volume: &VolumeId, name: &Name) -> Result<Vec<Snapshot>>;

    /// What earlier attempts to take this very snapshot left: those of that name that bear this mark.
    /// A second call reads again. Transport kinds only.
    async fn attempts(&self, volume: &VolumeId, name: &Name, owner: &Owner) -> Result<Vec<Snapshot>> {
        let found = self.find(volume, name).await?;
        Ok(found.into_iter().filter(|snapshot| snapshot.owner.as_ref() == Some(owner)).collect())
    }

    /// The snapshot of that id.
    /// A second call reads again. `NotFound`.
    async fn get(&self, id: &SnapshotId) -> Result<Snapshot>;

    /// The snapshots of one volume, or of all.
    /// A second call reads again. `NotFound` for the volume, where the array tells that from one without snapshots.
    async fn list(&self, volume: Option<&VolumeId>) -> Result<Vec<Snapshot>>;

    /// Takes one; it bears the mark.
    /// A second call answers `Exists`, or takes a second one where names may repeat. `NotFound`, `LimitReached`, `NoCapacity`,
    /// `Invalid` (name outside the rules, retention where there is none).
    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot>;

    /// Ends it, if it bears exactly this mark.
    /// A second call answers `NotFound`. `Forbidden` (another mark or none), `InUse` (a copy still reads it, part of a group snapshot).
    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()>;

    /// Puts the volume back to the snapshot. **Destroys every write since.**
    /// A second call does it again. `NotFound`, `InUse` (mapped), `WrongState` (mirrored, resized since).
    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()>;
}
