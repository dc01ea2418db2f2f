//! What an array can do, read off its accessors.

use crate::Array;

/// Which optional traits an array implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    pub snapshots: bool,
    pub groups: bool,
    pub group_snapshots: bool,
    pub mirrors: bool,
    pub role_swap: bool,
    pub qos: bool,
    pub rename: bool,
}

impl Capabilities {
    /// The accessor is the capability.
    pub fn of(array: &dyn Array) -> Self {
        Self {
            snapshots: array.snapshots().is_some(),
            groups: array.groups().is_some(),
            group_snapshots: array.group_snapshots().is_some(),
            mirrors: array.mirrors().is_some(),
            role_swap: array.role_swap().is_some(),
            qos: array.qos().is_some(),
            rename: array.rename().is_some(),
        }
    }
}
