//! Cinder's SolidFire driver with QoS specifications and with access groups instead of CHAP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::raw::Lab;
use crate::session::Session;

async fn iops(lab: &Lab, volume: &Value) -> [u64; 3] {
    let qos = &lab.volume(volume).await["qos"];
    ["minIOPS", "maxIOPS", "burstIOPS"].map(|name| qos[name].as_u64().expect("number"))
}

/// Initiators and volumes of each access group.
async fn groups(lab: &Lab) -> Vec<(Value, Value)> {
    let listed = lab.call("ListVolumeAccessGroups", json!({})).await;
    let groups = listed["volumeAccessGroups"].as_array().expect("groups").iter();
    groups.map(|group| (group["initiators"].clone(), group["volumes"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cinders_driver_sets_qos_by_type_and_attaches_by_access_group() {
    let lab = Lab::start(Duration::from_millis(100)).await;
    let mut cinder = Session::start(&lab, "cinder_access.py").await;
    cinder.step("start").await;
    let one = cinder.step("create").await["volume"].take();
    assert_eq!(iops(&lab, &one).await, [1000, 2000, 4000]);
    let scaled = cinder.step("create-scaled").await["volume"].take();
    assert_eq!(iops(&lab, &scaled).await, [140, 280, 420]);
    cinder.step("extend-scaled").await;
    assert_eq!(iops(&lab, &scaled).await, [200, 400, 600]);
    cinder.step("retype").await;
    assert_eq!(iops(&lab, &one).await, [200, 400, 800]);
    let copy = cinder.step("clone").await["volume"].take();
    assert_eq!(iops(&lab, &copy).await, [1000, 2000, 4000]);

    let attached = cinder.step("attach").await;
    assert_eq!(cinder.calls().len(), 3);
    let volume = lab.volume(&one).await;
    assert_eq!((&attached["iqn"], &attached["lun"]), (&volume["iqn"], &json!(0)));
    let (node, other) = (json!(["iqn.2026-01.test:node"]), json!(["iqn.2026-01.test:other"]));
    assert_eq!(groups(&lab).await, [(node.clone(), json!([one]))]);
    cinder.step("attach-second").await;
    assert_eq!(cinder.calls(), ["ListVolumeAccessGroups", "AddVolumesToVolumeAccessGroup"]);
    cinder.step("attach-other-host").await;
    let both = [(node.clone(), json!([one, scaled])), (other.clone(), json!([copy]))];
    assert_eq!(groups(&lab).await, both);
    cinder.step("attach-again").await;
    assert_eq!(groups(&lab).await, both);
    cinder.step("detach").await;
    assert_eq!(groups(&lab).await, [(node, json!([scaled])), (other.clone(), json!([copy]))]);
    cinder.step("detach-last").await;
    assert_eq!(cinder.calls(), ["ListVolumeAccessGroups", "DeleteVolumeAccessGroup"]);
    assert_eq!(groups(&lab).await, [(other, json!([copy]))]);
    cinder.step("detach-other-host").await;
    assert!(groups(&lab).await.is_empty());
    cinder.step("delete").await;
    cinder.end().await;
    lab.expect_empty();
}
