//! The acts of a volume's use cases: each is one attempt, made by the guard as often as it takes.

use std::time::Duration;

use perilune_array::{Error, ErrorKind, NewVolume, Owner, QosWish, Size, Source, Volume, VolumeId, Volumes};

use tokio::time::Instant;

use super::decide::{Next, next};
use crate::SizeRange;
use crate::guard::Step;
use crate::ledger::Entry;
use crate::qos;

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
    pub(super) qos: Result<Option<QosWish>, (ErrorKind, String)>,
    /// The caller takes nothing larger.
    pub(super) limit: Option<Size>,
    /// This call wrote the intent: the array cannot have anything yet.
    pub(super) fresh: bool,
    /// An earlier attempt is so young that the array may still carry it out.
    pub(super) late: bool,
    /// No request to make it is sent after this.
    pub(super) until: Instant,
}

/// What one attempt knows by now.
struct Work {
    new: NewVolume,
    /// What is there of ours.
    seen: Vec<Volume>,
    /// This attempt made it with the limits that it is to have.
    limited: bool,
}

/// Observe → decide → act, until the volume is there and usable. What was begun and is refused is ended again. `true`: a
/// request that nobody heard the answer of may still make a second one.
pub(super) async fn converge(step: Step, making: Making) -> Result<(Volume, bool), Error> {
    let volumes = step.array.volumes();
    let mut work = Work { new: wanted(&making)?, seen: Vec::new(), limited: false };
    if !(making.fresh && step.first) {
        work.seen = volumes.attempts(&work.new.name, &work.new.owner).await?;
        if !making.late && step.first {
            step.certain();
        }
        if !work.seen.is_empty() {
            step.altered();
        }
    }
    match drive(&step, &making, &mut work).await {
        Err(error) if is_refusal(error.kind()) => Err(end_again(&step, volumes, &work, error).await),
        outcome => outcome.map(|volume| (volume, step.in_doubt())),
    }
}

fn wanted(making: &Making) -> Result<NewVolume, Error> {
    let entry = &making.entry;
    let qos = making.qos.clone().map_err(|(kind, message)| Error::new(kind, message))?;
    let (name, pool, owner) = (entry.name.clone(), entry.pool.clone(), making.owner.clone());
    Ok(NewVolume { qos, ..NewVolume::new(name, pool, entry.size, owner) })
}

async fn drive(step: &Step, making: &Making, work: &mut Work) -> Result<Volume, Error> {
    let volumes = step.array.volumes();
    // a copy is often done by the time it is answered: the first look costs no wait
    let mut pause = Duration::ZERO;
    loop {
        match next(&work.seen, &work.new, making.limit) {
            Next::Make => work.begin(step, making).await?,
            Next::Surplus(id) => {
                gone(step.change(volumes.delete(&id, &work.new.owner)).await)?;
                work.seen.retain(|volume| volume.id != id);
            }
            Next::Wait(id) => {
                step.rest(pause).await?;
                pause = (pause * 2).clamp(FIRST_POLL, LAST_POLL);
                work.seen = vec![volumes.get(&id).await?];
            }
            Next::Grow(id) => work.seen = vec![step.change(volumes.resize(&id, work.new.size)).await?],
            Next::Broken(id) => {
                let text = format!("the array says that volume {id} is faulted");
                return Err(Error::new(ErrorKind::WrongState, text));
            }
            Next::TooLarge(size) => {
                let text = format!("its source measures {size} on the array, over the limit asked for");
                return Err(Error::new(ErrorKind::OutOfRange, text));
            }
            Next::Done(volume) => {
                if let Some(wish) = work.new.qos.as_ref().filter(|_| !work.limited) {
                    limit(step, &volume.id, wish).await?;
                }
                return Ok(*volume);
            }
        }
    }
}

impl Work {
    async fn begin(&mut self, step: &Step, making: &Making) -> Result<(), Error> {
        if Instant::now() > making.until {
            return Err(Error::new(
                ErrorKind::TimedOut,
                "its making took too long to be begun once more in this call",
            ));
        }
        if Instant::now() > making.until {
            return Err(Error::new(
                ErrorKind::TimedOut,
                "its making took too long to be begun once more in this call",
            ));
        }
        let volumes = step.array.volumes();
        let made = match &making.source {
            Ok(None) => step.change(volumes.create(&self.new)).await?,
            Ok(Some(source)) => step.change(volumes.copy(&self.new, source)).await?,
            Err((kind, message)) => return Err(Error::new(*kind, message.clone())),
        };
        let copied = matches!(making.source, Ok(Some(_)));
        self.limited = !copied || step.array.profile().copy_takes_qos;
        self.seen = vec![made];
        Ok(())
    }
}

async fn limit(step: &Step, id: &VolumeId, wish: &QosWish) -> Result<(), Error> {
    let array = step
        .array
        .qos()
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, "the array sets no limits on volumes"))?;
    if let QosWish::Limits(limits) = wish
        && qos::covers(&array.get(id).await?, limits)
    {
        return Ok(());
    }
    step.change(array.set(id, wish)).await
}

/// Asking again would be answered the same.
const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Invalid
            | ErrorKind::OutOfRange
            | ErrorKind::Unsupported
            | ErrorKind::NoCapacity
            | ErrorKind::LimitReached
    )
}

/// Nobody was ever given what is there, and nobody will ask for it again: a refusal must not leave it behind.
async fn end_again(step: &Step, volumes: &dyn Volumes, work: &Work, refusal: Error) -> Error {
    for volume in &work.seen {
        if let Err(error) = gone(step.change(volumes.delete(&volume.id, &work.new.owner)).await) {
            return refusal
                .context(format!("volume {} could not be ended again ({error}), after", volume.id));
        }
    }
    step.undone();
    refusal
}

fn gone(answer: Result<(), Error>) -> Result<(), Error> {
    match answer {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}

pub(super) async fn grow_once(step: Step, entry: Entry, range: SizeRange) -> Result<Volume, Error> {
    let native = entry.native.ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let rules = step.array.profile().sizes;
    let allowed = step.view.spec.pool(&entry.pool_name).and_then(|pool| pool.max_volume_size);
    let most = allowed.map_or(rules.max, |allowed| allowed.min(rules.max));
    let target = range.required.round_up(rules.step).filter(|size| *size <= most);
    let Some(target) = target.filter(|size| range.limit.is_none_or(|limit| *size <= limit)) else {
        let wanted = range.required;
        return Err(Error::new(
            ErrorKind::OutOfRange,
            format!("{wanted} cannot be had: sizes go up to {most} in steps of {}", rules.step),
        ));
    };
    match step.change(step.array.volumes().resize(&native, target)).await {
        // it may have grown by a request whose answer nobody heard
        Err(error) if error.kind() == ErrorKind::OutOfRange => {
            let volume = step.array.volumes().get(&native).await?;
            let fits = volume.size >= target && range.limit.is_none_or(|limit| volume.size <= limit);
            if fits { Ok(volume) } else { Err(error) }
        }
        answer => answer,
    }
}
