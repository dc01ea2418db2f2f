//! A volume goes: only what is ours, only what nobody uses, and nothing else with it.

use perilune_array::{Error, ErrorKind, Owner, VolumeId};
use tokio::time::Instant;

use super::LATE_EXECUTION;
use super::check::unused;
use crate::engine::within;
use crate::guard::Step;
use crate::import::adopts;
use crate::ledger::{Entry, Phase};
use crate::release::unmark_once;
use crate::{Engine, Failure, UseCase, VolumeHandle};

impl Engine {
    /// Ends the volume and its record. A second call does nothing.
    pub async fn remove_volume(&self, handle: &VolumeHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteVolume;
        let _held = self.guard.hold(doing, &handle.to_string())?;
        let Some(entry) = self.entry(doing, handle, deadline).await? else { return Ok(()) };
        let _named = self.guard.hold(doing, &format!("volume {}", entry.csi_name))?;
        let fail = |error: Error| {
            Failure::of(doing, &error.context(format!("delete volume {} ({handle})", entry.csi_name)))
        };
        if entry.phase == Phase::Released {
            return within(deadline, self.ledger.delete(&entry)).await.map_err(fail);
        }
        unused(&entry).map_err(fail)?;
        let op = self.volume_op(doing, &entry, false, deadline);
        let owner = self.owner_of(&entry);
        if adopts(&entry) {
            // it was somebody's before and never became ours: only what we wrote on it goes
            self.guard
                .run(&op, |step| unmark_once(step, entry.clone(), owner.clone()))
                .await
                .map_err(fail)?;
            return within(deadline, self.ledger.delete(&entry)).await.map_err(fail);
        }
        // a refusal must not leave a volume that is neither in use nor gone: look before the word is given
        self.guard.run(&op, |step| nothing_lost(step, entry.clone(), owner.clone())).await.map_err(fail)?;
        let mut leaving = entry.clone();
        if leaving.phase != Phase::Deleting {
            leaving.phase = Phase::Deleting;
            leaving = within(deadline, self.ledger.update(&leaving)).await.map_err(fail)?;
        }
        self.guard.run(&op, |step| delete_once(step, leaving.clone(), owner.clone())).await.map_err(fail)?;
        self.nothing_follows(&leaving).map_err(fail)?;
        within(deadline, self.ledger.delete(&leaving)).await.map_err(|error| fail(error.into_unsettled()))
    }

    /// A request to make it that was given up may be carried out late: the record stays until that can no longer be.
    fn nothing_follows(&self, entry: &Entry) -> Result<(), Error> {
        let age = entry.attempted.map(|at| self.clock.since(at)).filter(|age| *age < LATE_EXECUTION);
        let Some(age) = age else { return Ok(()) };
        let text = format!(
            "it is gone, and an earlier request to make it may still be carried out; it will be looked for once more in {} s",
            (LATE_EXECUTION - age).as_secs()
        );
        Err(Error::new(ErrorKind::Busy, text))
    }
}

/// The volumes that a record stands for: the one it names, and what attempts left whose answer nobody heard.
async fn volumes_of(step: &Step, entry: &Entry, owner: &Owner) -> Result<Vec<VolumeId>, Error> {
    let mut ids: Vec<VolumeId> = entry.native.iter().cloned().collect();
    if entry.native.is_none() || entry.attempted.is_some() {
        let found =
            step.array.volumes().attempts(&entry.name, owner).await?.into_iter().map(|volume| volume.id);
        ids.extend(found.filter(|id| entry.native.as_ref() != Some(id)));
    }
    Ok(ids)
}

/// Snapshots that no record names would go with the volume, and somebody took them.
async fn nothing_lost(step: Step, entry: Entry, owner: Owner) -> Result<(), Error> {
    let Some(snapshots) = step.array.snapshots() else { return Ok(()) };
    if step.array.profile().snapshots_outlive_volume {
        return Ok(());
    }
    for id in volumes_of(&step, &entry, &owner).await? {
        let found = match snapshots.list(Some(&id)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            answer => answer?,
        };
        if !found.is_empty() {
            let names: Vec<&str> = found.iter().map(|s| s.name.as_str()).take(8).collect();
            let text = format!(
                "the array has {} snapshots of it that were not taken through Kubernetes and would go with it: {}; \
                 delete them there if they are not needed",
                found.len(),
                names.join(", ")
            );
            return Err(Error::new(ErrorKind::InUse, text));
        }
    }
    Ok(())
}

async fn delete_once(step: Step, entry: Entry, owner: Owner) -> Result<(), Error> {
    for id in volumes_of(&step, &entry, &owner).await? {
        match step.change(step.array.volumes().delete(&id, &owner)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            answer => answer?,
        }
    }
    Ok(())
}
