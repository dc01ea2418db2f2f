//! Two clusters, their pairing, and what flows between paired volumes.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, GIB};
use crate::config::{Config, ReplicationConfig};
use crate::kernel::clock::Clock;
use crate::solidfire::Links;

const SYNC: Duration = Duration::from_secs(100);

/// Two clusters that reach each other.
pub(super) struct Pair {
    pub(super) a: Bench,
    pub(super) b: Bench,
    links: Links,
}

impl Pair {
    pub(super) fn new(lag: Duration) -> Self {
        let (clock, links) = (Clock::new(), Links::default());
        let cluster = |name: &str, last: u8| {
            let mut config = Config::solidfire(name).arrays.remove(0);
            config.replication = ReplicationConfig { pairing_delay: Duration::ZERO, sync_delay: SYNC, lag };
            Bench::among(&config, Ipv4Addr::new(127, 0, 0, last), clock.clone(), links.clone())
        };
        Self { a: cluster("sf1", 1), b: cluster("sf2", 2), links }
    }

    /// Paired clusters.
    pub(super) fn paired(lag: Duration) -> Self {
        let mut pair = Self::new(lag);
        let key = pair.a.call("StartClusterPairing", json!({}))["clusterPairingKey"].take();
        pair.b.call("CompleteClusterPairing", json!({"clusterPairingKey": key}));
        pair
    }

    /// Volumes of one size in a pair from A to B.
    pub(super) fn volumes(&mut self, mode: &str) -> (u64, u64) {
        let (one, two) = (self.a.create("v", GIB), self.b.create("v", GIB));
        self.b.call("ModifyVolume", json!({"volumeID": two, "access": "replicationTarget"}));
        let key = self.a.call("StartVolumePairing", json!({"volumeID": one, "mode": mode}));
        let complete = json!({"volumeID": two, "volumePairingKey": key["volumePairingKey"]});
        self.b.call("CompleteVolumePairing", complete);
        (one, two)
    }

    pub(super) fn later(&mut self, by: Duration) {
        self.a.later(by);
        self.b.later(Duration::ZERO);
        self.a.expect_sound();
        self.b.expect_sound();
    }

    pub(super) fn plug(&mut self, up: bool) {
        self.links.board().set_plugged(self.a.cluster.seat(), up, self.a.clock.now());
    }

    fn expect_states(&mut self, one: u64, two: u64, states: [&str; 2]) {
        let seen = [state(&mut self.a, one), state(&mut self.b, two)];
        assert_eq!(seen, states.map(Value::from));
    }
}

fn state(bench: &mut Bench, volume: u64) -> Value {
    bench.volume(volume)["volumePairs"][0]["remoteReplication"]["state"].take()
}

fn access(bench: &mut Bench, volume: u64, access: &str) {
    bench.call("ModifyVolume", json!({"volumeID": volume, "access": access}));
}

#[test]
fn clusters_are_paired_by_a_key_and_both_know_it() {
    let mut pair = Pair::new(Duration::ZERO);
    let started = pair.a.call("StartClusterPairing", json!({}));
    assert_eq!(pair.a.call("ListClusterPairs", json!({}))["clusterPairs"][0]["status"], "Unconfigured");
    let key = json!({"clusterPairingKey": started["clusterPairingKey"]});
    assert_eq!(pair.a.refusal("CompleteClusterPairing", key.clone()), "xInvalidPairingKey");
    let nonsense = json!({"clusterPairingKey": "7b7d"});
    assert_eq!(pair.b.refusal("CompleteClusterPairing", nonsense), "xInvalidPairingKey");
    pair.b.call("CompleteClusterPairing", key.clone());
    assert_eq!(pair.b.refusal("CompleteClusterPairing", key), "xInvalidPairingKey");
    let seen = [&mut pair.a, &mut pair.b].map(|bench| {
        let listed = bench.call("ListClusterPairs", json!({}))["clusterPairs"][0].take();
        (listed["mvip"].clone(), listed["status"].clone(), listed["clusterPairUUID"].clone())
    });
    assert_eq!((&seen[0].0, &seen[1].0), (&json!("127.0.0.2"), &json!("127.0.0.1")));
    assert_eq!((&seen[0].1, &seen[1].1), (&json!("Connected"), &json!("Connected")));
    assert_eq!(seen[0].2, seen[1].2);
    let again = pair.b.call("StartClusterPairing", json!({}))["clusterPairingKey"].take();
    let again = json!({"clusterPairingKey": again});
    assert_eq!(pair.a.refusal("CompleteClusterPairing", again), "xPairingAlreadyExists");
}

