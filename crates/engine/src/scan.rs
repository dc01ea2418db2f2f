//! A whole array looked through: what could be adopted, what bears our mark without a record, what a record misses.
//!
//! Page by page, and only reading. What is kept of it is bounded, and says so when it is not all.

use std::collections::BTreeSet;

use perilune_array::{
    Error, ErrorKind, Owner, Page, PageToken, RecordId, Size, Volume, VolumeId, VolumeState,
};
use tokio::time::Instant;

use crate::guard::{Op, Step};
use crate::health::ScanFindings;
use crate::ledger::{Entry, Phase};
use crate::{Engine, Failure, UseCase};

/// Rows of one kind that a scan keeps.
const MAX_ROWS: usize = 50_000;

/// Pages after which a listing that will not end is taken for broken.
const MAX_PAGES: usize = 100_000;

/// What a volume on the array is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manageable {
    /// What an import names: the id at the array.
    pub reference: VolumeId,
    pub name: String,
    pub pool: String,
    pub size: Size,
    /// In whole GiB, rounded up: what a claim for it has to ask for at most.
    pub gib: u64,
    /// It can be adopted now, as far as one look tells.
    pub safe: bool,
    pub reason_not_safe: Option<String>,
    /// Our record of it, if it has one.
    pub record: Option<RecordId>,
}

/// A volume that bears our mark, and no record says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub reference: VolumeId,
    pub name: String,
    pub pool: String,
    pub size: Size,
    pub wwid: String,
    pub owner: Owner,
    pub reason: String,
}

/// A record whose volume the array does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub record: RecordId,
    pub csi_name: String,
    pub reference: Option<VolumeId>,
    pub reason: String,
}

/// What a look through a backend found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    pub volumes: u64,
    pub manageable: Vec<Manageable>,
    pub orphans: Vec<Orphan>,
    pub missing: Vec<Missing>,
    /// There was more than is kept.
    pub truncated: bool,
}

impl Engine {
    /// Looks through all volumes of a backend. Alters nothing, on the array or in the ledger.
    pub async fn scan(&self, backend: &str, deadline: Instant) -> Result<Scan, Failure> {
        let fail =
            |error: Error| Failure::of(UseCase::List, &error.context(format!("scan backend {backend}")));
        let (session, view) = self.fleet.session(backend).map_err(fail)?;
        drop(session);
        let pools = view.report.map(|report| report.system.pools).unwrap_or_default();
        let (mut scan, mut shown, mut faulted) = (Scan::default(), BTreeSet::new(), BTreeSet::new());
        let mut from: Option<PageToken> = None;
        for _ in 0..MAX_PAGES {
            let page = self.page(backend, from.clone(), deadline).await.map_err(fail)?;
            for volume in page.items {
                let pool = pools.iter().find(|pool| pool.id == volume.pool);
                let pool = pool.map_or_else(|| volume.pool.to_string(), |pool| pool.name.clone());
                let record = self.record_behind(backend, &volume).map_err(fail)?;
                if let Some(entry) = &record {
                    shown.insert(entry.id.clone());
                    if volume.state == VolumeState::Faulted {
                        faulted.insert(entry.id.clone());
                    }
                }
                scan.take_in(&volume, pool, record.as_deref(), self.is_ours(&volume));
            }
            from = page.next;
            if from.is_none() {
                self.find_missing(backend, &shown, &mut scan).map_err(fail)?;
                let missing = scan.missing.iter().map(|missing| missing.record.clone()).collect();
                self.note_scan(backend, ScanFindings { missing, faulted });
                return Ok(scan);
            }
        }
        Err(fail(Error::new(ErrorKind::Garbled, "the array's listing of volumes has no end")))
    }

    pub(crate) async fn page(
        &self,
        backend: &str,
        from: Option<PageToken>,
        deadline: Instant,
    ) -> Result<Page<Volume>, Error> {
        let op = self.list_op(backend, "all volumes".to_owned(), deadline);
        self.guard.run(&op, async |step: Step| step.array.volumes().list(from.as_ref()).await).await
    }

