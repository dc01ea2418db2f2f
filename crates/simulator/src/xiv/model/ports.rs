//! Interfaces and ports of the system, and who is seen through them.

use super::System;
use crate::xiv::arguments::Arguments;
use crate::xiv::document::{Answer, Row, yes};

/// The module that the first interface is on; each further one is on the next.
const FIRST_MODULE: usize = 4;

impl System {
    pub(crate) fn ipinterface_list(&mut self, _: &Arguments) -> Answer {
        let port = if self.facts.model.flash() { "port" } else { "ports" };
        let row = |number: usize, name: String, kind: &str, address: String, module: usize| {
            Row::new("ipinterface", number)
                .with("name", name)
                .with("type", kind)
                .with("address", address)
                .with("address6", "")
                .with("netmask", "255.255.255.0")
                .with("default_gateway", "")
                .with("mtu", 1500)
                .with("module", format!("1:Module:{module}"))
                .with(port, 1)
        };
        let management =
            row(1, "management".to_owned(), "Management", self.facts.management.to_string(), FIRST_MODULE);
        let iscsi = self.facts.portals.iter().enumerate().map(|(at, portal)| {
            row(at + 2, format!("iscsi{}", at + 1), "iSCSI", portal.ip().to_string(), FIRST_MODULE + at)
        });
        Ok([management].into_iter().chain(iscsi).collect())
    }

    pub(crate) fn ipinterface_list_ports(&mut self, _: &Arguments) -> Answer {
        let row = |at: usize, role: &str| {
            Row::new("ipinterfaceport", at)
                .with("index", 1)
                .with("role", role)
                .with("ip_interface", "")
                .with("is_link_up", yes(true))
                .with("link_speed", "10Gb")
                .with("module_id", format!("1:Module:{}", FIRST_MODULE + at))
        };
        let iscsi = (0..self.facts.portals.len()).map(|at| row(at, "iSCSI"));
        Ok(iscsi.chain([row(0, "Management")]).collect())
    }

    fn component(at: usize) -> String {
        format!("1:FC_Port:{}:{}", FIRST_MODULE + at / 2, at % 2 + 1)
    }

    pub(crate) fn fc_port_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("fcport");
        let rows = self.facts.fibre_channel.iter().enumerate().map(|(at, wwpn)| {
            Row::new("fc_port", at)
                .with("component_id", Self::component(at))
                .with("wwpn", wwpn)
                .with("role", "Target")
                .with("port_state", "Online")
                .with("status", "OK")
                .with("module", format!("1:Module:{}", FIRST_MODULE + at / 2))
        });
        let found =
            rows.enumerate().filter(|(at, _)| wanted.is_none_or(|wanted| wanted == Self::component(*at)));
        Ok(found.map(|(_, row)| row).collect())
    }

    /// Every initiator of a host is taken to be logged in at every port.
    pub(crate) fn fc_connectivity_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("wwpn").map(str::to_uppercase);
        let known = self.hosts.values().flat_map(|host| host.fibre_channel.iter().cloned());
        let seen: Vec<String> = match wanted {
            Some(wwpn) => vec![wwpn],
            None => known.collect(),
        };
        let row = |wwpn: &String, at: usize| {
            Row::new("fc_connectivity", format!("{wwpn}-{at}"))
                .with("component_id", Self::component(at))
                .with("wwpn", wwpn)
                .with("port_id", format!("0x{at:08X}"))
                .with("role", "Initiator")
        };
        let ports = self.facts.fibre_channel.len();
        Ok(seen.iter().flat_map(|wwpn| (0..ports).map(move |at| row(wwpn, at))).collect())
    }

    pub(crate) fn host_connectivity_list(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("host")?;
        let host = self.host(name)?;
        let row = |port: &String, at: usize, kind: &str| {
            let (fibre_channel, iscsi) = match kind {
                "FC" => (Self::component(at), String::new()),
                _ => (String::new(), format!("iscsi{}", at + 1)),
            };
            Row::new("host_connectivity", format!("{port}-{at}"))
                .with("host", name)
                .with("host_port", port)
                .with("module", format!("1:Module:{}", FIRST_MODULE + at / 2))
                .with("local_fc_port", fibre_channel)
                .with("local_iscsi_port", iscsi)
                .with("type", kind)
        };
        let (ports, portals) = (self.facts.fibre_channel.len(), self.facts.portals.len());
        let fc = host.fibre_channel.iter().flat_map(|port| (0..ports).map(move |at| row(port, at, "FC")));
        let iscsi = host.iscsi.iter().flat_map(|port| (0..portals).map(move |at| row(port, at, "iSCSI")));
        Ok(fc.chain(iscsi).collect())
    }
}
