//! Clients that others wrote judge the simulator: NetApp's SDK and OpenStack Cinder's driver lead volumes through their
//! whole life, with TLS verification on. What they did is read back by plain JSON-RPC, not through them.

mod cinder;
mod raw;
mod sdk;
mod session;
mod venv;
