//! Hosts, mappings and ports of the in-memory array, in both access models.

use super::state::{HostRow, State};
use super::{FakeArray, not_found};
use crate::{
    Access, AccessModel, Error, ErrorKind, Host, HostId, HostSpec, Initiator, Lun, Mapping, Path, Protocol,
    Result, TargetPort, VolumeId,
};

/// LUNs that a host can address where the profile sets no limit.
const LUNS: u32 = 4096;

impl State {
    fn by_account(&self) -> bool {
        self.profile.access == AccessModel::Account
    }

    fn shown_host(&self, id: &HostId) -> Result<Host> {
        let row = self.hosts.get(id).ok_or_else(|| not_found(format_args!("host {id}")))?;
        Ok(Host { id: id.clone(), name: row.name.clone(), initiators: row.initiators.clone() })
    }

    fn owners_of(&self, initiators: &[Initiator]) -> Vec<HostId> {
        let owns = |row: &HostRow| row.initiators.iter().any(|i| initiators.contains(i));
        self.hosts.iter().filter(|(_, row)| owns(row)).map(|(id, _)| id.clone()).collect()
    }

    fn seek_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        if self.by_account() {
            return self.hosts.keys().next().map(|id| self.shown_host(id)).transpose();
        }
        match self.owners_of(&spec.initiators).as_slice() {
            [] => Ok(None),
            [id] => self.shown_host(id).map(Some),
            many => Err(Error::new(
                ErrorKind::WrongState,
                format!("initiators are spread over {} hosts", many.len()),
            )),
        }
    }

    fn add_host(&mut self, spec: &HostSpec) -> Result<Host> {
        let taken = self.hosts.values().any(|row| row.name == spec.name)
            || (self.by_account() && !self.hosts.is_empty());
        if taken {
            return Err(Error::new(ErrorKind::Exists, format!("host {} is there", spec.name)));
        }
        self.no_other_owner(&spec.initiators, None)?;
        if self.hosts.len() >= self.limits.hosts {
            return Err(Error::new(ErrorKind::LimitReached, "array holds no more hosts"));
        }
        let id = HostId::new(format!("host-{}", self.next()));
        let initiators = if self.by_account() { Vec::new() } else { spec.initiators.clone() };
        self.hosts.insert(id.clone(), HostRow { name: spec.name.clone(), initiators });
        self.shown_host(&id)
    }

    fn no_other_owner(&self, initiators: &[Initiator], but: Option<&HostId>) -> Result<()> {
        match self.owners_of(initiators).iter().find(|id| Some(*id) != but) {
            Some(id) => Err(Error::new(ErrorKind::InUse, format!("an initiator belongs to host {id}"))),
            None => Ok(()),
        }
    }

    fn set_initiators(&mut self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        self.no_other_owner(initiators, Some(id))?;
        let by_account = self.by_account();
        let row = self.hosts.get_mut(id).ok_or_else(|| not_found(format_args!("host {id}")))?;
        if !by_account {
            row.initiators = initiators.to_vec();
        }
        self.shown_host(id)
    }

    fn drop_host(&mut self, id: &HostId) -> Result<()> {
        self.shown_host(id)?;
        let used = self.volumes.values().any(|v| v.mapped.contains_key(id))
            || (self.by_account() && !self.volumes.is_empty());
        if used {
            return Err(Error::new(ErrorKind::InUse, format!("host {id} has volumes")));
        }
        self.hosts.remove(id);
        Ok(())
    }

    fn map_volume(&mut self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        self.shown_host(host)?;
        let row = self.volume(volume)?;
        let unusable = row.faulted || row.copying.is_some();
        let known = row.mapped.get(host).copied();
        if unusable || self.is_shut(volume) {
            return Err(Error::new(ErrorKind::WrongState, format!("volume {volume} is no usable disk now")));
        }
        let (lun, read_only) = match known {
            Some(known) => known,
            None if self.by_account() => (Lun(0), read_only),
            None => {
                let lun = self.free_lun(host)?;
                self.volume(volume)?.mapped.insert(host.clone(), (lun, read_only));
                (lun, read_only)
            }
        };
        Ok(Mapping { volume: volume.clone(), host: host.clone(), read_only, paths: self.paths(volume, lun)? })
    }

    fn free_lun(&self, host: &HostId) -> Result<Lun> {
        let used: Vec<_> =
            self.volumes.values().filter_map(|v| v.mapped.get(host)).map(|(lun, _)| *lun).collect();
        let limit = self.profile.volumes_per_host.unwrap_or(LUNS);
        (0..limit)
            .map(Lun)
            .find(|lun| !used.contains(lun))
            .ok_or_else(|| Error::new(ErrorKind::LimitReached, format!("host {host} has no free LUN")))
    }

    fn paths(&mut self, volume: &VolumeId, lun: Lun) -> Result<Vec<Path>> {
        let number = self.volume(volume)?.number;
        let by_account = self.by_account();
        let ports =
            self.ports.iter().filter(|port| port.up && self.profile.protocols.contains(&port.protocol));
        let path = |port: &TargetPort| match port.protocol {
            Protocol::Fc => Path::Fc { wwpn: port.address.clone(), lun },
            Protocol::Iscsi => {
                let iqn = if by_account { format!("{}:{number}", self.id) } else { self.id.to_string() };
                Path::Iscsi {
                    iqn: format!("iqn.2026-01.io.perilune:{iqn}"),
                    portal: port.address.clone(),
                    lun,
                }
            }
        };
        Ok(ports.map(path).collect())
    }

    fn who_reaches(&mut self, volume: &VolumeId) -> Result<Vec<Host>> {
        let row = self.volume(volume)?;
        let (session, mapped) = (row.session, row.mapped.keys().cloned().collect::<Vec<_>>());
        let ids = if session { self.hosts.keys().cloned().collect() } else { mapped };
        ids.iter().map(|id| self.shown_host(id)).collect()
    }
}

#[async_trait::async_trait]
impl Access for FakeArray {
    async fn ports(&self) -> Result<Vec<TargetPort>> {
        self.call("access.ports", |state| Ok(state.ports.clone())).await
    }

    async fn find_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        self.call("access.find_host", |state| state.seek_host(spec)).await
    }

    async fn create_host(&self, spec: &HostSpec) -> Result<Host> {
        self.call("access.create_host", |state| state.add_host(spec)).await
    }

    async fn update_host(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        self.call("access.update_host", |state| state.set_initiators(id, initiators)).await
    }

    async fn delete_host(&self, id: &HostId) -> Result<()> {
        self.call("access.delete_host", |state| state.drop_host(id)).await
    }

    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        self.call("access.map", |state| state.map_volume(volume, host, read_only)).await
    }

    async fn unmap(&self, volume: &VolumeId, host: &HostId) -> Result<()> {
        self.call("access.unmap", |state| {
            if let Some(row) = state.volumes.get_mut(volume).filter(|_| !state.keeps_maps) {
                row.mapped.remove(host);
            }
            Ok(())
        })
        .await
    }

    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>> {
        self.call("access.mappings", |state| state.who_reaches(volume)).await
    }
}
