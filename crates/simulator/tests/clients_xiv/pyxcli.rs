//! IBM's client library for XCLI, and what the arrays are like after each of its steps.

use serde_json::json;

use crate::lab::Lab;
use crate::session::Session;

#[tokio::test(flavor = "multi_thread")]
async fn ibms_client_library_leads_volumes_groups_and_mirrors_through_their_life() {
    let lab = Lab::start().await;
    let mut client = Session::start(&lab, "pyxcli_life.py").await;
    let connected = client.step("connect").await;
    assert_eq!(connected["version"], "12.3.2.a");
    assert!(connected["commands"].as_u64() > Some(60), "{connected}");
    let refused = client.step("refusals").await;
    assert_eq!(
        refused["codes"],
        json!([
            "UNRECOGNIZED_COMMAND",
            "POOL_DOES_NOT_EXIST",
            "ILLEGAL_NAME",
            "NOT_ENOUGH_SPACE",
            "VOLUME_BAD_NAME"
        ])
    );

    let made = client.step("create").await;
    let volume = lab.volume(0, "v").await;
    assert_eq!(
        (json!(volume["wwn"]), json!(volume["capacity"])),
        (made["wwn"].clone(), made["capacity"].clone())
    );
    lab.write(0, "v", "original").await;
    client.step("grow-and-rename").await;
    assert!(lab.volume(0, "v").await.is_empty());
    let volume = lab.volume(0, "w").await;
    assert_eq!((volume["capacity"].as_str(), json!(volume["wwn"])), ("4194304", made["wwn"].clone()));

    let taken = client.step("snapshot").await;
    let snapshot = lab.volume(0, "s").await;
    assert_eq!((snapshot["master_name"].as_str(), json!(snapshot["wwn"])), ("w", taken["wwn"].clone()));
    lab.write(0, "w", "modified").await;
    client.step("copy").await;
    assert_eq!(lab.volume(0, "copy").await["capacity"], "4194304", "a copy takes its source's size");
    assert_eq!(lab.read(0, "copy", 8).await, "original");
    client.step("restore").await;
    assert_eq!(lab.read(0, "w", 8).await, "original");

    let mapped = client.step("map").await;
    assert!(mapped["text"].as_str().is_some_and(|text| text.contains("LUN is already in use")), "{mapped}");
    let rows = lab.rows(0, "vol_mapping_list", &[("vol", "w")]).await;
    assert_eq!((rows.len(), rows[0]["host"].as_str(), rows[0]["lun"].as_str()), (1, "node", "1"));
    assert_eq!(mapped["ports"], json!([["iqn.2026-01.test:node", "10000000C9000001"]]));
    let gone = client.step("unmap").await;
    assert!(gone["text"].as_str().is_some_and(|text| text.contains("The requested mapping is not defined")));
    assert!(lab.rows(0, "host_list", &[]).await.is_empty());

    client.step("limits").await;
    assert_eq!(lab.volume(0, "w").await["perf_class"], "slow");
    let grouped = client.step("group").await;
    assert_eq!(grouped["members"], json!(["sg.copy", "sg.w"]));
    assert_eq!(lab.volume(0, "sg.w").await["sg_name"], "sg");

    mirrored_and_switched(&lab, &mut client).await;
    client.step("delete").await;
    client.end().await;
    lab.expect_empty();
}

async fn mirrored_and_switched(lab: &Lab, client: &mut Session<'_>) {
    client.step("mirror").await;
    assert_eq!(lab.volume(1, "w").await["locked"], "yes");
    lab.wait();
    let both = client.step("synchronized").await;
    assert_eq!(both["here"], json!([["Master", "Synchronized", "yes"]]));
    assert_eq!(both["there"], json!([["Slave", "Consistent", "yes"]]));
    assert_eq!(lab.read(1, "w", 8).await, "original");
    let switched = client.step("switched").await;
    assert_eq!(switched["here"], json!([["Slave"]]));
    assert_eq!((&switched["there"], &switched["relayed"]), (&json!([["Master"]]), &json!([["Master"]])));
    lab.write(1, "w", "overhere").await;
    assert_eq!(lab.read(0, "w", 8).await, "overhere");
}
