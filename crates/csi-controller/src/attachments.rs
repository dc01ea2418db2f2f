//! Attachments: publish to a node, unpublish from it.

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use tonic::Request;

use crate::controller::{Controller, until};
use crate::convert::attachment;
use crate::failure;

impl Controller {
    pub(crate) async fn publish_volume(
        &self,
        call: Request<v1::ControllerPublishVolumeRequest>,
    ) -> Result<v1::ControllerPublishVolumeResponse, Failure> {
        let wanted = attachment::wanted(call.get_ref())?;
        note_object(&wanted.volume.to_string());
        let made = self.engine.publish(&wanted, until(&call)).await.map_err(failure::of)?;
        attachment::made(&wanted, &made)
    }

    pub(crate) async fn unpublish_volume(
        &self,
        call: Request<v1::ControllerUnpublishVolumeRequest>,
    ) -> Result<v1::ControllerUnpublishVolumeResponse, Failure> {
        if let Some((handle, node)) = attachment::unwanted(call.get_ref())? {
            note_object(&handle.to_string());
            self.engine.unpublish(&handle, node, until(&call)).await.map_err(failure::of)?;
        }
        Ok(v1::ControllerUnpublishVolumeResponse {})
    }
}
