//! What was seen of the array, in the words of the status. What was seen last stays while the array cannot be seen.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use perilune_api::backend::{
    AdministrativeState, ArrayIdentity, Capabilities, Capacity, Counts, FrozenState, PoolStatus, PortStatus,
};
use perilune_api::{ArrayBackend, ArrayBackendStatus};
use perilune_engine::{Applied, BackendReport, Pool, Protocol, Size};

use super::super::{OnRecord, describe};
use crate::quantity::{exact, rough};

/// The schema's bound for lists.
const MOST: usize = 64;

pub(super) fn record(status: &mut ArrayBackendStatus, applied: &Applied) {
    let report = match applied {
        Applied::Working(report) => report,
        Applied::KeptOld { report, .. } => report.as_ref(),
        Applied::Broken(_) => return,
    };
    status.array = Some(ArrayIdentity {
        name: text(&report.system.name),
        model: text(&report.system.model),
        serial: report.system.id.as_str().to_owned(),
        firmware: text(&report.system.firmware),
        api_version: text(&report.system.api_version),
    });
    status.capabilities = Some(capabilities(report));
    status.capacity = Some(Capacity {
        total: Some(rough(sum(&report.system.pools, |pool| pool.total))),
        free: Some(rough(sum(&report.system.pools, |pool| pool.free))),
    });
    status.pools = report.system.pools.iter().take(MOST).map(pool).collect();
    status.ports = ports(report);
}

/// What is on record now; what the last scan counted stays.
pub(super) fn counts(old: Option<Counts>, on_record: OnRecord) -> Counts {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Counts {
        volumes: number(on_record.volumes),
        snapshots: number(on_record.snapshots),
        attachments: number(on_record.attachments),
        ..old.unwrap_or_default()
    }
}

/// What may be altered, and since when nothing may.
pub(super) fn administrative(status: &mut ArrayBackendStatus, object: &ArrayBackend, now: &Time) {
    let frozen = describe::frozen(object);
    status.administrative_state = Some(match &frozen {
        Some(_) => AdministrativeState::Frozen,
        None => object.spec.administrative_state(),
    });
    let since = status.frozen.take().map_or_else(|| now.clone(), |frozen| frozen.since);
    status.frozen = frozen.map(|(requested_by, reason)| FrozenState { since, reason, requested_by });
}

fn capabilities(report: &BackendReport) -> Capabilities {
    let can = report.capabilities;
    Capabilities {
        snapshots: can.snapshots,
        groups: can.groups,
        group_snapshots: can.group_snapshots,
        replication: can.mirrors,
        qos: can.qos,
        min_volume_size: Some(exact(report.sizes.min)),
        max_volume_size: Some(exact(report.sizes.max)),
        allocation_unit: Some(exact(report.sizes.step)),
    }
}

fn pool(pool: &Pool) -> PoolStatus {
    PoolStatus {
        name: pool.name.clone(),
        total: Some(rough(pool.total)),
        free: Some(rough(pool.free)),
        provisioned: Some(rough(pool.provisioned)),
    }
}

/// In an order of their own, lest the object changes whenever the array lists them differently.
fn ports(report: &BackendReport) -> Vec<PortStatus> {
    let mut ports: Vec<PortStatus> = report
        .ports
        .iter()
        .map(|port| PortStatus {
            protocol: match port.protocol {
                Protocol::Iscsi => "ISCSI".to_owned(),
                Protocol::Fc => "FC".to_owned(),
            },
            address: port.address.clone(),
            up: port.up,
        })
        .collect();
    ports.sort_by(|a, b| (&a.protocol, &a.address).cmp(&(&b.protocol, &b.address)));
    ports.truncate(MOST);
    ports
}

fn sum(pools: &[Pool], of: impl Fn(&Pool) -> Size) -> Size {
    Size::bytes(pools.iter().map(|pool| of(pool).get()).fold(0, u64::saturating_add))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|t| !t.is_empty())
}
