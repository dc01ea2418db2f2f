//! Named locks with deadlines. Order: volume → target → portal → address → SCSI host; never upwards.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Instant,
};

use crate::{
    sysfs::Address,
    target::{Iqn, Portal, TargetName},
    volume::VolumeKey,
};

/// What a lock is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Volume(VolumeKey),
    /// Shared: uses sessions of the target. Alone: may log out.
    Target(TargetName),
    /// A login to one portal of a target.
    Portal(Iqn, Portal),
    /// The node database's records of a target, which its tool walks as a whole.
    NodeRecords(Iqn),
    Address(Address),
    /// Scan, rescan and delete of one SCSI host, which can block for minutes.
    ScsiHost(u32),
    /// Logins at one time.
    Logins,
}

#[derive(Debug, Default)]
struct State {
    shared: usize,
    alone: bool,
}

#[derive(Debug, Default)]
struct Table {
    states: Mutex<HashMap<Subject, State>>,
    freed: Condvar,
}

/// All locks of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locks {
    table: Arc<Table>,
}

/// A lock held until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    table: Arc<Table>,
    subject: Subject,
    alone: bool,
}

impl Locks {
    /// Alone on the subject, or `None` at the deadline.
    pub(crate) fn alone(&self, subject: Subject, deadline: Instant) -> Option<Held> {
        self.take(subject, deadline, true, |state| state.shared == 0 && !state.alone)
    }

    /// Together with at most `limit - 1` others.
    pub(crate) fn shared(&self, subject: Subject, limit: usize, deadline: Instant) -> Option<Held> {
        self.take(subject, deadline, false, |state| !state.alone && state.shared < limit)
    }

    fn take(
        &self,
        subject: Subject,
        deadline: Instant,
        alone: bool,
        free: impl Fn(&State) -> bool,
    ) -> Option<Held> {
        let mut states = self.table.states.lock().unwrap_or_else(PoisonError::into_inner);
        while !free(states.entry(subject.clone()).or_default()) {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            states = self.table.freed.wait_timeout(states, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let state = states.entry(subject.clone()).or_default();
        state.alone = alone;
        state.shared += usize::from(!alone);
        Some(Held { table: Arc::clone(&self.table), subject, alone })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut states = self.table.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get_mut(&self.subject) {
            state.alone = state.alone && !self.alone;
            state.shared -= usize::from(!self.alone);
            if state.shared == 0 && !state.alone {
                states.remove(&self.subject);
            }
        }
        self.table.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_logout_waits_for_every_user_of_the_target() {
        let (locks, iqn) = (Locks::default(), Iqn::new("iqn.2026-01.test:a").unwrap());
        let target = || Subject::Target(TargetName::Iqn(iqn.clone()));
        let now = Instant::now();
        let first = locks.shared(target(), usize::MAX, now).unwrap();
        let second = locks.shared(target(), usize::MAX, now).unwrap();
        assert!(locks.alone(target(), now).is_none());
        drop(first);
        assert!(locks.alone(target(), now + Duration::from_millis(5)).is_none());
        drop(second);
        let alone = locks.alone(target(), now).unwrap();
        assert!(locks.shared(target(), usize::MAX, now).is_none());
        drop(alone);
        assert!(locks.table.states.lock().unwrap().is_empty());
    }

    #[test]
    fn a_limit_holds() {
        let (locks, now) = (Locks::default(), Instant::now());
        let _first = locks.shared(Subject::Logins, 1, now).unwrap();
        assert!(locks.shared(Subject::Logins, 1, now).is_none());
    }
}
