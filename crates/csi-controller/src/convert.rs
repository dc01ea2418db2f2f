//! Proto messages into the engine's words and back. Each module has one noun; `wanted` and `unwanted` read a request,
//! `made` and its kin write an answer.

pub(crate) mod attachment;
pub(crate) mod capability;
pub(crate) mod capacity;
pub(crate) mod handle;
pub(crate) mod health;
pub(crate) mod offered;
pub(crate) mod page;
pub(crate) mod parameters;
pub(crate) mod size;
pub(crate) mod snapshot;
pub(crate) mod topology;
pub(crate) mod validation;
pub(crate) mod volume;

#[cfg(test)]
mod properties;
