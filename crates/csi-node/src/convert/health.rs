//! Health as CSI 1.13 has it, from the same findings as the condition of 1.12.

use std::time::Instant;

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;
use perilune_host::{Ailment, Harm, Identity, StagedVolume, StatsRequest, Verdict};
use v1::node_get_storage_health_response::StorageBackendHealth;
use v1::volume_health::VolumeHealthEntry;
use v1::{StorageHealthErrorType as StorageHarm, VolumeHealthErrorType as VolumeHarm};

use super::{KubeletDir, volume};

pub(crate) fn health(
    kubelet: &KubeletDir,
    request: &v1::NodeGetVolumeHealthRequest,
    deadline: Instant,
) -> Result<StatsRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let path = |name: &str, value: &str| {
        Some(value).filter(|v| !v.is_empty()).map(|v| kubelet.path(name, v)).transpose()
    };
    let staged = path("staging_target_path", &request.staging_target_path)?;
    let published = path("volume_publish_path", &request.volume_publish_path)?;
    // both are optional: the record knows at least where the volume is staged
    let volume_path = published.or(staged).unwrap_or_default();
    Ok(StatsRequest { volume, volume_path, deadline })
}

pub(crate) fn health_found(wish: &StatsRequest, found: &[Ailment]) -> v1::NodeGetVolumeHealthResponse {
    let entry = |ailment: &Ailment| {
        let harm = match ailment.harm {
            Harm::Degraded => VolumeHarm::Degraded,
            Harm::Inaccessible => VolumeHarm::Inaccessible,
            Harm::DataLoss => VolumeHarm::DataLoss,
        };
        VolumeHealthEntry {
            status: harm.into(),
            reason: ailment.reason.to_owned(),
            message: ailment.message.clone(),
        }
    };
    let health_statuses = found.iter().map(entry).collect();
    let volume_health = Some(v1::VolumeHealth { volume_id: wish.volume.to_string(), health_statuses });
    v1::NodeGetVolumeHealthResponse { volume_health }
}

/// The host's faults, and what the paths of all its volumes amount to.
pub(crate) fn storage_health(
    identity: &Identity,
    staged: &[StagedVolume],
) -> v1::NodeGetStorageHealthResponse {
    let entry = |status: StorageHarm, reason: &str, message: String| StorageBackendHealth {
        status: status.into(),
        reason: reason.to_owned(),
        message,
        volume_capability: None,
    };
    let faults = identity.checks.iter().filter(|check| check.verdict == Verdict::Fault);
    let mut backend_health: Vec<_> = faults
        .map(|check| {
            let message = format!("{}: {}; {}", check.name, check.finding, check.remedy);
            entry(StorageHarm::StorageUnreachable, "HostFault", message)
        })
        .collect();
    let sum = |part: fn(&StagedVolume) -> usize| staged.iter().map(part).sum::<usize>();
    let (found, expected) = (sum(|volume| volume.found), sum(|volume| volume.expected));
    if found < expected {
        let status = if found == 0 { StorageHarm::StorageUnreachable } else { StorageHarm::StorageDegraded };
        let short = staged.iter().filter(|volume| volume.found < volume.expected).count();
        let message = format!("{found} of {expected} paths found; {short} volumes lack some of theirs");
        backend_health.push(entry(status, "PathsMissing", message));
    }
    v1::NodeGetStorageHealthResponse { backend_health }
}
