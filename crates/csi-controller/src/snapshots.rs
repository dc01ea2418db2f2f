//! Snapshots: create, delete, find again.

use perilune_csi::proto::csi::v1;
use perilune_csi::server::note_object;
use perilune_csi::{Failure, field};
use tonic::Request;

use crate::controller::{Controller, until};
use crate::convert::{handle, page, snapshot};
use crate::failure;

impl Controller {
    pub(crate) async fn create_snapshot(
        &self,
        call: Request<v1::CreateSnapshotRequest>,
    ) -> Result<v1::CreateSnapshotResponse, Failure> {
        let wanted = snapshot::wanted(call.get_ref())?;
        note_object(&wanted.csi_name);
        let taken = self.engine.ensure_snapshot(&wanted, until(&call)).await.map_err(failure::of)?;
        snapshot::taken(&wanted, &taken)
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

    pub(crate) async fn get_snapshot(
        &self,
        call: Request<v1::GetSnapshotRequest>,
    ) -> Result<v1::GetSnapshotResponse, Failure> {
        let wanted = handle::snapshot("snapshot_id", &call.get_ref().snapshot_id)?;
        field::map("secrets", &call.get_ref().secrets)?;
        note_object(&wanted.to_string());
        let found = self.engine.snapshot(&wanted, until(&call)).await.map_err(failure::of)?;
        Ok(v1::GetSnapshotResponse { snapshot: Some(snapshot::told(&found)?) })
    }

    pub(crate) fn list_snapshots(
        &self,
        call: &Request<v1::ListSnapshotsRequest>,
    ) -> Result<v1::ListSnapshotsResponse, Failure> {
        let asked = page::asked(call.get_ref().max_entries, &call.get_ref().starting_token)?;
        let Some(listed) = snapshot::listed(call.get_ref())? else {
            return Ok(v1::ListSnapshotsResponse::default());
        };
        let found =
            self.engine.snapshots_page(&listed.filter, asked.token, asked.max).map_err(failure::of)?;
        let of_source =
            found.items.iter().filter(|s| listed.source.as_ref().is_none_or(|of| s.source == *of));
        let entry = |view| Ok(v1::list_snapshots_response::Entry { snapshot: Some(snapshot::told(view)?) });
        let entries = of_source.map(entry).collect::<Result<_, Failure>>()?;
        Ok(v1::ListSnapshotsResponse { entries, next_token: found.next.unwrap_or_default() })
    }
}
