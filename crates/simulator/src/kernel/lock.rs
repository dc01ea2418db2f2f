//! Locking that goes on after a panicked holder: a test that fails must not make every other one fail too.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn hold<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
