//! What a volume is to be used as, and which uses are offered.

use perilune_csi::Failure;
use perilune_csi::capability::{AccessType, Capability};
use perilune_csi::proto::csi::v1;

/// The file systems that the node plugin makes, mounts and grows.
const FILE_SYSTEMS: [&str; 2] = ["ext4", "xfs"];

/// All of `volume_capabilities`; there must be one.
pub(crate) fn all(given: &[v1::VolumeCapability]) -> Result<Vec<Capability>, Failure> {
    if given.is_empty() {
        return Err(Failure::field("volume_capabilities", "is missing: at least one is needed"));
    }
    each(given)
}

/// All of `volume_capabilities`; there may be none.
pub(crate) fn each(given: &[v1::VolumeCapability]) -> Result<Vec<Capability>, Failure> {
    given.iter().enumerate().map(|(at, one)| Capability::parse(&nth(at), Some(one))).collect()
}

/// Refuses what the plugin does not do with a volume.
pub(crate) fn all_offered(capabilities: &[Capability]) -> Result<(), Failure> {
    capabilities.iter().enumerate().try_for_each(|(at, one)| offered(&nth(at), one))
}

/// The one capability of a call, which must be offered.
pub(crate) fn one(name: &str, given: Option<&v1::VolumeCapability>) -> Result<Capability, Failure> {
    let capability = Capability::parse(name, given)?;
    offered(name, &capability)?;
    Ok(capability)
}

fn nth(at: usize) -> String {
    format!("volume_capabilities[{at}]")
}

fn offered(name: &str, capability: &Capability) -> Result<(), Failure> {
    if let AccessType::Mount { fs_type: Some(fs_type), .. } = &capability.access_type
        && !FILE_SYSTEMS.contains(&fs_type.as_str())
    {
        let problem = format!("{fs_type:?} is not offered; use one of {}", FILE_SYSTEMS.join(", "));
        return Err(Failure::field(&format!("{name}.mount.fs_type"), problem));
    }
    capability.require_safe(name)
}
