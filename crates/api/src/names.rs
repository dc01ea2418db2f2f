//! The names that the product and its users share: group, finalizers, parameter keys, Secret keys.

/// The API group of every resource of ours.
pub const GROUP: &str = "perilune.dev";

/// Who owns the fields that the controller writes by server-side apply.
pub const FIELD_MANAGER: &str = "perilune-controller";

/// Holds an `ArrayBackend` until no volume of ours lives on its array.
pub const BACKEND_FINALIZER: &str = "perilune.dev/backend-in-use";

/// Holds an `ArrayVolume` until the volume is gone from the array, so that deleting the record by hand loses nothing.
pub const VOLUME_FINALIZER: &str = "perilune.dev/volume-on-array";

/// Label on an `ArrayVolume`: the `ArrayBackend` where it lives.
pub const BACKEND_LABEL: &str = "perilune.dev/backend";

/// StorageClass parameter: the `ArrayBackend` to use, by name.
pub const PARAMETER_BACKEND: &str = "perilune.dev/backend";

/// StorageClass parameter: the `ArrayBackend`s to choose from, by label (`tier=gold,site=a`).
pub const PARAMETER_BACKEND_SELECTOR: &str = "perilune.dev/backend-selector";

/// StorageClass parameter: the pool to use on the backend.
pub const PARAMETER_POOL: &str = "perilune.dev/pool";

/// The longest name of an `ArrayBackend`: it becomes a label value and part of snapshot handles.
pub const BACKEND_NAME_MAX: usize = 63;

/// Keys of the Secrets that an `ArrayBackend` refers to.
pub mod secret {
    /// User name at the array, or of the CHAP initiator.
    pub const USERNAME: &str = "username";
    /// The password that belongs to [`USERNAME`].
    pub const PASSWORD: &str = "password";
    /// The name under which the target proves itself in mutual CHAP.
    pub const MUTUAL_USERNAME: &str = "mutualUsername";
    /// The secret that belongs to [`MUTUAL_USERNAME`].
    pub const MUTUAL_PASSWORD: &str = "mutualPassword";
    /// Where a CA bundle is looked for unless the reference names another key.
    pub const CA_BUNDLE: &str = "ca.crt";
}
