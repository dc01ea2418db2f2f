//! Which calls came, and which of them must fail, how and when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ErrorKind;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done and this kind is answered.
    Before(ErrorKind),
    /// It is done and this kind is answered: `NoAnswer` loses the answer.
    After(ErrorKind),
    /// It is done at once and answered so much later.
    Late(Duration),
    /// Nothing is done and no answer ever comes.
    HangBefore,
    /// It is done and no answer ever comes.
    HangAfter,
}

/// Which calls a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The n-th call of all, counted from 1 since the last [`Faults::clear`].
    Call(usize),
    /// The n-th call of this verb, counted from 1 likewise.
    Nth(&'static str, usize),
    /// Each call of this verb.
    Each(&'static str),
    /// Each call.
    Always,
}

/// A call that came. Verbs are written `volumes.create`, `access.map`, `inspect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub verb: &'static str,
    pub fault: Option<Fault>,
}

impl Call {
    /// Is this a verb that may alter the array?
    pub fn alters(&self) -> bool {
        let word = self.verb.rsplit('.').next().unwrap_or(self.verb);
        !matches!(word, "inspect" | "connect" | "find" | "get" | "list" | "ports" | "find_host" | "mappings")
    }
}

/// Faults to come and calls that came, of one array.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    planned: Vec<(When, Fault)>,
    calls: Vec<Call>,
}

impl Faults {
    /// Plans a fault. The first planned one that fits a call meets it; one call meets one fault.
    pub fn plan(&self, when: When, fault: Fault) {
        self.book(|book| book.planned.push((when, fault)));
    }

    /// Forgets all planned faults; the calls stay.
    pub fn heal(&self) {
        self.book(|book| book.planned.clear());
    }

    /// Forgets planned faults and calls; counting starts anew.
    pub fn clear(&self) {
        self.book(|book| *book = Book::default());
    }

    /// All calls since the last [`Faults::clear`].
    pub fn calls(&self) -> Vec<Call> {
        self.book(|book| book.calls.clone())
    }

    /// The verbs of those calls.
    pub fn verbs(&self) -> Vec<&'static str> {
        self.book(|book| book.calls.iter().map(|call| call.verb).collect())
    }

    pub(super) fn meet(&self, verb: &'static str) -> Option<Fault> {
        self.book(|book| {
            let call = book.calls.len() + 1;
            let of_verb = book.calls.iter().filter(|c| c.verb == verb).count() + 1;
            let fits = |when: &When| match *when {
                When::Call(n) => n == call,
                When::Nth(v, n) => v == verb && n == of_verb,
                When::Each(v) => v == verb,
                When::Always => true,
            };
            let fault = book.planned.iter().find(|(when, _)| fits(when)).map(|(_, fault)| *fault);
            book.calls.push(Call { verb, fault });
            fault
        })
    }

    fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
