//! The Kubernetes side of the controller: what it watches and what it keeps there.
//!
//! * [`run`] reconciles `ArrayBackend` objects into the engine's fleet, and tells in their status what came of it.
//! * [`ArrayVolumeLedger`] is the engine's ledger, one `ArrayVolume` object per volume.
//! * [`ArrayNodes`] is what the engine knows of nodes, [`ClaimWishes`] what claims say beside their requests.
//! * [`WriterLease`] elects the replica that may alter arrays.
//!
//! A reconciler implements four hooks, see [`runner`]; all that is the same for every kind is done there once. Arrays are
//! reached through the engine alone.

mod backend;
mod claims;
mod lease;
mod ledger;
mod nodes;
mod quantity;
pub mod runner;
mod wishes;

pub use backend::{OperatorSettings, run};
pub use lease::{LeaseEnd, LeaseSettings, WriterLease};
pub use ledger::ArrayVolumeLedger;
pub use nodes::ArrayNodes;
pub use wishes::ClaimWishes;
