//! The guard: the only place where an attempt at an array is made.
//!
//! Outermost first: span → deadline → subject lock → gate → retry → permit → attempt. Retrying repeats the whole
//! attempt from its observation, so a lost reply needs no code of its own. The guard alone says whether an error is
//! *unsettled*: an altering call succeeded before it, or was sent and nobody knows how it ended, or the ledger holds such
//! a call of an earlier run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use perilune_array::{Array, Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::UseCase;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::fleet::{AdministrativeState, BackendView, Fleet};
use crate::lock::{Held, Locks};
use crate::meter::{Ending, Meter};
use crate::writer::Writer;

/// Attempts in one call; the caller comes back anyway.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What is attempted.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) use_case: UseCase,
    pub(crate) backend: String,
    /// The object, in words that an administrator knows.
    pub(crate) subject: String,
    pub(crate) deadline: Instant,
    /// The ledger holds an altering call of an earlier run whose end is unknown.
    pub(crate) in_doubt: bool,
}

#[derive(Debug)]
pub(crate) struct Guard {
    fleet: Arc<Fleet>,
    writer: Writer,
    locks: Locks,
    pub(crate) clock: Clock,
}

/// What an attempt works with.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) array: Arc<dyn Array>,
    pub(crate) view: Arc<BackendView>,
    /// Is this the first attempt of this call?
    pub(crate) first: bool,
    use_case: UseCase,
    meter: Arc<dyn Meter>,
    doubt: Arc<Doubt>,
    turn: Arc<Turn>,
    deadline: Instant,
    writer: Writer,
}

/// Why nobody may believe that the array is as it was.
#[derive(Debug, Default)]
struct Doubt {
    /// An altering call is on its way, or was and nobody knows how it ended.
    lost: AtomicBool,
    /// Something was altered, and is not undone.
    altered: AtomicBool,
}

impl Doubt {
    fn any(&self) -> bool {
        self.lost.load(Ordering::SeqCst) || self.altered.load(Ordering::SeqCst)
    }
}

