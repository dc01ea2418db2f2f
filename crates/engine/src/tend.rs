//! What earlier calls left in doubt is followed up, whether or not anybody asks again.
//!
//! A request whose answer was lost may be carried out long after its caller was answered by a second one. Until that can no longer
//! be, the record remembers it ([`LATE_EXECUTION`](crate::volume::LATE_EXECUTION)); then somebody has to look. And an intent that
//! nobody comes back for must not stay for ever: its sidecar was restarted just when its claim was deleted.
//!
//! Only what bears the mark of a record is touched, only what the record does not name, and only by the record's own rules.

use std::time::Duration;

use perilune_array::{Error, ErrorKind, Owner, SnapshotId, VolumeId};
use tokio::time::Instant;

use crate::attach::{host_lock, sweep_map};
use crate::guard::Step;
use crate::ledger::{Departed, Entry, Phase, SnapshotEntry};
use crate::volume::{LATE_EXECUTION, set_once};
use crate::{Engine, Failure, UseCase, VolumeHandle, qos};

/// Sidecars come back at least every five minutes. Who stayed away four times as long does not come back.
const ABANDONED: Duration = Duration::from_secs(20 * 60);

/// How long following up one record may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tended {
    /// Records whose doubts are settled.
    pub settled: usize,
    /// Records that will have to be looked at again.
    pub left: usize,
}

impl Engine {
    /// Looks after all records that wait for it. Call it every minute; where nothing is in doubt it costs nothing.
    pub async fn tend(&self) -> Tended {
        let mut tended = Tended::default();
        let Ok(entries) = self.index().entries() else { return tended };
        for entry in entries {
            if !self.is_due(&entry) {
                continue;
            }
            let deadline = Instant::now() + PATIENCE;
            match self.follow_up(&VolumeHandle::of(&entry.id), deadline).await {
                Ok(()) => tended.settled += 1,
                Err(failure) => {
                    tracing::warn!(volume = %entry.csi_name, record = %entry.id, %failure, "left in doubt for now");
                    tended.left += 1;
                }
            }
        }
        tended
    }

    fn older(&self, at: Option<std::time::SystemTime>, age: Duration) -> bool {
        at.is_some_and(|at| self.clock.since(at) >= age)
    }

    fn is_due(&self, entry: &Entry) -> bool {
        match entry.phase {
            Phase::Pending => self.older(entry.attempted, ABANDONED),
            Phase::Deleting => self.older(entry.attempted, LATE_EXECUTION),
            Phase::Ready => {
                self.older(entry.attempted, LATE_EXECUTION)
                    || entry.departed.iter().any(|departed| self.older(Some(departed.at), LATE_EXECUTION))
                    || entry.snapshots.iter().any(|snapshot| self.is_snapshot_due(snapshot))
            }
            Phase::Released => false,
        }
    }

    fn is_snapshot_due(&self, snapshot: &SnapshotEntry) -> bool {
        let age = if snapshot.native.is_some() { LATE_EXECUTION } else { ABANDONED };
        self.older(snapshot.attempted, age)
    }

    async fn follow_up(&self, handle: &VolumeHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteVolume;
        let entry = {
            let _held = self.guard.hold(doing, &handle.to_string())?;
            let Some(entry) = self.entry(doing, handle, deadline).await? else { return Ok(()) };
            let _named = self.guard.hold(doing, &format!("volume {}", entry.csi_name))?;
            if !self.is_due(&entry) {
                return Ok(());
            }
            if entry.phase == Phase::Ready {
                let name = entry.csi_name.clone();
                let fail = |error: Error| {
                    Failure::of(doing, &error.context(format!("follow up volume {name} ({handle})")))
                };
                return self.sweep(entry, deadline).await.map_err(fail);
            }
            entry
        };
        tracing::info!(volume = %entry.csi_name, record = %entry.id, "nobody came back for it: it is taken back");
        self.remove_volume(handle, deadline).await
    }

