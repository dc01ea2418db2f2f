//! What an `ArrayBackend` says about placing volumes and about its limits, in the engine's words: pure.

use std::collections::BTreeMap;

use perilune_api::ArrayBackendSpec;
use perilune_api::backend::{self, BackendProtocol, HostManagement};
use perilune_engine::{HostPolicy, Limits, PoolSpec, Protocol, Scheduling, Throughput};

use crate::quantity;

pub(super) fn pool(pool: &backend::Pool) -> PoolSpec {
    PoolSpec {
        name: pool.name.clone(),
        labels: pool.labels.clone(),
        max_oversubscription: pool.max_oversubscription,
        reserved_percent: pool
            .reserved_percent
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or_default(),
        // the schema lets quantities in only
        max_volume_size: pool.max_volume_size.as_deref().and_then(quantity::read),
        topology: pool.topology.clone(),
    }
}

pub(super) fn limits(spec: &ArrayBackendSpec) -> Limits {
    let (given, default) = (spec.limits.clone().unwrap_or_default(), Limits::default());
    Limits {
        concurrent: given
            .max_concurrent_ops
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(default.concurrent),
        min_paths: given.min_paths.and_then(|count| u16::try_from(count).ok()).unwrap_or(default.min_paths),
        requests_per_second: count(given.requests_per_second),
        volumes_per_node: count(given.max_volumes_per_node),
    }
}

pub(super) fn protocol(protocol: BackendProtocol) -> Protocol {
    match protocol {
        BackendProtocol::Iscsi => Protocol::Iscsi,
        BackendProtocol::Fc => Protocol::Fc,
    }
}

pub(super) fn scheduling(spec: &ArrayBackendSpec) -> Scheduling {
    let given = spec.scheduling.clone().unwrap_or_default();
    Scheduling { filter: given.filter, goodness: given.goodness, weight: given.weight.unwrap_or_default() }
}

pub(super) fn hosts(spec: &ArrayBackendSpec) -> HostPolicy {
    let given = spec.hosts.clone().unwrap_or_default();
    HostPolicy {
        managed: given.management.unwrap_or_default() == HostManagement::Managed,
        delete_unused: given.delete_unused.unwrap_or_default(),
    }
}

pub(super) fn tiers(spec: &ArrayBackendSpec) -> BTreeMap<String, Throughput> {
    let tiers = spec.solid_fire.iter().flat_map(|block| &block.qos_tiers);
    tiers.map(|tier| (tier.name.clone(), throughput(&tier.qos))).collect()
}

pub(super) fn default_qos(spec: &ArrayBackendSpec) -> Option<Throughput> {
    spec.defaults.as_ref()?.qos.as_ref().map(throughput)
}

fn throughput(qos: &backend::Qos) -> Throughput {
    Throughput {
        min_iops: count(qos.min_iops),
        max_iops: count(qos.max_iops),
        burst_iops: count(qos.burst_iops),
    }
}

fn count(given: Option<i32>) -> Option<u32> {
    given.and_then(|count| u32::try_from(count).ok())
}
