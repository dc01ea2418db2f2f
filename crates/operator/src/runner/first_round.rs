//! Tells when every object that was there at the start has been looked at once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The objects that are still to be looked at.
#[derive(Debug)]
pub(crate) struct FirstRound {
    pending: Mutex<BTreeSet<String>>,
    done: watch::Sender<bool>,
}

impl FirstRound {
    /// Of these objects; the receiver says `true` when the last of them was seen.
    pub(crate) fn of(names: impl IntoIterator<Item = String>) -> (Self, watch::Receiver<bool>) {
        let pending: BTreeSet<String> = names.into_iter().collect();
        let (done, told) = watch::channel(pending.is_empty());
        (Self { pending: Mutex::new(pending), done }, told)
    }

    /// This one was looked at, whatever came of it.
    pub(super) fn seen(&self, name: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.remove(name) && pending.is_empty() {
            self.done.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FirstRound;

    #[test]
    fn it_is_over_when_the_last_of_them_was_seen() {
        let (first, told) = FirstRound::of(["a".to_owned(), "b".to_owned()]);
        first.seen("a");
        first.seen("a");
        first.seen("new");
        assert!(!*told.borrow());
        first.seen("b");
        assert!(*told.borrow());
        assert!(*FirstRound::of([]).1.borrow(), "nothing to wait for");
    }
}
