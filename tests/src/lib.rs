//! Perilune on a real cluster: what the demo shows and the cluster tests check, built once for both.
//!
//! [`Bed`] is a lab with a simulated array in a guest of its own and Perilune installed by Helm from the users' chart.
//! [`story`] is the demo, step by step; [`leftovers`] lists what a finished story must not leave anywhere.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start kubectl and helm and wait for a cluster; the rules for a product's processes do not apply"
)]

mod array;
mod bed;
pub mod ginkgo;
mod kubectl;
pub mod leftovers;
mod narrator;
mod places;
pub mod story;

pub use array::{CHAP, Family, solidfire_call};
pub use bed::{Bed, NAMESPACE};
pub use kubectl::{Kubectl, wait_for};
pub use narrator::Narrator;
pub use places::Places;
