//! Volumes from creation to purge.

use std::time::Duration;

use serde_json::json;

use super::{Bench, GIB};
use crate::config::CloneOverflow;

#[test]
fn a_size_is_rounded_up_to_whole_mebibytes() {
    let mut bench = Bench::new();
    for (asked, made) in [(1_000_000_000, 1_000_341_504u64), (5_000_000_000, 5_000_658_944), (GIB, GIB)] {
        let id = bench.create("v", asked);
        assert_eq!(bench.volume(id)["totalSize"], made);
    }
    let params = |size: u64| json!({"name": "v", "accountID": 1, "totalSize": size});
    assert_eq!(bench.refusal("CreateVolume", params(999_999_999)), "xInvalidParameter");
    assert_eq!(bench.refusal("CreateVolume", params(17_592_186_044_417)), "xInvalidParameter");
}

#[test]
fn identifiers_follow_cluster_name_and_number() {
    let mut bench = Bench::new();
    bench.cluster.counters.volume = 319;
    let id = bench.create("Pvc-X", GIB);
    let volume = bench.volume(id);
    assert_eq!(volume["iqn"], "iqn.2010-01.com.solidfire:3eeu.pvc-x.320");
    assert_eq!(volume["scsiEUIDeviceID"], "3365657500000140f47acc0100000000");
    assert_eq!(volume["scsiNAADeviceID"], "6f47acc1000000003365657500000140");
}

#[test]
fn names_may_repeat_but_not_hold_what_an_iqn_cannot() {
    let mut bench = Bench::new();
    assert_ne!(bench.create("v", GIB), bench.create("v", GIB));
    for name in ["a_b", "a.b", "", &"x".repeat(65)] {
        let params = json!({"name": name, "accountID": 1, "totalSize": GIB});
        assert_eq!(bench.refusal("CreateVolume", params), "xInvalidParameter", "{name}");
    }
    assert_eq!(bench.refusal("CreateVolume", json!({"accountID": 1, "totalSize": GIB})), "xMissingParameter");
    let params = json!({"name": "v", "accountID": 9, "totalSize": GIB});
    assert_eq!(bench.refusal("CreateVolume", params), "xAccountIDDoesNotExist");
}

#[test]
fn a_volume_grows_and_never_shrinks() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.call("ModifyVolume", json!({"volumeID": id, "totalSize": 2 * GIB}));
    assert_eq!(bench.volume(id)["totalSize"], 2 * GIB);
    let shrink = json!({"volumeID": id, "totalSize": GIB});
    assert_eq!(bench.refusal("ModifyVolume", shrink), "xVolumeShrinkProhibited");
    bench.call("ModifyVolume", json!({"volumeID": id, "totalSize": 2 * GIB - 1}));
    bench.expect_sound();
}

#[test]
fn qos_merges_and_attributes_are_replaced() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": {"minIOPS": 100}, "attributes": {"a": 1}}));
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": {}, "attributes": {"b": 2}}));
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": null}));
    let volume = bench.volume(id);
    assert_eq!((&volume["qos"]["minIOPS"], &volume["qos"]["maxIOPS"]), (&json!(100), &json!(15000)));
    assert_eq!(volume["attributes"], json!({"b": 2}));
    for qos in
        [json!({"minIOPS": 49}), json!({"minIOPS": 500, "maxIOPS": 400}), json!({"burstIOPS": 200_001})]
    {
        assert_eq!(bench.refusal("ModifyVolume", json!({"volumeID": id, "qos": qos})), "xInvalidParameter");
    }
}

#[test]
fn a_deleted_volume_can_be_restored_for_eight_hours() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.write(id, "kept");
    let deleted = bench.call("DeleteVolume", json!({"volumeID": id}));
    assert_eq!(deleted["volume"]["status"], "deleted");
    assert_eq!(bench.refusal("DeleteVolume", json!({"volumeID": id})), "xVolumeIDDoesNotExist");
    let listed = bench.call("ListVolumesForAccount", json!({"accountID": 1}));
    assert_eq!(listed["volumes"][0]["status"], "deleted");
    assert_eq!(bench.call("ListActiveVolumes", json!({}))["volumes"], json!([]));
    bench.later(Duration::from_secs(8 * 3600 - 60));
    bench.call("RestoreDeletedVolume", json!({"volumeID": id}));
    bench.later(Duration::from_secs(120));
    assert_eq!((bench.volume(id)["status"].take(), bench.read(id).as_str()), (json!("active"), "kept"));
    bench.call("DeleteVolume", json!({"volumeID": id}));
    bench.later(Duration::from_secs(8 * 3600 + 1));
    assert!(bench.volume(id).is_null());
    bench.expect_sound();
}

