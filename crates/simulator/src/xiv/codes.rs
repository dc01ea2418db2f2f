//! The array's own words for why it refuses, each made in one place: code, error level and text.

use crate::kernel::fabric::FabricError;

/// Why a command was refused. The level decides how clients class it: 2 is syntax, 3 runtime, 5 internal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) level: u8,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), level: level(code), text: text.into() }
    }
}

impl From<FabricError> for Refusal {
    /// No code of the array's own: nothing of the array went wrong, the simulator did.
    fn from(error: FabricError) -> Self {
        Self { code: "SIMULATOR_FAILURE".to_owned(), level: 5, text: error.to_string() }
    }
}

/// The level that the array gives a code.
fn level(code: &str) -> u8 {
    match code {
        "ILLEGAL_VALUE"
        | "ILLEGAL_NAME"
        | "UNRECOGNIZED_COMMAND"
        | "UNRECOGNIZED_EVENT_CODE"
        | "BAD_PARAMS" => 2,
        "LOGIN_FAILURE_USER_FAILED_TO_LOGIN" | "USER_OR_PASSWORD_WRONG_OR_MISSING" => 1,
        _ => 3,
    }
}

pub(crate) fn no_command(name: &str) -> Refusal {
    Refusal::new("UNRECOGNIZED_COMMAND", format!("Unrecognized command: {name}"))
}

pub(crate) fn bad_login() -> Refusal {
    Refusal::new("USER_OR_PASSWORD_WRONG_OR_MISSING", "User name or password is wrong or missing")
}

pub(crate) fn bad_arguments(text: impl Into<String>) -> Refusal {
    Refusal::new("BAD_PARAMS", text)
}

pub(crate) fn bad_value(argument: &str, value: &str) -> Refusal {
    Refusal::new("ILLEGAL_VALUE", format!("Illegal value '{value}' for argument '{argument}'"))
}

pub(crate) fn bad_name(name: &str) -> Refusal {
    Refusal::new("ILLEGAL_NAME", format!("Object name '{name}' is illegal"))
}

pub(crate) fn no_volume() -> Refusal {
    Refusal::new("VOLUME_BAD_NAME", "Volume name does not exist")
}

pub(crate) fn volume_exists() -> Refusal {
    Refusal::new("VOLUME_EXISTS", "Volume name already exists")
}

pub(crate) fn no_pool() -> Refusal {
    Refusal::new("POOL_DOES_NOT_EXIST", "Pool does not exist")
}

/// Clients know a full pool by this text.
pub(crate) fn pool_full() -> Refusal {
    Refusal::new("NOT_ENOUGH_SPACE", "No space to allocate to the volume")
}

pub(crate) fn too_many_volumes() -> Refusal {
    Refusal::new("MAX_VOLUMES_REACHED", "Maximum number of volumes already defined")
}

pub(crate) fn locked() -> Refusal {
    Refusal::new("VOLUME_LOCKED", "Volume is locked")
}

pub(crate) fn no_group() -> Refusal {
    Refusal::new("CONS_GROUP_BAD_NAME", "Consistency Group name does not exist")
}

pub(crate) fn no_snapshot_group() -> Refusal {
    Refusal::new("SNAPSHOT_GROUP_BAD_NAME", "Snapshot Group name does not exist")
}

pub(crate) fn no_host() -> Refusal {
    Refusal::new("HOST_BAD_NAME", "Host name does not exist")
}

pub(crate) fn no_cluster() -> Refusal {
    Refusal::new("CLUSTER_BAD_NAME", "Cluster name does not exist")
}

pub(crate) fn no_class() -> Refusal {
    Refusal::new("PERF_CLASS_BAD_NAME", "Performance class does not exist")
}

/// Clients retry with another LUN when they read this text.
pub(crate) fn lun_taken() -> Refusal {
    Refusal::new("LUN_ALREADY_IN_USE", "LUN is already in use in the specified mapping")
}

/// Clients take a volume for detached when they read this text.
pub(crate) fn no_mapping() -> Refusal {
    Refusal::new("MAPPING_IS_NOT_DEFINED", "The requested mapping is not defined")
}

pub(crate) fn other_domain() -> Refusal {
    Refusal::new("TRNS_MGMT_STATUS_OBJECTS_IN_DIFFERENT_DOMAINS", "Objects are not in the same domain")
}

pub(crate) fn no_target() -> Refusal {
    Refusal::new("TARGET_BAD_NAME", "Target name does not exist")
}

pub(crate) fn in_mirrored_group() -> Refusal {
    Refusal::new("VOLUME_BELONGS_TO_MIRRORED_CONS_GROUP", "Volume mirror is part of Consistency Group mirror")
}

pub(crate) fn part_of_snapshot_group() -> Refusal {
    Refusal::new("SNAPSHOT_IS_PART_OF_SNAPSHOT_GROUP", "Snapshot is part of a Snapshot Group")
}

pub(crate) fn not_a_snapshot() -> Refusal {
    Refusal::new("VOLUME_IS_NOT_A_SNAPSHOT", "Operation is permitted only for snapshots")
}
