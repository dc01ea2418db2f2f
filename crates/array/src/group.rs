//! Consistency groups and their snapshots.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::{Name, Owner, PoolId, Result, Snapshot, VolumeId};

/// A group's native id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(String);

impl GroupId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group snapshot's native id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupSnapshotId(String);

impl GroupSnapshotId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupSnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A consistency group as the array shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub name: Name,
    pub members: Vec<VolumeId>,
}

/// A group to make, empty. Some arrays tie a group to one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    pub name: Name,
    pub pool: PoolId,
}

#[async_trait::async_trait]
pub trait Groups: Send + Sync {
    /// The group of that name.
    /// A second call reads again. Transport kinds only.
    async fn find(&self, name: &Name) -> Result<Option<Group>>;

    /// The group of that id.
    /// A second call reads again. `NotFound`.
    async fn get(&self, id: &GroupId) -> Result<Group>;

    /// All groups.
    /// A second call reads again. Transport kinds only.
    async fn list(&self) -> Result<Vec<Group>>;

    /// Makes an empty one.
    /// A second call answers `Exists`. `LimitReached`, `NotFound` for the pool.
    async fn create(&self, new: &NewGroup) -> Result<Group>;

    /// Puts a volume in.
    /// A second call does nothing. `NotFound`, `InUse` (in another group), `WrongState` (other pool, mirrored otherwise), `LimitReached`.
    async fn add(&self, group: &GroupId, volume: &VolumeId) -> Result<()>;

    /// Takes a volume out; the volume stays.
    /// A second call does nothing. `NotFound` for the group, `WrongState` (mirrored group).
    async fn remove(&self, group: &GroupId, volume: &VolumeId) -> Result<()>;

    /// Ends the group, never its volumes.
    /// A second call answers `NotFound`. `InUse` (has members or a mirror).
    async fn delete(&self, id: &GroupId) -> Result<()>;
}

/// Whose moment a group snapshot catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    Group(GroupId),
    /// Only where the profile says `ad_hoc_group_snapshots`.
    Volumes(Vec<VolumeId>),
}

/// A write-order consistent snapshot of several volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshot {
    pub id: GroupSnapshotId,
    pub name: Name,
    pub created: SystemTime,
    pub snapshots: Vec<Snapshot>,
    pub owner: Option<Owner>,
}

/// A group snapshot to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroupSnapshot {
    pub name: Name,
    pub members: Members,
    pub owner: Owner,
    /// The array ends it by itself after so long. Only where the profile says `snapshot_retention`.
    pub retention: Option<Duration>,
}

#[async_trait::async_trait]
pub trait GroupSnapshots: Send + Sync {
    /// The group snapshots of that name; more than one only where names may repeat.
    /// A second call reads again. Transport kinds only.
    async fn find(&self, name: &Name) -> Result<Vec<GroupSnapshot>>;

    /// What earlier attempts to take this very one left: those of that name whose members all bear this mark.
    /// A second call reads again. Transport kinds only.
    async fn attempts(&self, name: &Name, owner: &Owner) -> Result<Vec<GroupSnapshot>> {
        let marked = |found: &GroupSnapshot| found.snapshots.iter().all(|s| s.owner.as_ref() == Some(owner));
        Ok(self.find(name).await?.into_iter().filter(marked).collect())
    }

    /// The one of that id.
    /// A second call reads again. `NotFound`.
    async fn get(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot>;

    /// All of them.
    /// A second call reads again. Transport kinds only.
    async fn list(&self) -> Result<Vec<GroupSnapshot>>;

    /// Takes one of all members at one moment, or of none.
    /// A second call answers `Exists`, or takes another where names may repeat. `NotFound`, `LimitReached`, `NoCapacity`,
    /// `Invalid` (no member, name outside the rules, retention where there is none).
    async fn create(&self, new: &NewGroupSnapshot) -> Result<GroupSnapshot>;

    /// Ends it with its member snapshots, if it bears exactly this mark.
    /// A second call answers `NotFound`. `Forbidden`, `InUse`.
    async fn delete(&self, id: &GroupSnapshotId, owner: &Owner) -> Result<()>;

    /// Puts all members back. **Destroys every write since.**
    /// A second call does it again. `NotFound`, `InUse` (a member is mapped), `WrongState`.
    async fn revert(&self, id: &GroupSnapshotId) -> Result<()>;
}