#[test]
fn only_a_deleted_volume_can_be_purged_and_it_is_gone_then() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.snapshot(id);
    assert_eq!(bench.refusal("PurgeDeletedVolume", json!({"volumeID": id})), "xVolumeIDDoesNotExist");
    bench.call("DeleteVolume", json!({"volumeID": id}));
    assert_eq!(bench.refusal("RemoveAccount", json!({"accountID": 1})), "xInvalidParameter");
    bench.call("PurgeDeletedVolume", json!({"volumeID": id}));
    assert_eq!(bench.call("ListSnapshots", json!({}))["snapshots"], json!([]));
    assert_eq!(bench.call("GetClusterCapacity", json!({}))["clusterCapacity"]["provisionedSpace"], 0);
    bench.call("RemoveAccount", json!({"accountID": 1}));
    bench.expect_sound();
}

#[test]
fn a_clone_is_hidden_from_its_account_until_it_is_complete() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.write(id, "source");
    let made = bench.call("CloneVolume", json!({"volumeID": id, "name": "c", "snapshotID": 0}));
    assert_eq!((&made["volume"]["status"], &made["volume"]["sliceCount"]), (&json!("init"), &json!(0)));
    bench.write(id, "source, changed");
    let clone = made["volumeID"].as_u64().expect("id");
    bench.call("ModifyVolume", json!({"volumeID": clone, "attributes": {"a": 1}}));
    assert_eq!(bench.refusal("CreateSnapshot", json!({"volumeID": clone})), "xSliceNotRegistered");
    let mine =
        |bench: &mut Bench| bench.call("ListVolumesForAccount", json!({"accountID": 1}))["volumes"].take();
    assert_eq!(mine(&mut bench).as_array().map(Vec::len), Some(1));
    bench.later(Duration::from_secs(11));
    assert_eq!(mine(&mut bench).as_array().map(Vec::len), Some(2));
    assert_eq!(bench.read(clone), "source");
    bench.expect_sound();
}

#[test]
fn a_third_clone_of_one_volume_is_refused_or_queued_as_configured() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    let clone = json!({"volumeID": id, "name": "c"});
    bench.call("CloneVolume", clone.clone());
    bench.call("CloneVolume", clone.clone());
    assert_eq!(bench.refusal("CloneVolume", clone.clone()), "xMaxClonesPerVolumeExceeded");
    let mut bench = Bench::with(|config| config.clone_overflow = CloneOverflow::Queue);
    bench.create("v", GIB);
    let handles: Vec<_> =
        (0..3).map(|_| bench.call("CloneVolume", clone.clone())["asyncHandle"].take()).collect();
    let status = |bench: &mut Bench| {
        bench.call("GetAsyncResult", json!({"asyncHandle": handles[2], "keepResult": true}))["status"].take()
    };
    bench.later(Duration::from_secs(11));
    assert_eq!(status(&mut bench), "running");
    bench.later(Duration::from_secs(10));
    assert_eq!(status(&mut bench), "complete");
}

#[test]
fn a_full_cluster_makes_nothing_new() {
    let mut bench = Bench::with(|config| {
        config.pools = vec![crate::config::PoolConfig::of(10 * GIB)];
    });
    let id = bench.create("v", 49 * GIB);
    let grow = json!({"volumeID": id, "totalSize": 51 * GIB});
    assert_eq!(bench.refusal("ModifyVolume", grow), "xTotalCapacityExceeded");
    bench.cluster.set_stage(4);
    assert_eq!(bench.refusal("CreateSnapshot", json!({"volumeID": id})), "xTotalCapacityExceeded");
    assert_eq!(bench.refusal("CloneVolume", json!({"volumeID": id, "name": "c"})), "xTotalCapacityExceeded");
    assert_eq!(bench.call("GetClusterFullThreshold", json!({}))["fullness"], "stage4Critical");
    bench.cluster.set_stage(3);
    bench.snapshot(id);
}
