//! What the cluster says about itself.

use serde_json::{Value, json};

use super::super::methods::{Answer, CURRENT_VERSION};
use super::super::params::Params;
use super::Cluster;
use super::nodes::{NODES, node_address};

impl Cluster {
    pub(crate) fn get_cluster_info(&mut self, _params: &mut Params) -> Answer {
        let identity = &self.identity;
        let ensemble: Vec<String> = (1..=3).map(node_address).collect();
        Ok(json!({"clusterInfo": {
            "name": identity.name,
            "uuid": identity.uuid,
            "uniqueID": identity.unique_id,
            "mvip": identity.mvip.to_string(),
            "mvipNodeID": 1,
            "mvipInterface": "Bond1G",
            "mvipVlanTag": "0",
            "svip": identity.svip().to_string(),
            "svipNodeID": 1,
            "svipInterface": "Bond10G",
            "svipVlanTag": "0",
            "repCount": 2,
            "ensemble": ensemble,
            "attributes": {},
            "encryptionAtRestState": "disabled",
            "softwareEncryptionAtRestState": "disabled",
            "defaultProtectionScheme": "doubleHelix",
            "enabledProtectionSchemes": ["doubleHelix"],
            "supportedProtectionSchemes": ["doubleHelix"],
        }}))
    }

    pub(crate) fn get_cluster_version_info(&mut self, _params: &mut Params) -> Answer {
        let version = &self.identity.firmware;
        let node = |node| json!({"nodeID": node, "nodeVersion": version, "nodeInternalRevision": "BuildType=Release"});
        Ok(json!({
            "clusterAPIVersion": CURRENT_VERSION,
            "clusterVersion": version,
            "clusterVersionInfo": (1..=NODES).map(node).collect::<Vec<_>>(),
            "softwareVersionInfo": {
                "currentVersion": version,
                "nodeID": 0,
                "packageName": "",
                "pendingVersion": version,
                "startTime": "",
            },
        }))
    }

    pub(crate) fn get_limits(&mut self, _params: &mut Params) -> Answer {
        Ok(Value::Object(self.limits.members()))
    }

    /// Portals beside the first are how a cluster shows further networks: one SVIP for each.
    pub(crate) fn list_virtual_networks(&mut self, params: &mut Params) -> Answer {
        params.ignore(&["virtualNetworkID", "virtualNetworkTag", "virtualNetworkIDs", "virtualNetworkTags"]);
        let network = |(index, portal): (usize, &std::net::SocketAddr)| {
            json!({
                "virtualNetworkID": index + 1,
                "virtualNetworkTag": index + 101,
                "name": format!("storage-{}", index + 2),
                "svip": portal.ip().to_string(),
                "netmask": "255.255.255.0",
                "gateway": "",
                "namespace": false,
                "addressBlocks": [],
                "attributes": {},
                "initiatorIDs": [],
            })
        };
        let networks: Vec<Value> = self.identity.portals.iter().skip(1).enumerate().map(network).collect();
        Ok(json!({"virtualNetworks": networks}))
    }
}
