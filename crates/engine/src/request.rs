//! What callers ask of the engine, in domain words.

use std::collections::BTreeMap;

use perilune_array::Size;

use crate::handle::{SnapshotHandle, VolumeHandle};
use crate::topology::{Segments, TopologyRequirement};

/// The PVC that a volume is for; for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub namespace: String,
    pub name: String,
}

/// Sizes that the caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SizeRange {
    /// At least this; zero if the caller does not mind.
    pub required: Size,
    /// At most this.
    pub limit: Option<Size>,
}

/// Which backends a volume may go to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BackendChoice {
    #[default]
    Any,
    Named(String),
    /// Backends that bear all these labels.
    Labelled(BTreeMap<String, String>),
}

/// Where the first content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentSource {
    Volume(VolumeHandle),
    Snapshot(SnapshotHandle),
}

/// A volume that should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeRequest {
    /// The caller's name for it: the same name is the same volume.
    pub csi_name: String,
    pub size: SizeRange,
    pub backend: BackendChoice,
    /// Only this pool of the backend.
    pub pool: Option<String>,
    pub source: Option<ContentSource>,
    pub claim: Option<Claim>,
    /// The parameters as given, kept to compare a repeated request with.
    pub parameters: BTreeMap<String, String>,
    /// Parameters that can be altered later, at birth; see [`crate::qos`] for the keys.
    pub mutable: BTreeMap<String, String>,
    pub topology: TopologyRequirement,
}

/// A snapshot that should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRequest {
    pub csi_name: String,
    pub source: VolumeHandle,
    /// From where volumes made of it must be reachable.
    pub topology: TopologyRequirement,
}

/// Whose free room is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CapacityRequest {
    pub backend: BackendChoice,
    /// Only this pool.
    pub pool: Option<String>,
    /// Only what can be reached from here.
    pub topology: Option<Segments>,
}

/// Which snapshots are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SnapshotFilter {
    #[default]
    All,
    Id(SnapshotHandle),
    Of(VolumeHandle),
}
