//! Clients that others wrote judge the simulated arrays of the XIV family: IBM's client library and OpenStack Cinder's driver
//! lead volumes, groups and mirrors through their whole life. What they did is read back by plain XCLI, not through them.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program: it says what took how long, and ends where something is wrong"
)]

mod cinder;
mod lab;
mod pyxcli;
mod session;
#[path = "../clients/venv.rs"]
mod venv;