    /// Ends what a late request left beside what the record names.
    async fn sweep(&self, mut entry: Entry, deadline: Instant) -> Result<(), Error> {
        let op = self.volume_op(UseCase::DeleteVolume, &entry, false, deadline);
        if self.older(entry.attempted, LATE_EXECUTION) {
            let owner = self.owner_of(&entry);
            self.guard.run(&op, |step| sweep_volumes(step, entry.clone(), owner.clone())).await?;
            self.set_again(&entry, deadline).await?;
            entry.attempted = None;
        }
        let due: Vec<SnapshotEntry> =
            entry.snapshots.iter().filter(|snapshot| self.is_snapshot_due(snapshot)).cloned().collect();
        for snapshot in due {
            let owner = self.snapshot_owner(&snapshot.csi_name);
            let sweep = |step| sweep_snapshots(step, entry.clone(), snapshot.clone(), owner.clone());
            self.guard.run(&op, sweep).await?;
            match snapshot.native {
                Some(_) => entry
                    .snapshots
                    .iter_mut()
                    .filter(|s| s.csi_name == snapshot.csi_name)
                    .for_each(|s| s.attempted = None),
                None => entry.snapshots.retain(|s| s.csi_name != snapshot.csi_name),
            }
        }
        self.sweep_maps(&mut entry, deadline).await?;
        self.note(&entry, deadline).await.map(|_| ())
    }

    /// What a late request may have set back is set as the record says.
    async fn set_again(&self, entry: &Entry, deadline: Instant) -> Result<(), Error> {
        let wish = qos::wish(&entry.mutable)?;
        if wish == qos::Wish::Nothing {
            return Ok(());
        }
        let op = self.volume_op(UseCase::Modify, entry, false, deadline);
        self.guard.run(&op, |step| set_once(step, entry.clone(), wish.clone())).await.map(|_| ())
    }

    async fn sweep_maps(&self, entry: &mut Entry, deadline: Instant) -> Result<(), Error> {
        let op = self.volume_op(UseCase::Unpublish, entry, false, deadline);
        let due: Vec<Departed> = entry
            .departed
            .iter()
            .filter(|departed| self.older(Some(departed.at), LATE_EXECUTION))
            .cloned()
            .collect();
        for departed in due {
            let _alone = self.guard.wait(&host_lock(&entry.backend, &departed.node), deadline).await?;
            self.guard.run(&op, |step| sweep_map(step, entry.clone(), departed.clone())).await?;
            entry.departed.retain(|other| *other != departed);
        }
        Ok(())
    }
}

async fn sweep_volumes(step: Step, entry: Entry, owner: Owner) -> Result<(), Error> {
    let volumes = step.array.volumes();
    let found: Vec<VolumeId> =
        volumes.attempts(&entry.name, &owner).await?.into_iter().map(|volume| volume.id).collect();
    // without the one that the record names there is no telling which of the others somebody may need
    if !found.iter().any(|id| entry.native.as_ref() == Some(id)) {
        return Ok(());
    }
    for id in found.iter().filter(|id| entry.native.as_ref() != Some(id)) {
        tracing::info!(volume = %entry.csi_name, surplus = %id, "a request that was given up was carried out after all");
        gone(step.change(volumes.delete(id, &owner)).await)?;
    }
    Ok(())
}

async fn sweep_snapshots(
    step: Step,
    entry: Entry,
    snapshot: SnapshotEntry,
    owner: Owner,
) -> Result<(), Error> {
    for id in surplus_snapshots(&step, &entry, &snapshot, &owner).await? {
        if let Some(snapshots) = step.array.snapshots() {
            gone(step.change(snapshots.delete(&id, &owner)).await)?;
        }
    }
    Ok(())
}

/// What attempts to take a snapshot left beside the one that was recorded.
pub(crate) async fn surplus_snapshots(
    step: &Step,
    entry: &Entry,
    snapshot: &SnapshotEntry,
    owner: &Owner,
) -> Result<Vec<SnapshotId>, Error> {
    let (Some(native), Some(snapshots)) = (&entry.native, step.array.snapshots()) else {
        return Ok(Vec::new());
    };
    let found = snapshots.attempts(native, &snapshot.name, owner).await?.into_iter();
    Ok(found.map(|taken| taken.id).filter(|id| snapshot.native.as_ref() != Some(id)).collect())
}

fn gone(answer: Result<(), Error>) -> Result<(), Error> {
    match answer {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}
