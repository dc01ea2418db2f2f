//! NetApp SolidFire (Element) behind the port.
//!
//! A cluster is one pool without consistency groups of its own. Volume and snapshot names may repeat; ids identify.
//! Every volume is an iSCSI target with LUN 0, and whoever holds the CHAP secret of the account that owns it reaches
//! it: [`AccessModel::Account`](perilune_array::AccessModel::Account). So mapping changes nothing at the array. It
//! reads the volume once, to hand out only what is there, usable and of our account; unmapping costs no call at all.
//!
//! Our mark stands in the attributes of a volume or snapshot. A clone is born with its source's attributes unless it
//! is given its own, so ours are always sent with the call.
//!
//! Calls on the common path, which `tests/roundtrips.rs` counts in the simulator's journal:
//!
//! | Operation | Calls | Why not fewer |
//! |---|---|---|
//! | create, expand, snapshot | 1 | |
//! | clone, restore | 2 | the call and the first look whether it is done |
//! | publish | 1 | |
//! | unpublish | 0 | |
//! | delete | 3 | the mark is read first: an id alone does not prove that a volume is ours, and purging it cannot be undone; then delete and purge, so that its room is free at once |
//! | delete a snapshot | 2 | the same proof |
//! | capacity and health | 1 | and one for the ports, whose call reads the cluster's identity live: the fleet asks for them first |
//!
//! A clone is never asked for with a size: the array would cut its content to one smaller than the source, and the source
//! may have grown since anybody looked. So a copy is born equal and is grown afterwards.

mod client;
mod config;
mod driver;
mod fault;
mod protocol;

pub use driver::Solidfire;
