//! Fibre Channel ports, on clusters that are configured with some. No data travels over them here.

use serde_json::{Map, Value, json};

use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::nodes::NODES;

/// Ports of one node; further ones are on the next node.
const PORTS_PER_NODE: usize = 4;

impl Cluster {
    fn fibre_channel_port(&self, index: usize, wwnn: &str, wwpn: &str) -> Value {
        let slot = index % PORTS_PER_NODE;
        json!({
            "firmware": "7.04.00 (d0d5)",
            "hbaPort": slot % 2 + 1,
            "model": "QLE2672",
            "nPortID": format!("0x{:06x}", 0x01_0000 + index),
            "pciSlot": slot / 2 + 2,
            "serial": format!("{}F{index:03}", self.identity.unique_id.to_uppercase()),
            "speed": "16 Gbit",
            "state": "Online",
            "switchWwn": "20:01:00:2a:6a:98:a3:41",
            "wwnn": wwnn,
            "wwpn": wwpn,
        })
    }

    /// Nodes with Fibre Channel come after those that hold the data.
    pub(crate) fn list_fibre_channel_port_info(&mut self, _params: &mut Params) -> Answer {
        let mut nodes = Map::new();
        for (index, ports) in self.identity.fibre_channel.chunks(PORTS_PER_NODE).enumerate() {
            let first = index * PORTS_PER_NODE;
            let port = |(wwpn, index): (&String, usize)| self.fibre_channel_port(index, &ports[0], wwpn);
            let shown: Vec<Value> = ports.iter().zip(first..).map(port).collect();
            let node = NODES + 1 + index as u64;
            nodes.insert(node.to_string(), json!({"result": {"fibreChannelPorts": shown}}));
        }
        Ok(json!({"fibreChannelPortInfo": nodes}))
    }

    pub(crate) fn list_fibre_channel_sessions(&mut self, _params: &mut Params) -> Answer {
        Ok(json!({"sessions": []}))
    }
}
