//! A volume leaves our care and stays on its array, with all that stands on it.

use perilune_array::{Error, ErrorKind, Owner};
use tokio::time::Instant;

use crate::engine::within;
use crate::guard::Step;
use crate::ledger::{Entry, Phase};
use crate::volume::unused;
use crate::{Engine, Failure, UseCase, VolumeHandle};

impl Engine {
    /// Takes our mark off the volume; its record says `Released` from then on. Never deletes. A second call does nothing.
    pub async fn release_volume(&self, handle: &VolumeHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteVolume;
        let _held = self.guard.hold(doing, &handle.to_string())?;
        let entry = self.known(doing, handle, deadline).await?;
        let _named = self.guard.hold(doing, &format!("volume {}", entry.csi_name))?;
        let name = entry.csi_name.clone();
        let fail =
            |error: Error| Failure::of(doing, &error.context(format!("release volume {name} ({handle})")));
        self.let_go(entry, deadline).await.map_err(fail)
    }

    async fn let_go(&self, mut entry: Entry, deadline: Instant) -> Result<(), Error> {
        unused(&entry)?;
        let op = self.volume_op(UseCase::DeleteVolume, &entry, false, deadline);
        match entry.phase {
            Phase::Released => {}
            Phase::Ready => {
                self.guard.admit(&op)?;
                entry.phase = Phase::Released;
                entry = within(deadline, self.ledger.update(&entry)).await?;
            }
            Phase::Pending | Phase::Deleting => {
                return Err(Error::new(ErrorKind::WrongState, "it is being created or deleted"));
            }
        }
        let owner = self.owner_of(&entry);
        self.guard.run(&op, |step| unmark_once(step, entry.clone(), owner.clone())).await
    }
}

/// Takes off our mark, and no other's.
pub(crate) async fn unmark_once(step: Step, entry: Entry, owner: Owner) -> Result<(), Error> {
    let (Some(native), volumes) = (&entry.native, step.array.volumes()) else { return Ok(()) };
    match volumes.get(native).await {
        Ok(volume) if volume.owner.as_ref() == Some(&owner) => step.change(volumes.mark(native, None)).await,
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
