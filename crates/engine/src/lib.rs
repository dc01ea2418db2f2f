//! Converge use cases over the port: the only door from Kubernetes and CSI to the arrays.
//!
//! * [`Engine`] has one method per use case (`ensure_volume`, `remove_volume`, `publish`, …). Each is *observe →
//!   decide → act*, may be called any number of times with the same request, and ends in the same state.
//! * [`Fleet`] holds the connected backends. The reconciler of `ArrayBackend` applies descriptions to it; the engine
//!   takes sessions from it.
//! * [`Ledger`] is the port to the crash journal: which volume lives where. An intent is written there before the
//!   first altering array call. The `operator` crate implements it over `ArrayVolume` objects.
//! * [`Failure`] is what every use case fails with: a code, a reason, a message and when to try again, all from the one
//!   table in [`disposition`].
//!
//! What does not live here: vendors, Kubernetes, gRPC. The port's traits are not handed on; its words are.

mod attach;
pub mod disposition;
mod engine;
mod failure;
pub mod fleet;
mod guard;
pub mod handle;
pub mod ledger;
mod lock;
pub mod meter;
mod naming;
mod placement;
mod request;
mod snapshot;
mod volume;

pub use attach::{Attachment, PublishRequest};
pub use disposition::{Code, Requeue, UseCase};
pub use engine::{Engine, Writer};
pub use failure::Failure;
pub use fleet::{
    AdministrativeState, Applied, BackendReport, BackendSpec, BackendView, ConnectFault, FaultReason, Fleet,
    Limits,
};
pub use handle::{SnapshotHandle, VolumeHandle};
pub use ledger::{Ledger, LedgerError};
pub use meter::Meter;
pub use request::{BackendChoice, Claim, ContentSource, SizeRange, SnapshotRequest, VolumeRequest};
pub use snapshot::SnapshotView;
pub use volume::VolumeView;

pub use perilune_array::{
    ArrayId, Capabilities, Chap, ConnectSpec, Connector, Credentials, Endpoint, ErrorKind, Health, Lun, Name,
    Owner, Path, Pool, PoolId, Protocol, RecordId, Secret, Settings, Size, SizeRules, SnapshotId,
    SystemReport, TargetPort, Trust, Vendor, VolumeId, Wwid,
};
