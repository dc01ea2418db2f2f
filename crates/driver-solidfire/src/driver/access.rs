//! Reaching volumes: one account for all hosts, a target for each volume, nothing to map.

use perilune_array::{
    Access, Error, ErrorKind, Host, HostId, HostSpec, Initiator, Lun, Mapping, Path, Protocol, Result,
    TargetPort, VolumeId,
};

use super::Solidfire;
use crate::config;
use crate::fault;
use crate::protocol::{self, ClusterInfoAnswer, NoParams, SessionsAnswer};

impl Solidfire {
    /// Is somebody logged in to the volume?
    pub(super) async fn in_session(&self, volume: u64) -> Result<bool> {
        let answer: SessionsAnswer = self.session.call("ListISCSISessions", NoParams {}).await?;
        Ok(answer.sessions.iter().any(|session| session.volume == volume))
    }
}

/// Why hosts with our secret cannot use the volume now, if they cannot.
fn obstacle(volume: &protocol::Volume, account: u64, read_only: bool) -> Option<String> {
    if volume.account != account {
        return Some(format!("it belongs to account {} and not to ours, {account}", volume.account));
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

#[async_trait::async_trait]
impl Access for Solidfire {
    async fn ports(&self) -> Result<Vec<TargetPort>> {
        let info = self.session.call::<ClusterInfoAnswer>("GetClusterInfo", NoParams {}).await?.cluster_info;
        let address = match &self.config.portal {
            Some(portal) => portal.clone(),
            None => config::portal(&info.svip)
                .map_err(|_| fault::garbled("GetClusterInfo", "its svip is no address"))?,
        };
        self.known().cluster = info;
        Ok(vec![TargetPort { protocol: Protocol::Iscsi, address, up: true }])
    }

    async fn find_host(&self, _: &HostSpec) -> Result<Option<Host>> {
        self.host().await
    }

    async fn create_host(&self, _: &HostSpec) -> Result<Host> {
        self.add_host().await
    }

    async fn update_host(&self, id: &HostId, _: &[Initiator]) -> Result<Host> {
        self.is_host(id).await?;
        let host = self.host().await?;
        host.ok_or_else(|| super::not_found(format_args!("account {id}")))
    }

    async fn delete_host(&self, id: &HostId) -> Result<()> {
        self.remove_host(id).await
    }

    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        let account = self.is_host(host).await?;
        let found = self.read_volume(volume).await?;
        if let Some(obstacle) = obstacle(&found, account, read_only) {
            let text = format!("volume {volume} is no usable disk now: {obstacle}");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        if found.iqn.is_empty() {
            return Err(fault::garbled("ListVolumes", format_args!("volume {volume} has no iqn")));
        }
        let path = Path::Iscsi { iqn: found.iqn, portal: self.portal()?, lun: Lun(0) };
        Ok(Mapping { volume: volume.clone(), host: host.clone(), read_only, paths: vec![path] })
    }

    async fn unmap(&self, _: &VolumeId, _: &HostId) -> Result<()> {
        Ok(())
    }

    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>> {
        let found = self.read_volume(volume).await?;
        if !self.in_session(found.id).await? {
            return Ok(Vec::new());
        }
        Ok(self.host().await?.into_iter().collect())
    }
}
