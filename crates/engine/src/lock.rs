//! Subject locks: one use case at a time on one object. Held means busy at once; nobody queues.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The objects that this process works on now.
#[derive(Debug, Default, Clone)]
pub(crate) struct Locks(Arc<Mutex<HashSet<String>>>);

/// Holds a subject until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    locks: Locks,
    subject: String,
}

impl Locks {
    pub(crate) fn try_hold(&self, subject: &str) -> Option<Held> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.to_owned());
        taken.then(|| Held { locks: self.clone(), subject: subject.to_owned() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.subject);
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
}
