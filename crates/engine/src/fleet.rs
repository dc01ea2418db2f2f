//! The connected backends.
//!
//! The reconciler of `ArrayBackend` describes a backend with [`Fleet::apply`], again and again; the fleet connects,
//! checks that it is the expected array, and keeps one session. A new description is tried beside the session that
//! works, and takes its place only when it works too. A backend whose identity was not proved has no session, so
//! nothing can reach it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use perilune_array::{
    ArrayId, Capabilities, Connector, Error, ErrorKind, Protocol, QosLimits, SizeRules, SystemReport,
    TargetPort,
};

use crate::meter::{Ending, Meter, Silent};
use crate::qos::Offer;
use crate::rating::Rating;

mod look;
mod pace;
mod slot;
mod spec;

use look::{Look, fault, look};
pub(crate) use slot::Session;
use slot::Slot;
pub use spec::{AdministrativeState, BackendSpec, HostPolicy, Limits, PoolSpec, Scheduling};

/// How many answers one look may wait for in all.
const ANSWERS: u32 = 4;

/// One live look at a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendReport {
    pub system: SystemReport,
    pub capabilities: Capabilities,
    pub sizes: SizeRules,
    pub ports: Vec<TargetPort>,
    /// What the array serves and its administrator allows, best first.
    pub protocols: Vec<Protocol>,
    pub qos: Option<QosLimits>,
    /// Sets of limits that the array knows by name.
    pub qos_tiers: Vec<String>,
}

