//! Whatever two clusters are told in whatever order, their pairs stay sound, and what is in step holds the same data.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config as ProptestConfig;
use proptest::{prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::pairing::Pair;
use super::{Bench, GIB};

/// Something done on one side (`true` is the first) or between them.
#[derive(Clone, Debug)]
enum Step {
    Call(bool, &'static str, Value),
    PairClusters(bool),
    PairVolumes { from_first: bool, source: u64, target: u64, mode: &'static str },
    Write(bool, u64, u32),
    Plug(bool),
    Later(u64),
}

fn id() -> std::ops::Range<u64> {
    1..3
}

fn step() -> impl Strategy<Value = Step> {
    let access = || prop_oneof![Just("readWrite"), Just("replicationTarget"), Just("locked")];
    let mode = prop_oneof![Just("Async"), Just("Sync"), Just("SnapshotsOnly")];
    let side = any::<bool>;
    prop_oneof![
        2 => side().prop_map(|side| Step::Call(side, "CreateVolume", json!({"name": "v", "accountID": 1, "totalSize": GIB}))),
        2 => side().prop_map(Step::PairClusters),
        5 => (side(), id(), id(), mode).prop_map(|(from_first, source, target, mode)| {
            Step::PairVolumes { from_first, source, target, mode }
        }),
        4 => (side(), id(), access()).prop_map(|(side, id, access)| {
            Step::Call(side, "ModifyVolume", json!({"volumeID": id, "access": access}))
        }),
        1 => (side(), id()).prop_map(|(side, id)| {
            Step::Call(side, "ModifyVolume", json!({"volumeID": id, "totalSize": 2 * GIB}))
        }),
        1 => (side(), id()).prop_map(|(side, id)| Step::Call(side, "RemoveVolumePair", json!({"volumeID": id}))),
        2 => (side(), id(), any::<bool>()).prop_map(|(side, id, paused)| {
            Step::Call(side, "ModifyVolumePair", json!({"volumeID": id, "pausedManual": paused}))
        }),
        2 => (side(), id()).prop_map(|(side, id)| {
            Step::Call(side, "CreateGroupSnapshot", json!({"volumes": [id], "enableRemoteReplication": true}))
        }),
        1 => (side(), 1..5u64).prop_map(|(side, id)| Step::Call(side, "DeleteSnapshot", json!({"snapshotID": id}))),
        1 => (side(), id(), 1..5u64).prop_map(|(side, id, snapshot)| {
            Step::Call(side, "RollbackToSnapshot", json!({"volumeID": id, "snapshotID": snapshot}))
        }),
        1 => (side(), id()).prop_map(|(side, id)| Step::Call(side, "DeleteVolume", json!({"volumeID": id}))),
        1 => (side(), id()).prop_map(|(side, id)| Step::Call(side, "RestoreDeletedVolume", json!({"volumeID": id}))),
        1 => (side(), id()).prop_map(|(side, id)| Step::Call(side, "PurgeDeletedVolume", json!({"volumeID": id}))),
        1 => (side(), 1..3u64).prop_map(|(side, id)| Step::Call(side, "RemoveClusterPair", json!({"clusterPairID": id}))),
        5 => (side(), id(), any::<u32>()).prop_map(|(side, id, text)| Step::Write(side, id, text)),
        1 => prop_oneof![Just(true), Just(true), Just(false)].prop_map(Step::Plug),
        5 => (20..200u64).prop_map(Step::Later),
    ]
}

fn sides(pair: &mut Pair, first: bool) -> (&mut Bench, &mut Bench) {
    if first { (&mut pair.a, &mut pair.b) } else { (&mut pair.b, &mut pair.a) }
}

/// Carries a step out; what the clusters refuse is refused.
fn carry_out(pair: &mut Pair, step: Step) {
    match step {
        Step::Call(first, method, params) => {
            let _ = sides(pair, first).0.answer(method, params);
        }
        Step::PairClusters(first) => {
            let (one, two) = sides(pair, first);
            if let Ok(mut started) = one.answer("StartClusterPairing", json!({})) {
                let key = json!({"clusterPairingKey": started["clusterPairingKey"].take()});
                let _ = two.answer("CompleteClusterPairing", key);
            }
        }
        Step::PairVolumes { from_first, source, target, mode } => {
            let (one, two) = sides(pair, from_first);
            // Most clients do this first; the others' way is among the steps.
            let _ = two.answer("ModifyVolume", json!({"volumeID": target, "access": "replicationTarget"}));
            let started = one.answer("StartVolumePairing", json!({"volumeID": source, "mode": mode}));
            if let Ok(mut started) = started {
                let key = started["volumePairingKey"].take();
                let _ =
                    two.answer("CompleteVolumePairing", json!({"volumeID": target, "volumePairingKey": key}));
            }
        }
        Step::Write(first, id, text) => {
            let bench = sides(pair, first).0;
            if bench.volume(id)["access"] == "readWrite" {
                bench.write(id, &format!("{text:010}"));
            }
        }
        Step::Plug(up) => pair.plug(up),
        Step::Later(seconds) => pair.later(Duration::from_secs(seconds)),
    }
}

/// State and counterpart of each paired volume.
fn pairs(bench: &mut Bench) -> Vec<(u64, u64, String, String)> {
    let listed = bench.call("ListActivePairedVolumes", json!({}))["volumes"].take();
    let shown = |volume: &Value| {
        let pair = &volume["volumePairs"][0];
        let remote = &pair["remoteReplication"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            volume["volumeID"].as_u64().unwrap_or_default(),
            pair["remoteVolumeID"].as_u64().unwrap_or_default(),
            text(&remote["state"]),
            text(&remote["mode"]),
        )
    };
    listed.as_array().expect("volumes").iter().map(shown).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn pairs_stay_sound_and_volumes_in_step_hold_the_same(steps in vec(step(), 1..120)) {
        let mut pair = Pair::new(Duration::ZERO);
        carry_out(&mut pair, Step::PairClusters(true));
        for side in [&mut pair.a, &mut pair.b] {
            side.create("v", GIB);
            side.create("w", GIB);
        }
        for step in steps {
            carry_out(&mut pair, step);
            pair.later(Duration::ZERO);
            let there = pairs(&mut pair.b);
            for (one, two, state, mode) in pairs(&mut pair.a) {
                let across = there.iter().find(|(id, ..)| *id == two);
                let moving = |state: &str| state == "Active" || state == "Idle" || state.starts_with("Resuming");
                if moving(&state) {
                    let across = across.map(|(_, id, state, _)| (*id, state.clone()));
                    prop_assert_eq!(across, Some((one, state.clone())));
                }
                if state == "Active" && mode != "SnapshotsOnly" {
                    prop_assert_eq!(pair.a.read(one), pair.b.read(two));
                }
            }
        }
    }
}
