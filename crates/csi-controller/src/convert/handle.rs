//! Ids of volumes, snapshots and nodes.
//!
//! An id that we cannot have made names nothing: who wants it gone has what they want, anybody else gets NOT_FOUND.

use std::fmt::Display;
use std::str::FromStr;

use perilune_csi::{Code, Failure, field};
use perilune_engine::{SnapshotHandle, VolumeHandle};

/// What CSI lets a node id carry.
const NODE_LIMIT: usize = 256;

/// A volume that is to be used.
pub(crate) fn volume(field: &str, id: &str) -> Result<VolumeHandle, Failure> {
    used(field, "volume", id)
}

/// A snapshot that is to be used.
pub(crate) fn snapshot(field: &str, id: &str) -> Result<SnapshotHandle, Failure> {
    used(field, "snapshot", id)
}

/// A volume or snapshot that is to be gone; `None` if it cannot be there.
pub(crate) fn leaving<T: FromStr>(field: &str, id: &str) -> Result<Option<T>, Failure> {
    Ok(field::id(field, id)?.parse().ok())
}

/// The id of a node.
pub(crate) fn node<'a>(field: &str, id: &'a str) -> Result<&'a str, Failure> {
    field::text(field, id, NODE_LIMIT)
}

fn used<T: FromStr<Err: Display>>(field: &str, what: &str, id: &str) -> Result<T, Failure> {
    field::id(field, id)?
        .parse()
        .map_err(|error| Failure::new(Code::NotFound, format!("{field}: there is no {what} {id:?}: {error}")))
}
