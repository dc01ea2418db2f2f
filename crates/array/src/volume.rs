//! Volumes.

use std::fmt;

use crate::{Name, Owner, Page, PageToken, PoolId, QosWish, Result, Size, SnapshotId, Wwid};

/// A volume's native id: what identifies it on its array.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VolumeId(String);

impl VolumeId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a volume's first content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Volume(VolumeId),
    /// A snapshot and the volume it was taken of.
    Snapshot(SnapshotId, VolumeId),
}

/// May hosts use it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeState {
    Ready,
    /// A copy is still being made.
    Copying,
    /// The array says it is broken or offline.
    Faulted,
    /// Its making was cut short and cannot go on, as where an array makes a copy in several calls. Nobody was ever given
    /// it; all that is left is to delete it and to begin again.
    Torn,
}

/// A volume as the array shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub id: VolumeId,
    pub name: Name,
    pub pool: PoolId,
    /// As the array rounded it.
    pub size: Size,
    pub wwid: Wwid,
    /// A second identity that the same disk may answer with.
    pub wwid_alt: Option<Wwid>,
    pub state: VolumeState,
    /// Our mark, if it bears one. A copy may be born with its source's.
    pub owner: Option<Owner>,
    /// What else holds it. `list` shows all the array knows, other verbs what comes with the volume itself: ask
    /// [`Access::mappings`](crate::Access::mappings) who reaches it now.
    pub ties: Vec<Tie>,
}

/// Something that a volume is bound to, so that it may not be taken over or taken away just so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tie {
    /// A host can reach it, or does: which.
    Mapped(String),
    /// Another array holds a copy that follows it, or it follows one.
    Mirrored,
    /// It is a member of a consistency group: which.
    Grouped(String),
    /// It takes no writes, or no logins: the array's word for it.
    Shut(String),
    /// Other software takes it for its own: which.
    Foreign(String),
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mapped(host) => write!(f, "reached by {host}"),
            Self::Mirrored => f.write_str("mirrored to another array"),
            Self::Grouped(group) => write!(f, "in consistency group {group}"),
            Self::Shut(word) => write!(f, "shut to hosts ({word})"),
            Self::Foreign(who) => write!(f, "managed by {who}"),
        }
    }
}

/// A volume to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    pub name: Name,
    pub pool: PoolId,
    pub size: Size,
    pub owner: Owner,
    /// `None`: the array's default, and for a copy what its source has. A copy takes it only where the profile says
    /// `copy_takes_qos`; else the caller sets it afterwards.
    pub qos: Option<QosWish>,
}

impl NewVolume {
    /// One without wishes for its throughput.
    pub fn new(name: Name, pool: PoolId, size: Size, owner: Owner) -> Self {
        Self { name, pool, size, owner, qos: None }
    }
}

#[async_trait::async_trait]
pub trait Volumes: Send + Sync {
    /// All volumes of that name; more than one only where names may repeat. Never one that is deleted.
    /// A second call reads again. Transport kinds only.
    async fn find(&self, name: &Name) -> Result<Vec<Volume>>;

    /// What earlier attempts to make this very volume left: those of that name that bear this mark, `Torn` ones too. An
    /// array that cannot mark a volume in the call that makes it looks for what it put there instead.
    /// A second call reads again. Transport kinds only.
    async fn attempts(&self, name: &Name, owner: &Owner) -> Result<Vec<Volume>> {
        let found = self.find(name).await?;
        Ok(found.into_iter().filter(|volume| volume.owner.as_ref() == Some(owner)).collect())
    }

    /// The volume of that id.
    /// A second call reads again. `NotFound`.
    async fn get(&self, id: &VolumeId) -> Result<Volume>;

    /// A page of all volumes that this login may see, ours and foreign.
    /// The same token gives the same place again. `Invalid` for a token that is not of this array.
    async fn list(&self, from: Option<&PageToken>) -> Result<Page<Volume>>;

    /// Makes an empty volume that bears the mark, and keeps to its throughput limits, from its first moment.
    /// A second call answers `Exists`, or makes a second one where names may repeat. `OutOfRange` (size, limits),
    /// `NoCapacity`, `LimitReached`, `Invalid` (name outside the rules, limits as [`Qos::set`](crate::Qos::set)), `NotFound` for the pool.
    async fn create(&self, new: &NewVolume) -> Result<Volume>;

    /// Makes a volume with the source's content, marked like `create`; it may still be `Copying`. Never smaller than its
    /// source: asked for less it answers `OutOfRange`, but without `copy_may_grow` in the profile it is always born equal
    /// to its source, whatever size was asked for, and the caller resizes it.
    /// A second call as `create`. `NotFound` for the source, `Busy` while the array makes too many copies, else as `create`.
    async fn copy(&self, new: &NewVolume, source: &Source) -> Result<Volume>;

    /// Grows it. To its present size: does nothing.
    /// A second call does nothing. `NotFound`, `OutOfRange` (also for shrinking), `NoCapacity`, `WrongState`.
    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume>;

    /// Ends it and its data, at once, if it bears exactly this mark. Its snapshots end with it unless the profile says
    /// `snapshots_outlive_volume`: look first.
    /// A second call answers `NotFound`. `Forbidden` (another mark or none), `InUse` (mapped, mirrored, grouped).
    async fn delete(&self, id: &VolumeId, owner: &Owner) -> Result<()>;

    /// Writes the mark, or takes it away; changes nothing else. For import and release.
    /// A second call does nothing. `NotFound`.
    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()>;
}

/// Giving a volume another name, where the array can.
#[async_trait::async_trait]
pub trait Rename: Send + Sync {
    /// Changes the name and nothing else; the id stays.
    /// A second call does nothing. `NotFound`, `Exists` (the name is taken), `Invalid` (name outside the rules).
    async fn rename(&self, id: &VolumeId, name: &Name) -> Result<Volume>;
}
