//! The addresses and ports that hosts can use.

use perilune_array::{ErrorKind, Protocol, Result, TargetPort};

use super::Solidfire;
use crate::config;
use crate::fault;
use crate::protocol::access::{FibreAnswer, FibrePort, NetworksAnswer};
use crate::protocol::{ClusterInfoAnswer, NoParams};

fn portal(svip: &str) -> Result<String> {
    config::portal(svip).map_err(|_| fault::garbled("GetClusterInfo", "its svip is no address"))
}

/// Sixteen lower-case hex digits, however the array parts them.
pub(super) fn wwpn(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    let is_wwpn = digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit());
    is_wwpn.then(|| digits.to_ascii_lowercase())
}

impl Solidfire {
    /// Where hosts log in: where the administrator says, else at the cluster's own address and at those of its further
    /// networks. Every portal leads to every volume.
    pub(super) async fn portals(&self) -> Result<Vec<String>> {
        if !self.config.portals.is_empty() {
            return Ok(self.config.portals.clone());
        }
        let first = portal(&self.known().cluster.svip)?;
        let further = self.network_portals().await?.into_iter().filter(|further| *further != first);
        Ok([first.clone()].into_iter().chain(further).collect())
    }

    async fn network_portals(&self) -> Result<Vec<String>> {
        if let Some(known) = self.known().networks.get() {
            return Ok(known);
        }
        let answer: NetworksAnswer = self.session.call("ListVirtualNetworks", NoParams {}).await?;
        let found = answer.virtual_networks.iter().filter_map(|network| config::portal(&network.svip).ok());
        let found: Vec<_> = found.collect();
        self.known().networks.put(found.clone());
        Ok(found)
    }

    /// A cluster without Fibre Channel nodes has none.
    pub(super) async fn fibre_ports(&self) -> Result<Vec<FibrePort>> {
        if let Some(known) = self.known().fibre.get() {
            return Ok(known);
        }
        let found = match self.session.call::<FibreAnswer>("ListFibreChannelPortInfo", NoParams {}).await {
            Ok(answer) => answer.fibre_channel_port_info.into_values(),
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let ports = found.filter_map(|node| node.result).flat_map(|result| result.fibre_channel_ports);
        let ports: Vec<_> = ports.filter(|port| wwpn(&port.wwpn).is_some()).collect();
        self.known().fibre.put(ports.clone());
        Ok(ports)
    }

    /// Reads who the cluster is, live; the rest as it was lately.
    pub(super) async fn all_ports(&self) -> Result<Vec<TargetPort>> {
        let info = self.session.call::<ClusterInfoAnswer>("GetClusterInfo", NoParams {}).await?.cluster_info;
        let mut addresses = self.config.portals.clone();
        addresses.push(portal(&info.svip)?);
        self.known().cluster = info;
        addresses.extend(self.network_portals().await?);
        let mut ports: Vec<TargetPort> = Vec::new();
        for address in addresses {
            if !ports.iter().any(|port| port.address == address) {
                ports.push(TargetPort { protocol: Protocol::Iscsi, address, up: true });
            }
        }
        if self.profile.protocols.contains(&Protocol::Fc) {
            let shown = |port: FibrePort| {
                let up = port.state.eq_ignore_ascii_case("online");
                wwpn(&port.wwpn).map(|address| TargetPort { protocol: Protocol::Fc, address, up })
            };
            ports.extend(self.fibre_ports().await?.into_iter().filter_map(shown));
        }
        Ok(ports)
    }
}

#[cfg(test)]
mod tests {
    use super::wwpn;

    #[test]
    fn a_wwpn_is_known_in_every_spelling() {
        for text in ["5f:47:ac:c0:3c:e4:95:0A", "5F47ACC03CE4950A"] {
            assert_eq!(wwpn(text).as_deref(), Some("5f47acc03ce4950a"));
        }
        for text in ["", "5f47acc03ce4950", "iqn.1993-08.org:01:a", "5f47acc03ce4950ag"] {
            assert_eq!(wwpn(text), None, "{text}");
        }
    }
}
