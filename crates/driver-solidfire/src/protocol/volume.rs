//! Volumes, their throughput, and what comes of a clone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mirror::VolumePair;
use super::{Nothing, Refusal};

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListVolumes<'a> {
    #[serde(rename = "volumeIDs", skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<&'a [u64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) volume_name: Option<&'a str>,
    #[serde(rename = "startVolumeID", skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
    pub(crate) include_virtual_volumes: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VolumesAnswer {
    pub(crate) volumes: Vec<Volume>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VolumeAnswer {
    pub(crate) volume: Volume,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    #[serde(rename = "volumeID")]
    pub(crate) id: u64,
    pub(crate) name: String,
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
    pub(crate) status: String,
    pub(crate) access: String,
    pub(crate) total_size: u64,
    #[serde(default)]
    pub(crate) iqn: String,
    #[serde(rename = "scsiNAADeviceID")]
    pub(crate) naa: String,
    #[serde(rename = "scsiEUIDeviceID")]
    pub(crate) eui: String,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    #[serde(default)]
    pub(crate) volume_access_groups: Vec<u64>,
    #[serde(default)]
    pub(crate) volume_pairs: Vec<VolumePair>,
    #[serde(default)]
    pub(crate) qos: Option<Limits>,
}

/// Throughput limits: all of them as the array shows them, or those that a call is to change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    #[serde(rename = "minIOPS", skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<u32>,
    #[serde(rename = "maxIOPS", skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u32>,
    #[serde(rename = "burstIOPS", skip_serializing_if = "Option::is_none")]
    pub(crate) burst: Option<u32>,
}

/// Limits of the volume's own, or those of a policy; none: as it is.
#[derive(Debug, Default, Serialize)]
pub(crate) struct QosParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) qos: Option<Limits>,
    #[serde(rename = "qosPolicyID", skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<u64>,
    #[serde(rename = "associateWithQoSPolicy", skip_serializing_if = "Option::is_none")]
    pub(crate) associate: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PoliciesAnswer {
    pub(crate) qos_policies: Vec<Policy>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Policy {
    #[serde(rename = "qosPolicyID")]
    pub(crate) id: u64,
    pub(crate) name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateVolume<'a> {
    pub(crate) name: &'a str,
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
    pub(crate) total_size: u64,
    pub(crate) enable512e: bool,
    pub(crate) attributes: Map<String, Value>,
    #[serde(flatten)]
    pub(crate) qos: QosParams,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloneVolume<'a> {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(rename = "snapshotID", skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<u64>,
    pub(crate) name: &'a str,
    #[serde(rename = "newAccountID")]
    pub(crate) account: u64,
    pub(crate) access: &'a str,
    pub(crate) attributes: Map<String, Value>,
}

/// The volume and where the making of its content stands.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloneAnswer {
    pub(crate) volume: Volume,
    pub(crate) async_handle: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetAsyncResult {
    pub(crate) async_handle: u64,
}

/// `running`, or `complete` with a result or an error of its own.
#[derive(Debug, Deserialize)]
pub(crate) struct AsyncAnswer {
    pub(crate) status: String,
    pub(crate) result: Option<Nothing>,
    pub(crate) error: Option<Refusal>,
}

/// What is none stays as it is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModifyVolume {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(rename = "accountID", skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub(crate) qos: QosParams,
}

/// All of them or none.
#[derive(Debug, Serialize)]
pub(crate) struct ModifyVolumes<'a> {
    #[serde(rename = "volumeIDs")]
    pub(crate) volumes: &'a [u64],
    pub(crate) access: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct ByVolume {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
}
