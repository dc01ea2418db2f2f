//! Clients that others wrote judge the simulator: NetApp's SDK and OpenStack Cinder's driver lead volumes through their
//! whole life, with TLS verification on. What they did is read back by plain JSON-RPC, not through them.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program: it says what took how long, and ends where something is wrong"
)]

mod cinder;
mod cinder_access;
mod cinder_groups;
mod cinder_replication;
mod raw;
mod sdk;
mod sdk_many;
mod sdk_pairs;
mod session;
mod venv;
