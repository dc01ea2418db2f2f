//! The CSI node service and kubelet's plugin registration, over the seam [`perilune_host::Host`].
//!
//! [`Node`] answers kubelet's calls: parse, one call of the host, convert. It decides nothing about devices and starts
//! no process. Whoever uses this crate serves [`Node`] before [`Registration`], because kubelet calls back at once.

mod calls;
mod convert;
mod failure;
mod node_id;
mod registration;
mod routes;

pub use calls::{Node, Place};
pub use node_id::NodeId;
pub use registration::{Outcome, Registration};
