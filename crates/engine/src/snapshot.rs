//! Snapshots come and go. The volume's ledger entry lists them: it is their intent and their inventory.

mod remove;
mod take;

use std::time::SystemTime;

use perilune_array::{Error, ErrorKind, Size, Snapshots};
use tokio::time::Instant;

use crate::failure::of_ledger;
use crate::guard::{Op, Step};
use crate::ledger::{Entry, SnapshotEntry};
use crate::topology::Segments;
use crate::{Engine, Failure, SnapshotHandle, UseCase, VolumeHandle};

/// A snapshot as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    pub handle: SnapshotHandle,
    pub source: VolumeHandle,
    pub size: Size,
    pub created: SystemTime,
    pub ready: bool,
    /// From where volumes made of it can be reached.
    pub topology: Vec<Segments>,
}

impl Engine {
    /// One snapshot, by its record.
    pub async fn snapshot(
        &self,
        handle: &SnapshotHandle,
        deadline: Instant,
    ) -> Result<SnapshotView, Failure> {
        let doing = UseCase::Inspect;
        let fail = |error: Error| Failure::of(doing, &error.context(format!("get snapshot {handle}")));
        let found = self.holder_of(handle, deadline).await.map_err(fail)?;
        let viewed = found.as_ref().and_then(|entry| {
            let mine = entry.snapshots.iter().find(|s| s.native.as_ref() == Some(&handle.native))?;
            view(entry, mine)
        });
        let viewed = viewed
            .ok_or_else(|| fail(Error::new(ErrorKind::NotFound, "no record has a snapshot of this id")))?;
        match (found, viewed.ready) {
            (Some(entry), false) => self.once_more(&entry, viewed, deadline).await.map_err(fail),
            _ => Ok(viewed),
        }
    }

    /// The entry whose volume has this snapshot, as the store has it now.
    pub(crate) async fn holder_of(
        &self,
        handle: &SnapshotHandle,
        deadline: Instant,
    ) -> Result<Option<Entry>, Error> {
        let known = self.index().with_snapshot(handle).map_err(|e| of_ledger("look the snapshot up", e))?;
        let Some(known) = known else { return Ok(None) };
        let entry = self.recorded(&known.id, deadline).await?;
        let has = |entry: &Entry| entry.snapshots.iter().any(|s| s.native.as_ref() == Some(&handle.native));
        Ok(entry.filter(has))
    }

    fn snapshot_op(&self, use_case: UseCase, handle: &SnapshotHandle, deadline: Instant) -> Op {
        Op {
            use_case,
            backend: handle.backend.clone(),
            subject: format!("snapshot {handle}"),
            deadline,
            in_doubt: false,
        }
    }
}

fn snapshots(step: &Step) -> Result<&dyn Snapshots, Error> {
    step.array.snapshots().ok_or_else(|| Error::new(ErrorKind::Unsupported, "this array takes no snapshots"))
}

fn view(entry: &Entry, snapshot: &SnapshotEntry) -> Option<SnapshotView> {
    Some(SnapshotView {
        handle: SnapshotHandle { backend: entry.backend.clone(), native: snapshot.native.clone()? },
        source: VolumeHandle::of(&entry.id),
        size: snapshot.size,
        created: snapshot.created?,
        ready: snapshot.ready,
        topology: entry.topology.clone(),
    })
}

/// The snapshots of one volume with their names, those that are only intended left out.
pub(crate) fn views(entry: &Entry) -> impl Iterator<Item = (SnapshotView, &str)> {
    let told = |snapshot| Some((view(entry, snapshot)?, snapshot.csi_name.as_str()));
    entry.snapshots.iter().filter_map(told)
}
