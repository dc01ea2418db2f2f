//! OpenStack Cinder's SolidFire driver, and what the array is like after each of its steps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

#[tokio::test(flavor = "multi_thread")]
async fn cinders_driver_leads_volumes_through_their_life() {
    let lab = Lab::start(Duration::from_millis(100)).await;
    let mut cinder = Session::start(&lab, "cinder_driver.py").await;
    cinder.step("start").await;
    assert_eq!(
        cinder.calls(),
        ["GetClusterInfo", "GetClusterVersionInfo", "GetClusterCapacity", "ListVolumes"]
    );

    let created = cinder.step("create").await;
    let one = &created["volume"];
    let volume = lab.volume(one).await;
    assert_eq!((&volume["name"], &volume["totalSize"]), (&created["name"], &json!(2u64 << 30)));
    assert_eq!((&volume["status"], &volume["attributes"]["uuid"]), (&json!("active"), &created["uuid"]));
    lab.write(one, "original");

    let cloned = cinder.step("clone").await;
    let copy = lab.volume(&cloned["volume"]).await;
    assert_eq!((&copy["name"], &copy["status"]), (&cloned["name"], &json!("active")));
    assert_eq!(lab.read(&cloned["volume"], 8), "original");
    assert_eq!(lab.volume(one).await["attributes"]["cloned_count"], 1);

    let taken = cinder.step("snapshot").await;
    assert_eq!(cinder.calls().len(), 4);
    assert_eq!(lab.snapshots(one).await[0]["snapshotID"], taken["snapshot"]);
    lab.write(one, "modified");

    let restored = cinder.step("from-snapshot").await;
    assert_eq!(lab.read(&restored["volume"], 8), "original");
    assert_eq!(lab.read(one, 8), "modified");

    cinder.step("revert").await;
    assert_eq!(lab.read(one, 8), "original");
    cinder.step("extend").await;
    assert_eq!(cinder.calls().len(), 3);
    assert_eq!(lab.volume(one).await["totalSize"], 3u64 << 30);

    let attached = cinder.step("attach").await;
    expect_connection(&lab, &attached, one).await;
    cinder.step("retype").await;
    let qos = &lab.volume(one).await["qos"];
    assert_eq!([&qos["minIOPS"], &qos["maxIOPS"], &qos["burstIOPS"]], [500, 1000, 1500]);

    cinder.step("unmanage").await;
    assert!(lab.volume(&cloned["volume"]).await["attributes"]["os_exported_at"].is_string());
    let managed = cinder.step("manage").await;
    assert_eq!((&managed["volume"], &managed["size"]), (&cloned["volume"], &json!(2)));
    assert_eq!(lab.volume(&managed["volume"]).await["attributes"]["uuid"], managed["uuid"]);

    let info = cinder.step("provider-info").await;
    assert_eq!(cinder.calls(), ["ListActiveVolumes", "ListSnapshots"]);
    let (mut told, mut expected) = (info["volumes"].clone(), info["expected"].clone());
    for list in [&mut told, &mut expected].into_iter().filter_map(Value::as_array_mut) {
        list.sort_by_key(Value::to_string);
    }
    assert_eq!(told, expected);

    let statistics = cinder.step("statistics").await;
    assert_eq!(statistics["total"], json!((100u64 << 40) as f64 / f64::from(1 << 30)));
    let moved = cinder.step("transfer").await;
    let buyer = lab.call("GetAccountByName", json!({"username": "buyer"})).await["account"].take();
    assert_eq!(lab.volume(&moved["volume"]).await["accountID"], buyer["accountID"]);
    cinder.step("delete-snapshot").await;
    assert!(lab.snapshots(one).await.is_empty());
    cinder.step("delete").await;
    cinder.end().await;
    lab.expect_empty();
}

async fn expect_connection(lab: &Lab, attached: &Value, volume: &Value) {
    let volume = lab.volume(volume).await;
    let account = lab.call("GetAccountByID", json!({"accountID": volume["accountID"]})).await;
    let data = &attached["data"];
    assert_eq!(attached["kind"], "iscsi");
    assert_eq!((&data["target_iqn"], &data["target_lun"]), (&volume["iqn"], &json!(0)));
    assert_eq!(data["target_portal"], "127.0.0.1:3260");
    assert_eq!(data["auth_method"], "CHAP");
    assert_eq!(data["auth_username"], account["account"]["username"]);
    assert_eq!(data["auth_password"], account["account"]["initiatorSecret"]);
}
