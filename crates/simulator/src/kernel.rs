//! What every simulated array needs and no vendor owns: time, sockets with TLS, faults, the journal, data behind volumes.

pub(crate) mod clock;
pub(crate) mod fabric;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod listener;
pub(crate) mod lock;
pub(crate) mod tls;
