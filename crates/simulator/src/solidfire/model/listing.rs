//! Listing volumes, each list with the states it shows.

use serde_json::{Value, json};

use super::super::codes;
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::volumes::{Status, Volume};

/// A page: from which id on, and how many.
struct Page {
    start: u64,
    limit: usize,
}

impl Page {
    fn read(params: &mut Params) -> Result<Self, codes::Refusal> {
        let start = params.number("startVolumeID")?.unwrap_or(0);
        let limit = params.id("limit")?.map_or(usize::MAX, |limit| limit as usize);
        params.ignore(&["includeVirtualVolumes"]);
        Ok(Self { start, limit })
    }
}

impl Cluster {
    fn show_all<'a>(&self, volumes: impl Iterator<Item = &'a Volume>) -> Value {
        let volumes: Vec<Value> = volumes.map(|volume| self.show_volume(volume)).collect();
        json!({"volumes": volumes})
    }

    pub(crate) fn list_volumes(&mut self, params: &mut Params) -> Answer {
        let ids = params.numbers("volumeIDs")?.filter(|ids| !ids.is_empty());
        let accounts = params.numbers("accounts")?.filter(|accounts| !accounts.is_empty());
        let paged = params.id("startVolumeID")?.is_some() || params.id("limit")?.is_some();
        let mut page = Page::read(params)?;
        page.limit = page.limit.min(10_000);
        let name = params.text("volumeName")?;
        let status = params.text("volumeStatus")?;
        let paired = params.flag("isPaired")?;
        if let Some(status) = status.as_deref()
            && !["creating", "snapshotting", "active", "deleted"].contains(&status)
        {
            return Err(codes::enumeration(status));
        }
        let wanted = |volume: &&Volume| {
            name.as_ref().is_none_or(|name| volume.name == *name)
                && status.as_ref().is_none_or(|status| volume.status.name() == status)
                && accounts.as_ref().is_none_or(|accounts| accounts.contains(&volume.account))
                && paired.is_none_or(|paired| paired == self.is_paired(volume.id))
        };
        match ids {
            Some(_) if accounts.is_some() || paged => {
                Err(codes::combination("volumeIDs excludes accounts, startVolumeID and limit."))
            }
            Some(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                Ok(self.show_all(ids.iter().filter_map(|id| self.volumes.get(id)).filter(wanted)))
            }
            None => {
                let volumes = self.volumes.range(page.start..).map(|(_, volume)| volume);
                Ok(self.show_all(volumes.filter(wanted).take(page.limit)))
            }
        }
    }

    pub(crate) fn list_active_volumes(&mut self, params: &mut Params) -> Answer {
        let page = Page::read(params)?;
        let volumes = self.volumes.range(page.start..).map(|(_, volume)| volume);
        Ok(self.show_all(volumes.filter(|volume| volume.status == Status::Active).take(page.limit)))
    }

    pub(crate) fn list_deleted_volumes(&mut self, params: &mut Params) -> Answer {
        params.ignore(&["includeVirtualVolumes"]);
        Ok(self.show_all(self.volumes.values().filter(|volume| volume.status == Status::Deleted)))
    }

    /// Deleted volumes are shown until they are purged, clones not before they are complete.
    pub(crate) fn list_volumes_for_account(&mut self, params: &mut Params) -> Answer {
        let account = params.needed_number("accountID")?;
        let page = Page::read(params)?;
        let ids = self.account(account)?.volumes.range(page.start..);
        let volumes = ids.filter_map(|id| self.volumes.get(id));
        Ok(self.show_all(volumes.filter(|volume| volume.status != Status::Init).take(page.limit)))
    }

    pub(crate) fn get_volume_count(&mut self, _params: &mut Params) -> Answer {
        Ok(json!({"count": self.volumes.values().filter(|volume| volume.status != Status::Deleted).count()}))
    }
}
