//! Cinder's SolidFire driver with two clusters that replicate to each other.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

/// Access and state of a replicated volume on both clusters, with its number on each.
struct Seen {
    ids: [Value; 2],
    access: [Value; 2],
    states: [Value; 2],
    mode: Value,
}

async fn look(lab: &Lab, name: &Value) -> Seen {
    let (mut one, mut two) = (lab.named_at("sf1", name).await, lab.named_at("sf2", name).await);
    let (ids, access) =
        ([&one, &two].map(|v| v["volumeID"].clone()), [&one, &two].map(|v| v["access"].clone()));
    assert_eq!(one["volumePairs"][0]["remoteVolumeID"], two["volumeID"]);
    assert_eq!(two["volumePairs"][0]["remoteVolumeID"], one["volumeID"]);
    assert_eq!(one["volumePairs"][0]["volumePairUUID"], two["volumePairs"][0]["volumePairUUID"]);
    let replication = [&mut one, &mut two].map(|v| v["volumePairs"][0]["remoteReplication"].take());
    let mode = replication[0]["mode"].clone();
    Seen { ids, access, states: replication.map(|r| r["state"].clone()), mode }
}

async fn expect(lab: &Lab, name: &Value, mode: &str, access: [&str; 2], state: &str) -> [Value; 2] {
    let seen = look(lab, name).await;
    assert_eq!((seen.access, seen.mode), (access.map(Value::from), Value::from(mode)));
    assert_eq!(seen.states, [state, state].map(Value::from), "{name}");
    seen.ids
}

const HERE: [&str; 2] = ["readWrite", "replicationTarget"];
const THERE: [&str; 2] = ["replicationTarget", "readWrite"];

#[tokio::test(flavor = "multi_thread")]
async fn cinders_driver_replicates_fails_over_and_comes_back() {
    let lab = Lab::pair(Duration::ZERO).await;
    let mut cinder = Session::start(&lab, "cinder_replication.py").await;
    cinder.step("start").await;
    assert_eq!(cinder.calls().len(), 10);
    for name in lab.names() {
        let pairs = lab.call_at(name, "ListClusterPairs", json!({})).await["clusterPairs"].take();
        assert_eq!(pairs[0]["status"], "Connected", "{name}: {pairs}");
    }
    cinder.step("start-again").await;
    assert_eq!(cinder.calls().len(), 7);

    let one = cinder.step("create").await["name"].take();
    assert_eq!(cinder.calls().len(), 16, "two more for the new account");
    let ids = expect(&lab, &one, "Async", HERE, "Active").await;
    lab.write(&ids[0], "mirrored");
    assert_eq!(lab.read_at("sf2", &ids[1], 8), "mirrored");
    let two = cinder.step("create-snapshots-only").await["name"].take();
    let plain = expect(&lab, &two, "SnapshotsOnly", HERE, "Idle").await;
    lab.write(&plain[0], "now and then");
    assert_eq!(lab.read_at("sf2", &plain[1], 3), "\0\0\0");
    let copy = cinder.step("clone").await["name"].take();
    let copies = expect(&lab, &copy, "Async", HERE, "Active").await;
    assert_eq!(lab.read_at("sf2", &copies[1], 8), "mirrored");

    let taken = cinder.step("snapshot").await["snapshot"].take();
    let there = lab.call_at("sf2", "ListSnapshots", json!({"volumeID": plain[1]})).await["snapshots"].take();
    let here = lab.call("ListSnapshots", json!({"snapshotID": taken})).await["snapshots"].take();
    assert_eq!(there[0]["snapshotUUID"], here[0]["snapshotUUID"]);
    assert_eq!(here[0]["remoteStatuses"][0]["remoteStatus"], "Present");
    cinder.step("extend").await;
    expect(&lab, &one, "Async", HERE, "Active").await;
    assert_eq!(lab.named_at("sf2", &one).await["totalSize"], 3u64 << 30);

    fail_over(&lab, &mut cinder, &one, &ids).await;
    cinder.step("release").await;
    let volume = lab.volume(&copies[0]).await;
    assert_eq!((&volume["volumePairs"], &volume["status"]), (&json!([]), &json!("active")));
    assert_eq!(lab.named_at("sf2", &copy).await, Value::Null);

    let moving = cinder.step("before-migration").await["volume"].take();
    lab.write(&moving, "on the move");
    let moved = cinder.step("migrate").await;
    let volume = lab.named_at("sf2", &moved["name"]).await;
    assert_eq!((&volume["volumeID"], &volume["access"]), (&moved["volume"], &json!("readWrite")));
    assert_eq!((&volume["volumePairs"], lab.volume(&moving).await), (&json!([]), Value::Null));
    assert_eq!(lab.read_at("sf2", &moved["volume"], 11), "on the move");
    cinder.step("delete").await;
    cinder.end().await;
    lab.expect_empty();
}

/// There and back, with data written on either side.
async fn fail_over(lab: &Lab, cinder: &mut Session<'_>, one: &Value, ids: &[Value; 2]) {
    let failed = cinder.step("failover").await;
    assert_eq!((&failed["backend"], cinder.calls().len()), (&json!("sf2"), 2 + 4 * 3));
    assert_eq!(failed["statuses"], json!(["failed-over", "failed-over", "failed-over"]));
    expect(lab, one, "Async", THERE, "Active").await;
    let there = lab.named_at("sf2", one).await;
    let iqn = there["iqn"].as_str().expect("iqn");
    assert!(failed["locations"][0].as_str().is_some_and(|location| location.contains(iqn)), "{failed}");
    let attached = cinder.step("attach-failed-over").await;
    let account = lab.call_at("sf2", "GetAccountByID", json!({"accountID": there["accountID"]})).await;
    assert_eq!(
        (&attached["iqn"], &attached["password"]),
        (&there["iqn"], &account["account"]["initiatorSecret"])
    );
    lab.write_at("sf2", &ids[1], "elsewhere");
    assert_eq!(lab.read(&ids[0], 9), "elsewhere");
    let back = cinder.step("failback").await;
    assert_eq!((&back["backend"], cinder.calls().len()), (&json!(""), 9 + 4 * 3));
    assert_eq!(back["statuses"], json!(["enabled", "enabled", "enabled"]));
    expect(lab, one, "Async", HERE, "Active").await;
    lab.write(&ids[0], "home again");
    assert_eq!(lab.read_at("sf2", &ids[1], 10), "home again");
}
