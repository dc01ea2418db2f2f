//! The cluster's nodes and drives, as far as inventories ask for them.

use serde_json::{Map, Value, json};

use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;

/// Nodes of every simulated cluster: the smallest that keeps double helix when one fails.
pub(super) const NODES: u64 = 4;

const DRIVES_PER_NODE: u64 = 10;

/// The node that holds a volume's metadata.
pub(super) fn node_of(volume: u64) -> u64 {
    volume % NODES + 1
}

/// An address from the block that is set apart for documentation; nothing connects to it.
pub(super) fn node_address(node: u64) -> String {
    format!("192.0.2.{node}")
}

fn wanted(params: &mut Params) -> Result<(bool, bool), super::Refusal> {
    let kind = params.text("type")?;
    let is = |name| kind.as_deref().is_none_or(|kind| kind == "all" || kind == name);
    Ok((is("nodes"), is("drives")))
}

impl Cluster {
    fn node_serial(&self, node: u64) -> String {
        format!("{}{node:04}", self.identity.unique_id.to_uppercase())
    }

    fn node(&self, node: u64) -> Value {
        let address = node_address(node);
        json!({
            "nodeID": node,
            "name": format!("{}-node-{node}", self.identity.name),
            "uuid": format!("00000000-0000-4000-8000-{node:012x}"),
            "mip": address, "mipi": "Bond1G",
            "sip": address, "sipi": "Bond10G",
            "cip": address, "cipi": "Bond10G",
            "softwareVersion": self.identity.firmware,
            "associatedMasterServiceID": node,
            "associatedFServiceID": 0,
            "fibreChannelTargetPortGroup": null,
            "platformInfo": {
                "chassisType": self.identity.model,
                "cpuModel": "Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz",
                "nodeMemoryGB": 256,
                "nodeType": self.identity.model,
                "platformConfigVersion": "0.0.0.0",
            },
            "role": "Storage",
            "maintenanceMode": "Disabled",
            "attributes": {},
            "virtualNetworks": [],
        })
    }

    pub(crate) fn list_active_nodes(&mut self, _params: &mut Params) -> Answer {
        Ok(json!({"nodes": (1..=NODES).map(|node| self.node(node)).collect::<Vec<_>>()}))
    }

    pub(crate) fn list_all_nodes(&mut self, params: &mut Params) -> Answer {
        let mut nodes = self.list_active_nodes(params)?;
        nodes["pendingNodes"] = json!([]);
        nodes["pendingActiveNodes"] = json!([]);
        Ok(nodes)
    }

    fn drive(&self, drive: u64) -> Value {
        let (node, slot) = ((drive - 1) / DRIVES_PER_NODE + 1, (drive - 1) % DRIVES_PER_NODE);
        let capacity = self.capacity.bytes / (NODES * DRIVES_PER_NODE);
        json!({
            "driveID": drive,
            "nodeID": node,
            "serial": format!("{}D{drive:03}", self.node_serial(node)),
            "slot": slot,
            "chassisSlot": slot.to_string(),
            "capacity": capacity,
            "usableCapacity": capacity,
            "type": if slot == 0 { "volume" } else { "block" },
            "status": "active",
            "attributes": {},
        })
    }

    pub(crate) fn list_drives(&mut self, _params: &mut Params) -> Answer {
        Ok(
            json!({"drives": (1..=NODES * DRIVES_PER_NODE).map(|drive| self.drive(drive)).collect::<Vec<_>>()}),
        )
    }

    pub(crate) fn get_cluster_hardware_info(&mut self, params: &mut Params) -> Answer {
        let (nodes, drives) = wanted(params)?;
        let node = |node: u64| (node.to_string(), json!({"nodeID": node, "serial": self.node_serial(node)}));
        let mut info = Map::new();
        if nodes {
            info.insert("nodes".to_owned(), Value::Object((1..=NODES).map(node).collect()));
        }
        if drives {
            let drive = |drive: u64| (drive.to_string(), self.drive(drive));
            info.insert(
                "drives".to_owned(),
                Value::Object((1..=NODES * DRIVES_PER_NODE).map(drive).collect()),
            );
        }
        Ok(json!({"clusterHardwareInfo": info}))
    }
}
