//! Reaching volumes. Each is a target of its own with LUN 0 over iSCSI; hosts come in by the account's secret, and then
//! there is nothing to map, or by the volume access group of their node.

use perilune_array::{
    Access, AccessModel, Error, ErrorKind, Host, HostId, HostSpec, Initiator, Lun, Mapping, Path, Protocol,
    Result, TargetPort, VolumeId,
};

use super::{Solidfire, ports, volumes};
use crate::fault;
use crate::protocol::NoParams;
use crate::protocol::access::{ByGroup, LunsAnswer, Session, SessionsAnswer};
use crate::protocol::volume::Volume;

impl Solidfire {
    pub(super) fn by_account(&self) -> bool {
        self.profile.access == AccessModel::Account
    }

    pub(super) async fn sessions(&self) -> Result<Vec<Session>> {
        Ok(self.session.call::<SessionsAnswer>("ListISCSISessions", NoParams {}).await?.sessions)
    }

    /// Can hosts write to one of these volumes now? By groups: may they; by the account: are they logged in.
    pub(super) async fn used(&self, found: &[Volume]) -> Result<Option<u64>> {
        if let Some(member) = found.iter().find(|volume| !volume.volume_access_groups.is_empty()) {
            return Ok(Some(member.id));
        }
        if !self.by_account() {
            return Ok(None);
        }
        let sessions = self.sessions().await?;
        let of = |volume: &&Volume| sessions.iter().any(|session| session.volume == volume.id);
        Ok(found.iter().find(of).map(|volume| volume.id))
    }

    /// Why hosts cannot use the volume now, if they cannot.
    fn obstacle(&self, volume: &Volume, read_only: bool) -> Option<String> {
        let account = self.known().account;
        if self.by_account() && Some(volume.account) != account {
            return Some(format!("it belongs to account {} and not to ours", volume.account));
        }
        if volume.status != "active" && volume.status != "snapshotting" {
            return Some(format!("its status is {}", volume.status));
        }
        match volume.access.as_str() {
            "readWrite" => None,
            "readOnly" if read_only => None,
            other => Some(format!("its access is {other}")),
        }
    }

    async fn iscsi_paths(&self, iqn: &str) -> Result<Vec<Path>> {
        let path = |portal| Path::Iscsi { iqn: iqn.to_owned(), portal, lun: Lun(0) };
        Ok(self.portals().await?.into_iter().map(path).collect())
    }

    async fn fibre_paths(&self, host: &HostId, volume: u64) -> Result<Vec<Path>> {
        let Ok(group) = host.as_str().parse() else { return Ok(Vec::new()) };
        let answer: LunsAnswer =
            self.session.call("GetVolumeAccessGroupLunAssignments", ByGroup { id: group }).await?;
        let assigned = answer.volume_access_group_lun_assignments.lun_assignments;
        let lun =
            assigned.iter().find(|assigned| assigned.volume == volume).map(|assigned| Lun(assigned.lun));
        let lun = lun.ok_or_else(|| {
            fault::garbled("GetVolumeAccessGroupLunAssignments", "the volume has no LUN in its group")
        })?;
        let ports = self.fibre_ports().await?;
        let online = ports.iter().filter(|port| port.state.eq_ignore_ascii_case("online"));
        Ok(online.filter_map(|port| ports::wwpn(&port.wwpn)).map(|wwpn| Path::Fc { wwpn, lun }).collect())
    }

    async fn group_paths(&self, found: &Volume, host: &HostId, by: &[Initiator]) -> Result<Vec<Path>> {
        let mut paths = Vec::new();
        if by.iter().any(|initiator| matches!(initiator, Initiator::Iqn(_))) {
            paths.extend(self.iscsi_paths(&found.iqn).await?);
        }
        let has_wwpn = by.iter().any(|initiator| matches!(initiator, Initiator::Wwpn(_)));
        if has_wwpn && self.profile.protocols.contains(&Protocol::Fc) {
            paths.extend(self.fibre_paths(host, found.id).await?);
        }
        Ok(paths)
    }
}

#[async_trait::async_trait]
impl Access for Solidfire {
    async fn ports(&self) -> Result<Vec<TargetPort>> {
        self.all_ports().await
    }

    async fn find_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        if self.by_account() { self.account_host().await } else { self.group_host(spec).await }
    }

    async fn create_host(&self, spec: &HostSpec) -> Result<Host> {
        if self.by_account() { self.add_account_host().await } else { self.add_group_host(spec).await }
    }

    async fn update_host(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        if !self.by_account() {
            return self.set_group_initiators(id, initiators).await;
        }
        self.is_account(id).await?;
        let host = self.account_host().await?;
        host.ok_or_else(|| super::not_found(format_args!("account {id}")))
    }

    async fn delete_host(&self, id: &HostId) -> Result<()> {
        if self.by_account() { self.remove_account_host(id).await } else { self.remove_group_host(id).await }
    }

    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        if self.by_account() {
            self.is_account(host).await?;
        }
        let found = self.read_volume(volume).await?;
        if let Some(obstacle) = self.obstacle(&found, read_only) {
            let obstacle = self.session.clean(&obstacle);
            let text = format!("volume {volume} is no usable disk now: {obstacle}");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        if found.iqn.is_empty() {
            return Err(fault::garbled("ListVolumes", format_args!("volume {volume} has no iqn")));
        }
        let paths = if self.by_account() {
            self.iscsi_paths(&found.iqn).await?
        } else {
            let group = host.as_str().parse::<u64>().ok();
            let is_member = found.volume_access_groups.iter().any(|id| Some(*id) == group);
            let by = self.join_group(host, found.id, is_member).await?;
            self.group_paths(&found, host, &by).await?
        };
        Ok(Mapping { volume: volume.clone(), host: host.clone(), read_only, paths })
    }

    async fn unmap(&self, volume: &VolumeId, host: &HostId) -> Result<()> {
        match volumes::number(volume) {
            Ok(volume) if !self.by_account() => self.leave_group(host, volume).await,
            _ => Ok(()),
        }
    }

    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>> {
        let found = self.read_volume(volume).await?;
        let mut hosts = self.hosts_of(&found.volume_access_groups).await?;
        if self.by_account() && self.sessions().await?.iter().any(|session| session.volume == found.id) {
            hosts.extend(self.account_host().await?);
        }
        Ok(hosts)
    }
}
