//! How a volume fares, in one form for all who ask: from the ledger, the fleet and the last scan, all in memory.
//!
//! For people to read; nothing is decided by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use perilune_array::{ErrorKind, PoolId, RecordId, VolumeState};
use tokio::time::Instant;

use crate::fleet::BackendView;
use crate::guard::{Op, Step};
use crate::ledger::{Entry, Phase};
use crate::{Engine, Failure, UseCase, VolumeHandle};

/// How long one look may take that is made for a condition.
const LOOK: Duration = Duration::from_secs(10);

/// What is wrong, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthKind {
    Good,
    /// It works, and something about it wants attention.
    Degraded,
    /// It cannot be reached, or that cannot be told.
    Inaccessible,
    /// The array has it no more.
    DataLoss,
}

/// How a volume fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeHealth {
    pub abnormal: bool,
    pub kind: HealthKind,
    /// For people: what was found, and what to do about it.
    pub message: String,
}

impl VolumeHealth {
    fn good() -> Self {
        Self { abnormal: false, kind: HealthKind::Good, message: "the volume is well".to_owned() }
    }

    fn ill(kind: HealthKind, message: impl Into<String>) -> Self {
        Self { abnormal: true, kind, message: message.into() }
    }
}

/// What the last scan of a backend found wrong with volumes of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanFindings {
    /// Records whose volume the array did not show.
    pub missing: BTreeSet<RecordId>,
    /// Records whose volume the array calls broken.
    pub faulted: BTreeSet<RecordId>,
}

/// The findings of the last scans, by backend.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<String, ScanFindings>>);

impl Seen {
    pub(crate) fn note(&self, backend: &str, findings: ScanFindings) {
        self.lock().insert(backend.to_owned(), findings);
    }

    /// One volume was looked at by itself and is as told.
    pub(crate) fn note_one(&self, backend: &str, record: &RecordId, found: Found) {
        let mut all = self.lock();
        let findings = all.entry(backend.to_owned()).or_default();
        findings.missing.remove(record);
        findings.faulted.remove(record);
        match found {
            Found::Well => false,
            Found::Faulted => findings.faulted.insert(record.clone()),
            Found::Missing => findings.missing.insert(record.clone()),
        };
    }

    pub(crate) fn of(&self, backend: &str, record: &RecordId) -> Found {
        match self.lock().get(backend) {
            Some(findings) if findings.missing.contains(record) => Found::Missing,
            Some(findings) if findings.faulted.contains(record) => Found::Faulted,
            _ => Found::Well,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, ScanFindings>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a volume was when somebody last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Well,
    Faulted,
    Missing,
}

impl Engine {
    /// How a volume fares, from memory but for its record.
    pub async fn health(&self, handle: &VolumeHandle, deadline: Instant) -> Result<VolumeHealth, Failure> {
        let entry = self.known(UseCase::Inspect, handle, deadline).await?;
        Ok(self.health_of(&entry))
    }

    pub(crate) fn health_of(&self, entry: &Entry) -> VolumeHealth {
        self.health_on(entry, self.fleet.view(&entry.backend).as_ref())
    }

    /// As [`Self::health_of`], for those who ask about many volumes of one backend.
    pub(crate) fn health_on(&self, entry: &Entry, backend: Option<&BackendView>) -> VolumeHealth {
        judge(entry, backend, self.seen.of(&entry.backend, &entry.id))
    }

    /// Asks the array about this one volume. What it does not answer is left as it was known.
    pub(crate) async fn look_at(&self, entry: &Entry, deadline: Instant) {
        let Some(native) = entry.native.clone().filter(|_| entry.phase == Phase::Ready) else { return };
        let op = Op {
            use_case: UseCase::Inspect,
            backend: entry.backend.clone(),
            subject: format!("volume {}", entry.csi_name),
            // a condition is worth a moment and no more
            deadline: deadline.min(Instant::now() + LOOK),
            in_doubt: false,
        };
        let look = async |step: Step| step.array.volumes().get(&native).await;
        let found = match self.guard.run(&op, look).await {
            Ok(volume) if volume.state == VolumeState::Faulted => Found::Faulted,
            Ok(_) => Found::Well,
            Err(error) if error.kind() == ErrorKind::NotFound => Found::Missing,
            Err(_) => return,
        };
        self.seen.note_one(&entry.backend, &entry.id, found);
    }

    /// Takes in what a scan of a backend found; later scans replace it.
    pub fn note_scan(&self, backend: &str, findings: ScanFindings) {
        self.seen.note(backend, findings);
    }
}

/// The worst that is known comes first.
fn judge(entry: &Entry, backend: Option<&BackendView>, found: Found) -> VolumeHealth {
    let name = &entry.backend;
    match entry.phase {
        Phase::Pending => {
            return VolumeHealth::ill(HealthKind::Inaccessible, "the volume is still being made");
        }
        Phase::Deleting => return VolumeHealth::ill(HealthKind::Inaccessible, "the volume is being deleted"),
        Phase::Released => {
            let text = "the volume was left to its array and is not managed here any more; import it to use it again";
            return VolumeHealth::ill(HealthKind::Inaccessible, text);
        }
        Phase::Ready => {}
    }
    match found {
        Found::Missing => {
            let text = format!(
                "the array {name} had no such volume when it was last looked at; somebody deleted it there"
            );
            return VolumeHealth::ill(HealthKind::DataLoss, text);
        }
        Found::Faulted => {
            let text =
                format!("the array {name} says that the volume is faulted or offline; see its own alerts");
            return VolumeHealth::ill(HealthKind::Inaccessible, text);
        }
        Found::Well => {}
    }
    let Some(view) = backend else {
        let text = format!("backend {name} is not known (yet); see `kubectl get arraybackend {name}`");
        return VolumeHealth::ill(HealthKind::Inaccessible, text);
    };
    if let Some(fault) = &view.fault {
        let text = format!(
            "backend {name} does not answer as it should, so nothing is known of the volume: {fault}"
        );
        return VolumeHealth::ill(HealthKind::Inaccessible, text);
    }
    pool_trouble(view, &entry.pool).unwrap_or_else(VolumeHealth::good)
}

fn pool_trouble(view: &BackendView, id: &PoolId) -> Option<VolumeHealth> {
    let report = view.report.as_ref()?;
    let pool = report.system.pools.iter().find(|pool| pool.id == *id)?;
    (pool.total.get() > 0 && pool.free.get() == 0).then(|| {
        let text = format!(
            "pool {} of {} has no physical room left: writes may fail; make room",
            pool.name, view.spec.name
        );
        VolumeHealth::ill(HealthKind::Degraded, text)
    })
}

#[cfg(test)]
mod tests;
