//! The port: what Perilune asks of a storage array, in the words of the domain.
//!
//! A driver implements [`Array`]; the engine is its only caller. The words live in one module per noun, the verbs
//! in traits of at most eight primitives. An optional trait is a capability: [`Capabilities::of`] reads it off the
//! accessors, nothing declares it a second time.
//!
//! Every verb keeps the same promises:
//!
//! * It is one attempt. A verb never retries, never locks, never counts; the engine does.
//! * It is honest. `create` on a taken name answers [`ErrorKind::Exists`], `delete` of nothing
//!   [`ErrorKind::NotFound`]; making that converge is the engine's work.
//! * Its error says how far it got: [`ErrorKind::Unreachable`] was certainly not delivered,
//!   [`ErrorKind::NoAnswer`] and [`ErrorKind::Garbled`] perhaps were.
//!
//! What does not live here: sockets, Kubernetes, CSI, and any vendor's word beyond its tag.

mod capability;
mod connect;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
mod group;
mod host;
mod identity;
mod mirror;
mod name;
mod pool;
mod profile;
mod qos;
mod secret;
mod size;
mod snapshot;
mod volume;

pub use capability::Capabilities;
pub use connect::{Chap, ConnectSpec, Connector, Credentials, Endpoint, Settings, Trust, Vendor};
pub use error::{Error, ErrorKind, Result, VendorFault};
pub use group::{
    Group, GroupId, GroupSnapshot, GroupSnapshotId, GroupSnapshots, Groups, Members, NewGroup,
    NewGroupSnapshot,
};
pub use host::{Access, Host, HostId, HostSpec, Initiator, Lun, Mapping, Path, Protocol, TargetPort};
pub use identity::{ArrayId, Origin, Owner, Page, PageToken, RecordId, Wwid};
pub use mirror::{
    Activity, Currency, Direction, Half, Invitation, Link, Mirrors, Mode, NewMirror, Pairing, PeerCopy, Role,
    RoleSwap, Subject,
};
pub use name::{Name, NameRules};
pub use pool::{Health, Pool, PoolId, SystemReport};
pub use profile::{AccessModel, Profile};
pub use qos::{Limit, Qos, QosLimits, QosWish, Throughput};
pub use secret::Secret;
pub use size::{Size, SizeRules};
pub use snapshot::{NewSnapshot, Snapshot, SnapshotId, Snapshots};
pub use volume::{NewVolume, Rename, Source, Tie, Volume, VolumeId, VolumeState, Volumes};

/// One connected storage array.
#[async_trait::async_trait]
pub trait Array: Send + Sync + std::fmt::Debug {
    /// What this array accepts: name rules, sizes, LUNs, protocols. From memory; fixed for one connection.
    fn profile(&self) -> &Profile;

    /// Reads identity, firmware, health and pools, live. A second call reads again. Any transport kind.
    async fn inspect(&self) -> Result<SystemReport>;

    /// Volumes: every array has them.
    fn volumes(&self) -> &dyn Volumes;

    /// Hosts, mappings and target ports: every array has them.
    fn access(&self) -> &dyn Access;

    /// Point-in-time copies of one volume.
    fn snapshots(&self) -> Option<&dyn Snapshots> {
        None
    }

    /// Consistency groups that the array itself knows.
    fn groups(&self) -> Option<&dyn Groups> {
        None
    }

    /// Write-order consistent snapshots of several volumes.
    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        None
    }

    /// Copies kept on another array.
    fn mirrors(&self) -> Option<&dyn Mirrors> {
        None
    }

    /// Exchanging the two roles of a mirror in one safe step.
    fn role_swap(&self) -> Option<&dyn RoleSwap> {
        None
    }

    /// Limits on what hosts may draw from a volume.
    fn qos(&self) -> Option<&dyn Qos> {
        None
    }

    /// Giving a volume another name.
    fn rename(&self) -> Option<&dyn Rename> {
        None
    }
}
