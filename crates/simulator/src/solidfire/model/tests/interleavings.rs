//! Whatever is called in whatever order, capacity adds up and nothing refers to what is gone.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::Config as ProptestConfig;
use proptest::{prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{Bench, GIB};

/// A call or a leap of the clock. Numbers are drawn small, so that they often name something that exists or existed.
#[derive(Clone, Debug)]
enum Step {
    Call(&'static str, Value),
    Later(u64),
}

fn id() -> std::ops::Range<u64> {
    1..12
}

fn call(method: &'static str, params: Value) -> Step {
    Step::Call(method, params)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => simple(), 1 => manifold()]
}

/// Several volumes at once, jobs, and what volumes share.
fn manifold() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (id(), id()).prop_map(move |(a, b)| {
            call("CloneMultipleVolumes", json!({"volumes": [{"volumeID": a}, {"volumeID": b}], "groupSnapshotID": 0}))
        }),
        1 => (id(), id()).prop_map(move |(a, b)| call("CopyVolume", json!({"volumeID": a, "dstVolumeID": b}))),
        1 => (1..4u64).prop_map(move |clone| call("CancelClone", json!({"cloneID": clone}))),
        1 => (1..4u64).prop_map(move |clone| call("CancelGroupClone", json!({"groupCloneID": clone}))),
        1 => (50..60u64).prop_map(move |min| call("CreateQoSPolicy", json!({"name": "p", "qos": {"minIOPS": min}}))),
        1 => (id(), 1..3u64).prop_map(move |(volume, policy)| {
            call("ModifyVolume", json!({"volumeID": volume, "qosPolicyID": policy}))
        }),
        1 => (1..3u64, 60..70u64).prop_map(move |(policy, min)| {
            call("ModifyQoSPolicy", json!({"qosPolicyID": policy, "qos": {"minIOPS": min}}))
        }),
        1 => (1..3u64).prop_map(move |policy| call("DeleteQoSPolicy", json!({"qosPolicyID": policy}))),
        1 => (id(), id()).prop_map(move |(a, b)| {
            call("ModifyVolumes", json!({"volumeIDs": [a, b], "qos": {"minIOPS": 70}, "totalSize": 5 * GIB}))
        }),
        1 => (1..4u64, 0..4u64).prop_map(move |(initiator, group)| {
            call("ModifyInitiators", json!({"initiators": [{"initiatorID": initiator, "volumeAccessGroupID": group}]}))
        }),
    ]
}

fn simple() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..3u64, 1..5u64).prop_map(move |(account, size)| {
            call("CreateVolume", json!({"name": "v", "accountID": account, "totalSize": size * GIB}))
        }),
        1 => any::<bool>().prop_map(move |_| call("AddAccount", json!({"username": "second"}))),
        1 => (1..3u64).prop_map(move |account| call("RemoveAccount", json!({"accountID": account}))),
        2 => (id(), 1..7u64).prop_map(move |(volume, size)| {
            call("ModifyVolume", json!({"volumeID": volume, "totalSize": size * GIB}))
        }),
        1 => (id(), 1..3u64).prop_map(move |(volume, account)| {
            call("ModifyVolume", json!({"volumeID": volume, "accountID": account, "access": "readOnly"}))
        }),
        2 => (id(), 0..6u64).prop_map(move |(volume, snapshot)| {
            call("CloneVolume", json!({"volumeID": volume, "name": "c", "snapshotID": snapshot}))
        }),
        2 => id().prop_map(move |volume| call("CreateSnapshot", json!({"volumeID": volume, "retention": "03:00:00"}))),
        2 => (id(), id()).prop_map(move |(a, b)| call("CreateGroupSnapshot", json!({"volumes": [a, b]}))),
        1 => id().prop_map(move |snapshot| call("DeleteSnapshot", json!({"snapshotID": snapshot}))),
        1 => (1..4u64, any::<bool>()).prop_map(move |(group, save)| {
            call("DeleteGroupSnapshot", json!({"groupSnapshotID": group, "saveMembers": save}))
        }),
        1 => (id(), 1..6u64, any::<bool>()).prop_map(move |(volume, snapshot, save)| {
            call("RollbackToSnapshot", json!({"volumeID": volume, "snapshotID": snapshot, "saveCurrentState": save}))
        }),
        2 => (id(), 0..3u8).prop_map(move |(volume, host)| {
            call("CreateVolumeAccessGroup", json!({"name": "g", "volumes": [volume], "initiators": [format!("iqn.{host}")]}))
        }),
        1 => (1..4u64, id()).prop_map(move |(group, volume)| {
            call("AddVolumesToVolumeAccessGroup", json!({"volumeAccessGroupID": group, "volumes": [volume]}))
        }),
        1 => (1..4u64, id()).prop_map(move |(group, volume)| {
            call("RemoveVolumesFromVolumeAccessGroup", json!({"volumeAccessGroupID": group, "volumes": [volume]}))
        }),
        1 => (1..4u64, any::<bool>()).prop_map(move |(group, orphans)| {
            call("DeleteVolumeAccessGroup", json!({"volumeAccessGroupID": group, "deleteOrphanInitiators": orphans}))
        }),
        3 => id().prop_map(move |volume| call("DeleteVolume", json!({"volumeID": volume}))),
        2 => id().prop_map(move |volume| call("PurgeDeletedVolume", json!({"volumeID": volume}))),
        1 => id().prop_map(move |volume| call("RestoreDeletedVolume", json!({"volumeID": volume}))),
        1 => id().prop_map(move |account| call("DeleteVolumes", json!({"accountIDs": [account]}))),
        2 => (1..20_000u64).prop_map(Step::Later),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_cluster_stays_sound(steps in vec(step(), 1..80)) {
        let mut bench = Bench::new();
        for step in steps {
            match step {
                Step::Later(seconds) => bench.later(Duration::from_secs(seconds)),
                Step::Call(method, params) => {
                    let before = bench.cluster.statistics();
                    if let Err(name) = bench.answer(method, params) {
                        prop_assert_eq!(&bench.cluster.statistics(), &before, "{} was refused ({})", method, name);
                    }
                }
            }
            prop_assert_eq!(bench.cluster.audit(), Vec::<String>::new());
        }
    }
}
