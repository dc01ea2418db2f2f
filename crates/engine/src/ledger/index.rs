//! All entries in memory, kept by whoever keeps the ledger, so that listings and look-ups cost no request to the store.
//!
//! It may lag behind the store by a moment: nothing is altered by its word alone. It is complete or it says that it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use perilune_array::{RecordId, VolumeId};

use super::{Entry, LedgerError};
use crate::SnapshotHandle;

/// The entries of one ledger, by everything that they are asked by.
#[derive(Debug, Default)]
pub struct Index(RwLock<Shelves>);

#[derive(Debug, Default)]
struct Shelves {
    complete: bool,
    entries: BTreeMap<RecordId, Arc<Entry>>,
    /// CSI name of a snapshot, and the volumes that have one of that name: more than one only by a mishap.
    names: BTreeMap<String, BTreeSet<RecordId>>,
    /// Backend and native id of a snapshot.
    natives: BTreeMap<(String, String), RecordId>,
    /// Backend and native id of a volume.
    volumes: BTreeMap<(String, VolumeId), RecordId>,
}

impl Index {
    /// Puts all that the store has in place of what was known.
    pub fn fill(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut fresh = Shelves { complete: true, ..Shelves::default() };
        for entry in entries {
            fresh.put(entry);
        }
        *self.write() = fresh;
    }

    /// An entry is as told now. What is older than what is known is passed over: news may come late.
    pub fn put(&self, entry: Entry) {
        let mut shelves = self.write();
        if shelves.entries.get(&entry.id).is_none_or(|known| !newer(known, &entry)) {
            shelves.put(entry);
        }
    }

    /// An entry is there no more.
    pub fn remove(&self, id: &RecordId) {
        self.write().take(id);
    }

    /// All entries in the order of their ids. `Unavailable` until the first [`Self::fill`].
    pub fn entries(&self) -> Result<Vec<Arc<Entry>>, LedgerError> {
        Ok(self.complete()?.entries.values().cloned().collect())
    }

    /// At most `max` entries that fit, from the first one after `after` on; `true`: there may be more.
    pub fn page(
        &self,
        after: Option<&RecordId>,
        max: usize,
        fits: impl Fn(&Entry) -> bool,
    ) -> Result<(Vec<Arc<Entry>>, bool), LedgerError> {
        let shelves = self.complete()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = shelves
            .entries
            .range::<RecordId, _>((from, Bound::Unbounded))
            .map(|(_, entry)| entry)
            .filter(|e| fits(e));
        let page: Vec<_> = found.by_ref().take(max).cloned().collect();
        Ok((page, found.next().is_some()))
    }

    /// The entry of that id, as far as is known here.
    pub fn get(&self, id: &RecordId) -> Result<Option<Arc<Entry>>, LedgerError> {
        Ok(self.complete()?.entries.get(id).cloned())
    }

    /// The entries whose volumes have a snapshot of that CSI name, or intend one.
    pub fn with_snapshot_named(&self, csi_name: &str) -> Result<Vec<Arc<Entry>>, LedgerError> {
        let shelves = self.complete()?;
        let ids = shelves.names.get(csi_name).into_iter().flatten();
        Ok(ids.filter_map(|id| shelves.entries.get(id).cloned()).collect())
    }

    /// The entry whose volume has this snapshot.
    pub fn with_snapshot(&self, handle: &SnapshotHandle) -> Result<Option<Arc<Entry>>, LedgerError> {
        let shelves = self.complete()?;
        let key = (handle.backend.clone(), handle.native.as_str().to_owned());
        Ok(shelves.natives.get(&key).and_then(|id| shelves.entries.get(id)).cloned())
    }

    /// The entry of the volume with that native id.
    pub fn with_volume(&self, backend: &str, native: &VolumeId) -> Result<Option<Arc<Entry>>, LedgerError> {
        let shelves = self.complete()?;
        let key = (backend.to_owned(), native.clone());
        Ok(shelves.volumes.get(&key).and_then(|id| shelves.entries.get(id)).cloned())
    }

    /// How many entries name this backend.
    pub fn count(&self, backend: &str) -> Result<usize, LedgerError> {
        Ok(self.complete()?.entries.values().filter(|entry| entry.backend == backend).count())
    }

    fn complete(&self) -> Result<RwLockReadGuard<'_, Shelves>, LedgerError> {
        let shelves = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if shelves.complete {
            return Ok(shelves);
        }
        Err(LedgerError::Unavailable("the records are still being read; try again in a moment".to_owned()))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelves> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn put(&mut self, entry: Entry) {
        self.take(&entry.id);
        let id = entry.id.clone();
        for snapshot in &entry.snapshots {
            self.names.entry(snapshot.csi_name.clone()).or_default().insert(id.clone());
            if let Some(native) = &snapshot.native {
                self.natives.insert((entry.backend.clone(), native.as_str().to_owned()), id.clone());
            }
        }
        if let Some(native) = &entry.native {
            self.volumes.insert((entry.backend.clone(), native.clone()), id.clone());
        }
        self.entries.insert(id, Arc::new(entry));
    }

    fn take(&mut self, id: &RecordId) {
        let Some(entry) = self.entries.remove(id) else { return };
        for snapshot in &entry.snapshots {
            if let Some(ids) = self.names.get_mut(&snapshot.csi_name) {
                ids.remove(id);
                if ids.is_empty() {
                    self.names.remove(&snapshot.csi_name);
                }
            }
            if let Some(native) = &snapshot.native {
                self.natives.remove(&(entry.backend.clone(), native.as_str().to_owned()));
            }
        }
        if let Some(native) = &entry.native {
            self.volumes.remove(&(entry.backend.clone(), native.clone()));
        }
    }
}

/// Is what is known certainly newer? Versions that are no numbers cannot be compared.
fn newer(known: &Entry, told: &Entry) -> bool {
    let number = |entry: &Entry| entry.version.as_deref().and_then(|version| version.parse::<u128>().ok());
    number(known).zip(number(told)).is_some_and(|(known, told)| known > told)
}

#[cfg(test)]
mod tests;
