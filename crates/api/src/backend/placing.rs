//! What may be put on an array, and how it is compared with others: pools, topology, scheduling, quality of service.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::schema::rule;

/// One place in the cluster: label keys of Nodes, and the values that Nodes there have.
pub type Segments = BTreeMap<String, String>;

/// One pool of the array.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = pool_rules)]
pub struct Pool {
    /// The pool's name at the array.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,

    /// Labels of the pool: what `scheduling` and people tell pools apart by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = few_labels)]
    pub labels: BTreeMap<String, String>,

    /// How many times the pool's physical room may be promised to volumes, for example `4` or `2.5`. Without it, as often as
    /// the array allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub max_oversubscription: Option<f64>,

    /// Percent of the pool's physical room that must stay free: a volume that would take of it is not put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 99))]
    pub reserved_percent: Option<i32>,

    /// The largest volume that may be put there, as a quantity. Without it, the array's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub max_volume_size: Option<String>,

    /// Where the pool's volumes can be reached from: Nodes with all labels of one of these. Without it, as `spec.topology` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), transform = places)]
    pub topology: Vec<Segments>,
}

/// How a pool is compared with others where a new volume could go as well.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// A CEL expression over `pool`, `volume` and `capabilities` that is false where a volume must not go, for example
    /// `volume.sizeGiB < 2048.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub filter: Option<String>,

    /// A CEL expression from 0 to 100 over the same: the pool with the highest gets the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub goodness: Option<String>,

    /// Decides among pools that are equally good, before free room does: the higher, the rather.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub weight: Option<i32>,
}

/// What a volume gets where nobody asks for anything else.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Defaults {
    /// Limits for volumes whose VolumeAttributesClass sets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<Qos>,
}

/// What a volume may and should get, in operations a second. What is left out is as the array has it by default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = qos_rules)]
pub struct Qos {
    /// What it gets even when the array is busy.
    #[serde(rename = "minIOPS", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub min_iops: Option<i32>,

    /// What it gets at most for long.
    #[serde(rename = "maxIOPS", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_iops: Option<i32>,

    /// What it gets at most for a moment.
    #[serde(rename = "burstIOPS", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub burst_iops: Option<i32>,
}

fn pool_rules(schema: &mut Schema) {
    rule(
        schema,
        "!has(self.maxVolumeSize) || (isQuantity(self.maxVolumeSize) && quantity(self.maxVolumeSize).isGreaterThan(quantity('0')))",
        "maxVolumeSize is a quantity greater than 0, for example 2Ti",
    );
}

fn qos_rules(schema: &mut Schema) {
    rule(
        schema,
        "(!has(self.minIOPS) || !has(self.maxIOPS) || self.minIOPS <= self.maxIOPS) \
         && (!has(self.maxIOPS) || !has(self.burstIOPS) || self.maxIOPS <= self.burstIOPS) \
         && (!has(self.minIOPS) || !has(self.burstIOPS) || self.minIOPS <= self.burstIOPS)",
        "minIOPS may not be more than maxIOPS, nor maxIOPS more than burstIOPS",
    );
}

fn few_labels(schema: &mut Schema) {
    schema.ensure_object().insert("maxProperties".to_owned(), json!(16));
}

/// A list of places, each of them a few labels.
pub(super) fn places(schema: &mut Schema) {
    if let Some(place) = schema.ensure_object().get_mut("items").and_then(|items| items.as_object_mut()) {
        place.insert("minProperties".to_owned(), json!(1));
        place.insert("maxProperties".to_owned(), json!(8));
    }
    rule(
        schema,
        "self.all(place, place.all(key, !key.startsWith('topology.perilune.dev/')))",
        "labels below topology.perilune.dev/ are measured by the nodes themselves; name labels of your own here, for example \
         topology.kubernetes.io/zone",
    );
}
