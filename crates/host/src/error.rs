//! The one error of this crate and its closed list of kinds.
//!
//! A kind says what the caller may do next; the message says what was being done, to which object, what was found
//! and what a person should do. Secrets and argument lists of `iscsiadm -o update` never get here.

use std::{error::Error as StdError, fmt};

/// What went wrong, as far as the caller must tell apart. The column of CSI codes belongs to the node service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Another call holds this volume's lock: ABORTED.
    Busy,
    /// Fewer than `min_paths`, no map yet, LUN not there yet, all paths dead but still mapped: UNAVAILABLE.
    NotReady,
    /// A device that should be ours answers with another identity: FAILED_PRECONDITION.
    WrongIdentity,
    /// The device carries data that was not asked for, or data where none may be: FAILED_PRECONDITION.
    ForeignSignature,
    /// Somebody still uses the device, map or mount: FAILED_PRECONDITION.
    InUse,
    /// Doing it could touch what is not ours, or cannot be done at all (fsck failed, write protected, cannot
    /// grow, newer record): FAILED_PRECONDITION.
    Refused,
    /// The target refused the CHAP credentials of this call: UNAUTHENTICATED.
    ChapRefused,
    /// A step ran out of time, or an earlier call to this volume is stuck in the kernel: DEADLINE_EXCEEDED.
    TimedOut,
    /// The request itself is wrong: INVALID_ARGUMENT.
    Invalid,
    /// Nothing of ours is at the path or under the volume's name: NOT_FOUND.
    NotFound,
    /// The target path is published in another way: ALREADY_EXISTS.
    Exists,
    /// The system answered in a way this crate does not know: INTERNAL.
    Bug,
}

/// Why an operation of this crate failed.
#[derive(Debug)]
pub struct Error {
    /// What the caller may do next.
    pub kind: ErrorKind,
    /// Lower case, no full stop, no secret.
    pub message: String,
    /// The system's own words, if any.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a deeper cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with the cause kept.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// From an answer of the kernel; a time-out keeps its meaning.
    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::TimedOut => ErrorKind::TimedOut,
            std::io::ErrorKind::ResourceBusy => ErrorKind::InUse,
            _ => ErrorKind::Bug,
        };
        Self { kind, message: message.into(), source: Some(Box::new(source)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
