//! Snapshots come and go. The volume's ledger entry lists them: it is their intent and their inventory.

use std::time::SystemTime;

use perilune_array::{Error, ErrorKind, NewSnapshot, Owner, Size, Snapshot, Snapshots, VolumeId};
use tokio::time::Instant;

use crate::engine::{settled, within};
use crate::guard::{Op, Step};
use crate::ledger::{Entry, Phase, SnapshotEntry};
use crate::{Engine, Failure, SnapshotHandle, SnapshotRequest, UseCase, VolumeHandle, naming};

/// A snapshot as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    pub handle: SnapshotHandle,
    pub source: VolumeHandle,
    pub size: Size,
    pub created: SystemTime,
    pub ready: bool,
}

impl Engine {
    /// Takes the snapshot, or finds it taken. The same request again answers the same.
    pub async fn ensure_snapshot(
        &self,
        request: &SnapshotRequest,
        deadline: Instant,
    ) -> Result<SnapshotView, Failure> {
        let doing = UseCase::CreateSnapshot;
        let _held = self.guard.hold(doing, &request.source.to_string())?;
        let entry = self.known(doing, &request.source, deadline).await?;
        let subject = format!("snapshot {} of volume {}", request.csi_name, entry.csi_name);
        let fail = |error: Error| Failure::of(doing, &error.context(format!("create {subject}")));
        self.name_is_free_elsewhere(&entry, &request.csi_name, deadline).await.map_err(fail)?;
        if let Some(done) =
            entry.snapshots.iter().find(|s| s.csi_name == request.csi_name).and_then(|s| view(&entry, s))
        {
            return Ok(done);
        }
        let (entry, fresh) = self.intend_snapshot(entry, &request.csi_name, deadline).await.map_err(fail)?;
        let op = Op {
            use_case: doing,
            backend: entry.backend.clone(),
            subject: subject.clone(),
            deadline,
            in_doubt: !fresh,
        };
        let owner = self.owner(&self.record_of(&request.csi_name));
        let attempt = |step: Step| {
            let blind = fresh && step.first;
            take_once(step, entry.clone(), request.csi_name.clone(), owner.clone(), blind)
        };
        match self.guard.run(&op, attempt).await {
            Ok(taken) => {
                self.complete_snapshot(entry.clone(), &request.csi_name, taken, deadline).await.map_err(fail)
            }
            Err(error) if settled(doing, &error) => {
                Err(fail(self.forget(entry.clone(), &request.csi_name, error, deadline).await))
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// Ends the snapshot. A second call does nothing.
    pub async fn remove_snapshot(&self, handle: &SnapshotHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteSnapshot;
        let fail = |error: Error| Failure::of(doing, &error.context(format!("delete snapshot {handle}")));
        let Some(found) = self.holder_of(handle, deadline).await.map_err(fail)? else {
            return self.surely_gone(handle, deadline).await.map_err(fail);
        };
        let volume = VolumeHandle::of(&found.id);
        let _held = self.guard.hold(doing, &volume.to_string())?;
        // the list lags behind: what is altered is what the store says now
        let Some(mut entry) = self.entry(doing, &volume, deadline).await? else { return Ok(()) };
        let Some(at) = entry.snapshots.iter().position(|s| s.native.as_ref() == Some(&handle.native)) else {
            return Ok(());
        };
        let owner = self.owner(&self.record_of(&entry.snapshots[at].csi_name));
        let op = self.snapshot_op(doing, handle, deadline);
        self.guard.run(&op, |step| delete_once(step, handle.clone(), owner.clone())).await.map_err(fail)?;
        entry.snapshots.remove(at);
        within(deadline, self.ledger.update(&entry)).await.map_err(fail)?;
        Ok(())
    }

    /// The entry whose volume has this snapshot.
    pub(crate) async fn holder_of(
        &self,
        handle: &SnapshotHandle,
        deadline: Instant,
    ) -> Result<Option<Entry>, Error> {
        let entries = within(deadline, self.ledger.list()).await?;
        Ok(entries.into_iter().find(|entry| {
            entry.backend == handle.backend
                && entry.snapshots.iter().any(|s| s.native.as_ref() == Some(&handle.native))
        }))
    }

    /// One CSI name is one snapshot, whatever volume it is of.
    async fn name_is_free_elsewhere(
        &self,
        here: &Entry,
        csi_name: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        let entries = within(deadline, self.ledger.list()).await?;
        match entries.iter().find(|e| e.id != here.id && e.snapshots.iter().any(|s| s.csi_name == csi_name)) {
            None => Ok(()),
            Some(other) => Err(Error::new(
                ErrorKind::Exists,
                format!("volume {} has a snapshot of this name", other.csi_name),
            )),
        }
    }

    /// `true`: this call wrote the intent, so nothing was tried yet.
    async fn intend_snapshot(
        &self,
        mut entry: Entry,
        csi_name: &str,
        deadline: Instant,
    ) -> Result<(Entry, bool), Error> {
        if entry.phase != Phase::Ready {
            return Err(Error::new(ErrorKind::WrongState, "the volume is being created or deleted"));
        }
        if entry.snapshots.iter().any(|s| s.csi_name == csi_name) {
            return Ok((entry, false));
        }
        let (session, _) = self.fleet.session(&entry.backend)?;
        let profile = session.array.profile();
        if profile.snapshots_per_volume.is_some_and(|max| entry.snapshots.len() >= max as usize) {
            let max = entry.snapshots.len();
            return Err(Error::new(
                ErrorKind::LimitReached,
                format!("the volume has {max} snapshots, as many as the array allows; delete one"),
            ));
        }
        let name = naming::fit(&profile.snapshot_names, csi_name, &self.record_of(csi_name));
        let size = entry.size;
        entry.snapshots.push(SnapshotEntry {
            csi_name: csi_name.to_owned(),
            name,
            native: None,
            size,
            created: None,
        });
        Ok((within(deadline, self.ledger.update(&entry)).await?, true))
    }

    async fn complete_snapshot(
        &self,
        mut entry: Entry,
        csi_name: &str,
        taken: Snapshot,
        deadline: Instant,
    ) -> Result<SnapshotView, Error> {
        let handle = SnapshotHandle { backend: entry.backend.clone(), native: taken.id.clone() };
        let (size, created) = (taken.size, taken.created);
        if let Some(mine) = entry.snapshots.iter_mut().find(|s| s.csi_name == csi_name) {
            (mine.native, mine.size, mine.created) = (Some(taken.id), size, Some(created));
        }
        let source = VolumeHandle::of(&entry.id);
        within(deadline, self.ledger.update(&entry)).await.map_err(Error::into_unsettled)?;
        Ok(SnapshotView { handle, source, size, created, ready: taken.ready })
    }

    /// Nothing was taken, so nothing is to be remembered.
    async fn forget(&self, mut entry: Entry, csi_name: &str, error: Error, deadline: Instant) -> Error {
        entry.snapshots.retain(|s| s.csi_name != csi_name);
        match within(deadline, self.ledger.update(&entry)).await {
            Ok(_) => error,
            Err(ledger) => error.context(format!("{ledger}, after")).into_unsettled(),
        }
    }

    /// No record names it: it is done if the array has it no more, and not ours to touch if it has.
    async fn surely_gone(&self, handle: &SnapshotHandle, deadline: Instant) -> Result<(), Error> {
        let op = self.snapshot_op(UseCase::DeleteSnapshot, handle, deadline);
        self.guard.run(&op, |step| gone_once(step, handle.clone())).await
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

async fn take_once(
    step: Step,
    entry: Entry,
    csi_name: String,
    owner: Owner,
    blind: bool,
) -> Result<Snapshot, Error> {
    let snapshots = snapshots(&step)?;
    let volume: VolumeId =
        entry.native.clone().ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let name = entry.snapshots.iter().find(|s| s.csi_name == csi_name).map(|s| s.name.clone());
    let name = name.ok_or_else(|| Error::new(ErrorKind::Bug, "the snapshot's intent is gone"))?;
    if !blind {
        let mut ours = snapshots.attempts(&volume, &name, &owner).await?;
        // a request carried out twice: the earlier one is the one that may have been answered
        while ours.len() > 1 {
            let surplus = ours.remove(1);
            step.change(snapshots.delete(&surplus.id, &owner)).await?;
        }
        if let Some(taken) = ours.pop() {
            return Ok(taken);
        }
    }
    step.change(snapshots.create(&NewSnapshot::new(volume, name, owner))).await
}

async fn delete_once(step: Step, handle: SnapshotHandle, owner: Owner) -> Result<(), Error> {
    match step.change(snapshots(&step)?.delete(&handle.native, &owner)).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
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

fn view(entry: &Entry, snapshot: &SnapshotEntry) -> Option<SnapshotView> {
    Some(SnapshotView {
        handle: SnapshotHandle { backend: entry.backend.clone(), native: snapshot.native.clone()? },
        source: VolumeHandle::of(&entry.id),
        size: snapshot.size,
        created: snapshot.created?,
        ready: true,
    })
}
