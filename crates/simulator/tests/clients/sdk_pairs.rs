//! NetApp's SDK for Element with two clusters that it pairs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

/// Longer than the test: only moving the clock lets a pair catch up.
const SYNC: Duration = Duration::from_secs(1800);

#[tokio::test(flavor = "multi_thread")]
async fn netapps_sdk_pairs_clusters_and_volumes() {
    let lab = Lab::pair(SYNC).await;
    let mut sdk = Session::start(&lab, "element_pairs.py").await;
    let clusters = sdk.step("clusters").await;
    assert_eq!(
        (&clusters["unconfigured"], &clusters["own"]),
        (&json!(["Unconfigured"]), &json!("xInvalidPairingKey"))
    );
    assert_eq!(clusters["again"], "xPairingAlreadyExists");
    let uuid = &clusters["seen"][0][0][2];
    assert_eq!(clusters["seen"][0], json!([["127.0.0.2", "Connected", uuid]]));
    assert_eq!(clusters["seen"][1], json!([["127.0.0.1", "Connected", uuid]]));

    let volumes = sdk.step("volumes").await;
    assert_eq!(volumes["unpaired"], "xVolumeNotPaired");
    assert_eq!(
        (&volumes["twice"], &volumes["wrong"]),
        (&json!("xVolumeAlreadyPaired"), &json!("xInvalidPairingKey"))
    );
    let (source, target) = (&volumes["source"], &volumes["target"]);
    lab.write(source, "early");
    lab.control().advance(SYNC / 2);
    let half = sdk.step("catching-up").await;
    assert_eq!(half["states"], json!(["ResumingDataTransfer", "ResumingDataTransfer"]));
    assert_eq!(half["jobs"], json!([["remote", target, 50]]));
    assert_eq!(lab.read_at("sf2", target, 5), "\0\0\0\0\0");
    lab.control().advance(SYNC / 2);
    assert_eq!(lab.read_at("sf2", target, 5), "early");

    assert_eq!(sdk.step("paused").await["states"], json!(["PausedManual", "PausedManualRemote"]));
    lab.write(source, "later");
    assert_eq!(lab.read_at("sf2", target, 5), "early");
    assert_eq!(sdk.step("resumed").await["states"], json!(["ResumingConnected", "ResumingConnected"]));
    lab.control().advance(SYNC);
    assert_eq!(lab.read_at("sf2", target, 5), "later");
    let taken = sdk.step("snapshot").await;
    assert_eq!(sdk.step("arrived").await["uuids"], json!([taken["uuid"]]));
    lab.control().set_link("sf1", false).expect("a link");
    let cut = sdk.step("disconnected").await;
    assert_eq!(cut["states"], json!(["PausedDisconnected", "PausedDisconnected"]));
    lab.control().set_link("sf1", true).expect("a link");
    let status = async || lab.call("ListClusterPairs", json!({})).await["clusterPairs"][0]["status"].take();
    assert_eq!(status().await, "Connected");
    lab.control().set_online("sf2", false).expect("array");
    assert_eq!(status().await, "Disconnected", "a dead partner");
    lab.control().set_online("sf2", true).expect("array");
    lab.until_served("sf2").await;

    let ended = sdk.step("ended").await;
    assert_eq!(
        (&ended["in_use"], &ended["stopped"]),
        (&json!("xInvalidParameter"), &json!("StoppedMisconfigured"))
    );
    assert_eq!(ended["left_alone"], json!(["Misconfigured"]));
    assert_eq!(
        lab.call_at("sf2", "ListClusterPairs", json!({})).await["clusterPairs"],
        Value::Array(Vec::new())
    );
    sdk.end().await;
    lab.expect_empty();
}
