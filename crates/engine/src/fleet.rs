//! The connected backends.
//!
//! The reconciler of `ArrayBackend` describes a backend with [`Fleet::apply`], again and again; the fleet connects,
//! checks that it is the expected array, and keeps one session. A new description is tried beside the session that
//! works, and takes its place only when it works too. A backend whose identity was not proved has no session, so
//! nothing can reach it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use perilune_array::{
    Array, Capabilities, ConnectSpec, Connector, Error, ErrorKind, Protocol, QosLimits, SizeRules,
    SystemReport, TargetPort,
};
use tokio::sync::Semaphore;

use crate::meter::{Ending, Meter, Silent};
use crate::qos::Offer;

mod look;
mod spec;

use look::{fault, look};
pub use spec::{AdministrativeState, BackendSpec, HostPolicy, Limits, PoolSpec, Scheduling};

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
pub enum Applied {
    /// In use as described.
    Working(BackendReport),
    /// The description does not work, the session made from an earlier one does and stays in use.
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
}

impl BackendView {
    /// What it makes of wishes for throughput; `None` until it was looked at.
    pub(crate) fn offer(&self) -> Option<Offer> {
        let report = self.report.as_ref()?;
        Some(Offer::of(&self.spec, report.qos, &report.qos_tiers))
    }
}

/// A session in use.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) array: Arc<dyn Array>,
    pub(crate) permits: Arc<Semaphore>,
    /// What it was made from.
    made_from: Arc<ConnectSpec>,
}

#[derive(Debug)]
struct Slot {
    spec: BackendSpec,
    session: Option<Session>,
    report: Option<BackendReport>,
    fault: Option<ConnectFault>,
}

/// All backends, by name.
#[derive(Debug)]
pub struct Fleet {
    connector: Arc<dyn Connector>,
    meter: Arc<dyn Meter>,
    slots: Mutex<BTreeMap<String, Slot>>,
}

impl Fleet {
    pub fn new(connector: Arc<dyn Connector>) -> Self {
        Self { connector, meter: Arc::new(Silent), slots: Mutex::default() }
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

    /// Makes the fleet use the backend as described, and looks at it. Call it again to look again.
    pub async fn apply(&self, spec: BackendSpec) -> Applied {
        let current = self.adopt(&spec);
        if let Some(session) = current.clone().filter(|session| *session.made_from == spec.connect) {
            let look = look(&spec, session.array.as_ref()).await;
            self.settle(&spec.name, Some(session), &look);
            return look.map_or_else(Applied::Broken, Applied::Working);
        }
        let fault = match self.connect(&spec).await {
            Ok((session, report)) => {
                self.settle(&spec.name, Some(session), &Ok(report.clone()));
                return Applied::Working(report);
            }
            Err(fault) => fault,
        };
        if let Some(old) = current
            && let Ok(report) = look(&spec, old.array.as_ref()).await
        {
            self.settle(&spec.name, Some(old), &Ok(report.clone()));
            return Applied::KeptOld { report: Box::new(report), fault };
        }
        self.settle(&spec.name, None, &Err(fault.clone()));
        Applied::Broken(fault)
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

    /// Takes the description on and answers the session in use.
    fn adopt(&self, spec: &BackendSpec) -> Option<Session> {
        let mut slots = self.lock();
        let slot = slots.entry(spec.name.clone()).or_insert_with(|| Slot {
            spec: spec.clone(),
            session: None,
            report: None,
            fault: None,
        });
        if slot.spec.limits.concurrent != spec.limits.concurrent
            && let Some(session) = &mut slot.session
        {
            session.permits = Arc::new(Semaphore::new(spec.limits.concurrent));
        }
        slot.spec = spec.clone();
        slot.session.clone()
    }

    async fn connect(&self, spec: &BackendSpec) -> Result<(Session, BackendReport), ConnectFault> {
        let connected = self.connector.connect(&spec.connect).await;
        self.meter.login(&spec.name, Ending::of(&connected));
        let array = connected.map_err(|error| fault(&error))?;
        let report = look(spec, array.as_ref()).await?;
        let permits = Arc::new(Semaphore::new(spec.limits.concurrent));
        Ok((Session { array, permits, made_from: Arc::new(spec.connect.clone()) }, report))
    }

    fn settle(&self, name: &str, session: Option<Session>, look: &Result<BackendReport, ConnectFault>) {
        let mut slots = self.lock();
        // removed while we looked: stays removed
        let Some(slot) = slots.get_mut(name) else { return };
        match look {
            Ok(report) => {
                slot.session = session;
                slot.report = Some(report.clone());
                slot.fault = None;
            }
            Err(fault) => {
                // another array answers at this address: nothing may reach it
                slot.session = session.filter(|_| fault.reason != FaultReason::IdentityMismatch);
                slot.report = slot.report.take().filter(|_| slot.session.is_some());
                slot.fault = Some(fault.clone());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn view(&self) -> BackendView {
        BackendView { spec: self.spec.clone(), report: self.report.clone(), fault: self.fault.clone() }
    }
}
