//! The ports that hosts can use: one iSCSI target with many portals, and Fibre Channel.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use perilune_array::{Initiator, Lun, Path, Protocol, Result, TargetPort};

use super::Xiv;
use crate::protocol::{Command, Row};

/// How long ports are believed when volumes are mapped: nodes look for paths that are gone and say so.
const BELIEVED: Duration = Duration::from_secs(300);
const ISCSI_PORT: u16 = 3260;

#[derive(Debug, Clone)]
pub(super) struct Ports {
    at: Instant,
    iqn: String,
    /// Address and whether its link is up.
    portals: Vec<(String, bool)>,
    wwpns: Vec<(String, bool)>,
}

impl Ports {
    pub(super) fn told(&self) -> Vec<TargetPort> {
        let port = |protocol| {
            move |(address, up): &(String, bool)| TargetPort { protocol, address: address.clone(), up: *up }
        };
        self.portals
            .iter()
            .map(port(Protocol::Iscsi))
            .chain(self.wwpns.iter().map(port(Protocol::Fc)))
            .collect()
    }

    /// The ways to a LUN for a host with these initiators; all, if they are not known.
    pub(super) fn paths(&self, lun: Lun, initiators: Option<&[Initiator]>) -> Vec<Path> {
        let has = |is: fn(&Initiator) -> bool| initiators.is_none_or(|all| all.iter().any(is));
        let (iscsi, fibre) =
            (has(|i| matches!(i, Initiator::Iqn(_))), has(|i| matches!(i, Initiator::Wwpn(_))));
        let up = |ports: &[(String, bool)], wanted: bool| {
            ports
                .iter()
                .filter(|(_, up)| *up && wanted)
                .map(|(address, _)| address.clone())
                .collect::<Vec<_>>()
        };
        let portals = up(&self.portals, iscsi).into_iter();
        let portals = portals.map(|portal| Path::Iscsi { iqn: self.iqn.clone(), portal, lun });
        portals.chain(up(&self.wwpns, fibre).into_iter().map(|wwpn| Path::Fc { wwpn, lun })).collect()
    }
}

/// Portals of the interfaces, with the state of the ports that carry them.
fn portals(interfaces: &[Row], ports: &[Row]) -> Vec<(String, bool)> {
    let carried = |interface: &Row| {
        let index = interface.text("port").or(interface.text("ports"));
        ports.iter().any(|port| {
            port.text("index") == index
                && port.text("module_id") == interface.text("module")
                && port.text("role").is_some_and(|role| role.eq_ignore_ascii_case("iscsi"))
                && port.is_yes("is_link_up")
        })
    };
    let iscsi = interfaces
        .iter()
        .filter(|row| row.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("iscsi")));
    let addresses = iscsi.flat_map(|row| {
        let up = carried(row);
        let both = [row.text("address"), row.text("address6")];
        both.into_iter().flatten().filter_map(|text| text.parse::<IpAddr>().ok()).map(move |ip| (ip, up))
    });
    addresses.map(|(ip, up)| (std::net::SocketAddr::new(ip, ISCSI_PORT).to_string(), up)).collect()
}

fn wwpns(rows: &[Row]) -> Vec<(String, bool)> {
    let targets = rows.iter().filter(|row| row.get("role") == Some("Target"));
    let named = targets.filter_map(|row| {
        let wwpn = row.text("wwpn")?.replace(':', "").to_lowercase();
        let real = wwpn.len() == 16
            && wwpn.bytes().all(|b| b.is_ascii_hexdigit())
            && wwpn.bytes().any(|b| b != b'0');
        real.then(|| (wwpn, row.get("port_state") == Some("Online")))
    });
    named.collect()
}

impl Xiv {
    pub(super) async fn read_ports(&self) -> Result<Ports> {
        let interfaces = self.call(Command::new("ipinterface_list")).await?;
        let carriers = self.call(Command::new("ipinterface_list_ports")).await?;
        let fibre_channel = self.call(Command::new("fc_port_list")).await?;
        let read = Ports {
            at: Instant::now(),
            iqn: self.facts.iqn.clone(),
            portals: portals(&interfaces, &carriers),
            wwpns: wwpns(&fibre_channel),
        };
        self.known().ports = Some(read.clone());
        Ok(read)
    }

    pub(super) async fn usual_ports(&self) -> Result<Ports> {
        let known = self.known().ports.clone().filter(|ports| ports.at.elapsed() < BELIEVED);
        match known {
            Some(ports) => Ok(ports),
            None => self.read_ports().await,
        }
    }
}
