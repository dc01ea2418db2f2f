//! The routing table: each call of the service to its body.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use perilune_csi::proto::csi::v1;
use perilune_csi::{answer, deadline};
use perilune_engine::Engine;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::convert;

/// How long a call may take whose caller names no time.
const UNASKED: Duration = Duration::from_secs(60);

/// How long any call may take; what needs longer is taken up again by the next one.
const LONGEST: Duration = Duration::from_secs(600);

/// The Controller service.
#[derive(Debug)]
pub(crate) struct Controller {
    pub(crate) engine: Arc<Engine>,
}

impl Controller {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

/// When the caller stops listening, less what the answer needs to reach it.
pub(crate) fn until<T>(call: &Request<T>) -> Instant {
    let at_most = if call.metadata().contains_key("grpc-timeout") { LONGEST } else { UNASKED };
    Instant::from_std(deadline::deadline(call, at_most))
}

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl v1::controller_server::Controller for Controller {
    async fn create_volume(
        &self,
        call: Request<v1::CreateVolumeRequest>,
    ) -> Answer<v1::CreateVolumeResponse> {
        answer(self.create_volume(call).await)
    }

    async fn delete_volume(
        &self,
        call: Request<v1::DeleteVolumeRequest>,
    ) -> Answer<v1::DeleteVolumeResponse> {
        answer(self.delete_volume(call).await)
    }

    async fn controller_publish_volume(
        &self,
        call: Request<v1::ControllerPublishVolumeRequest>,
    ) -> Answer<v1::ControllerPublishVolumeResponse> {
        answer(self.publish_volume(call).await)
    }

    async fn controller_unpublish_volume(
        &self,
        call: Request<v1::ControllerUnpublishVolumeRequest>,
    ) -> Answer<v1::ControllerUnpublishVolumeResponse> {
        answer(self.unpublish_volume(call).await)
    }

    async fn validate_volume_capabilities(
        &self,
        call: Request<v1::ValidateVolumeCapabilitiesRequest>,
    ) -> Answer<v1::ValidateVolumeCapabilitiesResponse> {
        answer(self.validate_volume(call).await)
    }

    async fn controller_get_capabilities(
        &self,
        _: Request<v1::ControllerGetCapabilitiesRequest>,
    ) -> Answer<v1::ControllerGetCapabilitiesResponse> {
        answer(Ok(convert::offered::capabilities()))
    }

    async fn create_snapshot(
        &self,
        call: Request<v1::CreateSnapshotRequest>,
    ) -> Answer<v1::CreateSnapshotResponse> {
        answer(self.create_snapshot(call).await)
    }

    async fn delete_snapshot(
        &self,
        call: Request<v1::DeleteSnapshotRequest>,
    ) -> Answer<v1::DeleteSnapshotResponse> {
        answer(self.delete_snapshot(call).await)
    }

    async fn controller_expand_volume(
        &self,
        call: Request<v1::ControllerExpandVolumeRequest>,
    ) -> Answer<v1::ControllerExpandVolumeResponse> {
        answer(self.expand_volume(call).await)
    }

    async fn controller_modify_volume(
        &self,
        call: Request<v1::ControllerModifyVolumeRequest>,
    ) -> Answer<v1::ControllerModifyVolumeResponse> {
        answer(self.modify_volume(call).await)
    }

    async fn list_volumes(&self, call: Request<v1::ListVolumesRequest>) -> Answer<v1::ListVolumesResponse> {
        answer(self.list_volumes(&call))
    }

    async fn controller_get_volume(
        &self,
        call: Request<v1::ControllerGetVolumeRequest>,
    ) -> Answer<v1::ControllerGetVolumeResponse> {
        answer(self.get_volume(call).await)
    }

    async fn controller_get_volume_health(
        &self,
        call: Request<v1::ControllerGetVolumeHealthRequest>,
    ) -> Answer<v1::ControllerGetVolumeHealthResponse> {
        answer(self.get_volume_health(call).await)
    }

    async fn controller_list_volume_health(
        &self,
        call: Request<v1::ControllerListVolumeHealthRequest>,
    ) -> Answer<v1::ControllerListVolumeHealthResponse> {
        answer(self.list_volume_health(&call))
    }

    async fn get_capacity(&self, call: Request<v1::GetCapacityRequest>) -> Answer<v1::GetCapacityResponse> {
        answer(self.get_capacity(&call))
    }

    async fn get_snapshot(&self, call: Request<v1::GetSnapshotRequest>) -> Answer<v1::GetSnapshotResponse> {
        answer(self.get_snapshot(call).await)
    }

    async fn list_snapshots(
        &self,
        call: Request<v1::ListSnapshotsRequest>,
    ) -> Answer<v1::ListSnapshotsResponse> {
        answer(self.list_snapshots(&call))
    }
}
