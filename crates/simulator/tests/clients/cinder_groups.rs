//! Cinder's SolidFire driver with groups of volumes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().expect("a list")
}

/// The volumes are there under their names and hold these texts.
async fn expect_volumes(lab: &Lab, made: &Value, texts: [&str; 2]) {
    for ((id, name), text) in list(&made["volumes"]).iter().zip(list(&made["names"])).zip(texts) {
        let volume = lab.volume(id).await;
        assert_eq!((&volume["name"], &volume["status"]), (&name, &json!("active")));
        assert_eq!(lab.read(id, text.len()), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cinders_driver_leads_groups_through_their_life() {
    let lab = Lab::start(Duration::from_millis(100)).await;
    let mut cinder = Session::start(&lab, "cinder_groups.py").await;
    cinder.step("start").await;
    let created = cinder.step("create").await;
    let ids = list(&created["volumes"]);
    lab.write(&ids[0], "first, old");
    lab.write(&ids[1], "second, old");

    let taken = cinder.step("group-snapshot").await;
    assert_eq!(cinder.calls(), ["ListActiveVolumes", "CreateGroupSnapshot"]);
    let groups = lab.call("ListGroupSnapshots", json!({})).await["groupSnapshots"].take();
    let members: Vec<_> = list(&groups[0]["members"]).iter().map(|m| m["volumeID"].clone()).collect();
    assert_eq!((list(&groups).len(), &groups[0]["name"], &members), (1, &taken["name"], &ids));
    lab.write(&ids[0], "first, new");
    lab.write(&ids[1], "second, new");

    let from_snapshot = cinder.step("from-group-snapshot").await;
    expect_volumes(&lab, &from_snapshot, ["first, old", "second, old"]).await;
    let from_group = cinder.step("from-group").await;
    expect_volumes(&lab, &from_group, ["first, new", "second, new"]).await;
    expect_volumes(&lab, &created, ["first, new", "second, new"]).await;
    let groups = lab.call("ListGroupSnapshots", json!({})).await["groupSnapshots"].take();
    assert_eq!(list(&groups).len(), 1, "the temporary one is gone: {groups}");

    cinder.step("delete-group-snapshot").await;
    assert_eq!(lab.call("ListSnapshots", json!({})).await["snapshots"], json!([]));
    cinder.step("delete").await;
    cinder.end().await;
    lab.expect_empty();
}
