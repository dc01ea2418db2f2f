//! The bodies of the node's calls: parse, one call of the host, convert.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use perilune_csi::Failure;
use perilune_csi::deadline::deadline;
use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use perilune_host::{Host, Staged};
use tonic::Request;

use crate::convert::{self, KubeletDir};
use crate::failure::{from_growing, from_host};
use crate::node_id::NodeId;

/// Kubelet gives a call two minutes; an answer that tells the reason must be there before.
const ATTACHING: Duration = Duration::from_secs(90);

/// Bind mounts and their removal.
const BINDING: Duration = Duration::from_secs(30);

/// Kubelet asks for statistics again and again; a hung file system must not keep it.
const LOOKING: Duration = Duration::from_secs(10);

/// What the scheduler must know about this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Volumes that may be attached at once; none leaves it to Kubernetes.
    pub volumes: Option<u32>,
    /// Where the node is and what it reaches.
    pub topology: BTreeMap<String, String>,
}

/// The CSI node service of one machine.
#[derive(Clone, Debug)]
pub struct Node {
    host: Arc<dyn Host>,
    id: NodeId,
    place: Place,
    kubelet: KubeletDir,
}

impl Node {
    /// A service for this machine. Paths outside `kubelet_dir` are refused.
    pub fn new(host: Arc<dyn Host>, id: NodeId, place: Place, kubelet_dir: PathBuf) -> Self {
        Self { host, id, place, kubelet: KubeletDir::new(kubelet_dir) }
    }

    pub(crate) async fn stage(
        &self,
        request: &Request<v1::NodeStageVolumeRequest>,
    ) -> Result<v1::NodeStageVolumeResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::stage(&self.kubelet, request.get_ref(), deadline(request, ATTACHING))?;
        let staged = self.host.stage(&wish).await.map_err(from_host)?;
        tell(&staged);
        Ok(v1::NodeStageVolumeResponse {})
    }

    pub(crate) async fn unstage(
        &self,
        request: &Request<v1::NodeUnstageVolumeRequest>,
    ) -> Result<v1::NodeUnstageVolumeResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::unstage(&self.kubelet, request.get_ref(), deadline(request, ATTACHING))?;
        self.host.unstage(&wish).await.map_err(from_host)?;
        Ok(v1::NodeUnstageVolumeResponse {})
    }

    pub(crate) async fn publish(
        &self,
        request: &Request<v1::NodePublishVolumeRequest>,
    ) -> Result<v1::NodePublishVolumeResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::publish(&self.kubelet, request.get_ref(), deadline(request, BINDING))?;
        self.host.publish(&wish).await.map_err(from_host)?;
        Ok(v1::NodePublishVolumeResponse {})
    }

    pub(crate) async fn unpublish(
        &self,
        request: &Request<v1::NodeUnpublishVolumeRequest>,
    ) -> Result<v1::NodeUnpublishVolumeResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::unpublish(&self.kubelet, request.get_ref(), deadline(request, BINDING))?;
        self.host.unpublish(&wish).await.map_err(from_host)?;
        Ok(v1::NodeUnpublishVolumeResponse {})
    }

    pub(crate) async fn stats(
        &self,
        request: &Request<v1::NodeGetVolumeStatsRequest>,
    ) -> Result<v1::NodeGetVolumeStatsResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::stats(&self.kubelet, request.get_ref(), deadline(request, LOOKING))?;
        let found = self.host.stats(&wish).await.map_err(from_host)?;
        Ok(convert::stats_found(&found))
    }

    pub(crate) async fn expand(
        &self,
        request: &Request<v1::NodeExpandVolumeRequest>,
    ) -> Result<v1::NodeExpandVolumeResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::grow(request.get_ref(), deadline(request, ATTACHING))?;
        let grown = self.host.grow(&wish).await.map_err(from_growing)?;
        Ok(convert::grown(grown))
    }

    pub(crate) async fn volume_health(
        &self,
        request: &Request<v1::NodeGetVolumeHealthRequest>,
    ) -> Result<v1::NodeGetVolumeHealthResponse, Failure> {
        note_object(&request.get_ref().volume_id);
        let wish = convert::health(&self.kubelet, request.get_ref(), deadline(request, LOOKING))?;
        let found = self.host.health(&wish).await.map_err(from_host)?;
        Ok(convert::health_found(&wish, &found))
    }

    pub(crate) async fn storage_health(&self) -> Result<v1::NodeGetStorageHealthResponse, Failure> {
        let identity = self.host.identity().await.map_err(from_host)?;
        let staged = self.host.staged().await.map_err(from_host)?;
        Ok(convert::storage_health(&identity, &staged))
    }

    pub(crate) fn info(&self) -> v1::NodeGetInfoResponse {
        let segments: HashMap<_, _> = self.place.topology.clone().into_iter().collect();
        v1::NodeGetInfoResponse {
            node_id: self.id.to_string(),
            // Zero is CSI's word for "no limit known".
            max_volumes_per_node: self.place.volumes.map_or(0, i64::from),
            accessible_topology: (!segments.is_empty()).then_some(v1::Topology { segments }),
        }
    }
}

fn tell(staged: &Staged) {
    let missing: Vec<_> = staged.missing.iter().map(ToString::to_string).collect();
    if !missing.is_empty() {
        tracing::warn!(paths = staged.paths, "in use without these paths: {}", missing.join(", "));
    }
    if staged.formatted {
        tracing::info!("made a new file system");
    }
}
