//! A snapshot is taken: intended, cut, recorded; or its intent is forgotten.

use perilune_array::{Error, ErrorKind, NewSnapshot, Owner, Snapshot, VolumeId};
use tokio::time::Instant;

use super::{SnapshotView, snapshots, view};
use crate::engine::{settled, within};
use crate::failure::of_ledger;
use crate::guard::{Op, Step};
use crate::ledger::{Entry, SnapshotEntry};
use crate::topology::{self, TopologyRequirement};
use crate::volume::{LATE_EXECUTION, MAKING, usable};
use crate::{Engine, Failure, SnapshotRequest, UseCase, naming};

/// A snapshot to be taken.
#[derive(Debug, Clone)]
struct Taking {
    entry: Entry,
    csi_name: String,
    owner: Owner,
    /// This call wrote the intent: the array cannot have it yet.
    fresh: bool,
    /// An earlier attempt is so young that the array may still carry it out.
    late: bool,
    /// No request to take it is sent after this.
    until: Instant,
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
        let _named = self.guard.hold(doing, &format!("snapshot {}", request.csi_name))?;
        let entry = self.known(doing, &request.source, deadline).await?;
        let subject = format!("snapshot {} of volume {}", request.csi_name, entry.csi_name);
        let fail = |error: Error| Failure::of(doing, &error.context(format!("create {subject}")));
        self.name_is_free_elsewhere(&entry, &request.csi_name).map_err(fail)?;
        in_reach(&entry, &request.topology).map_err(fail)?;
        let known = entry.snapshots.iter().find(|s| s.csi_name == request.csi_name);
        match known.and_then(|snapshot| view(&entry, snapshot)) {
            Some(done) if done.ready => Ok(done),
            Some(young) => self.once_more(&entry, young, deadline).await.map_err(fail),
            None => {
                self.take(entry.clone(), &request.csi_name, subject.clone(), deadline).await.map_err(fail)
            }
        }
    }

    async fn take(
        &self,
        entry: Entry,
        csi_name: &str,
        subject: String,
        deadline: Instant,
    ) -> Result<SnapshotView, Error> {
        let (entry, fresh, late) = self.intend_snapshot(entry, csi_name, deadline).await?;
        let doing = UseCase::CreateSnapshot;
        let op = Op { use_case: doing, backend: entry.backend.clone(), subject, deadline, in_doubt: !fresh };
        let owner = self.snapshot_owner(csi_name);
        let until = Instant::now() + MAKING;
        let taking =
            Taking { entry: entry.clone(), csi_name: csi_name.to_owned(), owner, fresh, late, until };
        match self.guard.run(&op, |step| take_once(step, taking.clone())).await {
            Ok((taken, in_doubt)) => self.complete_snapshot(entry, csi_name, taken, in_doubt, deadline).await,
            Err(error) if settled(doing, &error) => Err(self.forget(entry, csi_name, error, deadline).await),
            Err(error) => Err(error),
        }
    }

    /// A snapshot that was not ready when it was recorded is looked at again.
    pub(super) async fn once_more(
        &self,
        entry: &Entry,
        known: SnapshotView,
        deadline: Instant,
    ) -> Result<SnapshotView, Error> {
        let op = self.snapshot_op(UseCase::Inspect, &known.handle, deadline);
        let id = &known.handle.native;
        let found = self.guard.run(&op, async |step: Step| snapshots(&step)?.get(id).await).await?;
        if !found.ready {
            return Ok(known);
        }
        let mut entry = entry.clone();
        if let Some(mine) = entry.snapshots.iter_mut().find(|s| s.native.as_ref() == Some(id)) {
            (mine.ready, mine.size) = (true, found.size);
        }
        // what is not written down now is looked at again
        let _ = within(deadline, self.ledger.update(&entry)).await;
        Ok(SnapshotView { ready: true, size: found.size, ..known })
    }

    /// One CSI name is one snapshot, whatever volume it is of.
    fn name_is_free_elsewhere(&self, here: &Entry, csi_name: &str) -> Result<(), Error> {
        let holders =
            self.index().with_snapshot_named(csi_name).map_err(|e| of_ledger("look the name up", e))?;
        match holders.iter().find(|other| other.id != here.id) {
            None => Ok(()),
            Some(other) => Err(Error::new(
                ErrorKind::Exists,
                format!("volume {} has a snapshot of this name", other.csi_name),
            )),
        }
    }

    /// The entry with the intent in it; whether this call wrote it, so that nothing was tried yet; and whether what was
    /// tried before may still be carried out.
    async fn intend_snapshot(
        &self,
        mut entry: Entry,
        csi_name: &str,
        deadline: Instant,
    ) -> Result<(Entry, bool, bool), Error> {
        usable(&entry)?;
        let now = self.clock.now();
        if let Some(mine) = entry.snapshots.iter_mut().find(|s| s.csi_name == csi_name) {
            let late = mine.attempted.is_some_and(|at| self.clock.since(at) < LATE_EXECUTION);
            // it is about to be tried again: the doubt that this may cause counts from now
            mine.attempted = Some(now);
            return Ok((self.note(&entry, deadline).await?, false, late));
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
            ready: false,
            attempted: Some(now),
        });
        let op = self.volume_op(UseCase::CreateSnapshot, &entry, false, deadline);
        self.guard.admit(&op)?;
        Ok((within(deadline, self.ledger.update(&entry)).await?, true, false))
    }

    async fn complete_snapshot(
        &self,
        mut entry: Entry,
        csi_name: &str,
        taken: Snapshot,
        in_doubt: bool,
        deadline: Instant,
    ) -> Result<SnapshotView, Error> {
        let mine = entry.snapshots.iter_mut().find(|s| s.csi_name == csi_name);
        let mine =
            mine.ok_or_else(|| Error::new(ErrorKind::Bug, "the snapshot's intent is gone").into_unsettled())?;
        (mine.native, mine.size, mine.created) = (Some(taken.id), taken.size, Some(taken.created));
        // a request that was given up may yet take a second one; `tend` will look
        (mine.ready, mine.attempted) = (taken.ready, in_doubt.then(|| self.clock.now()));
        let done = mine.clone();
        self.note(&entry, deadline).await?;
        view(&entry, &done).ok_or_else(|| Error::new(ErrorKind::Bug, "the snapshot's record is not whole"))
    }

    /// Nothing was taken, so nothing is to be remembered.
    async fn forget(&self, mut entry: Entry, csi_name: &str, error: Error, deadline: Instant) -> Error {
        entry.snapshots.retain(|s| s.csi_name != csi_name);
        match within(deadline, self.ledger.update(&entry)).await {
            Ok(_) => error,
            Err(ledger) => error.context(format!("{ledger}, after")).into_unsettled(),
        }
    }
}

