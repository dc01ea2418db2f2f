//! Volumes and their content sources.

use perilune_csi::context::VolumeContext;
use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{ContentSource, Size, SizeRange, VolumeHandle, VolumeRequest, VolumeView};
use v1::volume_content_source::{SnapshotSource, Type, VolumeSource};

use super::{anywhere, capability, handle, parameters, size};

/// The volume that should be.
pub(crate) fn wanted(request: &v1::CreateVolumeRequest) -> Result<VolumeRequest, Failure> {
    let name = field::id("name", &request.name)?;
    let size = size::range(request.capacity_range.as_ref())?;
    capability::all_offered(&capability::all(&request.volume_capabilities)?)?;
    let parameters = parameters::of_volume(&request.parameters)?;
    parameters::mutable(&request.mutable_parameters)?;
    anywhere(request.accessibility_requirements.as_ref())?;
    Ok(VolumeRequest {
        csi_name: name.to_owned(),
        size,
        backend: parameters.backend,
        pool: parameters.pool,
        source: request.volume_content_source.as_ref().map(source).transpose()?,
        claim: parameters.claim,
        parameters: parameters.of_class,
    })
}

/// The volume that should not be; `None` if it cannot be there.
pub(crate) fn unwanted(request: &v1::DeleteVolumeRequest) -> Result<Option<VolumeHandle>, Failure> {
    handle::leaving("volume_id", &request.volume_id)
}

/// What to grow, and how far.
pub(crate) fn growth(
    request: &v1::ControllerExpandVolumeRequest,
) -> Result<(VolumeHandle, SizeRange), Failure> {
    field::id("volume_id", &request.volume_id)?;
    let range = size::required(request.capacity_range.as_ref())?;
    if request.volume_capability.is_some() {
        capability::one("volume_capability", request.volume_capability.as_ref())?;
    }
    Ok((handle::volume("volume_id", &request.volume_id)?, range))
}

/// A volume that is.
pub(crate) fn made(view: &VolumeView) -> Result<v1::CreateVolumeResponse, Failure> {
    let volume = v1::Volume {
        capacity_bytes: size::bytes(view.size)?,
        volume_id: view.handle.to_string(),
        volume_context: VolumeContext { born_empty: view.born_empty }.encode(),
        content_source: view.source.as_ref().map(told),
        accessible_topology: Vec::new(),
    };
    Ok(v1::CreateVolumeResponse { volume: Some(volume) })
}

/// A volume that has grown. Nodes must look again even at a raw device: each path has its own idea of the size.
pub(crate) fn grown(size: Size) -> Result<v1::ControllerExpandVolumeResponse, Failure> {
    Ok(v1::ControllerExpandVolumeResponse {
        capacity_bytes: size::bytes(size)?,
        node_expansion_required: true,
    })
}

fn source(given: &v1::VolumeContentSource) -> Result<ContentSource, Failure> {
    match &given.r#type {
        None => Err(Failure::field("volume_content_source.type", "is missing: say snapshot or volume")),
        Some(Type::Snapshot(of)) => {
            handle::snapshot("volume_content_source.snapshot.snapshot_id", &of.snapshot_id)
                .map(ContentSource::Snapshot)
        }
        Some(Type::Volume(of)) => {
            handle::volume("volume_content_source.volume.volume_id", &of.volume_id).map(ContentSource::Volume)
        }
    }
}

fn told(source: &ContentSource) -> v1::VolumeContentSource {
    let r#type = match source {
        ContentSource::Volume(handle) => Type::Volume(VolumeSource { volume_id: handle.to_string() }),
        ContentSource::Snapshot(handle) => Type::Snapshot(SnapshotSource { snapshot_id: handle.to_string() }),
    };
    v1::VolumeContentSource { r#type: Some(r#type) }
}
