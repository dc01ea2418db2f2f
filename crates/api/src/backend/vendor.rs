//! The kinds of array, and the settings that only one kind has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of array that the product is made for. The schema says which of them this release supports.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub enum ArrayType {
    /// IBM XIV Gen3, FlashSystem A9000 and A9000R.
    #[serde(rename = "XIV")]
    Xiv,
    /// IBM DS8000.
    #[serde(rename = "DS8K")]
    Ds8k,
    /// NetApp SolidFire.
    SolidFire,
    /// Dell SC (Compellent).
    #[serde(rename = "SC")]
    StorageCenter,
}

impl ArrayType {
    /// The word for this kind everywhere in the code: crate names, metric labels, vendor tags.
    pub const fn vendor(self) -> &'static str {
        match self {
            Self::Xiv => "xiv",
            Self::Ds8k => "ds8k",
            Self::SolidFire => "solidfire",
            Self::StorageCenter => "storagecenter",
        }
    }
}

/// The name as users write it.
impl fmt::Display for ArrayType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xiv => "XIV",
            Self::Ds8k => "DS8K",
            Self::SolidFire => "SolidFire",
            Self::StorageCenter => "SC",
        })
    }
}

/// Settings of a SolidFire cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SolidFire {
    /// The tenant account at the cluster that owns the volumes. It is created if the cluster has none of this name.
    #[schemars(length(min = 1, max = 64))]
    pub tenant: String,

    /// Storage address for iSCSI, if it is not the one that the cluster reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub svip: Option<String>,
}
