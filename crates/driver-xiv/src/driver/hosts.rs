//! Hosts, known by their names, and the ports that belong to them.

use std::time::{Duration, Instant};

use perilune_array::{Error, ErrorKind, Host, HostId, HostSpec, Initiator, Name, Result};

use super::{Xiv, halfway, not_found};
use crate::fault;
use crate::protocol::{Command, Row};

/// How long a host is believed to have the initiators it was seen with. A mapping to one that is gone is refused by the
/// array; one to a host whose ports were taken away is seen by nobody.
const BELIEVED: Duration = Duration::from_secs(60);

/// A host as it was seen.
#[derive(Debug, Clone)]
pub(super) struct SeenHost {
    at: Instant,
    host: Host,
}

pub(super) fn told(row: &Row) -> Result<Host> {
    let name = row.text("name").ok_or_else(|| fault::garbled("host_list", "a host has no name"))?;
    let ports = |member: &str| {
        let list = row.get(member).unwrap_or_default().split(',').map(str::trim);
        list.filter(|port| !port.is_empty()).map(str::to_lowercase).collect::<Vec<_>>()
    };
    let iqns = ports("iscsi_ports").into_iter().map(Initiator::Iqn);
    let wwpns = ports("fc_ports").into_iter().map(Initiator::Wwpn);
    let mut initiators: Vec<Initiator> = iqns.chain(wwpns).collect();
    initiators.sort();
    Ok(Host { id: HostId::new(name), name: Name::new(name), initiators })
}

fn port(initiator: &Initiator) -> (&'static str, String) {
    match initiator {
        Initiator::Iqn(name) => ("iscsi_name", name.clone()),
        Initiator::Wwpn(digits) => ("fcaddress", digits.to_uppercase()),
    }
}

impl Xiv {
    pub(super) async fn all_hosts(&self) -> Result<Vec<Host>> {
        self.call(Command::new("host_list")).await?.iter().map(told).collect()
    }

    async fn host_named(&self, name: &str) -> Result<Option<Host>> {
        let rows = self.call(Command::new("host_list").with("host", name)).await?;
        let hosts = rows.iter().map(told).collect::<Result<Vec<_>>>()?;
        Ok(hosts.into_iter().find(|host| host.id.as_str() == name))
    }

    pub(super) fn see(&self, host: &Host) {
        let mut known = self.known();
        known.hosts.retain(|seen| seen.host.id != host.id && seen.at.elapsed() < BELIEVED);
        known.hosts.push(SeenHost { at: Instant::now(), host: host.clone() });
    }

    pub(super) fn forget(&self, id: &HostId) {
        self.known().hosts.retain(|seen| seen.host.id != *id);
    }

    pub(super) fn seen(&self, is: impl Fn(&Host) -> bool) -> Option<Host> {
        let known = self.known();
        let fresh = known.hosts.iter().filter(|seen| seen.at.elapsed() < BELIEVED);
        fresh.map(|seen| &seen.host).find(|host| is(host)).cloned()
    }

    pub(super) async fn seek_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        let mut wanted = spec.initiators.clone();
        wanted.sort();
        if let Some(host) = self.seen(|host| !wanted.is_empty() && host.initiators == wanted) {
            return Ok(Some(host));
        }
        let owns = |host: &Host| host.initiators.iter().any(|initiator| spec.initiators.contains(initiator));
        let mut found: Vec<Host> = self.all_hosts().await?.into_iter().filter(owns).collect();
        if found.len() > 1 {
            let names: Vec<&str> = found.iter().map(|host| host.name.as_str()).collect();
            let text = format!("initiators of {} are spread over hosts {}", spec.name, names.join(", "));
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        let found = found.pop();
        if let Some(host) = &found {
            self.see(host);
        }
        Ok(found)
    }

    /// A host without any port is one whose making was cut short, and is taken over.
    pub(super) async fn add_host(&self, spec: &HostSpec) -> Result<Host> {
        let name = spec.name.as_str();
        let made = match self.act(self.definition(spec)).await {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::Exists => match self.host_named(name).await? {
                Some(host) if host.initiators.is_empty() && self.mapped_to(name).await?.is_empty() => false,
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        };
        for initiator in &spec.initiators {
            if let Err(error) = self.add_port(name, initiator).await {
                return Err(self.undo_host(name, made, error).await);
            }
        }
        let mut initiators = spec.initiators.clone();
        initiators.sort();
        let host = Host { id: HostId::new(name), name: spec.name.clone(), initiators };
        self.see(&host);
        Ok(host)
    }

    fn definition(&self, spec: &HostSpec) -> Command {
        let domain = self.config.domain.iter().map(|domain| ("domain", domain.clone()));
        let iscsi = spec.initiators.iter().any(|initiator| matches!(initiator, Initiator::Iqn(_)));
        let chap = self.config.chap.iter().filter(|_| iscsi).flat_map(|chap| {
            let secret = chap.password.reveal().to_owned();
            [("iscsi_chap_name", chap.username.clone()), ("iscsi_chap_secret", secret)]
        });
        Command::new("host_define").with("host", spec.name.as_str()).with_all(domain).with_all(chap)
    }

    /// A host that did not get its ports is taken away again, as far as it was made just now.
    async fn undo_host(&self, name: &str, made: bool, error: Error) -> Error {
        if !made {
            return halfway(error);
        }
        match self.act(Command::new("host_delete").with("host", name)).await {
            Ok(()) => error,
            Err(_) => halfway(error),
        }
    }

    async fn add_port(&self, host: &str, initiator: &Initiator) -> Result<()> {
        let (kind, text) = port(initiator);
        self.act(Command::new("host_add_port").with("host", host).with(kind, text)).await
    }

    /// New ports come before old ones go, so that a refusal leaves the host as it was or better.
    pub(super) async fn set_ports(&self, id: &HostId, wanted: &[Initiator]) -> Result<Host> {
        self.forget(id);
        let found = self.host_named(id.as_str()).await?;
        let mut host = found.ok_or_else(|| not_found(format_args!("host {id}")))?;
        let mut altered = false;
        for initiator in wanted.iter().filter(|initiator| !host.initiators.contains(initiator)) {
            let added = self.add_port(id.as_str(), initiator).await;
            added.map_err(|error| if altered { halfway(error) } else { error })?;
            altered = true;
        }
        for initiator in host.initiators.iter().filter(|initiator| !wanted.contains(initiator)) {
            let (kind, text) = port(initiator);
            let remove = Command::new("host_remove_port").with("host", id.as_str()).with(kind, text);
            self.act(remove).await.map_err(|error| if altered { halfway(error) } else { error })?;
            altered = true;
        }
        host.initiators = wanted.to_vec();
        host.initiators.sort();
        self.see(&host);
        Ok(host)
    }

    /// The array deletes a host with its mappings for whoever is sure, so they are looked at first.
    pub(super) async fn remove_host(&self, id: &HostId) -> Result<()> {
        self.forget(id);
        if let Some(row) = self.mapped_to(id.as_str()).await?.first() {
            let volume = row.get("volume").unwrap_or("a volume");
            return Err(Error::new(ErrorKind::InUse, format!("{volume} is mapped to host {id}")));
        }
        self.act(Command::new("host_delete").with("host", id.as_str())).await
    }
}
