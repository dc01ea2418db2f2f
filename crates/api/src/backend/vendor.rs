//! The kinds of array, and the settings that only one kind has.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::placing::Qos;
use crate::schema::{keyed_by, rule};

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
#[schemars(transform = solidfire_rules)]
pub struct SolidFire {
    /// The tenant account at the cluster that owns the volumes. It is created if the cluster has none of this name.
    #[schemars(length(min = 1, max = 64))]
    pub tenant: String,

    /// Storage address for iSCSI, if it is not the one that the cluster reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub svip: Option<String>,

    /// Whether nodes reach volumes by the account's CHAP secret. If not, the volumes are put into volume access groups, one for
    /// each node. `true` if not given.
    #[serde(rename = "useCHAP", default, skip_serializing_if = "Option::is_none")]
    pub use_chap: Option<bool>,

    /// The volume access groups that an administrator made for the nodes, by name. Without it, one is made for each node. Only
    /// with `useCHAP: false`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), transform = short_names)]
    pub volume_access_groups: Vec<String>,

    /// Who pairs this cluster with others for replication: `Existing`, an administrator has done it; `Managed`, Perilune
    /// does. `Existing` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_pairing: Option<ClusterPairing>,

    /// Names for settings of quality of service: what the parameter `perilune.dev/qos-tier` chooses from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), transform = by_name)]
    pub qos_tiers: Vec<QosTier>,
}

/// Settings of an array of the XIV family.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Xiv {
    /// The domain of our pools and hosts, on an array that is divided into domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub domain: Option<String>,
}

/// A name for settings of quality of service.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QosTier {
    /// The name, for example `gold`.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// The settings.
    pub qos: Qos,
}

/// Who pairs clusters for replication.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ClusterPairing {
    /// An administrator.
    Existing,
    /// Perilune.
    Managed,
}

fn solidfire_rules(schema: &mut Schema) {
    rule(
        schema,
        "!has(self.volumeAccessGroups) || self.volumeAccessGroups.size() == 0 || (has(self.useCHAP) && !self.useCHAP)",
        "volumeAccessGroups are for nodes without CHAP; set useCHAP to false as well, or leave them out",
    );
}

fn short_names(schema: &mut Schema) {
    if let Some(item) = schema.ensure_object().get_mut("items").and_then(|items| items.as_object_mut()) {
        item.insert("minLength".to_owned(), json!(1));
        item.insert("maxLength".to_owned(), json!(64));
        item.insert("pattern".to_owned(), json!("^[^,]+$"));
    }
}

fn by_name(schema: &mut Schema) {
    keyed_by(schema, "name");
}
