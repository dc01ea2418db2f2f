//! May a volume be used in these ways, and is it what these parameters ask for?

use perilune_csi::capability::Capability;
use perilune_csi::context::VolumeContext;
use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::{VolumeQuestion, VolumeView};
use v1::validate_volume_capabilities_response::Confirmed;

use super::{capability, handle, parameters};

/// The question, complete but not judged.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) wanted: VolumeQuestion,
    capabilities: Vec<Capability>,
    /// Parameters that no volume of ours can have.
    odd: Option<Failure>,
}

/// Reads the request.
pub(crate) fn question(request: &v1::ValidateVolumeCapabilitiesRequest) -> Result<Question, Failure> {
    field::id("volume_id", &request.volume_id)?;
    let capabilities = capability::all(&request.volume_capabilities)?;
    for (name, map) in [
        ("volume_context", &request.volume_context),
        ("parameters", &request.parameters),
        ("mutable_parameters", &request.mutable_parameters),
        ("secrets", &request.secrets),
    ] {
        field::map(name, map)?;
    }
    let of_class = parameters::of_volume(&request.parameters).map(|read| read.of_class);
    let of_class = of_class.and_then(|p| Ok((p, parameters::mutable(&request.mutable_parameters)?)));
    let (odd, (parameters, mutable)) = match of_class {
        Ok(read) => (None, read),
        Err(odd) => (Some(odd), Default::default()),
    };
    let volume = handle::volume("volume_id", &request.volume_id)?;
    Ok(Question { wanted: VolumeQuestion { volume, parameters, mutable }, capabilities, odd })
}

/// The answer: all of it confirmed as asked, or the reason why not.
pub(crate) fn verdict(
    request: v1::ValidateVolumeCapabilitiesRequest,
    question: Question,
    volume: &VolumeView,
    objection: Option<String>,
) -> v1::ValidateVolumeCapabilitiesResponse {
    let objection = objection.or_else(|| fits(&request, question, volume).err().map(|e| e.message));
    if let Some(message) = objection {
        return v1::ValidateVolumeCapabilitiesResponse { confirmed: None, message };
    }
    let confirmed = Confirmed {
        volume_context: request.volume_context,
        volume_capabilities: request.volume_capabilities,
        parameters: request.parameters,
        mutable_parameters: request.mutable_parameters,
    };
    v1::ValidateVolumeCapabilitiesResponse { confirmed: Some(confirmed), message: String::new() }
}

fn fits(
    request: &v1::ValidateVolumeCapabilitiesRequest,
    question: Question,
    volume: &VolumeView,
) -> Result<(), Failure> {
    capability::all_offered(&question.capabilities)?;
    question.odd.map_or(Ok(()), Err)?;
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
