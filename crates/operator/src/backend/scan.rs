//! Looking through a whole array, and keeping what was found where `kubectl perilune` finds it.

mod pages;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use perilune_api::backend::ScanState;
use perilune_api::conditions::{ConditionType, find};
use perilune_api::names::{FIELD_MANAGER, SCAN_LABEL};
use perilune_api::scan::{Manageable, Missing, Orphan};
use perilune_api::{ArrayBackend, ArrayBackendStatus};
use perilune_engine::{Ledger, Scan};
use tokio::time::Instant;

use super::{Backends, OnRecord};
use crate::runner::Command;

/// How often an array is looked through.
const EVERY: Duration = Duration::from_secs(3600);
/// How soon again when that did not work.
const RETRY: Duration = Duration::from_secs(300);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) manageable: Vec<Manageable>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) missing: Vec<Missing>,
}

/// What a look came to: how many of each, or why it did not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scanned(pub(super) Result<Counted, String>);

/// How many of each were found, and on how many pages they are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) manageable: usize,
    pub(super) orphans: usize,
    pub(super) missing: usize,
    pub(super) pages: usize,
}

/// Is it time to look through the array again?
pub(super) fn due(last: Option<&ScanState>, now: Timestamp) -> bool {
    let Some(last) = last else { return true };
    let pause = if last.error.is_some() { RETRY } else { EVERY };
    now.duration_since(last.tried.0).unsigned_abs() >= pause
}

/// May this be done now?
pub(super) fn admit(
    object: &ArrayBackend,
    status: &ArrayBackendStatus,
    command: &Command,
) -> Result<String, String> {
    let name = object.name_any();
    if command.value != "true" {
        return Err(format!("the annotation {} takes only the value \"true\"", command.key));
    }
    let ready = find(&status.conditions, ConditionType::Ready);
    if ready.is_none_or(|ready| ready.status != "True") {
        let why = ready.map(|ready| ready.message.clone()).unwrap_or_default();
        return Err(format!("{name} is not ready, so its array cannot be looked through: {why}"));
    }
    let restoring = command.verb() == "restore-records";
    let rest =
        if restoring { ", then make a record of each volume that bears our mark and has none" } else { "" };
    Ok(format!("look through the array of {name}{rest}; nothing on the array is altered"))
}

/// What a command came to, in words.
pub(super) fn told(scanned: &Scanned, restored: Option<String>) -> Result<String, String> {
    let begin = restored.map(|restored| format!("{restored}; ")).unwrap_or_default();
    match &scanned.0 {
        Ok(count) => Ok(format!(
            "{begin}volumes that could be imported: {}, volumes of ours without a record: {}, records without a volume: {}",
            count.manageable, count.orphans, count.missing
        )),
        Err(why) => Err(format!("{begin}{why}")),
    }
}

impl Backends {
    /// How much is on record at a backend, from memory.
    pub(super) fn on_record(&self, backend: &str) -> OnRecord {
        let entries = self.ledger.index().entries().unwrap_or_default();
        entries.iter().filter(|entry| entry.backend == backend).fold(OnRecord::default(), |sum, entry| {
            OnRecord {
                volumes: sum.volumes + 1,
                snapshots: sum.snapshots + entry.snapshots.len(),
                attachments: sum.attachments + entry.attachments.len(),
            }
        })
    }

    /// Looks through the array and keeps what was found.
    pub(super) async fn scan(&self, backend: &str) -> Scanned {
        let scan = match self.engine.scan(backend, Instant::now() + PATIENCE).await {
            Ok(scan) => scan,
            Err(failure) => return Scanned(Err(failure.message)),
        };
        if scan.truncated {
            tracing::warn!(backend, "the array holds more volumes than a scan keeps; some are not listed");
        }
        let found = found(scan);
        let counted = Counted {
            manageable: found.manageable.len(),
            orphans: found.orphans.len(),
            missing: found.missing.len(),
            pages: 0,
        };
        let kept = self.keep(backend, found).await;
        Scanned(match kept {
            Ok(pages) => Ok(Counted { pages, ..counted }),
            Err(error) => Err(format!("what was found could not be kept in ConfigMaps: {error}")),
        })
    }

    /// Makes records of the volumes that bear our mark and have none.
    pub(super) async fn restore_records(&self, backend: &str) -> Result<String, String> {
        let restored = self.engine.restore(backend, Instant::now() + PATIENCE).await;
        let restored = restored.map_err(|failure| failure.message)?;
        let refused: Vec<String> = restored.refused.iter().map(|(id, why)| format!("{id}: {why}")).collect();
        let rest = if refused.is_empty() {
            String::new()
        } else {
            format!(" (not restored: {})", refused.join("; "))
        };
        Ok(format!("records restored: {}{rest}", restored.made.len()))
    }

    /// Writes the pages, and removes those of an earlier look that had more.
    async fn keep(&self, backend: &str, found: Found) -> Result<usize, kube::Error> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let pages = pages::pages(backend, &Timestamp::now().to_string(), found);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        for page in &pages {
            let map = pages::config_map(page).map_err(kube::Error::SerdeError)?;
            maps.patch(&map.name_any(), &params, &Patch::Apply(&map)).await?;
        }
        let ours = ListParams::default().labels(&format!("{SCAN_LABEL}={backend}"));
        for old in maps.list_metadata(&ours).await?.items {
            if !pages.iter().any(|page| pages::name(page) == old.name_any()) {
                maps.delete(&old.name_any(), &DeleteParams::default()).await?;
            }
        }
        Ok(pages.len())
    }
}

/// In the words of the pages. A volume with a record is no news.
fn found(scan: Scan) -> Found {
    let manageable = scan.manageable.into_iter().filter(|row| row.record.is_none());
    Found {
        manageable: manageable
            .map(|row| Manageable {
                reference: row.reference.to_string(),
                name: row.name,
                size_bytes: row.size.get(),
                pool: row.pool,
                safe: row.safe,
                reason: row.reason_not_safe,
            })
            .collect(),
        orphans: scan.orphans.into_iter().map(orphan).collect(),
        missing: scan
            .missing
            .into_iter()
            .map(|row| Missing {
                record: row.record.to_string(),
                csi_name: row.csi_name,
                reference: row.reference.map(|id| id.to_string()).unwrap_or_default(),
                reason: Some(row.reason),
            })
            .collect(),
    }
}

fn orphan(row: perilune_engine::Orphan) -> Orphan {
    let (namespace, name) = row.owner.origin.claim.unzip();
    Orphan {
        reference: row.reference.to_string(),
        name: row.name,
        size_bytes: row.size.get(),
        pool: row.pool,
        record: row.owner.record.to_string(),
        wwid: Some(row.wwid).filter(|wwid| !wwid.is_empty()),
        csi_name: row.owner.origin.csi_name,
        claim_namespace: namespace,
        claim_name: name,
        reason: Some(row.reason),
    }
}
