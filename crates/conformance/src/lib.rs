//! The port's contract as a suite: each sentence in the docs of the port's traits is one check here.
//!
//! A driver's test gives a [`Bed`] for each check — a fresh array, what it should be able to do, and [`Hands`] that
//! do what hosts do — and calls [`run`]. The in-memory array passes the same checks as every driver.
#![expect(clippy::expect_used, clippy::panic, reason = "a check fails by panicking, and `run` collects that")]

mod access;
mod array;
mod bed;
mod copies;
mod group_snapshots;
mod groups;
mod mirrors;
mod qos;
mod run;
mod snapshots;
mod volumes;

pub use bed::{Bed, Hands};
pub use run::run;
