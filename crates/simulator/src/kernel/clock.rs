//! The time of the simulated arrays: it runs with tokio's clock (so paused tests pause it) and can be moved ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    wall: Timestamp,
    ahead_micros: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            wall: Timestamp::now(),
            ahead_micros: AtomicU64::new(0),
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        let ahead = Duration::from_micros(self.0.ahead_micros.load(Ordering::Relaxed));
        after(self.0.wall, self.0.started.elapsed() + ahead)
    }

    pub(crate) fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX / 4);
        self.0.ahead_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// `time` plus `by`, held at the end of time instead of overflowing.
pub(crate) fn after(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// `2026-03-01T09:30:00Z`, the form most members of an answer have.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same with six digits of fraction, the form of statistics and sessions.
pub(crate) fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
