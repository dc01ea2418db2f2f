//! Hosts with their ports, and clusters of hosts.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::System;
use super::mapping::Owner;
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) id: u64,
    pub(crate) fibre_channel: BTreeSet<String>,
    pub(crate) iscsi: BTreeSet<String>,
    /// Name and secret.
    pub(crate) chap: Option<(String, String)>,
    pub(crate) cluster: Option<String>,
    pub(crate) domain: Option<String>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("id", &self.id).field("iscsi", &self.iscsi).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) id: u64,
}

/// Sixteen upper-case digits, whatever separators the caller used.
fn wwpn(text: &str) -> Result<String, Refusal> {
    let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_uppercase();
    if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(digits)
    } else {
        Err(codes::bad_value("fcaddress", text))
    }
}

/// Is this a secret of 96 to 128 bits, as plain characters, hexadecimal or base64?
fn fits_chap(secret: &str) -> bool {
    let bits = if let Some(hex) = secret.strip_prefix("0x") {
        hex.bytes().all(|b| b.is_ascii_hexdigit()).then_some(hex.len() * 4)
    } else if let Some(text) = secret.strip_prefix("0b") {
        BASE64.decode(text).ok().map(|bytes| bytes.len() * 8)
    } else {
        Some(secret.chars().count() * 8)
    };
    bits.is_some_and(|bits| (96..=128).contains(&bits))
}

impl System {
    pub(crate) fn host(&self, name: &str) -> Result<&Host, Refusal> {
        self.hosts.get(name).ok_or_else(codes::no_host)
    }

    fn host_mut(&mut self, name: &str) -> Result<&mut Host, Refusal> {
        self.hosts.get_mut(name).ok_or_else(codes::no_host)
    }

    fn show_host(&self, name: &str, host: &Host) -> Row {
        let list = |ports: &BTreeSet<String>| ports.iter().cloned().collect::<Vec<_>>().join(",");
        Row::new("host", host.id)
            .with("id", host.id)
            .with("name", name)
            .with("type", "default")
            .with("fc_ports", list(&host.fibre_channel))
            .with("iscsi_ports", list(&host.iscsi))
            .with("creator", "admin")
            .with("cluster", host.cluster.as_deref().unwrap_or_default())
            .with("user_group", "")
            .with("iscsi_chap_name", host.chap.as_ref().map_or("", |(name, _)| name))
            .with("perf_class", "")
            .with("domain", host.domain.as_deref().unwrap_or_default())
    }

