//! From CSI's requests to the host's, and from its findings to CSI's answers. Nothing else here names CSI's messages.
//! Every refusal of a request is INVALID_ARGUMENT and names the field.

mod attachment;
mod health;
mod kubelet_dir;
mod usage;

use std::time::Instant;

use perilune_csi::capability::{AccessType, Capability};
use perilune_csi::context::{PublishContext, VolumeContext};
use perilune_csi::proto::csi::v1;
use perilune_csi::{Code, Failure, field};
use perilune_host::{
    Amount, GrowRequest, Grown, PublishRequest, StageRequest, Stats, StatsRequest, UnpublishRequest,
    UnstageRequest, VolumeKey,
};
use v1::node_service_capability::rpc::Type as Rpc;
use v1::volume_usage::Unit;

pub(crate) use health::{health, health_found, storage_health};
pub(crate) use kubelet_dir::KubeletDir;

const CAPABILITY: &str = "volume_capability";

/// What this node service offers.
const OFFERED: [Rpc; 7] = [
    Rpc::StageUnstageVolume,
    Rpc::GetVolumeStats,
    Rpc::ExpandVolume,
    Rpc::VolumeCondition,
    Rpc::SingleNodeMultiWriter,
    Rpc::GetVolumeHealth,
    Rpc::GetStorageHealth,
];

pub(crate) fn stage(
    kubelet: &KubeletDir,
    request: &v1::NodeStageVolumeRequest,
    deadline: Instant,
) -> Result<StageRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let staging_path = kubelet.path("staging_target_path", &request.staging_target_path)?;
    let capability = capability(request.volume_capability.as_ref())?;
    field::map("secrets", &request.secrets)?;
    let context = PublishContext::decode(field::map("publish_context", &request.publish_context)?)
        .map_err(|error| error.in_field("publish_context"))?;
    let born_empty = VolumeContext::decode(field::map("volume_context", &request.volume_context)?)
        .map_err(|error| error.in_field("volume_context"))?
        .born_empty;
    let read_only = usage::read_only(CAPABILITY, &capability)? || context.read_only;
    Ok(StageRequest {
        volume,
        chap: attachment::chap(&request.secrets)?,
        usage: usage::usage(CAPABILITY, &capability, context.discard && !read_only)?,
        attachment: attachment::attachment("publish_context", &context)?,
        staging_path,
        read_only,
        born_empty,
        deadline,
    })
}

pub(crate) fn unstage(
    kubelet: &KubeletDir,
    request: &v1::NodeUnstageVolumeRequest,
    deadline: Instant,
) -> Result<UnstageRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let staging_path = kubelet.path("staging_target_path", &request.staging_target_path)?;
    Ok(UnstageRequest { volume, staging_path, deadline })
}

pub(crate) fn publish(
    kubelet: &KubeletDir,
    request: &v1::NodePublishVolumeRequest,
    deadline: Instant,
) -> Result<PublishRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let staging_path = kubelet.path("staging_target_path", &request.staging_target_path)?;
    let target_path = kubelet.path("target_path", &request.target_path)?;
    if target_path.starts_with(&staging_path) || staging_path.starts_with(&target_path) {
        return Err(Failure::field(
            "target_path",
            "must not lie within staging_target_path, nor the other way round",
        ));
    }
    let capability = capability(request.volume_capability.as_ref())?;
    Ok(PublishRequest {
        volume,
        staging_path,
        target_path,
        block: capability.access_type == AccessType::Block,
        read_only: request.readonly || usage::read_only(CAPABILITY, &capability)?,
        exclusive: capability.access_mode.single_place(),
        deadline,
    })
}

pub(crate) fn unpublish(
    kubelet: &KubeletDir,
    request: &v1::NodeUnpublishVolumeRequest,
    deadline: Instant,
) -> Result<UnpublishRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let target_path = kubelet.path("target_path", &request.target_path)?;
    Ok(UnpublishRequest { volume, target_path, deadline })
}

