//! The CSI Controller service over the engine: what sidecars ask, in the engine's words, and its answers in theirs.
//!
//! [`Controller`] is a routing table; the bodies in `volumes`, `attachments` and `snapshots` parse, call the engine
//! once and convert. `convert` alone looks into proto messages. Nothing here decides anything about storage, and the
//! `secrets` of a request are never looked at: backends have their own.

mod attachments;
mod controller;
mod convert;
mod failure;
mod snapshots;
mod volumes;

pub use controller::{Controller, PLUGIN_CAPABILITIES};
pub use perilune_csi::proto::csi::v1::controller_server::ControllerServer;
