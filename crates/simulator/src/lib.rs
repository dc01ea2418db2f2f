//! Simulated arrays on real sockets.
//!
//! An array here keeps its vendor's own rules (names, limits, states, error codes) and is judged by clients we did not
//! write. It shares no type with a driver. [`Simulator::start`] runs the arrays of a [`Config`] inside this process;
//! the binary `perilune-simulator` does the same from a file. Tests steer them through [`Control`], directly or over HTTP.

mod config;
mod control;
mod kernel;
mod running;
mod solidfire;
mod xiv;

pub use config::{
    ArrayConfig, Chap, CloneOverflow, Config, ConfigError, Credentials, Data, LioConfig, PoolConfig,
    ReplicationConfig, TlsConfig, Vendor, XivConfig,
};
pub use control::{Control, ControlError, Statistics};
pub use kernel::faults::{Action, Fault};
pub use kernel::journal::Entry;
pub use running::{ArrayInfo, IscsiPort, PoolInfo, Ready, Running, Simulator, StartError};
