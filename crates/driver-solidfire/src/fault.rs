//! One table from the array's error names to kinds, and how far a call got to kinds. The numeric code says nothing:
//! it is 500 for all of them.

use perilune_array::{Error, ErrorKind};
use perilune_wire as wire;

use ErrorKind::{
    Busy, Exists, Forbidden, Garbled, Invalid, LimitReached, NoAnswer, NoCapacity, NotFound, OutOfRange,
    Unrecognized, Unsupported, WrongState,
};

/// Sorted by name.
const TABLE: &[(&str, ErrorKind)] = &[
    ("xAPINotPermitted", Forbidden),
    ("xAccountIDDoesNotExist", NotFound),
    ("xAlreadyInVolumeAccessGroup", Exists),
    ("xAsyncHandleDoesNotExist", NotFound),
    // Within the cluster an answer was lost; what was asked may have been done.
    ("xDBClosing", NoAnswer),
    ("xDBConnectionLoss", NoAnswer),
    ("xDBInvalidState", NoAnswer),
    ("xDBNoServerResponse", NoAnswer),
    ("xDBNoSuchPath", Busy),
    ("xDBOperationTimeout", NoAnswer),
    ("xDBSessionExpired", NoAnswer),
    ("xDBSessionMoved", NoAnswer),
    // Another change came first and ours was dropped.
    ("xDBVersionMismatch", Busy),
    ("xDuplicateUsername", Exists),
    ("xExceededLimit", LimitReached),
    ("xGroupSnapshotDoesNotExist", NotFound),
    ("xGroupSnapshotIDDoesNotExist", NotFound),
    ("xInitiatorDoesNotExist", NotFound),
    ("xInitiatorExists", Exists),
    ("xInvalidAPIParameter", Invalid),
    ("xInvalidPairingKey", Invalid),
    ("xInvalidParameter", Invalid),
    ("xInvalidParameterType", Invalid),
    ("xMVIPNotPaired", WrongState),
    ("xMaxClonesPerNodeExceeded", Busy),
    ("xMaxClonesPerVolumeExceeded", Busy),
    ("xMaxSnapshotsPerNodeExceeded", Busy),
    ("xMaxSnapshotsPerVolumeExceeded", LimitReached),
    ("xMaxVolumeCountExceeded", LimitReached),
    ("xMissingParameter", Invalid),
    ("xNoHandler", Busy),
    ("xNotInVolumeAccessGroup", NotFound),
    ("xNotPrimary", Busy),
    ("xNotReadyForIO", Busy),
    ("xPairingAlreadyExists", Exists),
    ("xPermissionDenied", Forbidden),
    ("xQoSPolicyDoesNotExist", NotFound),
    ("xRecvTimeout", NoAnswer),
    ("xSliceNotRegistered", Busy),
    ("xSnapshotFailed", Busy),
    ("xSnapshotIDDoesNotExist", NotFound),
    ("xTotalCapacityExceeded", NoCapacity),
    ("xUnknownAPIMethod", Unsupported),
    ("xUnknownAPIVersion", Unsupported),
    ("xUnknownAccount", NotFound),
    ("xUnrecognizedEnumString", Invalid),
    ("xVolumeAccessGroupIDDoesNotExist", NotFound),
    ("xVolumeAlreadyPaired", Exists),
    ("xVolumeDoesNotExist", NotFound),
    ("xVolumeIDDoesNotExist", NotFound),
    ("xVolumeNotPaired", NotFound),
    ("xVolumeShrinkProhibited", OutOfRange),
];

/// A name that is not in the table claims neither that the call was done nor that it was not, so that nothing is given
/// up for lost which the array holds. No name at all is no refusal in due form.
pub(crate) fn kind(name: &str) -> ErrorKind {
    let unknown = if name.is_empty() { Garbled } else { Unrecognized };
    TABLE.binary_search_by(|(known, _)| (*known).cmp(name)).map_or(unknown, |at| TABLE[at].1)
}

