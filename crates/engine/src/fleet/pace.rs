//! How many operations a second are begun at a backend.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Spreads what is begun evenly over time; whoever comes too early waits for a moment of its own.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Between one and the next; zero: no limit.
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        let gap = per_second.filter(|n| *n > 0).map_or(Duration::ZERO, |n| Duration::from_secs(1) / n);
        Self { gap, next: Mutex::new(None) }
    }

    pub(crate) async fn keep(&self) {
        if self.gap.is_zero() {
            return;
        }
        let now = Instant::now();
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = next.map_or(now, |next| next.max(now));
            *next = Some(mine + self.gap);
            mine
        };
        tokio::time::sleep_until(mine).await;
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn ten_in_a_burst_take_nine_gaps() {
        let (pace, begun) = (Pace::new(Some(10)), Instant::now());
        for _ in 0..10 {
            pace.keep().await;
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(900) && took < Duration::from_millis(950), "{took:?}");
        let begun = Instant::now();
        Pace::new(None).keep().await;
        assert!(begun.elapsed().is_zero());
    }
}