    pub(crate) fn host_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("host");
        let found = self.hosts.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        Ok(found.map(|(name, host)| self.show_host(name, host)).collect())
    }

    fn chap(arguments: &Arguments) -> Result<Option<(String, String)>, Refusal> {
        match (arguments.text("iscsi_chap_name"), arguments.text("iscsi_chap_secret")) {
            (None, None) => Ok(None),
            (Some(name), Some(secret)) if fits_chap(secret) => Ok(Some((name.to_owned(), secret.to_owned()))),
            (Some(_), Some(_)) => Err(Refusal::new(
                "ISCSI_HOST_ILLEGAL_CHAP_SECRET",
                "The CHAP secret must have 96 to 128 bits",
            )),
            _ => Err(codes::bad_arguments("iscsi_chap_name and iscsi_chap_secret must be given together")),
        }
    }

    pub(crate) fn host_define(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("host")?)?;
        let (chap, domain) = (Self::chap(arguments)?, self.known_domain(arguments)?);
        let cluster = arguments.text("cluster").map(str::to_owned);
        if cluster.as_ref().is_some_and(|cluster| !self.clusters.contains_key(cluster)) {
            return Err(codes::no_cluster());
        }
        if self.hosts.contains_key(&name) {
            return Err(Refusal::new("HOST_NAME_EXISTS", "Host name already exists"));
        }
        if self.limits.reached("hosts", self.hosts.len()) {
            return Err(Refusal::new("MAX_HOSTS_REACHED", "Maximum number of hosts already defined"));
        }
        let (fibre_channel, iscsi) = (BTreeSet::new(), BTreeSet::new());
        let host = Host { id: self.fresh_object(), fibre_channel, iscsi, chap, cluster, domain };
        let row = self.show_host(&name, &host);
        self.hosts.insert(name, host);
        Ok(vec![row])
    }

    pub(crate) fn host_update(&mut self, arguments: &Arguments) -> Answer {
        let chap = Self::chap(arguments)?;
        let host = self.host_mut(arguments.needed("host")?)?;
        if chap.is_some() {
            host.chap = chap;
        }
        Ok(Vec::new())
    }

    pub(crate) fn host_rename(&mut self, arguments: &Arguments) -> Answer {
        let (old, name) = (arguments.needed("host")?, new_name(arguments.needed("new_name")?)?);
        self.host(old)?;
        if self.hosts.contains_key(&name) {
            return Err(Refusal::new("HOST_NAME_EXISTS", "Host name already exists"));
        }
        if let Some(host) = self.hosts.remove(old) {
            self.hosts.insert(name.clone(), host);
        }
        if let Some(mapped) = self.mapped.remove(&Owner::Host(old.to_owned())) {
            self.mapped.insert(Owner::Host(name), mapped);
        }
        Ok(Vec::new())
    }

    pub(crate) fn host_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("host")?;
        let host = self.host(name)?;
        if host.cluster.is_some() {
            return Err(Refusal::new("HOST_BELONGS_TO_CLUSTER", "Host is part of a cluster"));
        }
        let (id, owner) = (host.id, Owner::Host(name.to_owned()));
        if self.mapped.get(&owner).is_some_and(|mapped| !mapped.is_empty()) {
            return Err(Refusal::new("HOST_HAS_MAPPED_VOLUMES", "Volumes are mapped to the host"));
        }
        self.mapped.remove(&owner);
        self.hosts.remove(name);
        self.forget_metadata("host", id);
        Ok(Vec::new())
    }

    pub(crate) fn host_add_port(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("host")?.to_owned();
        let most = self.limits.get("portsPerHost");
        let count = self.host(&name).map(|host| host.fibre_channel.len() + host.iscsi.len())?;
        let port = Port::read(arguments)?;
        if self.hosts.values().any(|host| port.belongs_to(host)) {
            return Err(Refusal::new("HOST_PORT_EXISTS", "Port is already assigned to a host"));
        }
        if count as u64 >= most {
            return Err(Refusal::new("MAX_PORTS_REACHED", "Maximum number of ports already defined"));
        }
        port.add(self.host_mut(&name)?);
        Ok(Vec::new())
    }

    pub(crate) fn host_remove_port(&mut self, arguments: &Arguments) -> Answer {
        let port = Port::read(arguments)?;
        let host = self.host_mut(arguments.needed("host")?)?;
        if !port.belongs_to(host) {
            return Err(Refusal::new("HOST_PORT_DOES_NOT_EXIST", "Port is not assigned to the host"));
        }
        port.remove(host);
        Ok(Vec::new())
    }

    pub(crate) fn cluster_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("cluster")?)?;
        if self.clusters.contains_key(&name) {
            return Err(Refusal::new("CLUSTER_NAME_EXISTS", "Cluster name already exists"));
        }
        if self.limits.reached("clusters", self.clusters.len()) {
            return Err(Refusal::new("MAX_CLUSTERS_REACHED", "Maximum number of clusters already defined"));
        }
        let id = self.fresh_object();
        self.clusters.insert(name, Cluster { id });
        Ok(Vec::new())
    }

    pub(crate) fn cluster_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("cluster")?;
        let id = self.clusters.get(name).ok_or_else(codes::no_cluster)?.id;
        let owner = Owner::Cluster(name.to_owned());
        let used = self.hosts.values().any(|host| host.cluster.as_deref() == Some(name))
            || self.mapped.get(&owner).is_some_and(|mapped| !mapped.is_empty());
        if used {
            return Err(Refusal::new("CLUSTER_NOT_EMPTY", "Cluster has hosts or mappings"));
        }
        self.clusters.remove(name);
        self.mapped.remove(&owner);
        self.forget_metadata("cluster", id);
        Ok(Vec::new())
    }

    pub(crate) fn cluster_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("cluster");
        let found = self.clusters.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let show = |(name, cluster): (&String, &Cluster)| {
            let of = self.hosts.iter().filter(|(_, host)| host.cluster.as_ref() == Some(name));
            let hosts: Vec<&str> = of.map(|(host, _)| host.as_str()).collect();
            Row::new("cluster", cluster.id)
                .with("name", name)
                .with("hosts", hosts.join(","))
                .with("type", "default")
        };
        Ok(found.map(show).collect())
    }

    pub(crate) fn cluster_add_host(&mut self, arguments: &Arguments) -> Answer {
        let cluster = arguments.needed("cluster")?.to_owned();
        if !self.clusters.contains_key(&cluster) {
            return Err(codes::no_cluster());
        }
        let host = self.host_mut(arguments.needed("host")?)?;
        if host.cluster.is_some() {
            return Err(Refusal::new("HOST_BELONGS_TO_CLUSTER", "Host is already part of a cluster"));
        }
        host.cluster = Some(cluster);
        Ok(Vec::new())
    }

    pub(crate) fn cluster_remove_host(&mut self, arguments: &Arguments) -> Answer {
        let cluster = arguments.needed("cluster")?.to_owned();
        let host = self.host_mut(arguments.needed("host")?)?;
        if host.cluster.as_ref() != Some(&cluster) {
            return Err(Refusal::new("HOST_NOT_IN_CLUSTER", "Host is not part of the cluster"));
        }
        host.cluster = None;
        Ok(Vec::new())
    }
}

