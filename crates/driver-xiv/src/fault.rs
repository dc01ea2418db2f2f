//! One table from the array's codes to kinds, and how far a command got to kinds.

use perilune_array::{Error, ErrorKind};
use perilune_wire as wire;

use ErrorKind::{
    Busy, Exists, Forbidden, Garbled, InUse, Invalid, LimitReached, NoAnswer, NoCapacity, NotFound,
    OutOfRange, Unauthenticated, Unrecognized, Unsupported, WrongState,
};

/// Sorted by code.
const TABLE: &[(&str, ErrorKind)] = &[
    ("ACCESS_DENIED", Forbidden),
    ("ALU_BAD_NAME", NotFound),
    ("BAD_PARAMS", Invalid),
    ("BASE_VOLUME_BAD_NAME", NotFound),
    ("BASE_VOLUME_INVALID", WrongState),
    ("CANNOT_SHRINK_COMPRESSED_VOLUME", OutOfRange),
    ("CAN_NOT_MAP_SLAVE_COMPRESSED_VOLUME", WrongState),
    ("CAN_NOT_SHRINK_VOLUME", OutOfRange),
    ("CLUSTER_BAD_NAME", NotFound),
    ("CLUSTER_NAME_EXISTS", Exists),
    ("COMMAND_NOT_SUPPORTED_FOR_OLVM_VOLUMES", WrongState),
    ("COMPRESSED_CAPACITY_LIMIT_REACHED", NoCapacity),
    ("COMPRESSED_VOLUMES_LIMIT_REACHED", LimitReached),
    ("COMPRESSED_VOLUME_IS_MAPPED", InUse),
    ("COMPRESSED_VOLUME_TOO_BIG", OutOfRange),
    ("COMPRESSED_VOLUME_TOO_SMALL", OutOfRange),
    ("CONS_GROUP_BAD_NAME", NotFound),
    ("CONS_GROUP_DOES_NOT_EXIST", NotFound),
    ("CONS_GROUP_EMPTY", Invalid),
    ("CONS_GROUP_HAS_MIRROR", InUse),
    ("CONS_GROUP_IS_SLAVE", WrongState),
    ("CONS_GROUP_MIRROR_PARAMS_MISMATCH", WrongState),
    ("CONS_GROUP_MISMATCH", WrongState),
    ("CONS_GROUP_NAME_EXISTS", Exists),
    ("CONS_GROUP_NOT_EMPTY", InUse),
    ("CONS_GROUP_NO_MIRROR", NotFound),
    ("DEFAULT_USER_IS_NOT_DEFINED", Unauthenticated),
    ("DOMAIN_DOESNT_EXIST", NotFound),
    ("DOMAIN_MAX_VOLUMES_REACHED", LimitReached),
    ("HOST_BAD_NAME", NotFound),
    ("HOST_BELONGS_TO_CLUSTER", WrongState),
    ("HOST_HAS_MAPPED_VOLUMES", InUse),
    ("HOST_NAME_EXISTS", Exists),
    ("HOST_PORT_DOES_NOT_EXIST", NotFound),
    ("HOST_PORT_EXISTS", InUse),
    ("HOST_PROFILE_UPDATE_TOO_FREQUENT", Busy),
    ("ILLEGAL_NAME", Invalid),
    ("ILLEGAL_VALUE", Invalid),
    ("INCORRECT_PASSWORD", Unauthenticated),
    ("ISCSI_HOST_ILLEGAL_PORT_NAME", Invalid),
    ("KEY_DOES_NOT_EXIST", NotFound),
    ("KEY_EXISTS", Exists),
    ("LDAP_AUTHENTICATION_IS_NOT_ACTIVE", Unauthenticated),
    ("LDAP_IS_NOT_FULLY_CONFIGURED", Unauthenticated),
    ("LOCAL_PEER_IS_NOT_MASTER", WrongState),
    ("LOGIN_FAILURE_USER_FAILED_TO_LOGIN", Unauthenticated),
    ("LOGIN_FAILURE_USER_NOT_FOUND_IN_LDAP_SERVERS", Unauthenticated),
    ("LUN_ALREADY_IN_USE", Busy),
    ("MAPPING_IS_NOT_DEFINED", NotFound),
    ("MAX_CONS_GROUPS_REACHED", LimitReached),
    ("MAX_HOSTS_REACHED", LimitReached),
    ("MAX_HOST_PROFILES_REACHED", LimitReached),
    ("MAX_MIRRORS_REACHED", LimitReached),
    ("MAX_POOLS_REACHED", LimitReached),
    ("MAX_PORTS_REACHED", LimitReached),
    ("MAX_VOLUMES_IN_CONS_GROUP_REACHED", LimitReached),
    ("MAX_VOLUMES_IN_REMOTE_CONS_GROUP_REACHED", LimitReached),
    ("MAX_VOLUMES_REACHED", LimitReached),
    // within the array a deadline passed; what was asked may have been done
    ("MCL_TIMEOUT", NoAnswer),
    ("MIRROR_CONFIGURATION_ERROR", WrongState),
    ("MIRROR_CONS_GROUP_MEMBERSHIP_MISMATCH", WrongState),
    ("MIRROR_IS_ACTIVE", WrongState),
    ("MIRROR_IS_ASYNC", WrongState),
    ("MIRROR_IS_INITIAL", WrongState),
    ("MIRROR_IS_NON_OPERATIONAL", WrongState),
    ("MIRROR_IS_NOT_SYNCHRONIZED", WrongState),
    // the other array's acknowledgement was lost
    ("MIRROR_POSSIBLE_CONS_GROUP_MEMBERSHIP_MISMATCH", NoAnswer),
    ("MIRROR_RETRY_OPERATION", Busy),
    ("MIRROR_SIZE_MISMATCH", NoAnswer),
    ("NOT_ENOUGH_HARD_SPACE", NoCapacity),
    ("NOT_ENOUGH_SNAPSHOT_SPACE", NoCapacity),
    ("NOT_ENOUGH_SPACE", NoCapacity),
    ("NOT_ENOUGH_SPACE_ON_REMOTE_MACHINE", NoCapacity),
    ("NO_HARD_SPACE", NoCapacity),
    ("NO_SOFT_SPACE", NoCapacity),
    ("NO_SPACE", NoCapacity),
    ("OBJECT_BAD_NAME", NotFound),
    ("OPERATION_FORBIDDEN_FOR_USER_CATEGORY", Forbidden),
    ("OVERWRITE_SNAPSHOT_GROUP_DOES_NOT_BELONG_TO_GIVEN_GROUP", WrongState),
    ("PARTIAL_SUCCESS", NoAnswer),
    ("PERF_CLASS_ASSOCIATED_WITH_HOSTS", InUse),
    ("PERF_CLASS_ASSOCIATED_WITH_POOLS_OR_DOMAINS", InUse),
    ("PERF_CLASS_ASSOCIATED_WITH_VOLUMES", InUse),
    ("PERF_CLASS_BAD_NAME", NotFound),
    ("PERF_CLASS_EXISTS", Exists),
    ("POOL_DOES_NOT_EXIST", NotFound),
    ("POOL_NAME_EXISTS", Exists),
    ("POOL_SNAPSHOT_LIMIT_REACHED", NoCapacity),
    ("REMOTE_MAX_VOLUMES_REACHED", LimitReached),
    ("REMOTE_TARGET_NOT_CONNECTED", WrongState),
    ("REMOTE_VOLUME_BAD_POOL", NotFound),
    ("REMOTE_VOLUME_BELONGS_TO_CONS_GROUP", InUse),
    ("REMOTE_VOLUME_EXISTS", Exists),
    ("REMOTE_VOLUME_HAS_MIRROR", InUse),
    ("REMOTE_VOLUME_IS_MASTER", InUse),
    ("SCHEDULE_DOES_NOT_EXIST", NotFound),
    ("SCHEDULE_NAME_EXISTS", Exists),
    ("SNAPSHOT_GROUP_BAD_NAME", NotFound),
    ("SNAPSHOT_GROUP_BAD_PREFIX", Invalid),
    ("SNAPSHOT_GROUP_NAME_EXISTS", Exists),
    ("SNAPSHOT_HAS_ACTIVE_SYNC_JOB", InUse),
    ("SNAPSHOT_IS_CONSISTENT_ELCS", InUse),
    ("SNAPSHOT_IS_INTERNAL", InUse),
    ("SNAPSHOT_IS_MAPPED", InUse),
    ("SNAPSHOT_IS_PART_OF_SNAPSHOT_GROUP", InUse),
    ("SOURCE_VOLUME_BAD_NAME", NotFound),
    ("STATUS_METADATA_SERVICE_KEY_ALREADY_EXISTS", Exists),
    ("STATUS_METADATA_SERVICE_KEY_DOES_NOT_EXIST", NotFound),
    ("STATUS_METADATA_SERVICE_MAX_ENTRIES_REACHED", LimitReached),
    ("SYNC_ALREADY_ACTIVE", Exists),
    ("SYNC_ALREADY_INACTIVE", Exists),
    ("TARGET_BAD_NAME", NotFound),
    ("TARGET_VOLUME_BAD_NAME", NotFound),
    ("TRNS_MGMT_STATUS_OBJECTS_IN_DIFFERENT_DOMAINS", Invalid),
    ("UNRECOGNIZED_COMMAND", Unsupported),
    ("UNRECOGNIZED_EVENT_CODE", Unsupported),
    ("USER_NAME_DOES_NOT_EXIST", Unauthenticated),
    ("USER_OR_PASSWORD_WRONG_OR_MISSING", Unauthenticated),
    ("VOLUME_ALREADY_IN_PERF_CLASS", Exists),
    ("VOLUME_BAD_NAME", NotFound),
    ("VOLUME_BAD_POOL", WrongState),
    ("VOLUME_BAD_PREFIX", Invalid),
    ("VOLUME_BELONGS_TO_CG", InUse),
    ("VOLUME_BELONGS_TO_MIRRORED_CONS_GROUP", WrongState),
    ("VOLUME_EXISTS", Exists),
    ("VOLUME_HAS_DATA_MIGRATION", WrongState),
    ("VOLUME_HAS_MIRROR", InUse),
    ("VOLUME_HAS_OLVM", WrongState),
    ("VOLUME_INCOMPATIBLE_SIZE", WrongState),
    ("VOLUME_IS_MAPPED", InUse),
    ("VOLUME_IS_MASTER", Exists),
    ("VOLUME_IS_NOT_A_SNAPSHOT", NotFound),
    ("VOLUME_IS_SLAVE", WrongState),
    ("VOLUME_IS_SNAPSHOT", WrongState),
    ("VOLUME_LOCKED", WrongState),
    ("VOLUME_NOT_CONNECTED_TO_ANY_PERF_CLASS", NotFound),
    ("VOLUME_NOT_IN_CONS_GROUP", NotFound),
    ("VOLUME_NO_MIRROR", NotFound),
    ("VOLUME_SIZE_ABOVE_LIMIT", OutOfRange),
];

