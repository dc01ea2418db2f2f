//! Calls that concern several volumes, and jobs that can be followed and called off.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, GIB};

#[test]
fn many_volumes_change_together_or_not_at_all() {
    let mut bench = Bench::new();
    let (a, b) = (bench.create("a", GIB), bench.create("b", 2 * GIB));
    let shrink = json!({"volumeIDs": [a, b], "totalSize": GIB, "attributes": {"x": 1}});
    assert_eq!(bench.refusal("ModifyVolumes", shrink), "xVolumeShrinkProhibited");
    assert_eq!(bench.volume(a)["attributes"], json!({}));
    let unknown = json!({"volumeIDs": [a, 9], "access": "readOnly"});
    assert_eq!(bench.refusal("ModifyVolumes", unknown), "xVolumeIDDoesNotExist");
    assert_eq!(bench.volume(a)["access"], "readWrite");
    let change = json!({"volumeIDs": [a, b], "access": "replicationTarget", "totalSize": 3 * GIB});
    let changed = bench.call("ModifyVolumes", change);
    assert_eq!(changed["volumes"][1]["access"], "replicationTarget");
    assert_eq!(bench.volume(a)["totalSize"], 3 * GIB);
    let many: Vec<u64> = (1..=501).collect();
    assert_eq!(bench.refusal("ModifyVolumes", json!({"volumeIDs": many})), "xInvalidParameter");
    bench.expect_sound();
}

#[test]
fn a_group_of_clones_is_of_one_moment_and_usable_together() {
    let mut bench = Bench::new();
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    bench.write(a, "old a");
    bench.write(b, "old b");
    let group = bench.call("CreateGroupSnapshot", json!({"volumes": [a, b]}))["groupSnapshotID"].clone();
    bench.write(a, "new a");
    let other = bench.create("other", GIB);
    let strange = json!({"volumes": [{"volumeID": other}], "groupSnapshotID": group});
    assert_eq!(bench.refusal("CloneMultipleVolumes", strange), "xInvalidParameter");
    let wanted = json!([{"volumeID": a, "name": "ca"}, {"volumeID": b, "name": "cb", "newSize": 2 * GIB}]);
    let made = bench.call("CloneMultipleVolumes", json!({"volumes": wanted, "groupSnapshotID": group}));
    let ids: Vec<u64> = (0..2).filter_map(|n| made["members"][n]["volumeID"].as_u64()).collect();
    assert_eq!(bench.volume(ids[0])["status"], "init");
    bench.expect_sound();
    bench.later(Duration::from_secs(11));
    assert_eq!((bench.read(ids[0]), bench.read(ids[1])), ("old a".to_owned(), "old b".to_owned()));
    assert_eq!(bench.volume(ids[1])["totalSize"], 2 * GIB);
    let result = bench.call("GetAsyncResult", json!({"asyncHandle": made["asyncHandle"]}));
    assert_eq!(result["result"]["groupCloneID"], made["groupCloneID"]);
    bench.expect_sound();
}

#[test]
fn one_bad_member_spoils_a_group_of_clones() {
    let mut bench = Bench::with(|config| {
        config.limits.insert("volumeCountMax".to_owned(), 3);
    });
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    let before = bench.cluster.statistics();
    let wanted = |second: Value| json!({"volumes": [{"volumeID": a, "name": "x"}, second]});
    let bad = wanted(json!({"volumeID": b, "name": "no_good"}));
    assert_eq!(bench.refusal("CloneMultipleVolumes", bad), "xInvalidParameter");
    let full = wanted(json!({"volumeID": b}));
    assert_eq!(bench.refusal("CloneMultipleVolumes", full), "xMaxVolumeCountExceeded");
    assert_eq!(bench.cluster.statistics(), before);
}

