//! May a volume be used in these ways?

use perilune_csi::capability::Capability;
use perilune_csi::context::VolumeContext;
use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{VolumeHandle, VolumeView};
use v1::validate_volume_capabilities_response::Confirmed;

use super::{capability, handle, parameters};

/// The question, complete but not judged.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) handle: VolumeHandle,
    capabilities: Vec<Capability>,
}

/// Reads the request.
pub(crate) fn question(request: &v1::ValidateVolumeCapabilitiesRequest) -> Result<Question, Failure> {
    field::id("volume_id", &request.volume_id)?;
    let capabilities = capability::all(&request.volume_capabilities)?;
    Ok(Question { handle: handle::volume("volume_id", &request.volume_id)?, capabilities })
}

/// The answer: confirmed as asked, or the reason why not. Parameters are not confirmed: they chose the place when the
/// volume was made and say nothing about its use.
pub(crate) fn verdict(
    request: v1::ValidateVolumeCapabilitiesRequest,
    question: &Question,
    volume: &VolumeView,
) -> v1::ValidateVolumeCapabilitiesResponse {
    if let Err(objection) = fits(&request, question, volume) {
        return v1::ValidateVolumeCapabilitiesResponse { confirmed: None, message: objection.message };
    }
    let confirmed = Confirmed {
        volume_context: request.volume_context,
        volume_capabilities: request.volume_capabilities,
        ..Confirmed::default()
    };
    v1::ValidateVolumeCapabilitiesResponse { confirmed: Some(confirmed), message: String::new() }
}

fn fits(
    request: &v1::ValidateVolumeCapabilitiesRequest,
    question: &Question,
    volume: &VolumeView,
) -> Result<(), Failure> {
    capability::all_offered(&question.capabilities)?;
    parameters::of_volume(&request.parameters)?;
    parameters::mutable(&request.mutable_parameters)?;
    if request.volume_context.is_empty() {
        return Ok(());
    }
    let field = "volume_context";
    let context = VolumeContext::decode(&request.volume_context).map_err(|error| error.in_field(field))?;
    if context != (VolumeContext { born_empty: volume.born_empty }) {
        return Err(Failure::field(field, "is not the one that the volume was created with"));
    }
    Ok(())
}
