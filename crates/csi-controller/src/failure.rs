//! The engine's failures as CSI's: one table, and the engine's words.

use perilune_csi::{Code, Failure};
use perilune_engine as engine;

/// What the sidecar is told.
pub(crate) fn of(failure: engine::Failure) -> Failure {
    Failure::new(code(failure.code), failure.message)
}

const fn code(code: engine::Code) -> Code {
    match code {
        engine::Code::InvalidArgument => Code::InvalidArgument,
        engine::Code::OutOfRange => Code::OutOfRange,
        engine::Code::AlreadyExists => Code::AlreadyExists,
        engine::Code::NotFound => Code::NotFound,
        engine::Code::FailedPrecondition => Code::FailedPrecondition,
        engine::Code::Aborted => Code::Aborted,
        engine::Code::ResourceExhausted => Code::ResourceExhausted,
        engine::Code::Unavailable => Code::Unavailable,
        engine::Code::DeadlineExceeded => Code::DeadlineExceeded,
        engine::Code::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use perilune_engine::{ErrorKind, UseCase};

    use super::*;

    #[test]
    fn a_code_keeps_its_name() {
        for use_case in UseCase::ALL {
            for kind in ErrorKind::ALL {
                let failure = engine::Failure::refuse(use_case, kind, "why");
                let theirs = format!("{:?}", failure.code);
                let ours = of(failure);
                assert_eq!(format!("{:?}", ours.code), theirs, "{use_case:?} {kind:?}");
                assert!(ours.message.contains("why"));
            }
        }
    }
}
