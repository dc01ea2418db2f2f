//! What the fleet keeps of one backend.

use std::sync::Arc;

use perilune_array::{Array, ArrayId, ConnectSpec};
use tokio::sync::Semaphore;

use super::look::Look;
use super::pace::Pace;
use super::{BackendReport, BackendSpec, BackendView, ConnectFault, FaultReason};
use crate::rating::Rating;

/// A session in use.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) array: Arc<dyn Array>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) pace: Arc<Pace>,
    /// What it was made from.
    pub(super) made_from: Arc<ConnectSpec>,
}

impl Session {
    pub(super) fn new(array: Arc<dyn Array>, spec: &BackendSpec) -> Self {
        Self {
            array,
            permits: Arc::new(Semaphore::new(spec.limits.concurrent)),
            pace: Arc::new(Pace::new(spec.limits.requests_per_second)),
            made_from: Arc::new(spec.connect.clone()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) spec: BackendSpec,
    pub(super) session: Option<Session>,
    pub(super) report: Option<BackendReport>,
    pub(super) fault: Option<ConnectFault>,
    /// The last description that was taken on.
    pub(super) round: u64,
    /// The array that answered before.
    pub(super) known: Option<ArrayId>,
    rating: Arc<Rating>,
}

impl Slot {
    pub(super) fn new(spec: &BackendSpec) -> Self {
        Self {
            spec: spec.clone(),
            session: None,
            report: None,
            fault: None,
            round: 0,
            known: None,
            rating: Arc::new(Rating::of(&spec.scheduling)),
        }
    }

    /// Takes the description on; answers what it says of its pools.
    pub(super) fn adopt(&mut self, round: u64, spec: &BackendSpec) -> Arc<Rating> {
        if self.spec.limits != spec.limits
            && let Some(session) = &mut self.session
        {
            session.permits = Arc::new(Semaphore::new(spec.limits.concurrent));
            session.pace = Arc::new(Pace::new(spec.limits.requests_per_second));
        }
        if self.spec.scheduling != spec.scheduling {
            self.rating = Arc::new(Rating::of(&spec.scheduling));
        }
        self.round = round;
        self.spec = spec.clone();
        Arc::clone(&self.rating)
    }

    pub(super) fn settle(&mut self, session: Option<Session>, look: &Result<Look, ConnectFault>) {
        match look {
            Ok((report, fault)) => {
                self.session = session;
                self.known = Some(report.system.id.clone());
                self.report = Some(report.clone());
                self.fault = fault.clone();
            }
            Err(fault) => {
                // another array answers at this address: nothing may reach it
                self.session = session.filter(|_| fault.reason != FaultReason::IdentityMismatch);
                self.report = self.report.take().filter(|_| self.session.is_some());
                self.fault = Some(fault.clone());
            }
        }
    }

    pub(super) fn view(&self) -> BackendView {
        BackendView {
            spec: self.spec.clone(),
            report: self.report.clone(),
            fault: self.fault.clone(),
            rating: Arc::clone(&self.rating),
        }
    }
}
