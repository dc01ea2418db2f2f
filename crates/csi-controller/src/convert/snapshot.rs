//! Snapshots.

use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{SnapshotFilter, SnapshotHandle, SnapshotRequest, SnapshotView, VolumeHandle};

use super::{handle, parameters, size, topology};

/// The snapshot that should be.
pub(crate) fn wanted(request: &v1::CreateSnapshotRequest) -> Result<SnapshotRequest, Failure> {
    let name = field::id("name", &request.name)?;
    field::id("source_volume_id", &request.source_volume_id)?;
    field::map("secrets", &request.secrets)?;
    parameters::of_snapshot(&request.parameters)?;
    let place = request.accessibility_requirements.as_ref();
    Ok(SnapshotRequest {
        csi_name: name.to_owned(),
        topology: topology::wanted("accessibility_requirements", place)?,
        source: handle::volume("source_volume_id", &request.source_volume_id)?,
    })
}

/// The snapshot that should not be; `None` if it cannot be there.
pub(crate) fn unwanted(request: &v1::DeleteSnapshotRequest) -> Result<Option<SnapshotHandle>, Failure> {
    field::map("secrets", &request.secrets)?;
    handle::leaving("snapshot_id", &request.snapshot_id)
}

/// The snapshots that are to be listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) filter: SnapshotFilter,
    /// Of those only the ones of this volume.
    pub(crate) source: Option<VolumeHandle>,
}

/// Reads which snapshots are to be listed; `None`: those named cannot be there.
pub(crate) fn listed(request: &v1::ListSnapshotsRequest) -> Result<Option<Listed>, Failure> {
    field::map("secrets", &request.secrets)?;
    let id: Option<Option<SnapshotHandle>> = named("snapshot_id", &request.snapshot_id)?;
    let source: Option<Option<VolumeHandle>> = named("source_volume_id", &request.source_volume_id)?;
    Ok(match (id, source) {
        (None, None) => Some(Listed { filter: SnapshotFilter::All, source: None }),
        (Some(None), _) | (_, Some(None)) => None,
        (None, Some(Some(volume))) => Some(Listed { filter: SnapshotFilter::Of(volume), source: None }),
        (Some(Some(id)), source) => Some(Listed { filter: SnapshotFilter::Id(id), source: source.flatten() }),
    })
}

/// `None`: not named. `Some(None)`: named, and not by an id of ours.
fn named<T: std::str::FromStr>(name: &str, id: &str) -> Result<Option<Option<T>>, Failure> {
    Some(id).filter(|id| !id.is_empty()).map(|id| handle::leaving(name, id)).transpose()
}

/// A snapshot that was taken.
pub(crate) fn taken(
    wanted: &SnapshotRequest,
    view: &SnapshotView,
) -> Result<v1::CreateSnapshotResponse, Failure> {
    let places = topology::news(&view.topology, &wanted.topology);
    let snapshot = v1::Snapshot { accessible_topology: topology::told(&places), ..told(view)? };
    Ok(v1::CreateSnapshotResponse { snapshot: Some(snapshot) })
}

/// A snapshot that is.
pub(crate) fn told(view: &SnapshotView) -> Result<v1::Snapshot, Failure> {
    Ok(v1::Snapshot {
        size_bytes: size::bytes(view.size)?,
        snapshot_id: view.handle.to_string(),
        source_volume_id: view.source.to_string(),
        creation_time: Some(prost_types::Timestamp::from(view.created)),
        ready_to_use: view.ready,
        accessible_topology: topology::told(&view.topology),
        ..v1::Snapshot::default()
    })
}