/// A turn at the backend, which is given up while nothing is asked of it.
#[derive(Debug)]
struct Turn {
    permits: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Turn {
    async fn take(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(permits).acquire_owned().await;
        permit.map_err(|_| Error::new(ErrorKind::Bug, "the backend's permits were closed"))
    }

    fn hold(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

impl Step {
    /// The array was looked at, and nothing of an earlier run can still be on its way: what it shows is how it is.
    pub(crate) fn certain(&self) {
        self.doubt.lost.store(false, Ordering::SeqCst);
    }

    /// Something of ours is there, whoever made it and whenever.
    pub(crate) fn altered(&self) {
        self.doubt.altered.store(true, Ordering::SeqCst);
    }

    /// All that was altered is as it was.
    pub(crate) fn undone(&self) {
        self.doubt.altered.store(false, Ordering::SeqCst);
    }

    /// May a request of this call, or of an earlier one, still be carried out although nobody heard its answer?
    pub(crate) fn in_doubt(&self) -> bool {
        self.doubt.lost.load(Ordering::SeqCst)
    }

    /// Puts an altering call through: from its start until a settled answer, whoever asks must assume it happened.
    pub(crate) async fn change<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // whoever stood still until now may find that others went on
        writable(&self.writer)?;
        if Instant::now() >= self.deadline {
            return Err(Error::new(ErrorKind::TimedOut, "the time that the caller gave is over"));
        }
        let before = self.doubt.lost.swap(true, Ordering::SeqCst);
        let answer = call.await;
        self.meter.change(&self.view.spec.name, self.use_case, Ending::of(&answer));
        match &answer {
            Ok(_) => {
                self.altered();
                self.doubt.lost.store(before, Ordering::SeqCst);
            }
            Err(error) if error.kind().leaves_doubt() || error.is_unsettled() => {}
            Err(_) => self.doubt.lost.store(before, Ordering::SeqCst),
        }
        answer
    }

    /// Waits, and lets others have their turn at the backend meanwhile.
    pub(crate) async fn rest(&self, pause: Duration) -> Result<(), Error> {
        if pause.is_zero() {
            return Ok(());
        }
        self.turn.hold(None);
        tokio::time::sleep(pause).await;
        self.turn.hold(Some(Turn::take(&self.turn.permits).await?));
        Ok(())
    }
}

impl Guard {
    pub(crate) fn new(fleet: Arc<Fleet>, writer: Writer, clock: Clock) -> Self {
        Self { fleet, writer, locks: Locks::default(), clock }
    }

    /// Holds the subject for a whole use case, ledger writes included.
    pub(crate) fn hold(&self, use_case: UseCase, subject: &str) -> Result<Held, Failure> {
        self.writable().map_err(|error| Failure::of(use_case, &error))?;
        self.locks.try_hold(subject).ok_or_else(|| {
            self.fleet.meter().locked(use_case);
            Failure::refuse(
                use_case,
                ErrorKind::Busy,
                format!("another call works on {subject}; it will be tried again"),
            )
        })
    }

    /// Holds what many share, in turn, as long as the caller listens.
    pub(crate) async fn wait(&self, subject: &str, deadline: Instant) -> Result<Held, Error> {
        self.writable()?;
        let late =
            || Error::new(ErrorKind::Busy, format!("other calls work on {subject}; it will be tried again"));
        tokio::time::timeout_at(deadline, self.locks.hold(subject)).await.map_err(|_| late())
    }

    /// Would an attempt be let through now? Asked before an intent is written that a refusal would leave behind.
    pub(crate) fn admit(&self, op: &Op) -> Result<(), Error> {
        self.writable()?;
        self.fleet.session(&op.backend).and_then(|(_, view)| gate(op, &view))
    }

    /// May this replica alter anything?
    fn writable(&self) -> Result<(), Error> {
        writable(&self.writer)
    }

    /// Attempts it until it succeeds, fails for good, or time is up.
    pub(crate) async fn run<T, F, Fut>(&self, op: &Op, attempt: F) -> Result<T, Error>
    where
        F: Fn(Step) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let span = tracing::info_span!("array", use_case = ?op.use_case, backend = %op.backend, subject = %op.subject);
        let begun = Instant::now();
        let outcome = self.attempts(op, attempt).instrument(span).await;
        self.fleet.meter().operation(&op.backend, op.use_case, Ending::of(&outcome), begun.elapsed());
        outcome
    }

    async fn attempts<T, F, Fut>(&self, op: &Op, attempt: F) -> Result<T, Error>
    where
        F: Fn(Step) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let doubt = Arc::new(Doubt { lost: AtomicBool::new(op.in_doubt), altered: AtomicBool::new(false) });
        let mut tried = 0;
        loop {
            tried += 1;
            let error = match self.attempt_once(op, &attempt, tried == 1, &doubt).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let unsettled = error.is_unsettled() || doubt.any();
            let pause = pause(tried);
            let again =
                worth_another(error.kind()) && tried < ATTEMPTS && Instant::now() + pause < op.deadline;
            tracing::warn!(%error, kind = error.kind().word(), tried, unsettled, again, "the array did not do it");
            if !again {
                return Err(if unsettled { error.into_unsettled() } else { error });
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt_once<T, F, Fut>(
        &self,
        op: &Op,
        attempt: &F,
        first: bool,
        doubt: &Arc<Doubt>,
    ) -> Result<T, Error>
    where
        F: Fn(Step) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        self.writable()?;
        let (session, view) = self.fleet.session(&op.backend)?;
        gate(op, &view)?;
        let begun = Instant::now();
        let timed = async {
            session.pace.keep().await;
            let permit = Turn::take(&session.permits).await?;
            let waited = begun.elapsed();
            let turn = Turn { permits: Arc::clone(&session.permits), held: Mutex::new(Some(permit)) };
            let step = Step {
                array: Arc::clone(&session.array),
                view: Arc::new(view),
                first,
                use_case: op.use_case,
                meter: Arc::clone(self.fleet.meter()),
                doubt: Arc::clone(doubt),
                turn: Arc::new(turn),
                deadline: op.deadline,
                writer: self.writer.clone(),
            };
            let outcome = attempt(step).await;
            self.fleet.meter().attempt(&op.backend, op.use_case, Ending::of(&outcome), waited);
            outcome
        };
        tokio::time::timeout_at(op.deadline, timed)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::TimedOut, "the time that the caller gave is over")))
    }
}

fn writable(writer: &Writer) -> Result<(), Error> {
    if writer.holds() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unreachable,
        "this replica does not hold the writer lease; the one that does will serve the call",
    )
    .into_unsettled())
}

/// Does the administrator let this happen?
fn gate(op: &Op, view: &BackendView) -> Result<(), Error> {
    let AdministrativeState::Frozen { reason } = &view.spec.state else { return Ok(()) };
    match op.use_case {
        UseCase::Publish | UseCase::Unpublish | UseCase::Inspect | UseCase::List => Ok(()),
        UseCase::CreateVolume
        | UseCase::DeleteVolume
        | UseCase::Expand
        | UseCase::Modify
        | UseCase::CreateSnapshot
        | UseCase::DeleteSnapshot => Err(Error::new(
            ErrorKind::Frozen,
            format!("backend {} is frozen by its administrator: {reason}", op.backend),
        )),
    }
}

const fn worth_another(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::NoAnswer)
}

/// Doubling, and spread by half so that callers who failed together do not come back together.
fn pause(tried: u32) -> Duration {
    let full = FIRST_PAUSE * 2_u32.pow(tried.min(5));
    full / 2 + (full / 2).mul_f64(fastrand::f64())
}