pub(crate) fn stats(
    kubelet: &KubeletDir,
    request: &v1::NodeGetVolumeStatsRequest,
    deadline: Instant,
) -> Result<StatsRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    let volume_path = found_at(kubelet.path("volume_path", &request.volume_path), &request.volume_path)?;
    Ok(StatsRequest { volume, volume_path, deadline })
}

pub(crate) fn grow(request: &v1::NodeExpandVolumeRequest, deadline: Instant) -> Result<GrowRequest, Failure> {
    let volume = volume(&request.volume_id)?;
    // Only looked at: the record knows the device, and for a raw one kubelet may name a path outside its directory.
    found_at(field::path("volume_path", &request.volume_path), &request.volume_path)?;
    if request.volume_capability.is_some() {
        capability(request.volume_capability.as_ref())?;
    }
    let size = request.capacity_range.as_ref().map(required_bytes).transpose()?.flatten();
    Ok(GrowRequest { volume, size, deadline })
}

pub(crate) fn grown(grown: Grown) -> v1::NodeExpandVolumeResponse {
    v1::NodeExpandVolumeResponse { capacity_bytes: signed(grown.size) }
}

pub(crate) fn stats_found(stats: &Stats) -> v1::NodeGetVolumeStatsResponse {
    let bytes = usage_of(stats.bytes, Unit::Bytes);
    let inodes = stats.inodes.map(|inodes| usage_of(inodes, Unit::Inodes));
    let words: Vec<_> = stats.abnormal.iter().map(|ailment| ailment.message.as_str()).collect();
    let message = if words.is_empty() { "healthy".to_owned() } else { words.join("; ") };
    v1::NodeGetVolumeStatsResponse {
        usage: std::iter::once(bytes).chain(inodes).collect(),
        volume_condition: Some(v1::VolumeCondition { abnormal: !stats.abnormal.is_empty(), message }),
    }
}

pub(crate) fn capabilities() -> v1::NodeGetCapabilitiesResponse {
    let capability = |rpc: Rpc| v1::NodeServiceCapability {
        r#type: Some(v1::node_service_capability::Type::Rpc(v1::node_service_capability::Rpc {
            r#type: rpc.into(),
        })),
    };
    v1::NodeGetCapabilitiesResponse { capabilities: OFFERED.into_iter().map(capability).collect() }
}

/// CSI asks for NOT_FOUND where a path is given at which no volume can be; a path that is missing is a wrong request.
fn found_at<T>(path: Result<T, Failure>, given: &str) -> Result<T, Failure> {
    path.map_err(|failure| match given {
        "" => failure,
        _ => Failure::new(Code::NotFound, format!("{}, so no volume is there", failure.message)),
    })
}

fn volume(id: &str) -> Result<VolumeKey, Failure> {
    VolumeKey::new(field::id("volume_id", id)?).map_err(|error| Failure::field("volume_id", error))
}

fn capability(given: Option<&v1::VolumeCapability>) -> Result<Capability, Failure> {
    let capability = Capability::parse(CAPABILITY, given)?;
    capability.require_safe(CAPABILITY)?;
    Ok(capability)
}

fn required_bytes(range: &v1::CapacityRange) -> Result<Option<u64>, Failure> {
    let unsigned = |part: &str, bytes: i64| {
        u64::try_from(bytes)
            .map_err(|_| Failure::field(&format!("capacity_range.{part}"), format!("{bytes} is negative")))
    };
    let required = unsigned("required_bytes", range.required_bytes)?;
    let limit = unsigned("limit_bytes", range.limit_bytes)?;
    if limit != 0 && limit < required {
        let problem = format!("{limit} is less than required_bytes, {required}");
        return Err(Failure::field("capacity_range.limit_bytes", problem));
    }
    Ok((required != 0).then_some(required))
}

fn usage_of(amount: Amount, unit: Unit) -> v1::VolumeUsage {
    v1::VolumeUsage {
        available: signed(amount.available),
        total: signed(amount.total),
        used: signed(amount.used),
        unit: unit.into(),
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
