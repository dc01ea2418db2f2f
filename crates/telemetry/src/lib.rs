//! Logs, metrics and the health endpoint of the binaries. Libraries of ours write to `tracing` and are handed what
//! they count with; they do not depend on this crate.

pub mod health;
pub mod logs;
pub mod metrics;