/// A snapshot is where its volume is.
fn in_reach(entry: &Entry, wanted: &TopologyRequirement) -> Result<(), Error> {
    if topology::satisfies(&entry.topology, wanted) {
        return Ok(());
    }
    let text = format!(
        "it would be where its volume is, reachable from {}, and is wanted at {}",
        topology::told(&entry.topology),
        topology::told(&wanted.requisite)
    );
    Err(Error::new(ErrorKind::NoCapacity, text))
}

/// `true`: a request that nobody heard the answer of may still take a second one.
async fn take_once(step: Step, taking: Taking) -> Result<(Snapshot, bool), Error> {
    let (snapshots, owner) = (snapshots(&step)?, taking.owner);
    let entry = taking.entry;
    let volume: VolumeId =
        entry.native.clone().ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let name = entry.snapshots.iter().find(|s| s.csi_name == taking.csi_name).map(|s| s.name.clone());
    let name = name.ok_or_else(|| Error::new(ErrorKind::Bug, "the snapshot's intent is gone"))?;
    if !(taking.fresh && step.first) {
        let mut ours = snapshots.attempts(&volume, &name, &owner).await?;
        if !taking.late && step.first {
            step.certain();
        }
        // a request carried out twice: the earlier one is the one that may have been answered
        while ours.len() > 1 {
            let surplus = ours.remove(1);
            step.change(snapshots.delete(&surplus.id, &owner)).await?;
        }
        if let Some(taken) = ours.pop() {
            return Ok((taken, step.in_doubt()));
        }
    }
    if Instant::now() > taking.until {
        return Err(Error::new(ErrorKind::TimedOut, "it took too long to be begun once more in this call"));
    }
    let taken = step.change(snapshots.create(&NewSnapshot::new(volume, name, owner))).await?;
    Ok((taken, step.in_doubt()))
}
