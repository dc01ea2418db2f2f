//! Ledger entries as `ArrayVolume` objects, and back.

use std::time::SystemTime;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt;
use perilune_api::names::{BACKEND_LABEL, VOLUME_FINALIZER};
use perilune_api::volume::{Attachment, Claim, Departure, Phase, SnapshotRecord};
use perilune_api::{ArrayVolume, ArrayVolumeSpec, ArrayVolumeStatus};
use perilune_engine::ledger::{self, Attached, Departed, Entry, SnapshotEntry};
use perilune_engine::{HostId, LedgerError, Name, PoolId, RecordId, Size, SnapshotId, VolumeId, Wwid};

use crate::quantity;

/// The generation of a volume whose record tells none.
const FIRST: u64 = 1;

/// The object to create for an entry.
pub(super) fn object_of(entry: &Entry) -> Result<ArrayVolume, LedgerError> {
    let spec = ArrayVolumeSpec {
        csi_name: entry.csi_name.clone(),
        backend: entry.backend.clone(),
        pool: entry.pool_name.clone(),
        pool_id: entry.pool.as_str().to_owned(),
        native_name: entry.name.as_str().to_owned(),
        source: entry.source.clone(),
        parameters: entry.parameters.clone(),
        claim: entry.claim.as_ref().map(|c| Claim { namespace: c.namespace.clone(), name: c.name.clone() }),
        topology: entry.topology.clone(),
        born_empty: entry.born_empty,
    };
    let mut object = ArrayVolume::new(entry.id.as_str(), spec);
    object.labels_mut().insert(BACKEND_LABEL.to_owned(), entry.backend.clone());
    object.finalizers_mut().push(VOLUME_FINALIZER.to_owned());
    object.status = Some(status_of(entry)?);
    Ok(object)
}

/// The part of the object that changes.
pub(super) fn status_of(entry: &Entry) -> Result<ArrayVolumeStatus, LedgerError> {
    Ok(ArrayVolumeStatus {
        phase: match entry.phase {
            ledger::Phase::Pending => Phase::Pending,
            ledger::Phase::Ready => Phase::Ready,
            ledger::Phase::Deleting => Phase::Deleting,
            ledger::Phase::Released => Phase::Released,
        },
        native_id: entry.native.as_ref().map(|id| id.as_str().to_owned()),
        wwid: entry.wwid.as_ref().map(|wwid| wwid.as_str().to_owned()),
        wwid_alt: entry.wwid_alt.as_ref().map(|wwid| wwid.as_str().to_owned()),
        size_bytes: stored_size(entry.size)?,
        size: quantity::exact(entry.size),
        attempted: entry.attempted.map(stored_time).transpose()?,
        mutable: entry.mutable.clone(),
        generation: i64::try_from(entry.generation).ok(),
        attachments: entry.attachments.iter().map(stored_attachment).collect::<Result<_, _>>()?,
        departed: entry.departed.iter().map(stored_departure).collect::<Result<_, _>>()?,
        snapshots: entry.snapshots.iter().map(stored_snapshot).collect::<Result<_, _>>()?,
    })
}

/// The entry that an object stands for.
pub(super) fn entry_of(object: ArrayVolume) -> Result<Entry, LedgerError> {
    let id = RecordId::new(object.name_any());
    let version = object.resource_version();
    let (spec, Some(status)) = (object.spec, object.status) else {
        return Err(LedgerError::Refused(format!(
            "record {id} has no status, so it was not written by this product; find out who made it"
        )));
    };
    Ok(Entry {
        id,
        csi_name: spec.csi_name,
        claim: spec.claim.map(|c| perilune_engine::Claim { namespace: c.namespace, name: c.name }),
        backend: spec.backend,
        pool: PoolId::new(spec.pool_id),
        pool_name: spec.pool,
        name: Name::new(spec.native_name),
        size: read_size(status.size_bytes),
        parameters: spec.parameters,
        mutable: status.mutable,
        topology: spec.topology,
        source: spec.source,
        born_empty: spec.born_empty,
        generation: status.generation.and_then(|count| u64::try_from(count).ok()).unwrap_or(FIRST),
        native: status.native_id.map(VolumeId::new),
        wwid: status.wwid.as_deref().map(Wwid::new),
        wwid_alt: status.wwid_alt.as_deref().map(Wwid::new),
        phase: match status.phase {
            Phase::Pending => ledger::Phase::Pending,
            Phase::Ready => ledger::Phase::Ready,
            Phase::Deleting => ledger::Phase::Deleting,
            Phase::Released => ledger::Phase::Released,
        },
        attempted: status.attempted.as_ref().map(read_time),
        attachments: status.attachments.into_iter().map(read_attachment).collect(),
        departed: status.departed.into_iter().map(read_departure).collect(),
        snapshots: status.snapshots.into_iter().map(read_snapshot).collect(),
        version,
    })
}

fn stored_attachment(attached: &Attached) -> Result<Attachment, LedgerError> {
    Ok(Attachment {
        node: attached.node.clone(),
        read_only: attached.read_only,
        host: attached.host.as_ref().map(|host| host.as_str().to_owned()),
        since: attached.since.map(stored_time).transpose()?,
    })
}

fn stored_departure(departed: &Departed) -> Result<Departure, LedgerError> {
    let (node, host) = (departed.node.clone(), departed.host.as_str().to_owned());
    Ok(Departure { node, host, at: stored_time(departed.at)? })
}

fn read_departure(record: Departure) -> Departed {
    Departed { node: record.node, host: HostId::new(record.host), at: read_time(&record.at) }
}

fn read_attachment(record: Attachment) -> Attached {
    Attached {
        node: record.node,
        read_only: record.read_only,
        host: record.host.map(HostId::new),
        since: record.since.as_ref().map(read_time),
    }
}

fn stored_snapshot(snapshot: &SnapshotEntry) -> Result<SnapshotRecord, LedgerError> {
    Ok(SnapshotRecord {
        csi_name: snapshot.csi_name.clone(),
        native_name: snapshot.name.as_str().to_owned(),
        native_id: snapshot.native.as_ref().map(|id| id.as_str().to_owned()),
        size_bytes: stored_size(snapshot.size)?,
        created: snapshot.created.map(stored_time).transpose()?,
        ready: snapshot.ready,
        attempted: snapshot.attempted.map(stored_time).transpose()?,
    })
}

fn read_snapshot(record: SnapshotRecord) -> SnapshotEntry {
    SnapshotEntry {
        csi_name: record.csi_name,
        name: Name::new(record.native_name),
        native: record.native_id.map(SnapshotId::new),
        size: read_size(record.size_bytes),
        created: record.created.as_ref().map(read_time),
        ready: record.ready,
        attempted: record.attempted.as_ref().map(read_time),
    }
}

fn stored_size(size: Size) -> Result<i64, LedgerError> {
    i64::try_from(size.get())
        .map_err(|_| LedgerError::Refused(format!("a size of {size} is beyond all arrays")))
}

/// The schema lets no negative size in.
fn read_size(bytes: i64) -> Size {
    Size::bytes(u64::try_from(bytes).unwrap_or_default())
}

fn stored_time(time: SystemTime) -> Result<MicroTime, LedgerError> {
    jiff::Timestamp::try_from(time).map(MicroTime).map_err(|error| LedgerError::Refused(error.to_string()))
}

fn read_time(time: &MicroTime) -> SystemTime {
    SystemTime::from(time.0)
}

#[cfg(test)]
mod tests;
