//! The error names of Element's API, each made in one place. The numeric code is 500 in all of them.

use crate::kernel::fabric::FabricError;

/// Why a call was refused: name and message of the answer's `error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) name: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: message.into() }
    }
}

impl From<FabricError> for Refusal {
    /// No name of the array's own: nothing of the array went wrong, the simulator did.
    fn from(error: FabricError) -> Self {
        Self::new("xSimulatorFailure", error.to_string())
    }
}

pub(crate) fn missing(parameter: &str) -> Refusal {
    Refusal::new("xMissingParameter", format!("Missing member=[{parameter}]"))
}

pub(crate) fn wrong_type(parameter: &str, wanted: &str) -> Refusal {
    Refusal::new("xInvalidParameterType", format!("{parameter} must be {wanted}"))
}

pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("xInvalidParameter", message)
}

pub(crate) fn combination(message: impl Into<String>) -> Refusal {
    Refusal::new("xInvalidAPIParameter", message)
}

pub(crate) fn enumeration(value: &str) -> Refusal {
    Refusal::new("xUnrecognizedEnumString", value)
}

pub(crate) fn exceeded(message: impl Into<String>) -> Refusal {
    Refusal::new("xExceededLimit", message)
}

pub(crate) fn unknown_method(method: &str) -> Refusal {
    Refusal::new("xUnknownAPIMethod", format!(" method={method}"))
}

pub(crate) fn unknown_account() -> Refusal {
    Refusal::new("xUnknownAccount", "xUnknownAccount")
}

pub(crate) fn no_account(id: u64) -> Refusal {
    Refusal::new("xAccountIDDoesNotExist", format!("Illegal AccountID {id}"))
}

pub(crate) fn no_volume(id: u64) -> Refusal {
    Refusal::new("xVolumeIDDoesNotExist", format!("VolumeID {id} does not exist."))
}

pub(crate) fn no_snapshot(id: u64) -> Refusal {
    Refusal::new("xSnapshotIDDoesNotExist", format!("SnapshotID {id} does not exist."))
}

pub(crate) fn no_group_snapshot(id: u64) -> Refusal {
    Refusal::new("xGroupSnapshotIDDoesNotExist", format!("GroupSnapshotID {id} does not exist."))
}

pub(crate) fn no_access_group(id: u64) -> Refusal {
    Refusal::new("xVolumeAccessGroupIDDoesNotExist", format!("VolumeAccessGroupID {id} does not exist."))
}

pub(crate) fn not_in_access_group(volume: u64, group: u64) -> Refusal {
    let message = format!("VolumeID {volume} is not in VolumeAccessGroupID {group}.");
    Refusal::new("xNotInVolumeAccessGroup", message)
}

pub(crate) fn no_qos_policy(id: u64) -> Refusal {
    Refusal::new("xQoSPolicyDoesNotExist", format!("QoSPolicyID {id} does not exist."))
}

pub(crate) fn no_initiator(id: u64) -> Refusal {
    Refusal::new("xInitiatorDoesNotExist", format!("InitiatorID {id} does not exist."))
}

pub(crate) fn no_async_result(id: u64) -> Refusal {
    Refusal::new("xAsyncHandleDoesNotExist", format!("Async handle {id} does not exist."))
}

pub(crate) fn no_clone(id: u64) -> Refusal {
    Refusal::new("xCloneIDDoesNotExist", format!("CloneID {id} does not exist."))
}

pub(crate) fn no_cluster_pair(id: u64) -> Refusal {
    Refusal::new("xClusterPairIDDoesNotExist", format!("ClusterPairID {id} does not exist."))
}

pub(crate) fn too_many_volumes() -> Refusal {
    Refusal::new("xMaxVolumeCountExceeded", "Exceeded maximum number of volumes")
}

/// A clone whose metadata is still being built.
pub(crate) fn not_ready(id: u64) -> Refusal {
    Refusal::new("xSliceNotRegistered", format!("VolumeID {id} is not ready."))
}

pub(crate) fn full() -> Refusal {
    Refusal::new("xTotalCapacityExceeded", "The cluster does not have enough capacity.")
}