#[test]
fn a_cluster_pair_ends_on_each_side_by_itself_and_not_while_volumes_are_paired() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = pair.volumes("Async");
    let remove = json!({"clusterPairID": 1});
    assert_eq!(pair.a.refusal("RemoveClusterPair", remove.clone()), "xInvalidParameter");
    pair.a.call("RemoveVolumePair", json!({"volumeID": one}));
    pair.a.call("RemoveClusterPair", remove.clone());
    assert_eq!(pair.b.call("ListClusterPairs", json!({}))["clusterPairs"][0]["status"], "Misconfigured");
    pair.b.call("RemoveVolumePair", json!({"volumeID": two}));
    pair.b.call("RemoveClusterPair", remove.clone());
    assert_eq!(pair.b.call("ListClusterPairs", json!({}))["clusterPairs"], json!([]));
    assert_eq!(pair.b.refusal("RemoveClusterPair", remove), "xClusterPairIDDoesNotExist");
}

#[test]
fn volumes_are_paired_only_between_paired_clusters_and_once() {
    let mut pair = Pair::new(Duration::ZERO);
    let (one, two) = (pair.a.create("v", GIB), pair.b.create("v", GIB));
    pair.a.call("RemoveVolumePair", json!({"volumeID": one}));
    assert_eq!(pair.a.refusal("ModifyVolumePair", json!({"volumeID": one})), "xVolumeNotPaired");
    let key = pair.a.call("StartVolumePairing", json!({"volumeID": one}))["volumePairingKey"].take();
    let complete = |key: &Value| json!({"volumeID": two, "volumePairingKey": key});
    assert_eq!(pair.b.refusal("CompleteVolumePairing", complete(&key)), "xMVIPNotPaired");
    let cluster = pair.a.call("StartClusterPairing", json!({}))["clusterPairingKey"].take();
    pair.b.call("CompleteClusterPairing", json!({"clusterPairingKey": cluster}));
    assert_eq!(pair.b.refusal("CompleteVolumePairing", complete(&json!("7b7d"))), "xInvalidPairingKey");
    assert_eq!(pair.a.refusal("StartVolumePairing", json!({"volumeID": one})), "xVolumeAlreadyPaired");
    pair.a.call("RemoveVolumePair", json!({"volumeID": one}));
    assert_eq!(pair.b.refusal("CompleteVolumePairing", complete(&key)), "xInvalidPairingKey");
    let key = pair.a.call("StartVolumePairing", json!({"volumeID": one}))["volumePairingKey"].take();
    pair.b.call("CompleteVolumePairing", complete(&key));
    let seen = pair.b.volume(two)["volumePairs"][0].take();
    assert_eq!((&seen["remoteVolumeID"], &seen["clusterPairID"]), (&json!(one), &json!(1)));
    let listed = pair.a.call("ListVolumes", json!({"isPaired": true}))["volumes"].take();
    assert_eq!(listed[0]["volumeID"], one);
    assert_eq!(pair.a.call("ListVolumes", json!({"isPaired": false}))["volumes"], json!([]));
    assert_eq!(pair.a.call("ListActivePairedVolumes", json!({}))["volumes"][0]["volumeID"], one);
    let wrong = json!({"volumeID": one, "mode": "Quantum"});
    assert_eq!(pair.a.refusal("ModifyVolumePair", wrong), "xUnrecognizedEnumString");
}

