//! Records rebuilt from the marks on an array, for a ledger that was lost.
//!
//! Only volumes with this cluster's mark, only where no record is, and only what the mark proves: a record's id is made from the
//! CSI name, so a name that does not lead to the record in the mark is not believed. The array is only read.

use perilune_array::{Error, ErrorKind, Origin, PageToken, Snapshot, Volume, VolumeId, VolumeState};
use tokio::time::Instant;

use crate::guard::Step;
use crate::ledger::{Entry, LedgerError, Phase, SnapshotEntry};
use crate::placement::reachable;
use crate::request::Claim;
use crate::{Engine, Failure, UseCase};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The records that were made.
    pub made: Vec<Entry>,
    /// Volumes with our mark that no record could be made for, and why.
    pub refused: Vec<(VolumeId, String)>,
}

impl Engine {
    /// Makes the records that a backend's volumes are lacking. A second call finds them there.
    pub async fn restore(&self, backend: &str, deadline: Instant) -> Result<Restored, Failure> {
        let fail = |error: Error| {
            Failure::of(UseCase::List, &error.context(format!("restore the records of backend {backend}")))
        };
        self.guard.hold(UseCase::List, &format!("records of {backend}"))?;
        let (mut restored, mut from): (Restored, Option<PageToken>) = (Restored::default(), None);
        loop {
            let page = self.page(backend, from.clone(), deadline).await.map_err(fail)?;
            for volume in page.items.into_iter().filter(|volume| self.is_ours(volume)) {
                self.restore_one(backend, volume, &mut restored, deadline).await.map_err(fail)?;
            }
            if page.next.is_none() || page.next == from {
                return Ok(restored);
            }
            from = page.next;
        }
    }

    async fn restore_one(
        &self,
        backend: &str,
        volume: Volume,
        restored: &mut Restored,
        deadline: Instant,
    ) -> Result<(), Error> {
        let Some(owner) = volume.owner.clone() else { return Ok(()) };
        if self.recorded(&owner.record, deadline).await?.is_some() {
            return Ok(());
        }
        let name = [owner.origin.csi_name.as_deref(), Some(volume.name.as_str())];
        let name = name.into_iter().flatten().find(|name| self.record_of(name) == owner.record);
        let Some(csi_name) = name.map(str::to_owned) else {
            let why =
                "neither its mark nor its name tells the CSI name that its record was made from".to_owned();
            restored.refused.push((volume.id, why));
            return Ok(());
        };
        if volume.state != VolumeState::Ready {
            restored.refused.push((volume.id, "the array does not show it ready for use".to_owned()));
            return Ok(());
        }
        let op = self.list_op(backend, format!("volume {csi_name}"), deadline);
        let seen = self.guard.run(&op, |step| look_once(step, volume.clone())).await;
        let snapshots = match seen {
            Ok(snapshots) => snapshots,
            Err(error) if error.kind() == ErrorKind::Exists => {
                restored.refused.push((volume.id, error.message().to_owned()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let entry = self.rebuilt(backend, csi_name, volume, snapshots)?;
        match tokio::time::timeout_at(deadline, self.ledger.create(&entry)).await {
            Ok(Ok(entry)) => restored.made.push(entry),
            Ok(Err(LedgerError::Exists)) => {}
            Ok(Err(error)) => return Err(crate::failure::of_ledger("write the record", error)),
            Err(_) => {
                return Err(Error::new(ErrorKind::TimedOut, "the ledger did not take the record in time"));
            }
        }
        Ok(())
    }

    fn rebuilt(
        &self,
        backend: &str,
        csi_name: String,
        volume: Volume,
        snapshots: Vec<Snapshot>,
    ) -> Result<Entry, Error> {
        let (_, view) = self.fleet.session(backend)?;
        let report = view.report.as_ref();
        let pool = report.and_then(|r| r.system.pools.iter().find(|pool| pool.id == volume.pool));
        let pool_name = pool.map_or_else(|| volume.pool.to_string(), |pool| pool.name.clone());
        let spec = view.spec.pools.iter().find(|pool| pool.name == pool_name);
        let topology = report.map(|report| reachable(&view, report, spec)).unwrap_or_default();
        let origin = volume.owner.as_ref().map(|owner| owner.origin.clone()).unwrap_or_default();
        Ok(Entry {
            id: self.record_of(&csi_name),
            csi_name,
            claim: origin.claim.map(|(namespace, name)| Claim { namespace, name }),
            backend: backend.to_owned(),
            pool: volume.pool,
            pool_name,
            name: volume.name,
            size: volume.size,
            parameters: std::collections::BTreeMap::new(),
            mutable: std::collections::BTreeMap::new(),
            topology,
            source: None,
            // nobody remembers: it is never formatted
            born_empty: false,
            generation: 1,
            native: Some(volume.id),
            wwid: Some(volume.wwid),
            wwid_alt: volume.wwid_alt,
            phase: Phase::Ready,
            attempted: None,
            attachments: Vec::new(),
            departed: Vec::new(),
            snapshots: snapshots.into_iter().filter_map(|snapshot| self.rebuilt_snapshot(snapshot)).collect(),
            version: None,
        })
    }

    /// As for volumes: only with our mark, and only under a name that proves it.
    fn rebuilt_snapshot(&self, snapshot: Snapshot) -> Option<SnapshotEntry> {
        let owner = snapshot.owner.filter(|owner| owner.cluster == self.cluster())?;
        let Origin { csi_name, .. } = owner.origin;
        let names = [csi_name.as_deref(), Some(snapshot.name.as_str())];
        let csi_name = names.into_iter().flatten().find(|name| self.record_of(name) == owner.record)?;
        Some(SnapshotEntry {
            csi_name: csi_name.to_owned(),
            name: snapshot.name,
            native: Some(snapshot.id),
            size: snapshot.size,
            created: Some(snapshot.created),
            ready: snapshot.ready,
            attempted: None,
        })
    }
}

/// Its snapshots, if it is the only one with its mark. `Exists`: it is not, and a person must say which is the right one.
async fn look_once(step: Step, volume: Volume) -> Result<Vec<Snapshot>, Error> {
    if let Some(owner) = &volume.owner {
        let twins = step.array.volumes().attempts(&volume.name, owner).await?;
        if twins.iter().any(|twin| twin.id != volume.id) {
            let text = "another volume bears the same mark; keep the right one and unmark or delete the other at the array";
            return Err(Error::new(ErrorKind::Exists, text));
        }
    }
    match step.array.snapshots() {
        Some(snapshots) => snapshots.list(Some(&volume.id)).await,
        None => Ok(Vec::new()),
    }
}
