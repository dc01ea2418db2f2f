//! How bytes reach an array: TLS trust, endpoint failover, JSON over HTTP, documents over plain TLS, and what must not be
//! seen of it.
//!
//! [`Client`] and [`Line`] are one keep-alive session with one array that may have several addresses. Their [`Error`] says how far a
//! call got, and that is all it judges: a call is sent again, on the next address, only when it was certainly not
//! delivered. What a call means, how many may run at once and whether one is worth another try is for the layers above.

mod client;
mod error;
mod line;
mod redaction;
mod trust;

pub use client::{Address, Client, Login, Plan};
pub use error::{Error, Result, Source};
pub use line::Line;
pub use redaction::Redaction;
pub use trust::Trust;
