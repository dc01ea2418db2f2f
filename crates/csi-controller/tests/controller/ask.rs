//! Requests as sidecars send them.

use std::collections::HashMap;
use std::time::Duration;

use perilune_csi::proto::csi::v1;
use tonic::Request;
use v1::volume_capability::access_mode::Mode;
use v1::volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume};
use v1::volume_content_source::{SnapshotSource, Type, VolumeSource};

pub(crate) const GIB: i64 = 1 << 30;

/// An id that this driver could have made, but did not.
pub(crate) const UNKNOWN: &str = "v1:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa";

pub(crate) fn mounted(fs_type: &str, mode: Mode) -> v1::VolumeCapability {
    let mount = MountVolume { fs_type: fs_type.into(), ..MountVolume::default() };
    capability(AccessType::Mount(mount), mode)
}

pub(crate) fn raw(mode: Mode) -> v1::VolumeCapability {
    capability(AccessType::Block(BlockVolume {}), mode)
}

fn capability(access_type: AccessType, mode: Mode) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_type: Some(access_type),
        access_mode: Some(AccessMode { mode: mode.into() }),
    }
}

pub(crate) fn range(required_bytes: i64, limit_bytes: i64) -> Option<v1::CapacityRange> {
    Some(v1::CapacityRange { required_bytes, limit_bytes })
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn create(name: &str, gib: i64) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        name: name.into(),
        capacity_range: range(gib * GIB, 0),
        volume_capabilities: vec![mounted("ext4", Mode::SingleNodeWriter)],
        ..v1::CreateVolumeRequest::default()
    }
}

pub(crate) fn restore(name: &str, gib: i64, snapshot_id: &str) -> v1::CreateVolumeRequest {
    let source = Type::Snapshot(SnapshotSource { snapshot_id: snapshot_id.into() });
    v1::CreateVolumeRequest {
        volume_content_source: Some(v1::VolumeContentSource { r#type: Some(source) }),
        ..create(name, gib)
    }
}

pub(crate) fn clone(name: &str, gib: i64, volume_id: &str) -> v1::CreateVolumeRequest {
    let source = Type::Volume(VolumeSource { volume_id: volume_id.into() });
    v1::CreateVolumeRequest {
        volume_content_source: Some(v1::VolumeContentSource { r#type: Some(source) }),
        ..create(name, gib)
    }
}

pub(crate) fn delete(volume_id: &str) -> v1::DeleteVolumeRequest {
    v1::DeleteVolumeRequest { volume_id: volume_id.into(), ..v1::DeleteVolumeRequest::default() }
}

pub(crate) fn publish(volume_id: &str, node_id: &str) -> v1::ControllerPublishVolumeRequest {
    v1::ControllerPublishVolumeRequest {
        volume_id: volume_id.into(),
        node_id: node_id.into(),
        volume_capability: Some(mounted("ext4", Mode::SingleNodeWriter)),
        ..v1::ControllerPublishVolumeRequest::default()
    }
}

pub(crate) fn unpublish(volume_id: &str, node_id: &str) -> v1::ControllerUnpublishVolumeRequest {
    v1::ControllerUnpublishVolumeRequest {
        volume_id: volume_id.into(),
        node_id: node_id.into(),
        ..v1::ControllerUnpublishVolumeRequest::default()
    }
}

pub(crate) fn validate(volume_id: &str) -> v1::ValidateVolumeCapabilitiesRequest {
    v1::ValidateVolumeCapabilitiesRequest {
        volume_id: volume_id.into(),
        volume_capabilities: vec![mounted("xfs", Mode::SingleNodeWriter)],
        ..v1::ValidateVolumeCapabilitiesRequest::default()
    }
}

pub(crate) fn expand(volume_id: &str, gib: i64) -> v1::ControllerExpandVolumeRequest {
    v1::ControllerExpandVolumeRequest {
        volume_id: volume_id.into(),
        capacity_range: range(gib * GIB, 0),
        ..v1::ControllerExpandVolumeRequest::default()
    }
}

pub(crate) fn modify(volume_id: &str, pairs: &[(&str, &str)]) -> v1::ControllerModifyVolumeRequest {
    v1::ControllerModifyVolumeRequest {
        volume_id: volume_id.into(),
        mutable_parameters: map(pairs),
        ..v1::ControllerModifyVolumeRequest::default()
    }
}

pub(crate) fn look(volume_id: &str) -> v1::ControllerGetVolumeRequest {
    v1::ControllerGetVolumeRequest { volume_id: volume_id.into() }
}

pub(crate) fn health(volume_id: &str) -> v1::ControllerGetVolumeHealthRequest {
    v1::ControllerGetVolumeHealthRequest {
        volume_id: volume_id.into(),
        ..v1::ControllerGetVolumeHealthRequest::default()
    }
}

pub(crate) fn snapshot(name: &str, source_volume_id: &str) -> v1::CreateSnapshotRequest {
    v1::CreateSnapshotRequest {
        name: name.into(),
        source_volume_id: source_volume_id.into(),
        ..v1::CreateSnapshotRequest::default()
    }
}

pub(crate) fn unsnapshot(snapshot_id: &str) -> v1::DeleteSnapshotRequest {
    v1::DeleteSnapshotRequest { snapshot_id: snapshot_id.into(), ..v1::DeleteSnapshotRequest::default() }
}

/// The call of a caller who waits for three seconds: a tenth of that is what a crowded machine may be late with the answer.
pub(crate) fn hasty<T>(body: T) -> Request<T> {
    let mut request = Request::new(body);
    request.set_timeout(Duration::from_secs(3));
    request
}
