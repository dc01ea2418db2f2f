//! What both CSI plugins share: the socket server and its layers, Identity, the parsing of what every request has,
//! the publish context's one codec, and the one maker of `tonic::Status`. Knows no storage word beyond CSI's.

mod authority;
pub mod capability;
pub mod context;
pub mod deadline;
pub mod field;
pub mod identity;
mod observe;
pub mod server;
pub mod status;

pub use perilune_csi_proto as proto;
pub use status::{Code, Failure, answer};
