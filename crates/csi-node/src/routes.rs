//! Which call is answered by which body. Calls that are not here answer UNIMPLEMENTED and are not advertised.

use async_trait::async_trait;
use perilune_csi::answer;
use perilune_csi::proto::csi::v1;
use tonic::{Request, Response, Status};

use crate::calls::Node;
use crate::convert;

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl v1::node_server::Node for Node {
    async fn node_stage_volume(
        &self,
        request: Request<v1::NodeStageVolumeRequest>,
    ) -> Answer<v1::NodeStageVolumeResponse> {
        answer(self.stage(&request).await)
    }

    async fn node_unstage_volume(
        &self,
        request: Request<v1::NodeUnstageVolumeRequest>,
    ) -> Answer<v1::NodeUnstageVolumeResponse> {
        answer(self.unstage(&request).await)
    }

    async fn node_publish_volume(
        &self,
        request: Request<v1::NodePublishVolumeRequest>,
    ) -> Answer<v1::NodePublishVolumeResponse> {
        answer(self.publish(&request).await)
    }

    async fn node_unpublish_volume(
        &self,
        request: Request<v1::NodeUnpublishVolumeRequest>,
    ) -> Answer<v1::NodeUnpublishVolumeResponse> {
        answer(self.unpublish(&request).await)
    }

    async fn node_get_volume_stats(
        &self,
        request: Request<v1::NodeGetVolumeStatsRequest>,
    ) -> Answer<v1::NodeGetVolumeStatsResponse> {
        answer(self.stats(&request).await)
    }

    async fn node_get_volume_health(
        &self,
        request: Request<v1::NodeGetVolumeHealthRequest>,
    ) -> Answer<v1::NodeGetVolumeHealthResponse> {
        answer(self.volume_health(&request).await)
    }

    async fn node_get_storage_health(
        &self,
        _: Request<v1::NodeGetStorageHealthRequest>,
    ) -> Answer<v1::NodeGetStorageHealthResponse> {
        answer(self.storage_health().await)
    }

    async fn node_expand_volume(
        &self,
        request: Request<v1::NodeExpandVolumeRequest>,
    ) -> Answer<v1::NodeExpandVolumeResponse> {
        answer(self.expand(&request).await)
    }

    async fn node_get_capabilities(
        &self,
        _: Request<v1::NodeGetCapabilitiesRequest>,
    ) -> Answer<v1::NodeGetCapabilitiesResponse> {
        answer(Ok(convert::capabilities()))
    }

    async fn node_get_info(&self, _: Request<v1::NodeGetInfoRequest>) -> Answer<v1::NodeGetInfoResponse> {
        answer(Ok(self.info()))
    }
}