pub(crate) fn kind(code: &str) -> ErrorKind {
    TABLE.binary_search_by(|(known, _)| (*known).cmp(code)).map_or(Unrecognized, |at| TABLE[at].1)
}

/// The array refused a command. `code` and `text` must be clean.
pub(crate) fn refused(command: &str, code: &str, text: &str) -> Error {
    Error::new(kind(code), format!("{command} was refused")).with_vendor(code, text)
}

/// The array's front did not bring the command to its end.
pub(crate) fn undelivered(command: &str, relayed: bool, status: &str) -> Error {
    let kind = match status {
        "TARGET_IS_NOT_CONNECTED" | "TARGET_DOES_NOT_EXIST" | "SEND_TO_TARGET_FAILED" if relayed => {
            WrongState
        }
        _ => NoAnswer,
    };
    Error::new(kind, format!("{command} was not delivered within the array")).with_vendor(status, "")
}

/// A command brought no answer of the array's.
pub(crate) fn unanswered(command: &str, error: wire::Error) -> Error {
    let kind = match &error {
        wire::Error::Setup(_) => Invalid,
        wire::Error::Unreachable { .. } => ErrorKind::Unreachable,
        wire::Error::Untrusted { .. } => ErrorKind::Untrusted,
        wire::Error::NoAnswer { .. } => NoAnswer,
        wire::Error::TimedOut { .. } => ErrorKind::TimedOut,
        wire::Error::Garbled { .. } | wire::Error::Status { .. } => Garbled,
    };
    Error::new(kind, format!("{command} failed")).with_source(error)
}

