//! The one translation of the host's errors into answers.

use std::error::Error as _;

use perilune_csi::{Code, Failure};
use perilune_host::{Error, ErrorKind};

/// The answer of every call but expansion.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn from_host(error: Error) -> Failure {
    let code = match error.kind {
        ErrorKind::Busy => Code::Aborted,
        ErrorKind::NotReady => Code::Unavailable,
        ErrorKind::WrongIdentity | ErrorKind::ForeignSignature | ErrorKind::InUse | ErrorKind::Refused => {
            Code::FailedPrecondition
        }
        ErrorKind::ChapRefused => Code::Unauthenticated,
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::Invalid => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Exists => Code::AlreadyExists,
        ErrorKind::Bug => Code::Internal,
    };
    Failure::new(code, in_full(&error))
}

/// The answer of NodeExpandVolume, where kubelet takes FAILED_PRECONDITION for "never": that is kept for what growing
/// again cannot mend, a file system that does not grow while mounted.
pub(crate) fn from_growing(error: Error) -> Failure {
    let passing =
        matches!(error.kind, ErrorKind::WrongIdentity | ErrorKind::ForeignSignature | ErrorKind::InUse);
    let failure = from_host(error);
    if passing { Failure { code: Code::Unavailable, ..failure } } else { failure }
}

/// The message with the system's own words after it, unless it quotes them already.
fn in_full(error: &Error) -> String {
    let mut text = error.message.clone();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let words = deeper.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [(ErrorKind, Code, Code); 12] = [
        (ErrorKind::Busy, Code::Aborted, Code::Aborted),
        (ErrorKind::NotReady, Code::Unavailable, Code::Unavailable),
        (ErrorKind::WrongIdentity, Code::FailedPrecondition, Code::Unavailable),
        (ErrorKind::ForeignSignature, Code::FailedPrecondition, Code::Unavailable),
        (ErrorKind::InUse, Code::FailedPrecondition, Code::Unavailable),
        (ErrorKind::Refused, Code::FailedPrecondition, Code::FailedPrecondition),
        (ErrorKind::ChapRefused, Code::Unauthenticated, Code::Unauthenticated),
        (ErrorKind::TimedOut, Code::DeadlineExceeded, Code::DeadlineExceeded),
        (ErrorKind::Invalid, Code::InvalidArgument, Code::InvalidArgument),
        (ErrorKind::NotFound, Code::NotFound, Code::NotFound),
        (ErrorKind::Exists, Code::AlreadyExists, Code::AlreadyExists),
        (ErrorKind::Bug, Code::Internal, Code::Internal),
    ];

    #[test]
    fn every_kind_has_its_code() {
        for (kind, usual, growing) in TABLE {
            assert_eq!(from_host(Error::new(kind, "x")).code, usual, "{kind:?}");
            assert_eq!(from_growing(Error::new(kind, "x")).code, growing, "{kind:?} while growing");
        }
    }

    #[test]
    fn the_systems_words_are_added_once() {
        let cause = || std::io::Error::other("no such device");
        let plain = Error::new(ErrorKind::Bug, "opening /dev/dm-3").because(cause());
        assert_eq!(from_host(plain).message, "opening /dev/dm-3: no such device");
        let quoted = Error::new(ErrorKind::Bug, "opening /dev/dm-3: no such device").because(cause());
        assert_eq!(from_host(quoted).message, "opening /dev/dm-3: no such device");
    }
}
