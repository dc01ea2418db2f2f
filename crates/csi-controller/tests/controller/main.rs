//! The Controller service over its real socket, with a real engine on an in-memory array and ledger.

#![expect(clippy::unwrap_used, reason = "a test ends where it stumbles")]

mod ask;
mod codes;
mod inventory;
mod life;
mod places;
mod refusals;
mod replays;
mod rig;
