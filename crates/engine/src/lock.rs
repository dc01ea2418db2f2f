//! Subject locks: one use case at a time on one object. Held means busy at once; only for what many share, as a host and
//! its LUNs, callers stand in line.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The objects that this process works on now.
#[derive(Debug, Default, Clone)]
pub(crate) struct Locks(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    held: Mutex<HashSet<String>>,
    freed: Notify,
}

/// Holds a subject until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    locks: Locks,
    subject: String,
}

impl Locks {
    pub(crate) fn try_hold(&self, subject: &str) -> Option<Held> {
        let taken = self.0.held.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.to_owned());
        taken.then(|| Held { locks: self.clone(), subject: subject.to_owned() })
    }

    /// Holds it as soon as it is free.
    pub(crate) async fn hold(&self, subject: &str) -> Held {
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            // from here on no freeing is missed
            freed.as_mut().enable();
            if let Some(held) = self.try_hold(subject) {
                return held;
            }
            freed.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.0.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.subject);
        self.locks.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::Locks;

    #[test]
    fn a_subject_is_held_once_and_free_after() {
        let locks = Locks::default();
        let held = locks.try_hold("a");
        assert!(held.is_some() && locks.try_hold("a").is_none() && locks.try_hold("b").is_some());
        drop(held);
        assert!(locks.try_hold("a").is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_it_when_it_is_free() {
        let locks = Locks::default();
        let held = locks.try_hold("a");
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { locks.hold("a").await.subject.clone() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        assert_eq!(waiting.await.ok().as_deref(), Some("a"));
        assert!(locks.try_hold("a").is_some());
    }
}
