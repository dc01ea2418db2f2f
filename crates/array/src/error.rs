//! The one error of the port and its closed list of kinds.

use std::error::Error as StdError;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not do what was asked. Closed: a driver's fault table maps every vendor code to one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// An argument is malformed or contradicts another one.
    Invalid,
    /// A size or number lies outside what the array accepts.
    OutOfRange,
    /// The name is taken.
    Exists,
    /// This array cannot do this at all.
    Unsupported,
    /// The object is not there.
    NotFound,
    /// The object is used by something that must go first.
    InUse,
    /// The object's state forbids it, for now.
    WrongState,
    /// Something else works on it; trying again soon is enough.
    Busy,
    /// An administrator froze the backend.
    Frozen,
    /// The pool has no room.
    NoCapacity,
    /// A count limit of the array is reached.
    LimitReached,
    /// The array does not accept the credentials.
    Unauthenticated,
    /// The credentials may not do this.
    Forbidden,
    /// The peer's certificate or identity is not the expected one; certainly nothing was delivered.
    Untrusted,
    /// Certainly not delivered.
    Unreachable,
    /// Perhaps delivered, no answer came.
    NoAnswer,
    /// An answer came and was not understood.
    Garbled,
    /// The array refused, in due form, by a code that no table here knows.
    Unrecognized,
    /// The caller's deadline passed.
    TimedOut,
    /// A broken assumption of our own.
    Bug,
}

impl ErrorKind {
    /// Every kind, for exhaustive tables and their tests.
    pub const ALL: [Self; 20] = [
        Self::Invalid,
        Self::OutOfRange,
        Self::Exists,
        Self::Unsupported,
        Self::NotFound,
        Self::InUse,
        Self::WrongState,
        Self::Busy,
        Self::Frozen,
        Self::NoCapacity,
        Self::LimitReached,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Untrusted,
        Self::Unreachable,
        Self::NoAnswer,
        Self::Garbled,
        Self::Unrecognized,
        Self::TimedOut,
        Self::Bug,
    ];

    /// The stable word for metrics and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::OutOfRange => "out-of-range",
            Self::Exists => "exists",
            Self::Unsupported => "unsupported",
            Self::NotFound => "not-found",
            Self::InUse => "in-use",
            Self::WrongState => "wrong-state",
            Self::Busy => "busy",
            Self::Frozen => "frozen",
            Self::NoCapacity => "no-capacity",
            Self::LimitReached => "limit-reached",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Untrusted => "untrusted",
            Self::Unreachable => "unreachable",
            Self::NoAnswer => "no-answer",
            Self::Garbled => "garbled",
            Self::Unrecognized => "unrecognized",
            Self::TimedOut => "timed-out",
            Self::Bug => "bug",
        }
    }

    /// May an altering call that ended like this have taken effect all the same?
    pub const fn leaves_doubt(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Garbled | Self::Unrecognized | Self::TimedOut)
    }
}

/// The array's own code and words, for the person who will look them up in its manual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFault {
    pub code: String,
    pub text: String,
}

/// A failed call. The message is lower case, has no stop, no secret and does not repeat its source.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    unsettled: bool,
    message: String,
    vendor: Option<VendorFault>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, unsettled: false, message: message.into(), vendor: None, source: None }
    }

    /// Adds the array's own words.
    #[must_use]
    pub fn with_vendor(mut self, code: impl Into<String>, text: impl Into<String>) -> Self {
        self.vendor = Some(VendorFault { code: code.into(), text: text.into() });
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Marks that something may have been altered although the call failed. The engine's guard decides this, and a driver
    /// whose verb takes several altering calls, when one fails after another was done.
    #[must_use]
    pub fn into_unsettled(mut self) -> Self {
        self.unsettled = true;
        self
    }

    /// Puts what was being done, and to which object, before the message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn vendor(&self) -> Option<&VendorFault> {
        self.vendor.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(vendor) = &self.vendor {
            write!(f, " (array said {}: {})", vendor.code, vendor.text)?;
        }
        let mut source = self.source.as_deref().map(|s| s as &dyn StdError);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};

    #[test]
    fn an_error_tells_the_deed_the_fault_and_the_arrays_words_once() {
        let error = Error::new(ErrorKind::NoCapacity, "pool has no room")
            .with_vendor("xFull", "no space")
            .context("create volume pvc-1");
        assert_eq!(error.to_string(), "create volume pvc-1: pool has no room (array said xFull: no space)");
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let mut words: Vec<_> = ErrorKind::ALL.iter().map(|k| k.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorKind::ALL.len());
    }
}
