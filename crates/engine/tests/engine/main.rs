//! The engine against an in-memory array and ledger: what it refuses, and what it makes of every crash.
#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected")]

mod bed;
mod crash;
mod fleet;
mod listing;
mod mapping;
mod recovery;
mod refusals;
