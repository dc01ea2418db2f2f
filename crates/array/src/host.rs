//! Who may reach a volume, and by which ways.

use std::fmt;

use crate::{Name, Result, VolumeId};

/// How blocks travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    Iscsi,
    Fc,
}

/// The name of a host's port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Initiator {
    /// Lower case.
    Iqn(String),
    /// Sixteen lower-case hex digits.
    Wwpn(String),
}

/// A logical unit number as the kernel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lun(pub u32);

/// A host's native id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(String);

impl HostId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node that wants to reach volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    pub name: Name,
    pub initiators: Vec<Initiator>,
}

/// A host as the array knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub id: HostId,
    pub name: Name,
    pub initiators: Vec<Initiator>,
}

/// One way to a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    Iscsi { iqn: String, portal: String, lun: Lun },
    Fc { wwpn: String, lun: Lun },
}

/// A volume made visible to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub volume: VolumeId,
    pub host: HostId,
    pub read_only: bool,
    /// All ways that the array offers, best first.
    pub paths: Vec<Path>,
}

/// A port that hosts can reach the array through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPort {
    pub protocol: Protocol,
    /// Portal address with port, or WWPN.
    pub address: String,
    pub up: bool,
}

#[async_trait::async_trait]
pub trait Access: Send + Sync {
    /// The ports that hosts can use.
    /// A second call reads again. Transport kinds only.
    async fn ports(&self) -> Result<Vec<TargetPort>>;

    /// The host that owns any of these initiators. With `AccessModel::Account`: the account that stands for all hosts.
    /// A second call reads again. `WrongState` if the initiators are spread over several hosts.
    async fn find_host(&self, spec: &HostSpec) -> Result<Option<Host>>;

    /// Makes the host with its initiators.
    /// A second call answers `Exists`. `InUse` (an initiator belongs to another host), `LimitReached`.
    async fn create_host(&self, spec: &HostSpec) -> Result<Host>;

    /// Gives the host exactly these initiators.
    /// A second call does nothing. `NotFound`, `InUse` as above.
    async fn update_host(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host>;

    /// Ends the host.
    /// A second call answers `NotFound`. `InUse` while anything is mapped to it.
    async fn delete_host(&self, id: &HostId) -> Result<()>;

    /// Makes the volume visible to the host and tells the ways to it. The array chooses the LUN.
    /// A second call answers the mapping that is there. `NotFound` (volume or host), `LimitReached`, `WrongState` (volume is no usable disk now).
    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping>;

    /// Hides it again.
    /// A second call does nothing, also when the volume is gone. `Busy`.
    async fn unmap(&self, volume: &VolumeId, host: &HostId) -> Result<()>;

    /// Who can reach the volume now; with `AccessModel::Account`: who has a session to it now.
    /// A second call reads again. `NotFound`.
    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>>;
}
