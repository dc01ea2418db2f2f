//! IBM XIV Gen3, Spectrum Accelerate and FlashSystem A9000(R) behind the port: XCLI over TLS.
//!
//! Commands name objects; names can be given to other objects. So what identifies a volume or snapshot here is its WWN,
//! and whatever alters one looks its name up by the WWN first, in the call before. Hosts and groups have no such identity:
//! their names are their ids.
//!
//! Our mark is metadata of the object, and metadata cannot come with the call that makes it. Therefore names of what we make
//! end in a tag, sixty-five bits of the mark's hash: what an attempt left is found and known by it at once. A volume is
//! whole once its metadata stands, which is written last; one without is [`Torn`](perilune_array::VolumeState::Torn), so that
//! a copy cut short between its calls is never handed out empty.
//!
//! Calls on the common path, which `tests/roundtrips.rs` counts in the simulator's journal:
//!
//! | Operation | Calls | Why not fewer |
//! |---|---|---|
//! | create | 2 | the mark |
//! | clone | 4 | the source's name by its WWN, the volume, its content, the mark |
//! | restore | 5 | and whose snapshot it is |
//! | expand | 2 | the name by the WWN |
//! | delete | 2 | the same look proves the mark by the name's tag; 3 for an imported volume, whose name has none |
//! | snapshot | 3 | the volume's name, the snapshot, the mark |
//! | delete a snapshot | 2 | the name by the WWN |
//! | publish, host known | 3 | the name by the WWN, the host's LUNs, the mapping; the host itself was found within a minute |
//! | unpublish | 2 | the name by the WWN |
//! | group snapshot | 3 | the snapshots, the mark, one look at all members |
//! | capacity and health | 1 | and two more every five minutes |

mod client;
mod config;
mod driver;
mod fault;
mod protocol;

pub use driver::Xiv;
