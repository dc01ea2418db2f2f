//! What the engine counts: a port, so that the binary decides how it is kept and shown.
//!
//! Every word that comes through here is one of a few: names of backends and pools, use cases, kinds of error. Ids of
//! volumes never do; they would make a series each.

use std::fmt;
use std::time::Duration;

use perilune_array::{Error, ErrorKind};

use crate::UseCase;

/// How something ended: well, or with a kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending(Option<ErrorKind>);

impl Ending {
    pub const OK: Self = Self(None);

    pub const fn failed(kind: ErrorKind) -> Self {
        Self(Some(kind))
    }

    /// How that ended.
    pub fn of<T>(outcome: &Result<T, Error>) -> Self {
        outcome.as_ref().map_or_else(|error| Self::failed(error.kind()), |_| Self::OK)
    }

    /// `ok`, or the kind's own word.
    pub const fn word(self) -> &'static str {
        match self.0 {
            None => "ok",
            Some(kind) => kind.word(),
        }
    }
}

/// Counts what the engine does. Implementations return at once and never fail.
pub trait Meter: Send + Sync + fmt::Debug {
    /// A use case ended at this backend, all its attempts and waits included.
    fn operation(&self, backend: &str, use_case: UseCase, ending: Ending, took: Duration);

    /// One attempt of it ended; `waited` is how long it stood in line for its turn at the backend.
    fn attempt(&self, backend: &str, use_case: UseCase, ending: Ending, waited: Duration);

    /// One call that alters the array ended.
    fn change(&self, backend: &str, use_case: UseCase, ending: Ending);

    /// A login was tried.
    fn login(&self, backend: &str, ending: Ending);

    /// A use case was turned away because another one works on its subject.
    fn locked(&self, use_case: UseCase);

    /// The backend is gone: what is kept for it may be forgotten.
    fn forget(&self, backend: &str);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Meter for Silent {
    fn operation(&self, _: &str, _: UseCase, _: Ending, _: Duration) {}
    fn attempt(&self, _: &str, _: UseCase, _: Ending, _: Duration) {}
    fn change(&self, _: &str, _: UseCase, _: Ending) {}
    fn login(&self, _: &str, _: Ending) {}
    fn locked(&self, _: UseCase) {}
    fn forget(&self, _: &str) {}
}
