//! NetApp's SDK for Element with calls for several volumes, QoS policies, initiators and LUNs.

use std::time::Duration;

use perilune_simulator::Config;
use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

/// Longer than the test: only moving the clock completes a clone.
const CLONE_DELAY: Duration = Duration::from_secs(1800);

async fn qos(lab: &Lab, volume: &Value) -> (Value, [u64; 3]) {
    let volume = lab.volume(volume).await;
    let iops = ["minIOPS", "maxIOPS", "burstIOPS"].map(|name| volume["qos"][name].as_u64().expect("number"));
    (volume["qosPolicyID"].clone(), iops)
}

#[tokio::test(flavor = "multi_thread")]
async fn netapps_sdk_handles_many_volumes_at_once() {
    let mut config = Config::solidfire("sf1");
    config.arrays[0].clone_delay = CLONE_DELAY;
    config.arrays[0].fc = vec!["5f:47:ac:c0:00:00:00:01".to_owned(), "5f:47:ac:c0:00:00:00:02".to_owned()];
    let lab = Lab::of(config).await;
    let mut sdk = Session::start(&lab, "element_many.py").await;
    let created = sdk.step("create").await;
    let (a, b) = (&created["a"], &created["b"]);
    lab.write(a, "old a");
    lab.write(b, "old b");

    let policy = sdk.step("policy").await["policy"].take();
    assert_eq!(qos(&lab, b).await, (policy, [500, 1000, 2000]));
    assert_eq!(lab.volume(a).await["attributes"], json!({"kind": "gold"}));
    assert_eq!(sdk.step("policy-changed").await["volumes"], json!([a, b]));
    assert_eq!(qos(&lab, a).await.1, [500, 1500, 2000]);
    let deleted = sdk.step("policy-deleted").await;
    assert_eq!((&deleted["unknown"], &deleted["least"]), (&json!("xQoSPolicyDoesNotExist"), &json!(50)));
    assert_eq!(qos(&lab, a).await, (Value::Null, [500, 1500, 2000]));

    sdk.step("group-snapshot").await;
    lab.write(a, "new a");
    let started = sdk.step("clones-started").await;
    let (ca, cb) = (&started["members"][0][1], &started["members"][1][1]);
    assert_eq!((&started["members"], &started["jobs"]), (&json!([[a, ca], [b, cb]]), &json!(2)));
    assert_eq!(lab.volume(cb).await["status"], "init");
    lab.control().advance(CLONE_DELAY);
    assert_eq!(sdk.step("clones").await["status"], "complete");
    assert_eq!((lab.read(ca, 5).as_str(), lab.read(cb, 5).as_str()), ("old a", "old b"));
    sdk.step("copy-started").await;
    lab.control().advance(CLONE_DELAY);
    assert_eq!(sdk.step("copied").await["status"], "complete");
    assert_eq!(lab.read(cb, 5), "new a");

    let access = sdk.step("access").await;
    assert_eq!(access["luns"], json!([[a, 9], [b, 1]]));
    let groups = lab.call("ListVolumeAccessGroups", json!({})).await["volumeAccessGroups"].take();
    assert_eq!(groups[0]["initiators"], json!(["iqn.2026-01.test:a", "iqn.2026-01.test:b"]));
    let ended = sdk.step("access-ended").await;
    assert_eq!(ended["initiators"], 0);
    assert_eq!(ended["ports"], json!(["5f:47:ac:c0:00:00:00:01", "5f:47:ac:c0:00:00:00:02"]));
    let statistics = sdk.step("statistics").await;
    assert_eq!((&statistics["volumes"], &statistics["count"]), (&json!([a]), &json!(4)));
    sdk.step("delete").await;
    sdk.end().await;
    lab.expect_empty();
}
