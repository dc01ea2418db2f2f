//! What tests and the demo run against, and the owner of its life: a real Kubernetes control plane as plain
//! processes, guests with a kernel of their own (User Mode Linux) as nodes or as whatever a test puts into
//! them, and the network between them. Asserts nothing and knows none of our kinds.
//!
//! Everything of one lab lives in one process, network and mount namespace, so its addresses are always the
//! same, labs run side by side, and the death of the supervisor, however sudden, leaves neither a process nor
//! an interface behind. [`Lab`] is the caller's side; the binary `perilune-lab` is the other.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab is test equipment made of processes; the rules for a product's processes do not apply"
)]

pub mod agent;
mod clock;
mod control;
mod control_plane;
mod disk;
pub mod events;
mod guest;
mod https;
pub mod image;
pub mod isolation;
mod lab;
mod network;
mod pki;
mod process;
mod relay;
mod spec;
pub mod supervisor;

pub use agent::Output;
pub use events::Event;
pub use lab::{Forward, Guest, Lab};
pub use spec::{Command, GuestSpec, Role, Spec};
