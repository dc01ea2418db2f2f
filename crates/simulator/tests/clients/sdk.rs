//! NetApp's SDK for Element, and what the array is like after each of its steps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

/// Longer than the test: only moving the clock completes a clone.
const CLONE_DELAY: Duration = Duration::from_secs(1800);

#[tokio::test(flavor = "multi_thread")]
async fn netapps_sdk_leads_volumes_through_their_life() {
    let lab = Lab::start(CLONE_DELAY).await;
    let mut sdk = Session::start(&lab, "element_sdk.py").await;
    expect_cluster(&lab, &sdk.step("connect").await);
    expect_account(&lab, &sdk.step("account").await).await;

    let created = sdk.step("create").await;
    let (one, two) = (&created["one"], &created["two"]);
    let volume = lab.volume(one).await;
    assert_eq!((&volume["totalSize"], &volume["attributes"]), (&json!(1_000_341_504), &json!({"a": "b"})));
    let volume = lab.volume(two).await;
    assert_eq!((&volume["totalSize"], &volume["qos"]["minIOPS"]), (&json!(5_000_658_944u64), &json!(100)));
    lab.write(one, "first");
    lab.write(two, "second");

    let clone = expect_clone(&lab, &mut sdk, one).await;
    let taken = sdk.step("snapshot").await;
    assert_eq!(lab.snapshots(one).await[0]["snapshotID"], taken["snapshot"]);
    assert_eq!(taken["names"], json!(["before"]));
    lab.write(one, "later");
    let restored = sdk.step("from-snapshot").await;
    lab.control().advance(CLONE_DELAY);
    assert_eq!(lab.read(&restored["volume"], 5), "first");
    assert_eq!(lab.read(&clone, 5), "first");

    let modified = sdk.step("modify").await;
    assert_eq!(modified["shrunk"], "xVolumeShrinkProhibited");
    let volume = lab.volume(one).await;
    assert_eq!(volume["totalSize"], 3_000_000_000u64.div_ceil(1 << 20) << 20);
    assert_eq!((&volume["qos"]["minIOPS"], &volume["qos"]["maxIOPS"]), (&json!(50), &json!(2000)));

    let reverted = sdk.step("revert").await;
    assert_eq!(reverted["names"], json!(["before", "saved"]));
    assert_eq!(lab.read(one, 5), "first");
    assert_eq!(lab.volume(one).await["totalSize"], 1_000_341_504);
    expect_group_snapshot(&lab, &mut sdk, one, two).await;
    expect_access_group(&lab, &mut sdk, one, two).await;

    let capacity = sdk.step("capacity").await;
    let volumes = lab.call("ListVolumes", json!({})).await;
    let sizes =
        volumes["volumes"].as_array().expect("volumes").iter().filter_map(|v| v["totalSize"].as_u64());
    assert_eq!((&capacity["provisioned"], &capacity["sessions"]), (&json!(sizes.sum::<u64>()), &json!(0)));

    let deleted = sdk.step("delete").await;
    assert_eq!(deleted["statuses"], json!(["deleted", "deleted", "deleted", "deleted"]));
    assert_eq!(deleted["owned"], "xInvalidParameter");
    assert_eq!(lab.control().statistics("sf1").expect("statistics").exports, 0);
    assert_eq!(sdk.step("purge").await["unknown"], "xUnknownAPIMethod");
    sdk.end().await;
    lab.expect_empty();
}

fn expect_cluster(lab: &Lab, connected: &Value) {
    assert!(
        connected["refused"].as_str().is_some_and(|text| text.contains("Bad Credentials")),
        "{connected}"
    );
    assert_eq!((&connected["uuid"], &connected["svip"]), (&json!(lab.uuid()), &json!("127.0.0.1")));
    assert_eq!((&connected["snapshots"], &connected["full"]), (&json!(32), &json!("stage1Happy")));
    assert_eq!((&connected["nodes"], &connected["drives"]), (&json!(4), &json!(40)));
}

async fn expect_account(lab: &Lab, added: &Value) {
    assert_eq!(added["again"], "xDuplicateUsername");
    let account = &lab.call("GetAccountByName", json!({"username": "tenant"})).await["account"];
    assert_eq!(account["accountID"], added["account"]);
    assert_eq!(
        (&account["initiatorSecret"], &account["targetSecret"]),
        (&added["initiator"], &added["target"])
    );
}

async fn expect_clone(lab: &Lab, sdk: &mut Session<'_>, source: &Value) -> Value {
    let started = sdk.step("clone-started").await;
    let id = &started["volume"];
    assert_eq!(started["running"], "running");
    lab.control().advance(CLONE_DELAY);
    let done = sdk.step("clone").await;
    assert_eq!((&done["status"], &done["made"], &done["listed"]), (&json!("complete"), id, &json!(true)));
    assert_eq!(done["forgotten"], "xAsyncHandleDoesNotExist");
    let (clone, source) = (lab.volume(id).await, lab.volume(source).await);
    assert_eq!((&clone["status"], &clone["attributes"]), (&json!("active"), &source["attributes"]));
    assert_eq!(clone["totalSize"], 2_000_000_000u64.div_ceil(1 << 20) << 20);
    id.clone()
}

async fn expect_group_snapshot(lab: &Lab, sdk: &mut Session<'_>, one: &Value, two: &Value) {
    let taken = sdk.step("group-snapshot").await;
    let groups = lab.call("ListGroupSnapshots", json!({})).await;
    let group = &groups["groupSnapshots"][0];
    assert_eq!((&group["groupSnapshotID"], &group["name"]), (&taken["group"], &json!("both")));
    let members = group["members"].as_array().expect("members");
    let seen: Vec<_> =
        members.iter().map(|member| json!([member["volumeID"], member["snapshotID"]])).collect();
    assert_eq!(json!(seen), taken["members"]);
    assert!(members.iter().all(|m| m["name"] == "both" && m["groupID"] == taken["group"]), "{members:?}");
    lab.write(one, "wrong");
    lab.write(two, "wrong!");
    assert_eq!(sdk.step("group-snapshot-deleted").await["left"], 0);
    assert_eq!((lab.read(one, 5).as_str(), lab.read(two, 6).as_str()), ("first", "second"));
    assert_eq!(lab.snapshots(two).await.len(), 0);
}

async fn expect_access_group(lab: &Lab, sdk: &mut Session<'_>, one: &Value, two: &Value) {
    let made = sdk.step("access-group").await;
    assert_eq!(
        (&made["twice"], &made["second"]),
        (&json!("xAlreadyInVolumeAccessGroup"), &json!("xExceededLimit"))
    );
    assert_eq!(
        (&made["initiator"], &made["stats"]),
        (&json!("iqn.2026-01.test:other"), &json!([made["group"]]))
    );
    let groups = lab.call("ListVolumeAccessGroups", json!({})).await;
    let group = &groups["volumeAccessGroups"][0];
    assert_eq!(group["volumes"], json!([one, two]));
    assert_eq!(group["initiators"], json!(["iqn.2026-01.test:node", "iqn.2026-01.test:other"]));
    let gone = sdk.step("access-group-deleted").await;
    assert_eq!((&gone["absent"], &gone["left"]), (&json!("xNotInVolumeAccessGroup"), &json!(0)));
    assert_eq!(lab.volume(one).await["volumeAccessGroups"], json!([]));
}
