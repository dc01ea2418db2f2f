//! The acts of a volume's use cases: each is one attempt, made by the guard as often as it takes.

use std::time::Duration;

use perilune_array::{Error, ErrorKind, NewVolume, Owner, Source, Volume};

use super::decide::{Next, next};
use crate::SizeRange;
use crate::guard::Step;
use crate::ledger::Entry;

/// How often a copy under way is looked at.
const FIRST_POLL: Duration = Duration::from_millis(100);
const LAST_POLL: Duration = Duration::from_secs(2);

/// A volume to be made.
#[derive(Debug, Clone)]
pub(super) struct Making {
    pub(super) entry: Entry,
    pub(super) owner: Owner,
    /// Needed only if nothing is there yet: a source that has gone since does not matter then.
    pub(super) source: Result<Option<Source>, (ErrorKind, String)>,
    /// This call wrote the intent: the array cannot have anything yet.
    pub(super) fresh: bool,
    /// An earlier attempt is so young that the array may still carry it out.
    pub(super) late: bool,
}

/// Observe → decide → act, until the volume is there and usable.
pub(super) async fn converge(step: Step, making: Making) -> Result<Volume, Error> {
    let (volumes, entry) = (step.array.volumes(), &making.entry);
    let (name, pool, owner) = (entry.name.clone(), entry.pool.clone(), making.owner.clone());
    let new = NewVolume::new(name, pool, entry.size, owner);
    let mut seen = Vec::new();
    if !(making.fresh && step.first) {
        seen = volumes.attempts(&entry.name, &new.owner).await?;
        if !making.late && step.first {
            step.certain();
        }
    }
    // a copy is often done by the time it is answered: the first look costs no wait
    let mut pause = Duration::ZERO;
    loop {
        match next(&seen, &new) {
            Next::Make => {
                let made = match &making.source {
                    Ok(None) => step.change(volumes.create(&new)).await?,
                    Ok(Some(source)) => step.change(volumes.copy(&new, source)).await?,
                    Err((kind, message)) => return Err(Error::new(*kind, message.clone())),
                };
                seen = vec![made];
            }
            Next::Surplus(id) => {
                step.change(volumes.delete(&id, &new.owner)).await?;
                seen.retain(|volume| volume.id != id);
            }
            Next::Wait(id) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).clamp(FIRST_POLL, LAST_POLL);
                seen = vec![volumes.get(&id).await?];
            }
            Next::Grow(id) => seen = vec![step.change(volumes.resize(&id, new.size)).await?],
            Next::Broken(id) => {
                return Err(Error::new(
                    ErrorKind::WrongState,
                    format!("the array says that volume {id} is faulted"),
                ));
            }
            Next::Done(volume) => return Ok(*volume),
        }
    }
}

pub(super) async fn delete_once(step: Step, entry: Entry, owner: Owner) -> Result<(), Error> {
    let volumes = step.array.volumes();
    let ids = match &entry.native {
        Some(id) => vec![id.clone()],
        // made by an attempt whose answer nobody heard
        None => {
            let found = volumes.attempts(&entry.name, &owner).await?;
            found.into_iter().map(|volume| volume.id).collect()
        }
    };
    for id in ids {
        match step.change(volumes.delete(&id, &owner)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            answer => answer?,
        }
    }
    Ok(())
}

pub(super) async fn grow_once(step: Step, entry: Entry, range: SizeRange) -> Result<Volume, Error> {
    let native = entry.native.ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let rules = step.array.profile().sizes;
    let target = range.required.round_up(rules.step).filter(|size| *size <= rules.max);
    let Some(target) = target.filter(|size| range.limit.is_none_or(|limit| *size <= limit)) else {
        let wanted = range.required;
        return Err(Error::new(
            ErrorKind::OutOfRange,
            format!("{wanted} cannot be had: sizes go up to {} in steps of {}", rules.max, rules.step),
        ));
    };
    step.change(step.array.volumes().resize(&native, target)).await
}