/// Did the array refuse by this name?
pub(crate) fn is(error: &Error, name: &str) -> bool {
    error.vendor().is_some_and(|vendor| vendor.code == name)
}

/// The array refused a call. `name` and `text` must be clean.
pub(crate) fn refused(method: &str, name: &str, text: &str) -> Error {
    Error::new(kind(name), format!("{method} was refused")).with_vendor(name, text)
}

/// A call brought no answer of the array's.
pub(crate) fn unanswered(method: &str, error: wire::Error) -> Error {
    let kind = match &error {
        wire::Error::Setup(_) => Invalid,
        wire::Error::Unreachable { .. } => ErrorKind::Unreachable,
        wire::Error::Untrusted { .. } => ErrorKind::Untrusted,
        wire::Error::NoAnswer { .. } => NoAnswer,
        wire::Error::TimedOut { .. } => ErrorKind::TimedOut,
        wire::Error::Garbled { .. } => Garbled,
        wire::Error::Status { code: 401, .. } => ErrorKind::Unauthenticated,
        wire::Error::Status { code: 403, .. } => Forbidden,
        wire::Error::Status { code: 404, .. } => Unsupported,
        // A gateway or a failing node: the call may have gone through.
        wire::Error::Status { code: 500.., .. } => NoAnswer,
        wire::Error::Status { .. } => Garbled,
    };
    Error::new(kind, format!("{method} failed")).with_source(error)
}

/// An answer came whose content makes no sense.
pub(crate) fn garbled(method: &str, what: impl std::fmt::Display) -> Error {
    Error::new(Garbled, format!("the array's answer to {method} makes no sense: {what}"))
}

#[cfg(test)]
mod tests {
    use perilune_array::ErrorKind;

    use super::{TABLE, kind};

    #[test]
    fn every_name_of_the_table_is_found_by_its_search() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for (name, expected) in TABLE {
            assert_eq!(kind(name), *expected, "{name}");
        }
    }

    #[test]
    fn a_name_nobody_knows_leaves_doubt() {
        for name in ["xBrandNew", "xvolumeiddoesnotexist"] {
            assert_eq!(kind(name), ErrorKind::Unrecognized);
            assert!(kind(name).leaves_doubt());
        }
        assert_eq!(kind(""), ErrorKind::Garbled);
    }

    /// The names that the vendor's and OpenStack's clients send again on.
    #[test]
    fn what_other_clients_try_again_is_tried_again_or_observed_first() {
        const AGAIN: [&str; 18] = [
            "xDBVersionMismatch",
            "xMaxClonesPerVolumeExceeded",
            "xMaxSnapshotsPerNodeExceeded",
            "xMaxClonesPerNodeExceeded",
            "xSliceNotRegistered",
            "xNotReadyForIO",
            "xNotPrimary",
            "xDBOperationTimeout",
            "xDBConnectionLoss",
            "xNoHandler",
            "xSnapshotFailed",
            "xRecvTimeout",
            "xDBNoSuchPath",
            "xDBSessionExpired",
            "xDBSessionMoved",
            "xDBNoServerResponse",
            "xDBClosing",
            "xDBInvalidState",
        ];
        for name in AGAIN {
            assert!(matches!(kind(name), ErrorKind::Busy | ErrorKind::NoAnswer), "{name}");
        }
        // These two they send again as well, in vain: the array means them.
        assert_eq!(kind("xMaxSnapshotsPerVolumeExceeded"), ErrorKind::LimitReached);
        assert_eq!(kind("xPermissionDenied"), ErrorKind::Forbidden);
    }

    #[test]
    fn what_is_lost_inside_the_cluster_is_not_taken_for_undone() {
        for name in ["xRecvTimeout", "xDBConnectionLoss", "xDBOperationTimeout"] {
            assert!(kind(name).leaves_doubt(), "{name}");
        }
    }
}
