//! What a look through a whole array found, as it is kept in ConfigMaps for `kubectl perilune`.
//!
//! One ConfigMap holds a page: its key [`PAGE_KEY`] has a [`ScanPage`] as JSON. Pages are named `perilune-scan-<backend>-<n>`
//! and labelled with the backend; `total` in each says how many belong together, and `scanned` which.

use serde::{Deserialize, Serialize};

/// The key in the ConfigMap.
pub const PAGE_KEY: &str = "page.json";

/// Rows on one page: with long names well below the size that the API server takes.
pub const PAGE_ROWS: usize = 1000;

/// One page of what was found.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanPage {
    /// The `ArrayBackend`.
    pub backend: String,
    /// When the array was looked through, RFC 3339.
    pub scanned: String,
    /// This page, from 0.
    pub page: usize,
    /// How many pages there are.
    pub total: usize,
    /// Volumes that are not ours.
    #[serde(default)]
    pub manageable: Vec<Manageable>,
    /// Volumes that bear our mark and that no record knows.
    #[serde(default)]
    pub orphans: Vec<Orphan>,
    /// Records whose volume is not on the array.
    #[serde(default)]
    pub missing: Vec<Missing>,
}

/// A volume on the array that could be imported.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manageable {
    /// Its id at the array: what `perilune.dev/import` names.
    pub reference: String,
    /// Its name at the array.
    pub name: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its pool.
    #[serde(default)]
    pub pool: String,
    /// It can be imported now.
    pub safe: bool,
    /// Why not, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A volume with our mark that no record knows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// Its id at the array.
    pub reference: String,
    /// Its name at the array.
    pub name: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its pool.
    #[serde(default)]
    pub pool: String,
    /// The record that the mark names.
    pub record: String,
    /// Its SCSI identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wwid: Option<String>,
    /// The CSI name in the mark, which is the name of its PersistentVolume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csi_name: Option<String>,
    /// The namespace of the claim in the mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_namespace: Option<String>,
    /// The name of the claim in the mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_name: Option<String>,
    /// What is known of how it came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A record whose volume is not on the array.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The record: an `ArrayVolume`.
    pub record: String,
    /// The CSI name.
    pub csi_name: String,
    /// The id that the volume had at the array.
    #[serde(default)]
    pub reference: String,
    /// What was found in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
