//! What happened in a lab, in order: the supervisor writes it, every connected caller reads it from the start.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// The subject of events of etcd, the API server and its two companions.
pub const CONTROL_PLANE: &str = "control-plane";

/// One thing that happened.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Event {
    /// Since the supervisor began.
    pub seconds: f64,
    /// [`CONTROL_PLANE`] or a guest's name.
    pub subject: String,
    pub stage: Stage,
    pub message: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// On the way.
    Step,
    /// The subject can be used.
    Ready,
    /// The subject was ended on request.
    Ended,
    /// The subject will not become ready, or died.
    Failed,
}

/// The growing list of events.
#[derive(Debug)]
pub(crate) struct Board {
    start: Instant,
    list: Mutex<Vec<Event>>,
    grown: Condvar,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), list: Mutex::new(Vec::new()), grown: Condvar::new() }
    }

    pub(crate) fn post(&self, subject: &str, stage: Stage, message: impl Into<String>) {
        let seconds = self.start.elapsed().as_secs_f64();
        self.lock().push(Event { seconds, subject: subject.into(), stage, message: message.into() });
        self.grown.notify_all();
    }

    /// What came after the first `seen` events; waits a while for it, and may give nothing.
    pub(crate) fn after(&self, seen: usize) -> Vec<Event> {
        let list = self.lock();
        let (list, _) = self
            .grown
            .wait_timeout_while(list, Duration::from_millis(500), |l| l.len() <= seen)
            .unwrap_or_else(PoisonError::into_inner);
        list.get(seen..).map(<[Event]>::to_vec).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
