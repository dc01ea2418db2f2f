//! What a cluster accepts: its own limits where it tells them, else those of current releases.

use perilune_array::{
    AccessModel, Error, ErrorKind, Limit, NameRules, Profile, Protocol, QosLimits, Result, Size, SizeRules,
    Vendor,
};

use crate::config::{Config, Reach};
use crate::protocol::LimitsAnswer;

const MIB: u64 = 1 << 20;
const NAMES: NameRules = NameRules { max_chars: 64, allows: |c| c.is_ascii_alphanumeric() || c == '-' };

fn range(min: Option<u32>, max: Option<u32>, usual: (u32, u32)) -> Limit {
    Limit { min: min.unwrap_or(usual.0), max: max.unwrap_or(usual.1) }
}

pub(super) fn of(config: &Config, limits: &LimitsAnswer) -> Result<Profile> {
    let sizes = SizeRules {
        min: Size::bytes(limits.volume_size_min.unwrap_or(1_000_000_000)),
        max: Size::bytes(limits.volume_size_max.unwrap_or(16 << 40)),
        step: Size::bytes(MIB),
    };
    if sizes.min.round_up(sizes.step).is_none_or(|min| min > sizes.max) {
        return Err(Error::new(ErrorKind::Garbled, "the cluster's limits leave no size for a volume"));
    }
    let per_group = limits.volumes_per_volume_access_group_count_max.unwrap_or(2000);
    let (access, volumes_per_host) = match config.reach {
        Reach::Chap(_) => (AccessModel::Account, None),
        Reach::Groups { .. } => (AccessModel::Mapping, Some(per_group)),
    };
    Ok(Profile {
        vendor: Vendor::Solidfire,
        volume_names: NAMES,
        snapshot_names: NAMES,
        sizes,
        copy_may_grow: false,
        copy_takes_qos: false,
        snapshots_per_volume: Some(limits.snapshots_per_volume_max.unwrap_or(32)),
        snapshots_outlive_volume: false,
        snapshot_retention: true,
        volumes_per_host,
        access,
        protocols: vec![Protocol::Iscsi],
        ad_hoc_group_snapshots: true,
        volumes_per_group: Some(limits.volumes_per_group_snapshot_max.unwrap_or(32)),
        qos: Some(QosLimits {
            min_iops: Some(range(limits.min_iops_min, limits.min_iops_max, (50, 15_000))),
            max_iops: Some(range(limits.max_iops_min, limits.max_iops_max, (100, 200_000))),
            burst_iops: Some(range(limits.burst_iops_min, limits.burst_iops_max, (100, 200_000))),
        }),
        qos_tiers: Vec::new(),
        mirror_makes_peer: false,
    })
}
