//! Volumes: create, delete, expand, modify, validate.

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use tonic::Request;

use crate::controller::{Controller, until};
use crate::convert::{validation, volume};
use crate::failure;

impl Controller {
    pub(crate) async fn create_volume(
        &self,
        call: Request<v1::CreateVolumeRequest>,
    ) -> Result<v1::CreateVolumeResponse, Failure> {
        let wanted = volume::wanted(call.get_ref())?;
        note_object(&wanted.csi_name);
        let made = self.engine.ensure_volume(&wanted, until(&call)).await.map_err(failure::of)?;
        volume::made(&made)
    }

    pub(crate) async fn delete_volume(
        &self,
        call: Request<v1::DeleteVolumeRequest>,
    ) -> Result<v1::DeleteVolumeResponse, Failure> {
        if let Some(handle) = volume::unwanted(call.get_ref())? {
            note_object(&handle.to_string());
            self.engine.remove_volume(&handle, until(&call)).await.map_err(failure::of)?;
        }
        Ok(v1::DeleteVolumeResponse {})
    }

    pub(crate) async fn expand_volume(
        &self,
        call: Request<v1::ControllerExpandVolumeRequest>,
    ) -> Result<v1::ControllerExpandVolumeResponse, Failure> {
        let wanted = volume::growth(call.get_ref())?;
        note_object(&wanted.volume.to_string());
        let until = until(&call);
        let size = self.engine.grow(&wanted.volume, wanted.range, until).await.map_err(failure::of)?;
        let idle = async || self.engine.volume(&wanted.volume, until).await.is_ok_and(|v| v.nodes.is_empty());
        volume::grown(size, wanted.raw && idle().await)
    }

    pub(crate) async fn modify_volume(
        &self,
        call: Request<v1::ControllerModifyVolumeRequest>,
    ) -> Result<v1::ControllerModifyVolumeResponse, Failure> {
        let (handle, wanted) = volume::change(call.get_ref())?;
        note_object(&handle.to_string());
        self.engine.modify(&handle, &wanted, until(&call)).await.map_err(failure::of)?;
        Ok(v1::ControllerModifyVolumeResponse {})
    }

    pub(crate) async fn validate_volume(
        &self,
        call: Request<v1::ValidateVolumeCapabilitiesRequest>,
    ) -> Result<v1::ValidateVolumeCapabilitiesResponse, Failure> {
        let question = validation::question(call.get_ref())?;
        note_object(&question.wanted.volume.to_string());
        let (volume, objection) =
            self.engine.check_volume(&question.wanted, until(&call)).await.map_err(failure::of)?;
        Ok(validation::verdict(call.into_inner(), question, &volume, objection))
    }
}
