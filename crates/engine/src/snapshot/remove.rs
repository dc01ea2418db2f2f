//! A snapshot goes: from the array first, then from its volume's record.

use perilune_array::{Error, ErrorKind, Owner, SnapshotId};
use tokio::time::Instant;

use super::snapshots;
use crate::guard::Step;
use crate::ledger::{Entry, SnapshotEntry};
use crate::tend::surplus_snapshots;
use crate::volume::LATE_EXECUTION;
use crate::{Engine, Failure, SnapshotHandle, UseCase, VolumeHandle};

impl Engine {
    /// Ends the snapshot. A second call does nothing.
    pub async fn remove_snapshot(&self, handle: &SnapshotHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteSnapshot;
        let fail = |error: Error| Failure::of(doing, &error.context(format!("delete snapshot {handle}")));
        let Some(found) = self.holder_of(handle, deadline).await.map_err(fail)? else {
            return self.surely_gone(handle, deadline).await.map_err(fail);
        };
        let volume = VolumeHandle::of(&found.id);
        let _held = self.guard.hold(doing, &volume.to_string())?;
        // read before the lock was held: what is altered is what the store says now
        let Some(mut entry) = self.entry(doing, &volume, deadline).await? else { return Ok(()) };
        let Some(at) = entry.snapshots.iter().position(|s| s.native.as_ref() == Some(&handle.native)) else {
            return Ok(());
        };
        let snapshot = entry.snapshots[at].clone();
        let owner = self.snapshot_owner(&snapshot.csi_name);
        let op = self.snapshot_op(doing, handle, deadline);
        let delete = |step| delete_once(step, entry.clone(), snapshot.clone(), owner.clone());
        self.guard.run(&op, delete).await.map_err(fail)?;
        self.no_second_follows(&snapshot).map_err(fail)?;
        entry.snapshots.remove(at);
        self.note(&entry, deadline).await.map_err(fail)?;
        Ok(())
    }

    /// A request to take it that was given up may be carried out late: the record stays until that can no longer be.
    fn no_second_follows(&self, snapshot: &SnapshotEntry) -> Result<(), Error> {
        let age = snapshot.attempted.map(|at| self.clock.since(at)).filter(|age| *age < LATE_EXECUTION);
        let Some(age) = age else { return Ok(()) };
        let text = format!(
            "it is gone, and an earlier request to take it may still be carried out; it will be looked for once more in {} s",
            (LATE_EXECUTION - age).as_secs()
        );
        Err(Error::new(ErrorKind::Busy, text))
    }

    /// No record names it: it is done if the array has it no more, and not ours to touch if it has.
    async fn surely_gone(&self, handle: &SnapshotHandle, deadline: Instant) -> Result<(), Error> {
        let op = self.snapshot_op(UseCase::DeleteSnapshot, handle, deadline);
        self.guard.run(&op, |step| gone_once(step, handle.clone())).await
    }
}

async fn delete_once(step: Step, entry: Entry, snapshot: SnapshotEntry, owner: Owner) -> Result<(), Error> {
    let mut ids: Vec<SnapshotId> = snapshot.native.iter().cloned().collect();
    if snapshot.attempted.is_some() {
        ids.extend(surplus_snapshots(&step, &entry, &snapshot, &owner).await?);
    }
    for id in ids {
        match step.change(snapshots(&step)?.delete(&id, &owner)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            answer => answer?,
        }
    }
    Ok(())
}

async fn gone_once(step: Step, handle: SnapshotHandle) -> Result<(), Error> {
    match snapshots(&step)?.get(&handle.native).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(snapshot) => Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "the array has it (on volume {}), but no record of ours does; delete it there if it is not needed",
                snapshot.volume
            ),
        )),
    }
}
