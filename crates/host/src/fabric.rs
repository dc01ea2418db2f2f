//! Ways from this node to targets, behind one face: iSCSI sessions, and Fibre Channel's remote ports. From sysfs only.

use std::path::Path;

use crate::{
    os::Os,
    sysfs::{self, Address, Session, text},
    target::{FcPath, IscsiPath, Lun, TargetPath, Wwpn},
};

/// A target as one SCSI host of ours sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nexus {
    pub(crate) host: u32,
    pub(crate) channel: u32,
    pub(crate) target: u32,
    /// Commands can go by it.
    pub(crate) ready: bool,
}

impl Nexus {
    pub(crate) fn address(&self, lun: Lun) -> Address {
        Address { host: self.host, channel: self.channel, target: self.target, lun }
    }
}

/// A port that one of our Fibre Channel ports sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemotePort {
    pub(crate) wwpn: Wwpn,
    pub(crate) state: String,
    pub(crate) host: u32,
    pub(crate) channel: u32,
    /// None until the kernel has bound it to a SCSI target.
    pub(crate) target: Option<u32>,
}

impl RemotePort {
    pub(crate) fn online(&self) -> bool {
        self.state == "Online"
    }

    pub(crate) fn nexus(&self) -> Option<Nexus> {
        let (host, channel, ready) = (self.host, self.channel, self.online());
        self.target.map(|target| Nexus { host, channel, target, ready })
    }
}

/// Targets that our Fibre Channel ports see; other initiators are left out.
pub(crate) fn remote_ports(os: &dyn Os) -> Vec<RemotePort> {
    let names = os.list(Path::new("/sys/class/fc_remote_ports")).unwrap_or_default();
    names.iter().filter_map(|name| remote_port(os, name)).collect()
}

fn remote_port(os: &dyn Os, name: &str) -> Option<RemotePort> {
    let dir = Path::new("/sys/class/fc_remote_ports").join(name);
    let (host, rest) = name.strip_prefix("rport-")?.split_once(':')?;
    let (channel, _) = rest.split_once('-')?;
    let target = text(os, &dir.join("scsi_target_id")).and_then(|id| id.parse().ok());
    let roles = text(os, &dir.join("roles"))?;
    // a port that is lost has forgotten its role, but not its number
    (roles.contains("FCP Target") || target.is_some()).then_some(())?;
    Some(RemotePort {
        wwpn: text(os, &dir.join("port_name"))?.parse().ok()?,
        state: text(os, &dir.join("port_state"))?,
        host: host.parse().ok()?,
        channel: channel.parse().ok()?,
        target,
    })
}

/// One Fibre Channel port of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalPort {
    pub(crate) wwpn: Wwpn,
    pub(crate) state: String,
}

/// Our own Fibre Channel ports.
pub(crate) fn local_ports(os: &dyn Os) -> Vec<LocalPort> {
    let class = Path::new("/sys/class/fc_host");
    let names = os.list(class).unwrap_or_default();
    let port = |name: &String| {
        let read = |attribute: &str| text(os, &class.join(name).join(attribute));
        Some(LocalPort { wwpn: read("port_name")?.parse().ok()?, state: read("port_state")? })
    };
    names.iter().filter_map(port).collect()
}

/// All that there is at one moment.
#[derive(Debug)]
pub(crate) struct Fabric {
    pub(crate) sessions: Vec<Session>,
    pub(crate) ports: Vec<RemotePort>,
}

impl Fabric {
    pub(crate) fn read(os: &dyn Os) -> Self {
        Self { sessions: sysfs::sessions(os), ports: remote_ports(os) }
    }

    /// Where this very path goes: one session, or the target port as each of our ports sees it.
    pub(crate) fn of(&self, path: &TargetPath) -> Vec<Nexus> {
        match path {
            TargetPath::Iscsi(path) => self.sessions_where(|session| session.serves(path)),
            TargetPath::Fc(path) => self.ports_of(path),
        }
    }

    /// Ways to the path's target, by whatever portal: others may have chosen it.
    pub(crate) fn to_target(&self, path: &TargetPath) -> Vec<Nexus> {
        match path {
            TargetPath::Iscsi(path) => self.sessions_where(|session| session.iqn == path.iqn),
            TargetPath::Fc(path) => self.ports_of(path),
        }
    }

    /// The path that leads to the address, as the fabric knows it.
    pub(crate) fn path_to(&self, address: Address) -> Option<TargetPath> {
        let lun = address.lun;
        let session = self.sessions.iter().find(|session| session.nexus().address(lun) == address);
        let by_session = session.map(|session| {
            let iser = session.interface == "iser";
            TargetPath::Iscsi(IscsiPath { iqn: session.iqn.clone(), portal: session.portal, lun, iser })
        });
        by_session.or_else(|| {
            let leads = |port: &&RemotePort| port.nexus().is_some_and(|nexus| nexus.address(lun) == address);
            let port = self.ports.iter().find(leads)?;
            Some(TargetPath::Fc(FcPath { wwpn: port.wwpn, lun }))
        })
    }

    /// Whether the SCSI host belongs to a storage network.
    pub(crate) fn has_host(&self, host: u32) -> bool {
        self.sessions.iter().any(|session| session.host == host)
            || self.ports.iter().any(|port| port.host == host)
    }

    fn sessions_where(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Nexus> {
        self.sessions.iter().filter(|session| wanted(session)).map(Session::nexus).collect()
    }

    fn ports_of(&self, path: &FcPath) -> Vec<Nexus> {
        let ports = self.ports.iter().filter(|port| port.wwpn == path.wwpn);
        ports.filter_map(RemotePort::nexus).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::fake::Fake;

    #[test]
    fn a_target_port_is_known_by_name_on_every_port_of_ours_and_initiators_are_not_targets() {
        let fake = Fake::new();
        {
            let mut world = fake.world();
            let mut port = |name: &str, wwpn: &str, roles: &str, target: &str| {
                let dir = format!("/sys/class/fc_remote_ports/{name}");
                world.file(&format!("{dir}/port_name"), wwpn);
                world.file(&format!("{dir}/roles"), roles);
                world.file(&format!("{dir}/port_state"), "Online");
                world.file(&format!("{dir}/scsi_target_id"), target);
            };
            port("rport-1:0-2", "0x500507630a001234", "FCP Target, FCP Initiator", "3");
            port("rport-2:0-7", "0x500507630a001234", "FCP Target", "0");
            port("rport-2:0-8", "0x500507630a009999", "FCP Initiator", "-1");
            port("rport-2:0-9", "0x500507630a005678", "FCP Target", "-1");
        }
        let fabric = Fabric::read(&fake);
        let path = |wwpn: &str| TargetPath::fc(wwpn.parse().unwrap(), Lun::kernel(0x4101));
        let at = |wwpn: &str| -> Vec<String> {
            let all = fabric.of(&path(wwpn));
            all.iter().map(|nexus| nexus.address(Lun::kernel(0x4101)).to_string()).collect()
        };
        assert_eq!(at("50:05:07:63:0a:00:12:34"), ["1:0:3:16641", "2:0:0:16641"]);
        assert!(at("500507630a009999").is_empty() && at("500507630a005678").is_empty());
        assert_eq!(fabric.ports.len(), 3, "the unbound target is known, the initiator is not");
        let found = fabric.path_to("2:0:0:5".parse().unwrap()).unwrap();
        assert_eq!(found.to_string(), "50:05:07:63:0a:00:12:34 lun 5");
    }
}
