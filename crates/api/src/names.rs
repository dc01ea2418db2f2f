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

/// Annotation on an `ArrayBackend`: nothing is altered on the array while it is there; its value says why.
pub const ANNOTATION_FREEZE: &str = "perilune.dev/freeze";

/// Annotation on an `ArrayBackend`, value `true`: look through the whole array now.
pub const ANNOTATION_RESCAN: &str = "perilune.dev/rescan";

/// Annotation on an `ArrayBackend`, value `true`: make records of the volumes that bear our mark and that no record knows.
pub const ANNOTATION_RESTORE_RECORDS: &str = "perilune.dev/restore-records";

/// Annotation on a claim: adopt this volume of an array, `<backend>/<native id>`, instead of making one.
pub const ANNOTATION_IMPORT: &str = "perilune.dev/import";

/// Annotation on a claim with [`ANNOTATION_IMPORT`], value `false`: leave the volume its name at the array.
pub const ANNOTATION_IMPORT_RENAME: &str = "perilune.dev/import-rename";

/// Annotation on a claim, value `true`: let go of its volume, which stays on the array with its data.
pub const ANNOTATION_UNMANAGE: &str = "perilune.dev/unmanage";

/// Annotation on a claim that tells, as JSON, what became of the last command given by annotation.
pub const ANNOTATION_LAST_OPERATION: &str = "perilune.dev/last-operation";

/// Annotation beside a command: its id. A command whose id has ended is not carried out again.
pub const ANNOTATION_REQUEST_ID: &str = "perilune.dev/request-id";

/// Annotation beside a destructive command: the object's own name.
pub const ANNOTATION_CONFIRM: &str = "perilune.dev/confirm";

/// Annotation beside a command, value `true`: only say what would be done.
pub const ANNOTATION_DRY_RUN: &str = "perilune.dev/dry-run";

/// Label of the ConfigMaps with what a scan found: the `ArrayBackend`.
pub const SCAN_LABEL: &str = "perilune.dev/scan";

/// The name of the ConfigMap with one page of what a scan found.
pub fn scan_page(backend: &str, page: usize) -> String {
    format!("perilune-scan-{backend}-{page}")
}

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