    pub(crate) fn list_op(&self, backend: &str, subject: String, deadline: Instant) -> Op {
        Op { use_case: UseCase::List, backend: backend.to_owned(), subject, deadline, in_doubt: false }
    }

    /// Does the volume bear this cluster's mark?
    pub(crate) fn is_ours(&self, volume: &Volume) -> bool {
        volume.owner.as_ref().is_some_and(|owner| owner.cluster == self.cluster())
    }

    /// The record that knows this very volume: by its id, or, for one whose making is not answered for, by the mark.
    fn record_behind(&self, backend: &str, volume: &Volume) -> Result<Option<std::sync::Arc<Entry>>, Error> {
        let memory = |error| crate::failure::of_ledger("look a record up", error);
        if let Some(entry) = self.index().with_volume(backend, &volume.id).map_err(memory)? {
            return Ok(Some(entry).filter(|entry| entry.phase != Phase::Released));
        }
        let Some(owner) = volume.owner.as_ref().filter(|_| self.is_ours(volume)) else { return Ok(None) };
        let entry = self.index().get(&owner.record).map_err(memory)?;
        Ok(entry.filter(|entry| entry.native.is_none() && entry.backend == backend))
    }

    fn find_missing(&self, backend: &str, shown: &BTreeSet<RecordId>, scan: &mut Scan) -> Result<(), Error> {
        let entries = self.index().entries();
        let entries = entries.map_err(|error| crate::failure::of_ledger("list the records", error))?;
        for entry in entries.iter().filter(|entry| entry.backend == backend && entry.phase == Phase::Ready) {
            if shown.contains(&entry.id) {
                continue;
            }
            if scan.missing.len() >= MAX_ROWS {
                scan.truncated = true;
                break;
            }
            scan.missing.push(Missing {
                record: entry.id.clone(),
                csi_name: entry.csi_name.clone(),
                reference: entry.native.clone(),
                reason: "the array shows no volume of this id; somebody deleted it there, or another array answers".to_owned(),
            });
        }
        Ok(())
    }
}

impl Scan {
    fn take_in(&mut self, volume: &Volume, pool: String, record: Option<&Entry>, ours: bool) {
        self.volumes += 1;
        if ours && record.is_none() {
            let (name, wwid) = (volume.name.to_string(), volume.wwid.to_string());
            if let Some(owner) = volume.owner.clone() {
                let reason = "it bears this cluster's mark, and no record names it".to_owned();
                let (reference, size) = (volume.id.clone(), volume.size);
                self.keep_orphan(Orphan { reference, name, pool, size, wwid, owner, reason });
            }
            return;
        }
        let reason = not_safe(volume, record);
        let row = Manageable {
            reference: volume.id.clone(),
            name: volume.name.to_string(),
            pool,
            size: volume.size,
            gib: volume.size.get().div_ceil(1 << 30),
            safe: reason.is_none(),
            reason_not_safe: reason,
            record: record.map(|entry| entry.id.clone()),
        };
        if self.manageable.len() < MAX_ROWS {
            self.manageable.push(row);
        } else {
            self.truncated = true;
        }
    }

    fn keep_orphan(&mut self, orphan: Orphan) {
        if self.orphans.len() < MAX_ROWS {
            self.orphans.push(orphan);
        } else {
            self.truncated = true;
        }
    }
}

/// Why a volume cannot be adopted, as far as a listing tells; whether a host has it is looked at when it is adopted.
fn not_safe(volume: &Volume, record: Option<&Entry>) -> Option<String> {
    if let Some(entry) = record {
        return Some(format!(
            "it is volume {} of this cluster already (record {})",
            entry.csi_name, entry.id
        ));
    }
    if let Some(owner) = &volume.owner {
        return Some(format!("it bears the mark of cluster {} (record {})", owner.cluster, owner.record));
    }
    match volume.state {
        VolumeState::Ready => None,
        VolumeState::Copying => Some("a copy is still being made".to_owned()),
        VolumeState::Faulted => Some("the array says that it is faulted".to_owned()),
        VolumeState::Torn => Some("it was begun and never finished".to_owned()),
    }
}
