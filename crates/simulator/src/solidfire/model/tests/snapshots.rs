//! Snapshots, alone and in groups.

use std::time::Duration;

use serde_json::json;

use super::{Bench, GIB};

#[test]
fn a_snapshot_keeps_what_the_volume_held() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.write(id, "old");
    let snapshot = bench.snapshot(id);
    bench.write(id, "new");
    bench.call("ModifyVolume", json!({"volumeID": id, "totalSize": 2 * GIB, "attributes": {"a": 1}}));
    let back = json!({"volumeID": id, "snapshotID": snapshot, "saveCurrentState": "false", "accountID": 1});
    let answer = bench.call("RollbackToSnapshot", back);
    assert_eq!((&answer["snapshotID"], &answer["snapshot"]), (&json!(null), &json!(null)));
    assert_eq!(bench.read(id), "old");
    let volume = bench.volume(id);
    assert_eq!((&volume["totalSize"], &volume["attributes"]), (&json!(GIB), &json!({"a": 1})));
    let back = json!({"volumeID": id, "snapshotID": snapshot, "saveCurrentState": true});
    assert!(
        bench.call("RollbackToSnapshot", back)["snapshot"]["name"]
            .as_str()
            .is_some_and(|n| n.ends_with("-copy"))
    );
    let other = bench.create("w", GIB);
    let strange = json!({"volumeID": other, "snapshotID": snapshot});
    assert_eq!(bench.refusal("RollbackToSnapshot", strange), "xSnapshotIDDoesNotExist");
    bench.expect_sound();
}

#[test]
fn a_volume_has_32_snapshots_at_most() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    (0..32).for_each(|_| {
        bench.snapshot(id);
    });
    assert_eq!(bench.refusal("CreateSnapshot", json!({"volumeID": id})), "xMaxSnapshotsPerVolumeExceeded");
}

#[test]
fn a_snapshot_ends_with_its_retention() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.call("CreateSnapshot", json!({"volumeID": id, "retention": "01:00:00"}));
    bench.call(
        "CreateSnapshot",
        json!({"volumeID": id, "retention": "", "attributes": null, "snapshotID": 0}),
    );
    let both = json!({"volumeID": id, "retention": "01:00:00", "expirationTime": "fifo"});
    assert_eq!(bench.refusal("CreateSnapshot", both), "xInvalidAPIParameter");
    bench.later(Duration::from_secs(3601));
    let left = bench.call("ListSnapshots", json!({"volumeID": id}));
    assert_eq!(left["snapshots"].as_array().map(Vec::len), Some(1));
    bench.expect_sound();
}

#[test]
fn fifo_snapshots_push_out_their_oldest() {
    let mut bench = Bench::new();
    let params = json!({"name": "v", "accountID": 1, "totalSize": GIB, "fifoSize": 2});
    let id = bench.call("CreateVolume", params)["volumeID"].clone();
    for _ in 0..3 {
        bench.call("CreateSnapshot", json!({"volumeID": id, "expirationTime": "fifo"}));
    }
    let left = bench.call("ListSnapshots", json!({"volumeID": id}));
    assert_eq!(left["snapshots"].as_array().map(Vec::len), Some(2));
    assert_eq!(left["snapshots"][0]["snapshotID"], 2);
}

#[test]
fn a_group_snapshot_is_taken_of_all_or_none() {
    let mut bench = Bench::with(|config| {
        config.limits.insert("snapshotsPerVolumeMax".to_owned(), 1);
    });
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    let spent = bench.snapshot(b);
    let group = json!({"volumes": [a, b], "name": "g"});
    assert_eq!(bench.refusal("CreateGroupSnapshot", group.clone()), "xMaxSnapshotsPerVolumeExceeded");
    assert_eq!(bench.call("ListSnapshots", json!({"volumeID": a}))["snapshots"], json!([]));
    bench.call("DeleteSnapshot", json!({"snapshotID": spent}));
    let made = bench.call("CreateGroupSnapshot", group);
    assert_eq!(made["groupSnapshot"]["members"][1]["name"], "g");
    bench.call(
        "DeleteGroupSnapshot",
        json!({"groupSnapshotID": made["groupSnapshotID"], "saveMembers": true}),
    );
    assert_eq!(bench.call("ListSnapshots", json!({}))["snapshots"][0]["groupID"], 0);
    bench.expect_sound();
}

#[test]
fn a_group_snapshot_goes_with_its_last_member() {
    let mut bench = Bench::new();
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    bench.call("CreateGroupSnapshot", json!({"volumes": [a, b]}));
    for volume in [a, b] {
        bench.call("DeleteVolume", json!({"volumeID": volume}));
        bench.call("PurgeDeletedVolume", json!({"volumeID": volume}));
        bench.expect_sound();
    }
    assert_eq!(bench.call("ListGroupSnapshots", json!({}))["groupSnapshots"], json!([]));
}

#[test]
fn snapshots_and_groups_can_be_renamed_and_given_an_end() {
    let mut bench = Bench::new();
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    let alone = bench.snapshot(a);
    let group =
        bench.call("CreateGroupSnapshot", json!({"volumes": [a, b], "name": "g"}))["groupSnapshotID"].clone();
    bench.call(
        "ModifySnapshot",
        json!({"snapshotID": alone, "name": "kept", "expirationTime": "2100-01-01T00:00:00Z"}),
    );
    let soon = crate::kernel::clock::seconds(crate::kernel::clock::after(
        bench.clock.now(),
        Duration::from_secs(60),
    ));
    let changed = bench.call(
        "ModifyGroupSnapshot",
        json!({"groupSnapshotID": group, "name": "h", "expirationTime": soon, "enableRemoteReplication": true}),
    );
    let member = &changed["groupSnapshot"]["members"][1];
    assert_eq!((&member["name"], &member["expirationTime"]), (&json!("h"), &json!(soon)));
    bench.later(Duration::from_secs(61));
    assert_eq!(bench.call("ListGroupSnapshots", json!({}))["groupSnapshots"], json!([]));
    let left = bench.call("ListSnapshots", json!({}))["snapshots"].take();
    assert_eq!((&left[0]["name"], left.as_array().map(Vec::len)), (&json!("kept"), Some(1)));
    assert_eq!(bench.refusal("ModifySnapshot", json!({"snapshotID": 99})), "xSnapshotIDDoesNotExist");
    bench.expect_sound();
}
