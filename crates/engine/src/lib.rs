//! Converge use cases over the port: the only door from Kubernetes and CSI to the arrays.
//!
//! * [`Engine`] has one method per use case (`ensure_volume`, `remove_volume`, `publish`, …). Each is *observe →
//!   decide → act*, may be called any number of times with the same request, and ends in the same state.
//! * [`Fleet`] holds the connected backends. The reconciler of `ArrayBackend` applies descriptions to it; the engine
//!   takes sessions from it.
//! * [`Nodes`] is the port to what is known of nodes. [`topology`] and [`qos`] say what the keys mean that classes and
//!   nodes use.
//! * [`Ledger`] is the port to the crash journal: which volume lives where. An intent is written there before the
//!   first altering array call. The `operator` crate implements it over `ArrayVolume` objects.
//! * [`Failure`] is what every use case fails with: a code, a reason, a message and when to try again, all from the one
//!   table in [`disposition`].
//!
//! What does not live here: vendors, Kubernetes, gRPC. The port's traits are not handed on; its words are.

mod attach;
mod capacity;
mod clock;
pub mod disposition;
mod engine;
mod failure;
pub mod fleet;
mod guard;
pub mod handle;
mod health;
mod import;
pub mod ledger;
mod listing;
mod lock;
pub mod meter;
mod naming;
pub mod nodes;
mod placement;
pub mod qos;
mod rating;
mod release;
mod request;
pub mod restore;
pub mod scan;
mod snapshot;
mod tend;
#[cfg(test)]
mod testing;
pub mod topology;
mod volume;
pub mod wishes;
mod writer;

pub use attach::{Attachment, PublishRequest};
pub use capacity::Capacity;
pub use clock::Clock;
pub use disposition::{Code, Requeue, UseCase};
pub use engine::Engine;
pub use failure::Failure;
pub use fleet::{
    AdministrativeState, Applied, BackendReport, BackendSpec, BackendView, ConnectFault, FaultReason, Fleet,
    HostPolicy, Limits, PoolSpec, Scheduling,
};
pub use handle::{SnapshotHandle, VolumeHandle};
pub use health::{HealthKind, ScanFindings, VolumeHealth};
pub use ledger::{Ledger, LedgerError};
pub use listing::{Paged, VolumeStatus};
pub use meter::Meter;
pub use nodes::{NodeFacts, Nodes};
pub use request::{
    BackendChoice, CapacityRequest, Claim, ContentSource, SizeRange, SnapshotFilter, SnapshotRequest,
    VolumeRequest,
};
pub use restore::Restored;
pub use scan::{Manageable, Missing, Orphan, Scan};
pub use snapshot::SnapshotView;
pub use tend::Tended;
pub use topology::{Segments, TopologyRequirement};
pub use volume::{VolumeQuestion, VolumeView};
pub use writer::Writer;

pub use perilune_array::{
    ArrayId, Capabilities, Chap, ConnectSpec, Connector, Credentials, Endpoint, ErrorKind, Health, HostId,
    Initiator, Lun, Name, Owner, Path, Pool, PoolId, Protocol, RecordId, Secret, Settings, Size, SizeRules,
    SnapshotId, SystemReport, TargetPort, Throughput, Trust, Vendor, VolumeId, Wwid,
};
