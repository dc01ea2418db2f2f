//! The one table from an error's kind to what callers do about it.
//!
//! A settled code tells a CSI sidecar that nothing was made, and it forgets; so an unsettled error never leaves as
//! anything but `Unavailable`, `DeadlineExceeded` or `Aborted`.

use std::time::Duration;

use perilune_array::ErrorKind;

/// What was being done; some kinds mean different things to different callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UseCase {
    CreateVolume,
    DeleteVolume,
    Publish,
    Unpublish,
    Expand,
    CreateSnapshot,
    DeleteSnapshot,
    /// A volume's mutable parameters change.
    Modify,
    /// One object is looked at.
    Inspect,
    /// Many are, page by page.
    List,
}

impl UseCase {
    pub const ALL: [Self; 10] = [
        Self::CreateVolume,
        Self::DeleteVolume,
        Self::Publish,
        Self::Unpublish,
        Self::Expand,
        Self::CreateSnapshot,
        Self::DeleteSnapshot,
        Self::Modify,
        Self::Inspect,
        Self::List,
    ];
}

/// The canonical answer codes, by their gRPC names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    InvalidArgument,
    OutOfRange,
    AlreadyExists,
    NotFound,
    FailedPrecondition,
    Aborted,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    Internal,
}

impl Code {
    /// Does the caller keep asking, because something may still be there?
    pub const fn keeps_the_caller(self) -> bool {
        matches!(self, Self::Unavailable | Self::DeadlineExceeded | Self::Aborted)
    }
}

/// When trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue {
    /// Backing off from a second to half a minute.
    Soon,
    After(Duration),
    /// Only when somebody changed something.
    OnChange,
}

/// What the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disposition {
    pub code: Code,
    pub reason: &'static str,
    pub requeue: Requeue,
}

/// Looks an error up.
pub const fn disposition(use_case: UseCase, kind: ErrorKind, unsettled: bool) -> Disposition {
    let code = code(use_case, kind);
    let code = if unsettled && !code.keeps_the_caller() { Code::Unavailable } else { code };
    Disposition { code, reason: reason(kind), requeue: requeue(kind) }
}

const fn code(use_case: UseCase, kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => match use_case {
            // a page token that is not ours: the listing starts anew
            UseCase::List => Code::Aborted,
            _ => Code::InvalidArgument,
        },
        ErrorKind::Unsupported => Code::InvalidArgument,
        ErrorKind::OutOfRange => match use_case {
            // what the sidecar takes as a reason to go back to the class before
            UseCase::Modify => Code::InvalidArgument,
            _ => Code::OutOfRange,
        },
        ErrorKind::Exists => Code::AlreadyExists,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::InUse | ErrorKind::WrongState | ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
            Code::FailedPrecondition
        }
        ErrorKind::Busy => Code::Aborted,
        ErrorKind::Frozen => match use_case {
            UseCase::CreateVolume => Code::ResourceExhausted,
            UseCase::DeleteVolume | UseCase::CreateSnapshot | UseCase::DeleteSnapshot => {
                Code::FailedPrecondition
            }
            UseCase::Publish
            | UseCase::Unpublish
            | UseCase::Expand
            | UseCase::Modify
            | UseCase::Inspect
            | UseCase::List => Code::Unavailable,
        },
        ErrorKind::NoCapacity | ErrorKind::LimitReached => Code::ResourceExhausted,
        ErrorKind::Unreachable | ErrorKind::Untrusted => match use_case {
            // settled: nothing was sent, another place may do
            UseCase::CreateVolume => Code::ResourceExhausted,
            _ => Code::Unavailable,
        },
        ErrorKind::NoAnswer | ErrorKind::Garbled | ErrorKind::Unrecognized => Code::Unavailable,
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::Bug => Code::Internal,
    }
}

const fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "Invalid",
        ErrorKind::OutOfRange => "OutOfRange",
        ErrorKind::Exists => "AlreadyExists",
        ErrorKind::Unsupported => "Unsupported",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::InUse => "InUse",
        ErrorKind::WrongState => "WrongState",
        ErrorKind::Busy => "Busy",
        ErrorKind::Frozen => "Frozen",
        ErrorKind::NoCapacity => "NoCapacity",
        ErrorKind::LimitReached => "LimitReached",
        ErrorKind::Unauthenticated => "InvalidCredentials",
        ErrorKind::Forbidden => "Forbidden",
        ErrorKind::Untrusted => "Untrusted",
        ErrorKind::Unreachable => "Unreachable",
        ErrorKind::NoAnswer => "NoAnswer",
        ErrorKind::Garbled => "Garbled",
        ErrorKind::Unrecognized => "Unrecognized",
        ErrorKind::TimedOut => "TimedOut",
        ErrorKind::Bug => "InternalError",
    }
}

