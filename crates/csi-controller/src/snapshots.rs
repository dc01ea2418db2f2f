//! Snapshots: create, delete.

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use tonic::Request;

use crate::controller::{Controller, until};
use crate::convert::snapshot;
use crate::failure;

impl Controller {
    pub(crate) async fn create_snapshot(
        &self,
        call: Request<v1::CreateSnapshotRequest>,
    ) -> Result<v1::CreateSnapshotResponse, Failure> {
        let wanted = snapshot::wanted(call.get_ref())?;
        note_object(&wanted.csi_name);
        let taken = self.engine.ensure_snapshot(&wanted, until(&call)).await.map_err(failure::of)?;
        snapshot::taken(&taken)
    }

    pub(crate) async fn delete_snapshot(
        &self,
        call: Request<v1::DeleteSnapshotRequest>,
    ) -> Result<v1::DeleteSnapshotResponse, Failure> {
        if let Some(handle) = snapshot::unwanted(call.get_ref())? {
            note_object(&handle.to_string());
            self.engine.remove_snapshot(&handle, until(&call)).await.map_err(failure::of)?;
        }
        Ok(v1::DeleteSnapshotResponse {})
    }
}
