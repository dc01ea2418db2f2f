//! Who reaches volumes, and through which ports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub(crate) struct SessionsAnswer {
    pub(crate) sessions: Vec<Session>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    #[serde(default)]
    pub(crate) initiator_name: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListGroups<'a> {
    #[serde(rename = "volumeAccessGroups", skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<&'a [u64]>,
    #[serde(rename = "startVolumeAccessGroupID", skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupsAnswer {
    pub(crate) volume_access_groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupAnswer {
    pub(crate) volume_access_group: Group,
}

/// A volume access group: its initiators reach its volumes without CHAP.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Group {
    #[serde(rename = "volumeAccessGroupID")]
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) initiators: Vec<String>,
    pub(crate) volumes: Vec<u64>,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CreateGroup<'a> {
    pub(crate) name: &'a str,
    pub(crate) initiators: &'a [String],
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModifyGroup<'a> {
    #[serde(rename = "volumeAccessGroupID")]
    pub(crate) id: u64,
    /// All of them: others leave the group.
    pub(crate) initiators: &'a [String],
    pub(crate) delete_orphan_initiators: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteGroup {
    #[serde(rename = "volumeAccessGroupID")]
    pub(crate) id: u64,
    pub(crate) delete_orphan_initiators: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct GroupVolumes {
    #[serde(rename = "volumeAccessGroupID")]
    pub(crate) id: u64,
    pub(crate) volumes: [u64; 1],
}

#[derive(Debug, Serialize)]
pub(crate) struct ByGroup {
    #[serde(rename = "volumeAccessGroupID")]
    pub(crate) id: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LunsAnswer {
    pub(crate) volume_access_group_lun_assignments: Luns,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Luns {
    pub(crate) lun_assignments: Vec<LunAssignment>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LunAssignment {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) lun: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworksAnswer {
    pub(crate) virtual_networks: Vec<Network>,
}

/// A VLAN with a storage address of its own.
#[derive(Debug, Deserialize)]
pub(crate) struct Network {
    pub(crate) svip: String,
}

/// By node; a node that gave no answer has no result.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FibreAnswer {
    pub(crate) fibre_channel_port_info: BTreeMap<String, FibreNode>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FibreNode {
    pub(crate) result: Option<FibrePorts>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FibrePorts {
    pub(crate) fibre_channel_ports: Vec<FibrePort>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FibrePort {
    pub(crate) wwpn: String,
    pub(crate) state: String,
}
