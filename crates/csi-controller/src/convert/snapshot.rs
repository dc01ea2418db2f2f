//! Snapshots.

use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{SnapshotHandle, SnapshotRequest, SnapshotView};

use super::{anywhere, handle, parameters, size};

/// The snapshot that should be.
pub(crate) fn wanted(request: &v1::CreateSnapshotRequest) -> Result<SnapshotRequest, Failure> {
    let name = field::id("name", &request.name)?;
    field::id("source_volume_id", &request.source_volume_id)?;
    parameters::of_snapshot(&request.parameters)?;
    anywhere(request.accessibility_requirements.as_ref())?;
    Ok(SnapshotRequest {
        csi_name: name.to_owned(),
        source: handle::volume("source_volume_id", &request.source_volume_id)?,
    })
}

/// The snapshot that should not be; `None` if it cannot be there.
pub(crate) fn unwanted(request: &v1::DeleteSnapshotRequest) -> Result<Option<SnapshotHandle>, Failure> {
    handle::leaving("snapshot_id", &request.snapshot_id)
}

/// A snapshot that is.
pub(crate) fn taken(view: &SnapshotView) -> Result<v1::CreateSnapshotResponse, Failure> {
    let snapshot = v1::Snapshot {
        size_bytes: size::bytes(view.size)?,
        snapshot_id: view.handle.to_string(),
        source_volume_id: view.source.to_string(),
        creation_time: Some(prost_types::Timestamp::from(view.created)),
        ready_to_use: view.ready,
        ..v1::Snapshot::default()
    };
    Ok(v1::CreateSnapshotResponse { snapshot: Some(snapshot) })
}
