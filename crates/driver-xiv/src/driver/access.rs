//! Mapping volumes to hosts. The client chooses the LUN here; the array refuses one that is taken.

use std::collections::BTreeSet;

use perilune_array::{
    Access, Error, ErrorKind, Host, HostId, HostSpec, Initiator, Lun, Mapping, Result, TargetPort, VolumeId,
};

use super::volumes::Shown;
use super::{LUNS, Xiv, not_found};
use crate::fault;
use crate::protocol::{Command, Row};

/// The lowest LUN that no row has.
fn free(rows: &[Row]) -> Option<u32> {
    let taken: BTreeSet<u32> = rows.iter().filter_map(|row| row.text("lun")?.parse().ok()).collect();
    (1..=LUNS).find(|lun| !taken.contains(lun))
}

impl Xiv {
    /// What a host sees, through its cluster too.
    pub(super) async fn mapped_to(&self, host: &str) -> Result<Vec<Row>> {
        self.call(Command::new("mapping_list").with("host", host)).await
    }

    /// Refuses while anybody can reach the volume.
    pub(super) async fn unused(&self, volume: &Shown) -> Result<()> {
        let rows = self.call(Command::new("vol_mapping_list").with("vol", volume.name.clone())).await?;
        match rows.first() {
            None => Ok(()),
            Some(row) => {
                let text = format!("{} is mapped to {}", volume.name, row.get("host").unwrap_or("a host"));
                Err(Error::new(ErrorKind::InUse, text))
            }
        }
    }

    /// Finds or makes the mapping and gives its LUN.
    async fn mapping(&self, volume: &Shown, host: &HostId) -> Result<u32> {
        let rows = self.mapped_to(host.as_str()).await?;
        if let Some(row) = rows.iter().find(|row| row.get("volume") == Some(volume.name.as_str())) {
            let lun = row.text("lun").and_then(|lun| lun.parse().ok());
            return lun.ok_or_else(|| fault::garbled("mapping_list", "a LUN is no number"));
        }
        let lun = free(&rows).ok_or_else(|| {
            Error::new(ErrorKind::LimitReached, format!("host {host} has no free LUN of 1 to {LUNS}"))
        })?;
        let map = Command::new("map_vol")
            .with("vol", volume.name.clone())
            .with("host", host.as_str())
            .with("lun", lun.to_string());
        self.act(map).await?;
        Ok(lun)
    }
}

#[async_trait::async_trait]
impl Access for Xiv {
    async fn ports(&self) -> Result<Vec<TargetPort>> {
        Ok(self.read_ports().await?.told())
    }

    async fn find_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        self.seek_host(spec).await
    }

    async fn create_host(&self, spec: &HostSpec) -> Result<Host> {
        self.add_host(spec).await
    }

    async fn update_host(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        self.set_ports(id, initiators).await
    }

    async fn delete_host(&self, id: &HostId) -> Result<()> {
        self.remove_host(id).await
    }

    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        let shown = self.volume(volume).await?;
        if shown.locked && !read_only {
            let text = format!("volume {volume} is no usable disk now: it is locked");
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        let mapped = self.mapping(&shown, host).await;
        if mapped.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            self.forget(host);
        }
        let lun = Lun(mapped?);
        let initiators = self.seen(|seen| seen.id == *host).map(|seen| seen.initiators);
        let paths = self.usual_ports().await?.paths(lun, initiators.as_deref());
        Ok(Mapping { volume: volume.clone(), host: host.clone(), read_only, paths })
    }

    async fn unmap(&self, volume: &VolumeId, host: &HostId) -> Result<()> {
        let Some(shown) = self.by_wwn(volume.as_str()).await? else { return Ok(()) };
        let unmap = Command::new("unmap_vol").with("vol", shown.name).with("host", host.as_str());
        match self.act(unmap).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            answer => answer,
        }
    }

    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>> {
        let shown = self.volume(volume).await?;
        let rows = self.call(Command::new("vol_mapping_list").with("vol", shown.name)).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let named = |kind: &str| {
            let of = rows.iter().filter(|row| row.get("type") == Some(kind));
            of.filter_map(|row| row.text("host")).map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let (mut hosts, clusters) = (named("host"), named("cluster"));
        for cluster in &clusters {
            let rows = self.call(Command::new("cluster_list").with("cluster", cluster.clone())).await?;
            let members = rows.first().and_then(|row| row.get("hosts")).unwrap_or_default();
            hosts.extend(members.split(',').filter(|host| !host.is_empty()).map(str::to_owned));
        }
        let all = self.all_hosts().await?;
        let found: Vec<Host> = all.into_iter().filter(|host| hosts.contains(host.name.as_str())).collect();
        if found.is_empty() && clusters.is_empty() {
            return Err(not_found(format_args!("a host that volume {volume} is mapped to")));
        }
        Ok(found)
    }
}
