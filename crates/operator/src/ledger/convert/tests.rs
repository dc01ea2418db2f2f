//! Nothing that the engine records may get lost on the way through an object.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use perilune_engine::ledger::{Attached, Departed, Entry, Phase, SnapshotEntry};
use perilune_engine::{Claim, HostId, Name, PoolId, RecordId, Size, SnapshotId, VolumeId, Wwid};

use super::{entry_of, object_of};

/// An entry with every field set.
fn full() -> Entry {
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_800_000_000_123_456);
    Entry {
        id: RecordId::new("5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa"),
        csi_name: "pvc-1".to_owned(),
        claim: Some(Claim { namespace: "shop".to_owned(), name: "data".to_owned() }),
        backend: "gold".to_owned(),
        pool: PoolId::new("7"),
        pool_name: "fast".to_owned(),
        name: Name::new("pvc-1"),
        size: Size::bytes(3 << 30),
        parameters: BTreeMap::from([("perilune.dev/backend".to_owned(), "gold".to_owned())]),
        mutable: BTreeMap::from([("perilune.dev/max-iops".to_owned(), "500".to_owned())]),
        topology: vec![BTreeMap::from([("zone".to_owned(), "a".to_owned())])],
        source: Some("snapshot v1:gold:4".to_owned()),
        born_empty: false,
        generation: 3,
        native: Some(VolumeId::new("12")),
        wwid: Some(Wwid::new("naa.6f47acc1")),
        wwid_alt: Some(Wwid::new("eui.1234")),
        phase: Phase::Ready,
        attempted: Some(time),
        attachments: vec![Attached {
            node: "worker-1".to_owned(),
            read_only: true,
            host: Some(HostId::new("h1")),
            since: Some(time),
        }],
        departed: vec![Departed { node: "worker-2".to_owned(), host: HostId::new("h2"), at: time }],
        snapshots: vec![SnapshotEntry {
            csi_name: "snap-1".to_owned(),
            name: Name::new("snap-1"),
            native: Some(SnapshotId::new("4")),
            size: Size::gib(1),
            created: Some(time),
            ready: true,
            attempted: Some(time),
        }],
        version: None,
    }
}

#[test]
fn an_entry_survives_the_round_trip_as_json() {
    for phase in [Phase::Pending, Phase::Ready, Phase::Deleting, Phase::Released] {
        let entry = Entry { phase, ..full() };
        let text = serde_json::to_string(&object_of(&entry).unwrap()).unwrap();
        assert_eq!(entry_of(serde_json::from_str(&text).unwrap()).unwrap(), entry);
    }
}

#[test]
fn an_intent_survives_the_round_trip_too() {
    let entry = Entry {
        claim: None,
        mutable: BTreeMap::new(),
        topology: Vec::new(),
        source: None,
        born_empty: true,
        generation: 1,
        native: None,
        wwid: None,
        wwid_alt: None,
        attempted: None,
        attachments: Vec::new(),
        snapshots: Vec::new(),
        phase: Phase::Pending,
        ..full()
    };
    let text = serde_json::to_string(&object_of(&entry).unwrap()).unwrap();
    assert_eq!(entry_of(serde_json::from_str(&text).unwrap()).unwrap(), entry);
}

#[test]
fn an_object_that_somebody_else_made_is_refused() {
    let mut object = object_of(&full()).unwrap();
    object.status = None;
    assert!(entry_of(object).unwrap_err().to_string().contains("has no status"));
}
