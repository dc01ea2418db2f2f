//! Looking: what volumes there are, how they fare, and how much room is left. Alters nothing.

use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use perilune_csi::{Failure, field};
use tonic::Request;

use crate::controller::{Controller, until};
use crate::convert::{capacity, handle, health, page, volume};
use crate::failure;

impl Controller {
    pub(crate) fn list_volumes(
        &self,
        call: &Request<v1::ListVolumesRequest>,
    ) -> Result<v1::ListVolumesResponse, Failure> {
        let asked = page::asked(call.get_ref().max_entries, &call.get_ref().starting_token)?;
        let found = self.engine.volumes_page(asked.token, asked.max).map_err(failure::of)?;
        let entries = found.items.iter().map(volume::entry).collect::<Result<_, _>>()?;
        Ok(v1::ListVolumesResponse { entries, next_token: found.next.unwrap_or_default() })
    }

    pub(crate) async fn get_volume(
        &self,
        call: Request<v1::ControllerGetVolumeRequest>,
    ) -> Result<v1::ControllerGetVolumeResponse, Failure> {
        let wanted = handle::volume("volume_id", &call.get_ref().volume_id)?;
        note_object(&wanted.to_string());
        let found = self.engine.volume_status(&wanted, until(&call)).await.map_err(failure::of)?;
        volume::looked_at(&found)
    }

    pub(crate) async fn get_volume_health(
        &self,
        call: Request<v1::ControllerGetVolumeHealthRequest>,
    ) -> Result<v1::ControllerGetVolumeHealthResponse, Failure> {
        let wanted = handle::volume("volume_id", &call.get_ref().volume_id)?;
        field::map("secrets", &call.get_ref().secrets)?;
        note_object(&wanted.to_string());
        let found = self.engine.volume_status(&wanted, until(&call)).await.map_err(failure::of)?;
        let health = health::statuses(&wanted, &found.health);
        Ok(v1::ControllerGetVolumeHealthResponse { volume_health: Some(health) })
    }

    /// Only what is not well. Pages are filled: a caller with few patients does not get many empty ones.
    pub(crate) fn list_volume_health(
        &self,
        call: &Request<v1::ControllerListVolumeHealthRequest>,
    ) -> Result<v1::ControllerListVolumeHealthResponse, Failure> {
        let asked = page::asked(call.get_ref().max_entries, &call.get_ref().starting_token)?;
        field::map("secrets", &call.get_ref().secrets)?;
        let mut entries: Vec<v1::VolumeHealth> = Vec::new();
        let mut next = asked.token.map(str::to_owned);
        loop {
            let left = asked.max.saturating_sub(entries.len());
            let found = self.engine.volumes_page(next.as_deref(), left).map_err(failure::of)?;
            let ill = found.items.iter().filter(|volume| volume.health.abnormal);
            entries.extend(ill.map(|volume| health::statuses(&volume.view.handle, &volume.health)));
            next = found.next;
            if next.is_none() || (asked.max > 0 && entries.len() >= asked.max) {
                let next_token = next.unwrap_or_default();
                return Ok(v1::ControllerListVolumeHealthResponse { entries, next_token });
            }
        }
    }

    pub(crate) fn get_capacity(
        &self,
        call: &Request<v1::GetCapacityRequest>,
    ) -> Result<v1::GetCapacityResponse, Failure> {
        let room = match capacity::wanted(call.get_ref())? {
            Some(wanted) => self.engine.capacity(&wanted).map_err(failure::of)?,
            None => perilune_engine::Capacity::default(),
        };
        Ok(capacity::told(&room))
    }
}