/// An answer came whose content makes no sense.
pub(crate) fn garbled(command: &str, what: impl std::fmt::Display) -> Error {
    Error::new(Garbled, format!("the array's answer to {command} makes no sense: {what}"))
}

/// Did the array refuse by this code?
pub(crate) fn is(error: &Error, code: &str) -> bool {
    error.vendor().is_some_and(|vendor| vendor.code == code)
}

#[cfg(test)]
mod tests {
    use perilune_array::ErrorKind;

    use super::{TABLE, kind};

    #[test]
    fn every_code_of_the_table_is_found_by_its_search() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for (code, expected) in TABLE {
            assert_eq!(kind(code), *expected, "{code}");
        }
    }

    #[test]
    fn a_code_nobody_knows_leaves_doubt() {
        for code in ["", "BRAND_NEW_CODE", "volume_bad_name"] {
            assert_eq!(kind(code), ErrorKind::Unrecognized);
            assert!(kind(code).leaves_doubt());
        }
    }

    #[test]
    fn what_is_lost_within_the_array_is_not_taken_for_undone() {
        for code in ["MCL_TIMEOUT", "PARTIAL_SUCCESS", "MIRROR_SIZE_MISMATCH"] {
            assert!(kind(code).leaves_doubt(), "{code}");
        }
    }
}
