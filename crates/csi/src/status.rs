//! The only place that makes a `tonic::Status`. Everything else returns [`Failure`] with a code of the closed list.

use std::fmt;

use tonic::{Response, Status};

/// The gRPC codes that a CSI plugin of ours answers with. What each means to a sidecar is in the CSI specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is wrong and stays wrong.
    InvalidArgument,
    /// The object of the request does not exist.
    NotFound,
    /// It exists and differs from what is asked for.
    AlreadyExists,
    /// Something must be changed by a person or another call first.
    FailedPrecondition,
    /// Another call works on the same object.
    Aborted,
    /// A limit or pool is used up; another placement may work.
    ResourceExhausted,
    /// The size asked for cannot be had.
    OutOfRange,
    /// Try again; something may have been started.
    Unavailable,
    /// Out of time; something may have been started.
    DeadlineExceeded,
    /// The credentials that came with the call were refused.
    Unauthenticated,
    /// The credentials that came with the call do not suffice.
    PermissionDenied,
    /// The call, or this use of it, is not offered.
    Unimplemented,
    /// A fault of ours.
    Internal,
}

impl Code {
    const fn wire(self) -> tonic::Code {
        match self {
            Self::InvalidArgument => tonic::Code::InvalidArgument,
            Self::NotFound => tonic::Code::NotFound,
            Self::AlreadyExists => tonic::Code::AlreadyExists,
            Self::FailedPrecondition => tonic::Code::FailedPrecondition,
            Self::Aborted => tonic::Code::Aborted,
            Self::ResourceExhausted => tonic::Code::ResourceExhausted,
            Self::OutOfRange => tonic::Code::OutOfRange,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::DeadlineExceeded => tonic::Code::DeadlineExceeded,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::PermissionDenied => tonic::Code::PermissionDenied,
            Self::Unimplemented => tonic::Code::Unimplemented,
            Self::Internal => tonic::Code::Internal,
        }
    }
}

/// Why a call failed. The message is read by people in events and logs: what was being done, to which object, what
/// was found, what to do next. No secret gets into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the peer may do next.
    pub code: Code,
    /// Lower case, no full stop.
    pub message: String,
}

impl Failure {
    /// A failure of this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A request whose `field` cannot be right.
    pub fn field(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(Code::InvalidArgument, format!("{field}: {problem}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Status {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn from(failure: Failure) -> Self {
        Self::new(failure.code.wire(), failure.message)
    }
}

/// The last step of every call: an outcome in the form that tonic wants.
pub fn answer<T>(outcome: Result<T, Failure>) -> Result<Response<T>, Status> {
    Ok(Response::new(outcome?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_name_on_the_wire() {
        let all = [
            (Code::InvalidArgument, 3),
            (Code::DeadlineExceeded, 4),
            (Code::NotFound, 5),
            (Code::AlreadyExists, 6),
            (Code::PermissionDenied, 7),
            (Code::ResourceExhausted, 8),
            (Code::FailedPrecondition, 9),
            (Code::Aborted, 10),
            (Code::OutOfRange, 11),
            (Code::Unimplemented, 12),
            (Code::Internal, 13),
            (Code::Unavailable, 14),
            (Code::Unauthenticated, 16),
        ];
        for (code, number) in all {
            assert_eq!(Status::from(Failure::new(code, "x")).code() as i32, number, "{code:?}");
        }
    }
}
