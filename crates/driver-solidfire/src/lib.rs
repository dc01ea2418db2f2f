//! NetApp SolidFire (Element) behind the port.
//!
//! A cluster is one pool without consistency groups of its own. Volume and snapshot names may repeat and a volume keeps
//! its name for ever; ids identify. Every volume is an iSCSI target with LUN 0. Hosts reach it in one of two ways:
//!
//! * By the CHAP secret of the account that owns it ([`AccessModel::Account`](perilune_array::AccessModel::Account)).
//!   Mapping changes nothing at the array then: it reads the volume once, to hand out only what is there, usable and of
//!   our account. Unmapping costs no call at all.
//! * By a volume access group for each node ([`AccessModel::Mapping`](perilune_array::AccessModel::Mapping)), without a
//!   secret and over Fibre Channel too. We make the group, mark it as ours, and give it the initiators that the node
//!   has; a group of an administrator's is used as it is and never altered.
//!
//! The vendor's block, all texts: `tenant` (the account, made if it is not there), `svip` (portals between commas; without
//! it the cluster's own and those of its further networks), `useCHAP` (`true` or `false`), `volumeAccessGroups` (names
//! between commas: only these may be used, without CHAP), `clusterPairing` (`Existing`, or `Managed`: we may pair clusters).
//!
//! Our mark stands in the attributes of a volume or snapshot, and beside it for whom it was made. A clone is born with its
//! source's attributes unless it is given its own, so ours are always sent with the call. The array has no call that
//! alters a snapshot's attributes: one that others took stays without our mark.
//!
//! Mirrors are pairs of volumes on two paired clusters that tell each other nothing by themselves: keys are carried from one
//! to the other. Direction is the two volumes' access alone, and when both were turned round copying resumes by itself.
//! In `Async` mode the cluster does not say how far the target lags, so its currency is unknown and never `InSync`; nor
//! does it say how far a copy had come when the link went down.
//!
//! The best version of the interface that both sides know is spoken, 10.0 at least; what the cluster tells of its limits
//! becomes the profile. A clone is looked at by the handle that the array gave with it, for only there it tells of failure.
//!
//! Calls on the common path, which `tests/roundtrips.rs` counts in the simulator's journal:
//!
//! | Operation | Calls | Why not fewer |
//! |---|---|---|
//! | create (with limits or without), expand, snapshot, group snapshot | 1 | |
//! | clone, restore | 2 | the call and the first look whether it is done |
//! | publish by CHAP, new host or not | 1 | |
//! | unpublish by CHAP | 0 | |
//! | publish by groups, host known | 2 | the volume is read first: a group takes volumes that are no usable disk, and only the volume's own record tells its target name |
//! | publish by groups, new host | 4 | and the groups are looked through and one is made |
//! | unpublish by groups | 1 | |
//! | delete | 3 | the mark is read first: an id alone does not prove that a volume is ours, and purging it cannot be undone; then delete and purge, so that its room is free at once |
//! | delete a snapshot | 2 | the same proof |
//! | failover of N (up to 500) | 4 | two on each side: judge all, change all. By CHAP one more: who is logged in |
//! | capacity and health | 1 | and one for the ports, whose call reads the cluster's identity live: the fleet asks for them first |
//!
//! A clone is never asked for with a size: the array would cut its content to one smaller than the source, and the source
//! may have grown since anybody looked. So a copy is born equal and is grown afterwards. It has its source's limits, too.

mod client;
mod config;
mod driver;
mod fault;
mod protocol;

pub use driver::Solidfire;
