//! A command given by annotation, and the record that it leaves in the status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many ended commands a status remembers.
pub const HISTORY_MAX: usize = 10;

/// One command: what was asked, how far it is, what came of it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The annotation `perilune.dev/request-id`, or one made up. An id that has ended is never carried out again.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// The verb: the annotation's name without `perilune.dev/`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 64))]
    pub verb: String,
    /// The annotation's value.
    #[schemars(length(max = 256))]
    pub value: String,
    /// How far it is.
    pub phase: OperationPhase,
    /// What is being done, or what came of it and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// When it was taken up.
    pub start_time: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
}

/// How far a command is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OperationPhase {
    /// Taken up; nothing was done yet.
    Accepted,
    /// It is being carried out.
    Executing,
    /// It was carried out.
    Succeeded,
    /// It was tried and did not succeed.
    Failed,
    /// It was not tried, because something must be mended first.
    Rejected,
}

impl OperationPhase {
    /// Nothing more will come of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Rejected)
    }
}
