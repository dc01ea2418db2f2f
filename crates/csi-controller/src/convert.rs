//! Proto messages into the engine's words and back. Each module has one noun; `wanted` and `unwanted` read a request,
//! `made` and its kin write an answer.

pub(crate) mod attachment;
pub(crate) mod capability;
pub(crate) mod handle;
pub(crate) mod offered;
pub(crate) mod parameters;
pub(crate) mod size;
pub(crate) mod snapshot;
pub(crate) mod validation;
pub(crate) mod volume;

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;

/// We say nothing of topology, so nobody may ask for one.
fn anywhere(requirement: Option<&v1::TopologyRequirement>) -> Result<(), Failure> {
    match requirement {
        Some(given) if !given.requisite.is_empty() || !given.preferred.is_empty() => Err(Failure::field(
            "accessibility_requirements",
            "topology is not offered by this plugin; remove allowedTopologies from the class",
        )),
        _ => Ok(()),
    }
}
