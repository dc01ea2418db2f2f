//! Volumes and their content sources.

use std::collections::BTreeMap;

use perilune_csi::capability::AccessType;
use perilune_csi::context::VolumeContext;
use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{
    ContentSource, Size, SizeRange, VolumeHandle, VolumeRequest, VolumeStatus, VolumeView,
};
use v1::volume_content_source::{SnapshotSource, Type, VolumeSource};

use super::{capability, handle, health, parameters, size, topology};

/// The volume that should be.
pub(crate) fn wanted(request: &v1::CreateVolumeRequest) -> Result<VolumeRequest, Failure> {
    let name = field::id("name", &request.name)?;
    let size = size::range(request.capacity_range.as_ref())?;
    capability::all_offered(&capability::all(&request.volume_capabilities)?)?;
    let parameters = parameters::of_volume(&request.parameters)?;
    field::map("secrets", &request.secrets)?;
    Ok(VolumeRequest {
        csi_name: name.to_owned(),
        size,
        backend: parameters.backend,
        pool: parameters.pool,
        source: request.volume_content_source.as_ref().map(source).transpose()?,
        claim: parameters.claim,
        parameters: parameters.of_class,
        mutable: parameters::mutable(&request.mutable_parameters)?,
        topology: topology::wanted(
            "accessibility_requirements",
            request.accessibility_requirements.as_ref(),
        )?,
    })
}

/// The volume that should not be; `None` if it cannot be there.
pub(crate) fn unwanted(request: &v1::DeleteVolumeRequest) -> Result<Option<VolumeHandle>, Failure> {
    field::map("secrets", &request.secrets)?;
    handle::leaving("volume_id", &request.volume_id)
}

/// What to grow, how far, and whether it is used as a raw device as far as is known.
#[derive(Debug)]
pub(crate) struct Growth {
    pub(crate) volume: VolumeHandle,
    pub(crate) range: SizeRange,
    pub(crate) raw: bool,
}

/// Reads what to grow.
pub(crate) fn growth(request: &v1::ControllerExpandVolumeRequest) -> Result<Growth, Failure> {
    field::id("volume_id", &request.volume_id)?;
    field::map("secrets", &request.secrets)?;
    let range = size::required(request.capacity_range.as_ref())?;
    let used_as = request.volume_capability.as_ref();
    let used_as = used_as.map(|given| capability::one("volume_capability", Some(given))).transpose()?;
    let raw = used_as.is_some_and(|used_as| used_as.access_type == AccessType::Block);
    Ok(Growth { volume: handle::volume("volume_id", &request.volume_id)?, range, raw })
}

/// What to alter, and how.
pub(crate) fn change(
    request: &v1::ControllerModifyVolumeRequest,
) -> Result<(VolumeHandle, BTreeMap<String, String>), Failure> {
    field::id("volume_id", &request.volume_id)?;
    field::map("secrets", &request.secrets)?;
    let wanted = parameters::mutable(&request.mutable_parameters)?;
    Ok((handle::volume("volume_id", &request.volume_id)?, wanted))
}

/// A volume that was made.
pub(crate) fn made(view: &VolumeView) -> Result<v1::CreateVolumeResponse, Failure> {
    Ok(v1::CreateVolumeResponse { volume: Some(volume(view)?) })
}

/// A volume in a list.
pub(crate) fn entry(found: &VolumeStatus) -> Result<v1::list_volumes_response::Entry, Failure> {
    let status = v1::list_volumes_response::VolumeStatus {
        published_node_ids: found.view.nodes.clone(),
        volume_condition: Some(health::condition(&found.health)),
    };
    Ok(v1::list_volumes_response::Entry { volume: Some(volume(&found.view)?), status: Some(status) })
}

/// A volume that was looked at by itself.
pub(crate) fn looked_at(found: &VolumeStatus) -> Result<v1::ControllerGetVolumeResponse, Failure> {
    let status = v1::controller_get_volume_response::VolumeStatus {
        published_node_ids: found.view.nodes.clone(),
        volume_condition: Some(health::condition(&found.health)),
    };
    Ok(v1::ControllerGetVolumeResponse { volume: Some(volume(&found.view)?), status: Some(status) })
}

fn volume(view: &VolumeView) -> Result<v1::Volume, Failure> {
    Ok(v1::Volume {
        capacity_bytes: size::bytes(view.size)?,
        volume_id: view.handle.to_string(),
        volume_context: VolumeContext { born_empty: view.born_empty }.encode(),
        content_source: view.source.as_ref().map(told),
        accessible_topology: topology::told(&view.topology),
    })
}

/// A volume that has grown. Nodes that have it must look again even at a raw device: each path has its own idea of the
/// size. Only a raw device that nobody has needs nothing more.
pub(crate) fn grown(size: Size, settled: bool) -> Result<v1::ControllerExpandVolumeResponse, Failure> {
    Ok(v1::ControllerExpandVolumeResponse {
        capacity_bytes: size::bytes(size)?,
        node_expansion_required: !settled,
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