/// A host's port, of either kind.
enum Port {
    FibreChannel(String),
    Iscsi(String),
}

impl Port {
    fn read(arguments: &Arguments) -> Result<Self, Refusal> {
        match (arguments.text("fcaddress"), arguments.text("iscsi_name")) {
            (Some(address), None) => wwpn(address).map(Self::FibreChannel),
            (None, Some(name)) if name.starts_with("iqn.") || name.starts_with("eui.") => {
                Ok(Self::Iscsi(name.to_owned()))
            }
            (None, Some(_)) => {
                Err(Refusal::new("ISCSI_HOST_ILLEGAL_PORT_NAME", "Port name is illegal for iSCSI"))
            }
            _ => Err(codes::bad_arguments("Exactly one of 'fcaddress' and 'iscsi_name' must be given")),
        }
    }

    fn belongs_to(&self, host: &Host) -> bool {
        match self {
            Self::FibreChannel(port) => host.fibre_channel.contains(port),
            Self::Iscsi(port) => host.iscsi.contains(port),
        }
    }

    fn add(self, host: &mut Host) {
        match self {
            Self::FibreChannel(port) => host.fibre_channel.insert(port),
            Self::Iscsi(port) => host.iscsi.insert(port),
        };
    }

    fn remove(&self, host: &mut Host) {
        match self {
            Self::FibreChannel(port) => host.fibre_channel.remove(port),
            Self::Iscsi(port) => host.iscsi.remove(port),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{fits_chap, wwpn};

    #[test]
    fn an_address_is_kept_as_digits_however_it_is_written() {
        assert_eq!(wwpn("50:01:73:80:00:00:00:1a"), Ok("500173800000001A".to_owned()));
        assert!(wwpn("5001").is_err() && wwpn("500173800000001g").is_err());
    }

    #[test]
    fn a_chap_secret_has_96_to_128_bits() {
        for good in ["twelve-chars", "sixteen--letters", "0x0123456789abcdef01234567"] {
            assert!(fits_chap(good), "{good}");
        }
        for bad in ["short", "seventeen--letters", "0x0123", "0xzz23456789abcdef01234567"] {
            assert!(!fits_chap(bad), "{bad}");
        }
    }
}