/// Why a backend cannot be used, in the words of its `Ready` condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultReason {
    Unreachable,
    Untrusted,
    InvalidCredentials,
    IdentityMismatch,
    InvalidSpec,
    /// The array answers, and not as it should.
    Faulty,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectFault {
    pub reason: FaultReason,
    pub message: String,
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What came of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one is made at each look, and it is taken apart at once")]
pub enum Applied {
    /// In use as described.
    Working(BackendReport),
    /// The description does not work as a whole: what does stays in use, be it the session made from an earlier one, or this
    /// one for volumes that exist already.
    KeptOld { report: Box<BackendReport>, fault: ConnectFault },
    /// Not usable.
    Broken(ConnectFault),
}

/// A backend as placement and listings see it; from memory.
#[derive(Debug, Clone)]
pub struct BackendView {
    pub spec: BackendSpec,
    /// The last good look, if its session is in use.
    pub report: Option<BackendReport>,
    /// What the last look failed with.
    pub fault: Option<ConnectFault>,
    /// What its administrator says of its pools, compiled.
    pub(crate) rating: Arc<Rating>,
}

impl BackendView {
    /// What it makes of wishes for throughput; `None` until it was looked at.
    pub(crate) fn offer(&self) -> Option<Offer> {
        let report = self.report.as_ref()?;
        Some(Offer::of(&self.spec, report.qos, &report.qos_tiers))
    }
}

/// All backends, by name.
#[derive(Debug)]
pub struct Fleet {
    connector: Arc<dyn Connector>,
    meter: Arc<dyn Meter>,
    slots: Mutex<BTreeMap<String, Slot>>,
    /// Counts up with each description, so that a look that took long cannot undo what a later one found.
    rounds: AtomicU64,
}

/// One application of a description, and what was in use when it began.
#[derive(Debug)]
struct Round {
    number: u64,
    current: Option<Session>,
    /// What the array was before, where nobody says what it must be.
    known: Option<ArrayId>,
    rating: Arc<Rating>,
}

impl Fleet {
    pub fn new(connector: Arc<dyn Connector>) -> Self {
        Self { connector, meter: Arc::new(Silent), slots: Mutex::default(), rounds: AtomicU64::new(0) }
    }

    /// Counts with `meter`, here and in the engine over this fleet.
    #[must_use]
    pub fn metered(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = meter;
        self
    }

    pub(crate) fn meter(&self) -> &Arc<dyn Meter> {
        &self.meter
    }

    /// Makes the fleet use the backend as described, and looks at it. Call it again to look again. It ends in bounded time
    /// whatever the array does, and holds nothing meanwhile that other backends need.
    pub async fn apply(&self, spec: BackendSpec) -> Applied {
        let round = self.adopt(&spec);
        if let Some(session) = round.current.clone().filter(|session| *session.made_from == spec.connect) {
            let look = self.look(&spec, &round, &session).await;
            return self.settle(&spec.name, &round, Some(session), look);
        }
        let fault = match self.connect(&spec, &round).await {
            Ok((session, look)) => return self.settle(&spec.name, &round, Some(session), Ok(look)),
            Err(fault) => fault,
        };
        let Some(old) = round.current.clone() else {
            return self.settle(&spec.name, &round, None, Err(fault));
        };
        match self.look(&spec, &round, &old).await {
            Ok(look) => {
                let report = Box::new(look.0.clone());
                self.settle(&spec.name, &round, Some(old), Ok(look));
                Applied::KeptOld { report, fault }
            }
            // the old session may still be the better one to detach with, unless it leads elsewhere now
            Err(other) => {
                let keep = Some(old).filter(|_| other.reason != FaultReason::IdentityMismatch);
                self.settle(&spec.name, &round, keep, Err(fault))
            }
        }
    }

    /// Forgets the backend; its session ends when its last call does.
    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
        self.meter.forget(name);
    }

    /// All backends, from memory.
    pub fn views(&self) -> Vec<BackendView> {
        self.lock().values().map(Slot::view).collect()
    }

    /// One backend, from memory.
    pub fn view(&self, name: &str) -> Option<BackendView> {
        self.lock().get(name).map(Slot::view)
    }

    /// The session to reach a backend with, and how the backend stands.
    pub(crate) fn session(&self, name: &str) -> Result<(Session, BackendView), Error> {
        let slots = self.lock();
        let Some(slot) = slots.get(name) else {
            return Err(Error::new(
                ErrorKind::Unreachable,
                format!("backend {name} is not known (yet); see `kubectl get arraybackend {name}`"),
            ));
        };
        match &slot.session {
            Some(session) => Ok((session.clone(), slot.view())),
            None => {
                let why =
                    slot.fault.as_ref().map_or("it is still being connected", |fault| fault.message.as_str());
                Err(Error::new(
                    ErrorKind::Unreachable,
                    format!(
                        "backend {name} is not usable: {why}; see `kubectl describe arraybackend {name}`"
                    ),
                ))
            }
        }
    }

    /// Takes the description on and answers what is in use.
    fn adopt(&self, spec: &BackendSpec) -> Round {
        let number = self.rounds.fetch_add(1, Ordering::SeqCst) + 1;
        let mut slots = self.lock();
        let slot = slots.entry(spec.name.clone()).or_insert_with(|| Slot::new(spec));
        let rating = slot.adopt(number, spec);
        Round { number, current: slot.session.clone(), known: slot.known.clone(), rating }
    }

    async fn connect(&self, spec: &BackendSpec, round: &Round) -> Result<(Session, Look), ConnectFault> {
        let connected = bounded(spec, self.connector.connect(&spec.connect)).await;
        self.meter.login(&spec.name, Ending::of(&connected));
        let session = Session::new(connected.map_err(|error| fault(&error))?, spec);
        let look = self.look(spec, round, &session).await?;
        Ok((session, look))
    }

    async fn look(&self, spec: &BackendSpec, round: &Round, session: &Session) -> Result<Look, ConnectFault> {
        let looked = bounded(spec, async { Ok(look(spec, round, session.array.as_ref()).await) }).await;
        looked.unwrap_or_else(|late| Err(fault(&late)))
    }

    fn settle(
        &self,
        name: &str,
        round: &Round,
        session: Option<Session>,
        look: Result<Look, ConnectFault>,
    ) -> Applied {
        // removed, or described anew, while we looked: that stands
        if let Some(slot) = self.lock().get_mut(name).filter(|slot| slot.round == round.number) {
            slot.settle(session, &look);
        }
        match look {
            Ok((report, None)) => Applied::Working(report),
            Ok((report, Some(fault))) => Applied::KeptOld { report: Box::new(report), fault },
            Err(fault) => Applied::Broken(fault),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An array that hangs must not hang those who look at it: connecting and looking take a few answers each.
async fn bounded<T>(spec: &BackendSpec, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let patience = spec.connect.timeout.saturating_mul(ANSWERS);
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| {
        let text = format!("the array did not answer within {} seconds", patience.as_secs());
        Err(Error::new(ErrorKind::NoAnswer, text))
    })
}
