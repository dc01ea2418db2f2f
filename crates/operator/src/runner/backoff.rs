//! When an object is looked at again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube::runtime::controller::Action;
use perilune_engine::Requeue;

const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(30);

/// How often each object was to be looked at soon, without another verdict in between.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<HashMap<String, u32>>);

impl Backoff {
    /// The verdict on an object as a time, spread out so that not all objects come at once.
    pub(super) fn action(&self, name: &str, requeue: Requeue) -> Action {
        match self.delay(name, requeue) {
            Some(delay) => Action::requeue(jittered(delay, RandomState::new().hash_one(name))),
            None => Action::await_change(),
        }
    }

    fn delay(&self, name: &str, requeue: Requeue) -> Option<Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match requeue {
            Requeue::Soon => {
                let count = counts.entry(name.to_owned()).or_default();
                let delay = FIRST.saturating_mul(1 << (*count).min(16));
                *count = count.saturating_add(1);
                Some(delay.min(LAST))
            }
            Requeue::After(delay) => {
                counts.remove(name);
                Some(delay)
            }
            Requeue::OnChange => {
                counts.remove(name);
                None
            }
        }
    }
}

/// Up to a fifth longer.
fn jittered(delay: Duration, random: u64) -> Duration {
    let spread = u64::try_from(delay.as_millis() / 5).unwrap_or_default();
    delay + Duration::from_millis(random.checked_rem(spread).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Backoff, jittered};
    use perilune_engine::Requeue;
    use std::time::Duration;

    #[test]
    fn failures_in_a_row_are_tried_less_and_less_often_up_to_half_a_minute() {
        let backoff = Backoff::default();
        let delays: Vec<u64> =
            (0..7).filter_map(|_| backoff.delay("a", Requeue::Soon)).map(|d| d.as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.delay("b", Requeue::Soon), Some(Duration::from_secs(1)), "each object by itself");
        backoff.delay("a", Requeue::After(Duration::from_secs(60)));
        assert_eq!(backoff.delay("a", Requeue::Soon), Some(Duration::from_secs(1)), "a good round forgets");
    }

    #[test]
    fn jitter_adds_at_most_a_fifth() {
        for random in [0, 7, u64::MAX] {
            let delay = jittered(Duration::from_secs(10), random);
            assert!((Duration::from_secs(10)..Duration::from_secs(12)).contains(&delay));
        }
        assert_eq!(jittered(Duration::ZERO, 3), Duration::ZERO);
    }
}
