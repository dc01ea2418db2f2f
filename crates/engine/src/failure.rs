//! What every use case fails with.

use std::fmt;

use perilune_array::{Error, ErrorKind};

use crate::disposition::{Code, Requeue, UseCase, disposition};
use crate::ledger::LedgerError;

/// A use case that did not reach its end: what to answer, why, and when to try again.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    /// A CamelCase word for conditions and events.
    pub reason: &'static str,
    pub requeue: Requeue,
    pub kind: ErrorKind,
    pub message: String,
}

impl Failure {
    /// Judges a port error by the one table.
    pub fn of(use_case: UseCase, error: &Error) -> Self {
        let verdict = disposition(use_case, error.kind(), error.is_unsettled());
        Self {
            code: verdict.code,
            reason: verdict.reason,
            requeue: verdict.requeue,
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    /// A refusal that needed no array.
    pub fn refuse(use_case: UseCase, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::of(use_case, &Error::new(kind, message))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A ledger error in the port's kinds, so that one table judges both.
pub(crate) fn of_ledger(doing: &str, error: LedgerError) -> Error {
    let kind = match error {
        LedgerError::Exists | LedgerError::Conflict => ErrorKind::Busy,
        LedgerError::NotFound => ErrorKind::NotFound,
        LedgerError::Refused(_) => ErrorKind::Bug,
        LedgerError::Unavailable(_) => ErrorKind::NoAnswer,
    };
    Error::new(kind, doing).with_source(error)
}
