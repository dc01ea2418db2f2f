//! The custom resources of Perilune: group `perilune.dev`, version `v1alpha1`.
//!
//! What cluster administrators write ([`ArrayBackend`]), the two internal records that the product keeps for itself and
//! users only read ([`ArrayVolume`], [`ArrayNode`]), and the words of their status ([`conditions`]). Every rule that the API
//! server can check is part of the schema, so a wrong object is refused with advice when it is applied, without a webhook.
//!
//! Nothing in here talks to the API server or knows an array. The YAML in `crds/` and in the chart `perilune-crds` is
//! generated from this crate by its program `crds`.

#![expect(clippy::duplicated_attributes, reason = "the columns of one kind repeat each other's keys")]

pub mod backend;
pub mod conditions;
pub mod names;
pub mod node;
pub mod operation;
pub mod scan;
mod schema;
pub mod volume;

pub use backend::{ArrayBackend, ArrayBackendSpec, ArrayBackendStatus, ArrayType};
pub use node::{ArrayNode, ArrayNodeSpec, ArrayNodeStatus};
pub use schema::crds;
pub use volume::{ArrayVolume, ArrayVolumeSpec, ArrayVolumeStatus};
