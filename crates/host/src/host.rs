//! The seam that the node service sees.

use std::fmt;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    error::Result,
    request::{
        Ailment, GrowRequest, Grown, Identity, PublishRequest, Reconciled, StageRequest, Staged,
        StagedVolume, Stats, StatsRequest, UnpublishRequest, UnstageRequest,
    },
};

/// A machine that volumes can be attached to. Every verb may be repeated; a repetition finds the work done.
///
/// Altering verbs answer [`ErrorKind::Busy`](crate::ErrorKind::Busy) at once while another call works on the same
/// volume, and [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) at their deadline whatever the kernel does.
#[async_trait]
pub trait Host: Send + Sync + fmt::Debug {
    /// Attaches the volume and, for a file system, checks or makes it and mounts it at the staging path.
    /// A second call for a staged volume re-reads the identity of every path and starts no process.
    async fn stage(&self, request: &StageRequest) -> Result<Staged>;

    /// Unmounts every layer of the staging path, flushes, removes map and paths by identity, and logs out of
    /// sessions that we made and nobody uses. Succeeds if nothing is there.
    async fn unstage(&self, request: &UnstageRequest) -> Result<()>;

    /// Binds the staged file system, or the device node for raw block, onto the target path.
    /// A second call with the same wishes succeeds; with others it answers `Exists`.
    async fn publish(&self, request: &PublishRequest) -> Result<()>;

    /// Unmounts and removes the target path. Succeeds if nothing is there.
    async fn unpublish(&self, request: &UnpublishRequest) -> Result<()>;

    /// Rescans every path, resizes the map, grows the file system online and verifies.
    /// With nothing to do it starts no process.
    async fn grow(&self, request: &GrowRequest) -> Result<Grown>;

    /// Fill level and condition; never hangs on dead paths. `NotFound` if nothing is mounted there.
    async fn stats(&self, request: &StatsRequest) -> Result<Stats>;

    /// What is wrong with a staged volume; empty when all is well. `NotFound` if it is not staged.
    async fn health(&self, request: &StatsRequest) -> Result<Vec<Ailment>>;

    /// The volumes staged here with their paths found and expected. Reads records and sysfs, asks no disk.
    async fn staged(&self) -> Result<Vec<StagedVolume>>;

    /// A number that changes whenever what [`staged`](Self::staged) answers has changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The initiator's name and findings about the host. Repairs nothing.
    async fn identity(&self) -> Result<Identity>;

    /// To be called once before serving: voids phases of an earlier boot and reports what no record owns.
    async fn reconcile(&self) -> Result<Reconciled>;
}