#[test]
fn a_pair_synchronizes_and_then_follows_every_write() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = (pair.a.create("v", GIB), pair.b.create("v", GIB));
    pair.a.write(one, "before");
    let key = pair.a.call("StartVolumePairing", json!({"volumeID": one, "mode": "Sync"}))["volumePairingKey"]
        .take();
    pair.b.call("CompleteVolumePairing", json!({"volumeID": two, "volumePairingKey": key}));
    pair.expect_states(one, two, ["PausedMisconfigured", "PausedMisconfigured"]);
    access(&mut pair.b, two, "replicationTarget");
    pair.expect_states(one, two, ["ResumingConnected", "ResumingConnected"]);
    pair.later(SYNC / 2);
    pair.expect_states(one, two, ["ResumingDataTransfer", "ResumingDataTransfer"]);
    assert_eq!(pair.b.read(two), "");
    let job = pair.a.call("ListSyncJobs", json!({}))["syncJobs"][0].take();
    assert_eq!(
        (&job["type"], &job["dstVolumeID"], &job["percentComplete"]),
        (&json!("remote"), &json!(two), &json!(50))
    );
    pair.later(SYNC / 2);
    pair.expect_states(one, two, ["Active", "Active"]);
    assert_eq!(pair.b.read(two), "before");
    pair.a.write(one, "after!");
    pair.later(Duration::ZERO);
    assert_eq!(pair.b.read(two), "after!");
}

#[test]
fn a_target_does_not_go_back_to_a_snapshot_of_its_own() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (_, two) = pair.volumes("Async");
    let snapshot = pair.b.call("CreateSnapshot", json!({"volumeID": two}))["snapshotID"].take();
    pair.later(SYNC);
    let back = json!({"volumeID": two, "snapshotID": snapshot});
    let refused = pair.b.answer("RollbackToSnapshot", back.clone());
    assert_eq!(refused.err().as_deref(), Some("xInvalidParameter"));
    access(&mut pair.b, two, "readWrite");
    pair.b.call("RollbackToSnapshot", back);
}

#[test]
fn an_asynchronous_target_lags_behind_and_loses_what_is_under_way_in_a_failover() {
    let mut pair = Pair::paired(Duration::from_secs(30));
    let (one, two) = pair.volumes("Async");
    pair.later(SYNC);
    pair.a.write(one, "first");
    pair.later(Duration::from_secs(20));
    pair.a.write(one, "second");
    let stats = pair.a.call("GetVolumeStats", json!({"volumeID": one}));
    assert!(
        stats["volumeStats"]["asyncDelay"].as_str().is_some_and(|delay| delay.starts_with("00:00:20.")),
        "{stats}"
    );
    pair.later(Duration::from_secs(15));
    assert_eq!(pair.b.read(two), "first");
    pair.plug(false);
    pair.later(SYNC);
    pair.expect_states(one, two, ["PausedDisconnected", "PausedDisconnected"]);
    access(&mut pair.b, two, "readWrite");
    assert_eq!(pair.b.read(two), "first");
    pair.plug(true);
    pair.expect_states(one, two, ["PausedMisconfigured", "PausedMisconfigured"]);
    pair.b.write(two, "newer");
    access(&mut pair.a, one, "replicationTarget");
    pair.later(SYNC);
    assert_eq!((pair.a.read(one), state(&mut pair.a, one)), ("newer".to_owned(), json!("Active")));
}

#[test]
fn what_stands_against_a_pair_is_seen_from_both_sides() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = pair.volumes("Async");
    pair.later(SYNC);
    pair.a.call("ModifyVolumePair", json!({"volumeID": one, "pausedManual": true}));
    pair.expect_states(one, two, ["PausedManual", "PausedManualRemote"]);
    pair.a.write(one, "unseen");
    pair.later(SYNC);
    assert_eq!(pair.b.read(two), "");
    pair.a.call("ModifyVolumePair", json!({"volumeID": one, "pausedManual": "false"}));
    pair.later(SYNC);
    assert_eq!(pair.b.read(two), "unseen");
    pair.a.call("ModifyVolume", json!({"volumeID": one, "totalSize": 2 * GIB}));
    pair.expect_states(one, two, ["PausedVolumeSizeMismatch", "PausedVolumeSizeMismatch"]);
    pair.b.call("ModifyVolume", json!({"volumeID": two, "totalSize": 2 * GIB}));
    pair.later(SYNC);
    pair.expect_states(one, two, ["Active", "Active"]);
    pair.b.cluster.set_stage(4);
    pair.expect_states(one, two, ["PausedClusterFull", "PausedClusterFull"]);
    pair.b.cluster.set_stage(1);
    pair.b.call("DeleteVolume", json!({"volumeID": two}));
    assert_eq!(state(&mut pair.a, one), "PausedMisconfigured");
    pair.b.call("RestoreDeletedVolume", json!({"volumeID": two}));
    pair.later(SYNC);
    assert_eq!(state(&mut pair.a, one), "Active");
    pair.b.call("DeleteVolume", json!({"volumeID": two}));
    pair.b.call("PurgeDeletedVolume", json!({"volumeID": two}));
    assert_eq!(state(&mut pair.a, one), "StoppedMisconfigured");
    pair.a.call("RemoveVolumePair", json!({"volumeID": one}));
    assert_eq!(pair.a.volume(one)["volumePairs"], json!([]));
}