const fn requeue(kind: ErrorKind) -> Requeue {
    match kind {
        ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::NoAnswer | ErrorKind::TimedOut => Requeue::Soon,
        ErrorKind::WrongState => Requeue::After(Duration::from_secs(60)),
        ErrorKind::Invalid | ErrorKind::OutOfRange | ErrorKind::Exists | ErrorKind::Unsupported => {
            Requeue::OnChange
        }
        ErrorKind::NotFound
        | ErrorKind::InUse
        | ErrorKind::Frozen
        | ErrorKind::NoCapacity
        | ErrorKind::LimitReached
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::Untrusted
        | ErrorKind::Garbled
        | ErrorKind::Unrecognized
        | ErrorKind::Bug => Requeue::After(Duration::from_secs(300)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, UseCase, disposition};
    use perilune_array::ErrorKind;

    #[test]
    fn an_unsettled_error_never_lets_a_sidecar_forget() {
        for use_case in UseCase::ALL {
            for kind in ErrorKind::ALL {
                assert!(disposition(use_case, kind, true).code.keeps_the_caller(), "{use_case:?} {kind:?}");
            }
        }
    }

    /// Every settled code, kind by kind; one letter for each use case in the order of `UseCase::ALL`: create, delete, publish,
    /// unpublish, expand, create snapshot, delete snapshot, modify, inspect, list.
    const TABLE: [(ErrorKind, &str); 20] = [
        (ErrorKind::Invalid, "IIIIIIIIIA"),
        (ErrorKind::OutOfRange, "OOOOOOOIOO"),
        (ErrorKind::Exists, "EEEEEEEEEE"),
        (ErrorKind::Unsupported, "IIIIIIIIII"),
        (ErrorKind::NotFound, "NNNNNNNNNN"),
        (ErrorKind::InUse, "PPPPPPPPPP"),
        (ErrorKind::WrongState, "PPPPPPPPPP"),
        (ErrorKind::Busy, "AAAAAAAAAA"),
        (ErrorKind::Frozen, "RPUUUPPUUU"),
        (ErrorKind::NoCapacity, "RRRRRRRRRR"),
        (ErrorKind::LimitReached, "RRRRRRRRRR"),
        (ErrorKind::Unauthenticated, "PPPPPPPPPP"),
        (ErrorKind::Forbidden, "PPPPPPPPPP"),
        (ErrorKind::Untrusted, "RUUUUUUUUU"),
        (ErrorKind::Unreachable, "RUUUUUUUUU"),
        (ErrorKind::NoAnswer, "UUUUUUUUUU"),
        (ErrorKind::Garbled, "UUUUUUUUUU"),
        (ErrorKind::Unrecognized, "UUUUUUUUUU"),
        (ErrorKind::TimedOut, "DDDDDDDDDD"),
        (ErrorKind::Bug, "XXXXXXXXXX"),
    ];

    const fn letter(code: Code) -> char {
        match code {
            Code::InvalidArgument => 'I',
            Code::OutOfRange => 'O',
            Code::AlreadyExists => 'E',
            Code::NotFound => 'N',
            Code::FailedPrecondition => 'P',
            Code::Aborted => 'A',
            Code::ResourceExhausted => 'R',
            Code::Unavailable => 'U',
            Code::DeadlineExceeded => 'D',
            Code::Internal => 'X',
        }
    }

    #[test]
    fn every_kind_has_the_code_of_the_table_in_every_use_case() {
        assert_eq!(TABLE.map(|(kind, _)| kind), ErrorKind::ALL, "a kind is missing, or out of order");
        for (kind, expected) in TABLE {
            let told: String = UseCase::ALL
                .iter()
                .map(|use_case| letter(disposition(*use_case, kind, false).code))
                .collect();
            assert_eq!(told, expected, "{kind:?}");
        }
    }
}
