//! Quality of service: values, defaults, policies.

use serde_json::{Value, json};

use super::{Bench, GIB};

fn iops(qos: &Value) -> [u64; 3] {
    ["minIOPS", "maxIOPS", "burstIOPS"].map(|name| qos[name].as_u64().expect("number"))
}

fn policy(bench: &mut Bench, qos: &Value) -> u64 {
    let made = bench.call("CreateQoSPolicy", json!({"name": "gold", "qos": qos}));
    made["qosPolicy"]["qosPolicyID"].as_u64().expect("id")
}

#[test]
fn members_follow_their_policy_and_keep_its_values_when_it_goes() {
    let mut bench = Bench::new();
    let gold = policy(&mut bench, &json!({"minIOPS": 500, "maxIOPS": 1000, "burstIOPS": 2000}));
    let params = json!({"name": "v", "accountID": 1, "totalSize": GIB, "qosPolicyID": gold});
    let one = bench.call("CreateVolume", params)["volumeID"].as_u64().expect("id");
    let two = bench.create("w", GIB);
    bench.call("ModifyVolume", json!({"volumeID": two, "qosPolicyID": gold}));
    bench.expect_sound();
    let changed = bench.call("ModifyQoSPolicy", json!({"qosPolicyID": gold, "qos": {"maxIOPS": 1500}}));
    assert_eq!(changed["qosPolicy"]["volumeIDs"], json!([one, two]));
    assert_eq!(iops(&bench.volume(one)["qos"]), [500, 1500, 2000]);
    bench.call("DeleteQoSPolicy", json!({"qosPolicyID": gold}));
    let volume = bench.volume(two);
    assert_eq!((iops(&volume["qos"]), &volume["qosPolicyID"]), ([500, 1500, 2000], &Value::Null));
    assert_eq!(bench.refusal("GetQoSPolicy", json!({"qosPolicyID": gold})), "xQoSPolicyDoesNotExist");
    bench.expect_sound();
}

#[test]
fn values_of_its_own_end_a_membership_and_empty_ones_do_not() {
    let mut bench = Bench::new();
    let gold = policy(&mut bench, &json!({"minIOPS": 500, "maxIOPS": 1000, "burstIOPS": 2000}));
    let id = bench.create("v", GIB);
    bench.call("ModifyVolume", json!({"volumeID": id, "qosPolicyID": gold}));
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": {}, "attributes": {}}));
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": null}));
    assert_eq!(bench.volume(id)["qosPolicyID"], gold);
    bench.call("ModifyVolume", json!({"volumeID": id, "qos": {"minIOPS": 600}}));
    let volume = bench.volume(id);
    assert_eq!((iops(&volume["qos"]), &volume["qosPolicyID"]), ([600, 1000, 2000], &Value::Null));
    bench.call("ModifyVolume", json!({"volumeID": id, "qosPolicyID": gold}));
    bench.call("ModifyVolume", json!({"volumeID": id, "associateWithQoSPolicy": false}));
    assert_eq!(bench.call("ListQoSPolicies", json!({}))["qosPolicies"][0]["volumeIDs"], json!([]));
    bench.expect_sound();
}

#[test]
fn a_policy_and_values_exclude_each_other_and_both_are_bounded() {
    let mut bench = Bench::with(|config| {
        config.limits.insert("qosPolicyCountMax".to_owned(), 1);
    });
    let gold = policy(&mut bench, &json!({"minIOPS": 500}));
    let id = bench.create("v", GIB);
    let both = json!({"volumeID": id, "qosPolicyID": gold, "qos": {"minIOPS": 100}});
    assert_eq!(bench.refusal("ModifyVolume", both), "xInvalidAPIParameter");
    let unknown = json!({"volumeID": id, "qosPolicyID": 9});
    assert_eq!(bench.refusal("ModifyVolume", unknown), "xQoSPolicyDoesNotExist");
    let second = json!({"name": "second", "qos": {}});
    assert_eq!(bench.refusal("CreateQoSPolicy", second), "xExceededLimit");
    let wrong = json!({"qosPolicyID": gold, "qos": {"maxIOPS": 400}});
    assert_eq!(bench.refusal("ModifyQoSPolicy", wrong), "xInvalidParameter");
    assert_eq!(bench.refusal("CreateQoSPolicy", json!({"name": "x"})), "xMissingParameter");
}

#[test]
fn new_volumes_get_the_clusters_default_and_those_that_exist_do_not() {
    let mut bench = Bench::new();
    let old = bench.create("old", GIB);
    assert_eq!(iops(&bench.call("GetDefaultQoS", json!({}))), [50, 15_000, 15_000]);
    bench.call("SetDefaultQoS", json!({"minIOPS": 100, "maxIOPS": 10_000}));
    let new = bench.create("new", GIB);
    assert_eq!(iops(&bench.volume(new)["qos"]), [100, 10_000, 15_000]);
    assert_eq!(iops(&bench.volume(old)["qos"]), [50, 15_000, 15_000]);
}

#[test]
fn a_clone_has_its_sources_values_and_no_policy() {
    let mut bench = Bench::new();
    let gold = policy(&mut bench, &json!({"minIOPS": 500, "maxIOPS": 1000, "burstIOPS": 2000}));
    let params = json!({"name": "v", "accountID": 1, "totalSize": GIB, "qosPolicyID": gold});
    let id = bench.call("CreateVolume", params)["volumeID"].clone();
    let clone = bench.call("CloneVolume", json!({"volumeID": id, "name": "c"}));
    assert_eq!(iops(&clone["volume"]["qos"]), [500, 1000, 2000]);
    assert_eq!(clone["volume"]["qosPolicyID"], Value::Null);
    bench.call("DeleteVolume", json!({"volumeID": id}));
    bench.call("PurgeDeletedVolume", json!({"volumeID": id}));
    bench.expect_sound();
}