#[test]
fn a_copy_shows_the_data_of_its_moment_when_it_is_done() {
    let mut bench = Bench::new();
    let (a, b) = (bench.create("a", GIB), bench.create("b", GIB));
    let larger = bench.create("c", 2 * GIB);
    bench.write(a, "data");
    bench.write(b, "other");
    let wrong = json!({"volumeID": a, "dstVolumeID": larger});
    assert_eq!(bench.refusal("CopyVolume", wrong), "xInvalidParameter");
    let made = bench.call("CopyVolume", json!({"volumeID": a, "dstVolumeID": b}));
    bench.write(a, "later");
    assert_eq!(bench.read(b), "other");
    bench.expect_sound();
    bench.later(Duration::from_secs(5));
    let job = bench.call("ListSyncJobs", json!({}))["syncJobs"][0].take();
    assert_eq!((&job["dstVolumeID"], &job["percentComplete"]), (&json!(b), &json!(50)));
    bench.later(Duration::from_secs(6));
    assert_eq!(bench.read(b), "data");
    let result = bench.call("GetAsyncResult", json!({"asyncHandle": made["asyncHandle"]}));
    assert_eq!(result["status"], "complete");
    bench.expect_sound();
}

#[test]
fn a_clone_that_is_called_off_leaves_nothing() {
    let mut bench = Bench::new();
    let id = bench.create("a", GIB);
    let before = bench.cluster.statistics();
    let made = bench.call("CloneVolume", json!({"volumeID": id, "name": "c"}));
    bench.call("CancelClone", json!({"cloneID": made["cloneID"]}));
    assert_eq!(bench.cluster.statistics(), before);
    let result = bench.call("GetAsyncResult", json!({"asyncHandle": made["asyncHandle"]}));
    assert_eq!((&result["status"], result["error"]["name"].is_string()), (&json!("complete"), true));
    assert_eq!(bench.refusal("CancelClone", json!({"cloneID": made["cloneID"]})), "xCloneIDDoesNotExist");
    bench.later(Duration::from_secs(11));
    bench.expect_sound();
}

#[test]
fn volumes_are_deleted_and_purged_by_id_account_or_access_group() {
    let mut bench = Bench::new();
    let ids: Vec<u64> = ["a", "b", "c"].iter().map(|name| bench.create(name, GIB)).collect();
    assert_eq!(bench.refusal("DeleteVolumes", json!({})), "xInvalidParameter");
    bench.call("CreateVolumeAccessGroup", json!({"name": "g", "volumes": [ids[0]]}));
    let deleted = bench.call("DeleteVolumes", json!({"volumeAccessGroupIDs": [1]}));
    assert_eq!(deleted["volumes"][0]["volumeID"], ids[0]);
    let one_gone = json!({"volumeIDs": [ids[0], ids[1]]});
    assert_eq!(bench.refusal("DeleteVolumes", one_gone), "xVolumeIDDoesNotExist");
    assert_eq!(bench.volume(ids[1])["status"], "active");
    bench.call("DeleteVolumes", json!({"accountIDs": [1]}));
    bench.call("PurgeDeletedVolumes", json!({"volumeIDs": ids}));
    assert_eq!(bench.cluster.statistics().volumes, 0);
    bench.expect_sound();
}

#[test]
fn lists_of_volumes_come_in_pages_that_miss_none() {
    let mut bench = Bench::new();
    let ids: Vec<u64> = (0..7).map(|n| bench.create(&format!("v-{n}"), GIB)).collect();
    bench.call("DeleteVolume", json!({"volumeID": ids[3]}));
    for (method, expected) in [("ListVolumes", 7), ("ListActiveVolumes", 6)] {
        let (mut seen, mut start) = (Vec::new(), 0);
        loop {
            let page = bench.call(method, json!({"startVolumeID": start, "limit": 2}))["volumes"].take();
            let page: Vec<u64> =
                page.as_array().expect("volumes").iter().filter_map(|v| v["volumeID"].as_u64()).collect();
            let Some(last) = page.last() else { break };
            start = last + 1;
            seen.extend(page);
        }
        assert_eq!(seen.len(), expected, "{method}: {seen:?}");
    }
}
