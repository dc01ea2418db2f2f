//! What the Controller service offers: exactly the calls in the routing table.

use perilune_csi::proto::csi::v1;
use v1::controller_service_capability::rpc::Type as Call;
use v1::controller_service_capability::{Rpc, Type};

const OFFERED: [Call; 17] = [
    Call::CreateDeleteVolume,
    Call::PublishUnpublishVolume,
    Call::PublishReadonly,
    Call::CloneVolume,
    Call::ExpandVolume,
    Call::ModifyVolume,
    // the finer modes of one node are understood
    Call::SingleNodeMultiWriter,
    Call::ListVolumes,
    Call::ListVolumesPublishedNodes,
    Call::GetVolume,
    Call::GetCapacity,
    Call::CreateDeleteSnapshot,
    Call::ListSnapshots,
    Call::GetSnapshot,
    // how a volume fares: as CSI 1.12 has it, and as 1.13 does
    Call::VolumeCondition,
    Call::GetVolumeHealth,
    Call::ListVolumeHealth,
];

/// The answer to `ControllerGetCapabilities`.
pub(crate) fn capabilities() -> v1::ControllerGetCapabilitiesResponse {
    let capability =
        |call: Call| v1::ControllerServiceCapability { r#type: Some(Type::Rpc(Rpc { r#type: call.into() })) };
    v1::ControllerGetCapabilitiesResponse { capabilities: OFFERED.into_iter().map(capability).collect() }
}
