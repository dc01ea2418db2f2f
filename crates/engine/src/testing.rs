//! Entries and views for the unit tests of pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use perilune_array::{
    ArrayId, Capabilities, ConnectSpec, Credentials, Endpoint, Health, Limit, Name, Pool, PoolId, Protocol,
    QosLimits, RecordId, Secret, Settings, Size, SizeRules, SystemReport, Trust, Vendor, VolumeId, Wwid,
};

use crate::fleet::{BackendReport, BackendSpec, BackendView, ConnectFault, FaultReason};
use crate::ledger::{Entry, Phase};

pub(crate) fn entry(backend: &str, name: &str) -> Entry {
    Entry {
        id: RecordId::new(name),
        csi_name: name.to_owned(),
        claim: None,
        backend: backend.to_owned(),
        pool: PoolId::new("p"),
        pool_name: "p".to_owned(),
        name: Name::new(name),
        size: Size::gib(1),
        parameters: BTreeMap::new(),
        mutable: BTreeMap::new(),
        topology: Vec::new(),
        source: None,
        born_empty: true,
        generation: 1,
        native: Some(VolumeId::new("7")),
        wwid: Some(Wwid::new("naa.6")),
        wwid_alt: None,
        phase: Phase::Ready,
        attempted: None,
        attachments: Vec::new(),
        departed: Vec::new(),
        snapshots: Vec::new(),
        version: Some("1".to_owned()),
    }
}

pub(crate) fn pool(name: &str, total: u64, free: u64) -> Pool {
    Pool {
        id: PoolId::new(name),
        name: name.to_owned(),
        total: Size::gib(total),
        free: Size::gib(free),
        provisioned: Size::gib(total - free),
        provisionable: Size::gib(total),
    }
}

/// A backend that works, with one pool `p` of 100 GiB, half of it free.
pub(crate) fn view(name: &str) -> BackendView {
    let connect = ConnectSpec {
        vendor: Vendor::Xiv,
        endpoints: vec![Endpoint { address: "array".to_owned(), port: None }],
        credentials: Credentials { username: "u".to_owned(), password: Secret::new("p") },
        trust: Trust::System,
        server_name: None,
        chap: None,
        timeout: Duration::from_secs(1),
        settings: Settings::default(),
    };
    let iops = Some(Limit { min: 100, max: 1000 });
    let report = BackendReport {
        system: SystemReport {
            id: ArrayId::new(name),
            name: name.to_owned(),
            model: "m".to_owned(),
            firmware: "1".to_owned(),
            api_version: "1".to_owned(),
            health: Health::Good,
            pools: vec![pool("p", 100, 50)],
        },
        capabilities: Capabilities { qos: true, snapshots: true, ..Capabilities::default() },
        sizes: SizeRules { min: Size::gib(1), max: Size::gib(1024), step: Size::gib(1) },
        ports: Vec::new(),
        protocols: vec![Protocol::Iscsi],
        qos: Some(QosLimits { min_iops: iops, max_iops: iops, burst_iops: iops }),
        qos_tiers: Vec::new(),
    };
    BackendView {
        spec: BackendSpec::new(name, connect),
        report: Some(report),
        fault: None,
        rating: std::sync::Arc::default(),
    }
}

pub(crate) fn fault() -> ConnectFault {
    ConnectFault { reason: FaultReason::Unreachable, message: "does not answer".to_owned() }
}