#[test]
fn snapshots_meant_for_the_other_side_arrive_there_with_their_group() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = pair.volumes("SnapshotsOnly");
    pair.later(SYNC);
    pair.expect_states(one, two, ["Idle", "Idle"]);
    pair.a.write(one, "kept");
    pair.a.snapshot(one);
    let wanted =
        json!({"volumes": [one], "name": "g", "enableRemoteReplication": true, "retention": "01:00:00"});
    let group = pair.a.call("CreateGroupSnapshot", wanted)["groupSnapshot"].take();
    pair.a.write(one, "lost");
    pair.later(Duration::from_secs(1));
    assert_eq!(pair.b.read(two), "");
    let there = pair.b.call("ListGroupSnapshots", json!({}))["groupSnapshots"].take();
    assert_eq!(there[0]["groupSnapshotUUID"], group["groupSnapshotUUID"]);
    let member = &there[0]["members"][0];
    assert_eq!(member["snapshotUUID"], group["members"][0]["snapshotUUID"]);
    assert_ne!(member["instanceSnapshotUUID"], member["snapshotUUID"]);
    let here = pair.a.call("ListGroupSnapshots", json!({}))["groupSnapshots"][0]["members"][0].take();
    assert_eq!(here["remoteStatuses"][0]["remoteStatus"], "Present");
    access(&mut pair.b, two, "readWrite");
    pair.b.call("RollbackToSnapshot", json!({"volumeID": two, "snapshotID": member["snapshotID"]}));
    assert_eq!(pair.b.read(two), "kept");
    pair.b.call("DeleteSnapshot", json!({"snapshotID": member["snapshotID"]}));
    let here = pair.a.call("ListGroupSnapshots", json!({}))["groupSnapshots"][0]["members"][0].take();
    assert_eq!(here["remoteStatuses"][0]["remoteStatus"], "Deleted");
    pair.later(Duration::from_secs(3600));
    assert_eq!(pair.a.call("ListSnapshots", json!({}))["snapshots"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_target_without_room_for_a_snapshot_pauses_until_there_is() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = pair.volumes("Async");
    pair.later(SYNC);
    let taken: Vec<u64> = (0..32).map(|_| pair.b.snapshot(two)).collect();
    let wanted = json!({"volumeID": one, "enableRemoteReplication": true});
    let made = pair.a.call("CreateSnapshot", wanted)["snapshot"].take();
    assert_eq!(made["remoteStatuses"][0]["remoteStatus"], "Not Present");
    pair.later(Duration::from_secs(1));
    let paused = "PausedExceededMaxSnapshotCount";
    pair.expect_states(one, two, [paused, paused]);
    pair.b.call("DeleteSnapshot", json!({"snapshotID": taken[0]}));
    pair.later(SYNC);
    pair.later(SYNC);
    pair.expect_states(one, two, ["Active", "Active"]);
    let there = pair.b.call("ListSnapshots", json!({"volumeID": two}))["snapshots"].take();
    assert_eq!(there[31]["snapshotUUID"], made["snapshotUUID"]);
}

#[test]
fn a_dead_cluster_is_a_cut_link() {
    let mut pair = Pair::paired(Duration::ZERO);
    let (one, two) = pair.volumes("Async");
    pair.later(SYNC);
    let seat = pair.b.cluster.seat();
    pair.links.board().set_powered(seat, false, pair.a.clock.now());
    assert_eq!(state(&mut pair.a, one), "PausedDisconnected");
    assert_eq!(pair.a.call("ListClusterPairs", json!({}))["clusterPairs"][0]["status"], "Disconnected");
    pair.links.board().set_powered(seat, true, pair.a.clock.now());
    pair.expect_states(one, two, ["ResumingConnected", "ResumingConnected"]);
}
