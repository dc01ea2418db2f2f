//! What a volume is to be used as: `VolumeCapability` in words that engine and host sides translate from.

use perilune_csi_proto::csi::v1;
use v1::volume_capability::access_mode::Mode;
use v1::volume_capability::{AccessType as ProtoAccessType, MountVolume};

use crate::field;
use crate::status::Failure;

/// The parsed form of one `VolumeCapability`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Raw device or file system.
    pub access_type: AccessType,
    /// Who may use it at once, and how.
    pub access_mode: AccessMode,
}

/// Raw device or file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessType {
    /// The device itself.
    Block,
    /// A file system on it.
    Mount {
        /// Its type; none leaves the choice to the plugin.
        fs_type: Option<String>,
        /// Mount options. May be sensitive: keep them out of logs.
        mount_flags: Vec<String>,
    },
}

/// Who may use a volume at once, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessMode {
    /// One node, said by a caller that does not tell the two modes below apart.
    SingleNodeWriter,
    /// One node, read only.
    SingleNodeReader,
    /// Many nodes, all read only.
    MultiNodeReader,
    /// Many nodes, one of them writing.
    MultiNodeSingleWriter,
    /// Many nodes, all writing.
    MultiNodeMultiWriter,
    /// One node, one place on it.
    SingleNodeSingleWriter,
    /// One node, many places on it.
    SingleNodeMultiWriter,
}

impl AccessMode {
    /// At most one node may have it.
    pub const fn single_node(self) -> bool {
        matches!(
            self,
            Self::SingleNodeWriter
                | Self::SingleNodeReader
                | Self::SingleNodeSingleWriter
                | Self::SingleNodeMultiWriter
        )
    }

    /// At most one place on a node may have it.
    pub const fn single_place(self) -> bool {
        matches!(self, Self::SingleNodeSingleWriter)
    }

    /// Nobody may write.
    pub const fn read_only(self) -> bool {
        matches!(self, Self::SingleNodeReader | Self::MultiNodeReader)
    }
}

impl Capability {
    /// Reads the capability in `field` of a request; it must be complete.
    pub fn parse(field: &str, capability: Option<&v1::VolumeCapability>) -> Result<Self, Failure> {
        let capability = capability.ok_or_else(|| Failure::field(field, "is missing"))?;
        Ok(Self {
            access_type: access_type(field, capability)?,
            access_mode: access_mode(field, capability)?,
        })
    }

    /// Refuses what no array can make safe: a file system that several nodes have mounted while one of them writes.
    pub fn require_safe(&self, field: &str) -> Result<(), Failure> {
        let shared = !self.access_mode.single_node() && !self.access_mode.read_only();
        if shared && matches!(self.access_type, AccessType::Mount { .. }) {
            let problem = "a file system cannot be written by one node while others have it mounted; ask for \
                           volumeMode Block or for ReadWriteOnce";
            return Err(Failure::field(&format!("{field}.access_mode"), problem));
        }
        Ok(())
    }
}

fn access_type(field: &str, capability: &v1::VolumeCapability) -> Result<AccessType, Failure> {
    match &capability.access_type {
        None => Err(Failure::field(&format!("{field}.access_type"), "is missing: say block or mount")),
        Some(ProtoAccessType::Block(_)) => Ok(AccessType::Block),
        Some(ProtoAccessType::Mount(mount)) => mounted(&format!("{field}.mount"), mount),
    }
}

fn mounted(field: &str, mount: &MountVolume) -> Result<AccessType, Failure> {
    let size: usize = mount.mount_flags.iter().map(String::len).sum();
    if size > field::MAP_LIMIT {
        let problem = format!("has {size} bytes, more than the {} allowed", field::MAP_LIMIT);
        return Err(Failure::field(&format!("{field}.mount_flags"), problem));
    }
    if !mount.volume_mount_group.is_empty() {
        let problem = "is not offered by this plugin; use fsGroup of the pod";
        return Err(Failure::field(&format!("{field}.volume_mount_group"), problem));
    }
    let fs_type = (!mount.fs_type.is_empty())
        .then(|| field::id(&format!("{field}.fs_type"), &mount.fs_type).map(str::to_owned))
        .transpose()?;
    Ok(AccessType::Mount { fs_type, mount_flags: mount.mount_flags.clone() })
}

fn access_mode(field: &str, capability: &v1::VolumeCapability) -> Result<AccessMode, Failure> {
    let field = format!("{field}.access_mode");
    let number = capability.access_mode.as_ref().ok_or_else(|| Failure::field(&field, "is missing"))?.mode;
    match Mode::try_from(number) {
        Ok(Mode::SingleNodeWriter) => Ok(AccessMode::SingleNodeWriter),
        Ok(Mode::SingleNodeReaderOnly) => Ok(AccessMode::SingleNodeReader),
        Ok(Mode::MultiNodeReaderOnly) => Ok(AccessMode::MultiNodeReader),
        Ok(Mode::MultiNodeSingleWriter) => Ok(AccessMode::MultiNodeSingleWriter),
        Ok(Mode::MultiNodeMultiWriter) => Ok(AccessMode::MultiNodeMultiWriter),
        Ok(Mode::SingleNodeSingleWriter) => Ok(AccessMode::SingleNodeSingleWriter),
        Ok(Mode::SingleNodeMultiWriter) => Ok(AccessMode::SingleNodeMultiWriter),
        Ok(Mode::Unknown) => Err(Failure::field(&field, "is UNKNOWN")),
        Err(_) => Err(Failure::field(&field, format!("{number} is no access mode of CSI 1.12 or 1.13"))),
    }
}

#[cfg(test)]
mod tests;
