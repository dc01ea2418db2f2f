//! OpenStack Cinder's driver for the family, and what the arrays are like after each of its steps.

use serde_json::json;

use crate::lab::Lab;
use crate::session::Session;

#[tokio::test(flavor = "multi_thread")]
async fn cinders_driver_leads_volumes_groups_and_replicas_through_their_life() {
    let lab = Lab::start().await;
    let mut cinder = Session::start(&lab, "cinder_life.py").await;
    cinder.step("start").await;
    assert!(lab.rows(1, "schedule_list", &[("schedule", "cinder_00_10_00")]).await.len() == 1);

    cinder.step("create").await;
    assert_eq!(cinder.commands(), ["vol_create"]);
    assert_eq!(lab.volume(0, "volume-1").await["capacity"], "2097152");
    lab.write(0, "volume-1", "original").await;
    cinder.step("clone").await;
    assert_eq!(lab.volume(0, "volume-2").await["capacity"], "4194304");
    assert_eq!(lab.read(0, "volume-2", 8).await, "original");
    cinder.step("snapshot").await;
    assert_eq!(lab.volume(0, "snapshot-3").await["master_name"], "volume-1");
    lab.write(0, "volume-1", "modified").await;
    cinder.step("from-snapshot").await;
    assert_eq!(lab.read(0, "volume-4", 8).await, "original");
    cinder.step("extend").await;
    assert_eq!(lab.volume(0, "volume-1").await["capacity"], "6291456");

    let attached = cinder.step("attach").await;
    let rows = lab.rows(0, "vol_mapping_list", &[("vol", "volume-1")]).await;
    assert_eq!((rows[0]["host"].as_str(), rows[0]["lun"].as_str()), ("node", "1"));
    let data = &attached["data"];
    assert_eq!((&data["target_lun"], &data["target_portal"]), (&json!(1), &json!("127.0.0.1:3260")));
    assert_eq!(data["auth_method"], "CHAP");
    assert_eq!(lab.rows(0, "host_list", &[]).await[0]["iscsi_chap_name"], data["auth_username"]);
    cinder.step("detach").await;
    assert!(lab.rows(0, "host_list", &[]).await.is_empty(), "the last to go takes the host along");

    cinder.step("limited").await;
    assert_eq!(lab.volume(0, "volume-5").await["perf_class"], "cinder-qos_bw_100_iops_1000_type_independent");
    cinder.step("migrate").await;
    assert_eq!(lab.volume(0, "volume-5").await["pool_name"], "pool2");
    cinder.step("manage").await;
    assert_eq!(lab.read(0, "volume-6", 8).await, "original");

    cinder.step("group").await;
    assert_eq!(lab.rows(0, "vol_list", &[("cg", "cg_7")]).await.len(), 2);
    cinder.step("group-snapshot").await;
    assert_eq!(lab.volume(0, "cgs_8.volume-1").await["sg_name"], "cgs_8");
    cinder.step("ungroup").await;
    assert!(lab.rows(0, "cg_list", &[]).await.is_empty());

    let mirrored = cinder.step("mirror").await;
    assert_eq!(mirrored["status"]["replication_status"], "enabled");
    lab.wait();
    cinder.step("wait").await;
    lab.write(0, "volume-9", "replicated").await;
    let over = cinder.step("failover").await;
    assert_eq!((&over["active"], &over["updates"][0]["status"]), (&json!("xiv2"), &json!("failed-over")));
    let role =
        async |array| lab.rows(array, "mirror_list", &[("vol", "volume-9")]).await[0]["current_role"].clone();
    assert_eq!((role(0).await.as_str(), role(1).await.as_str()), ("Slave", "Master"));
    assert_eq!(lab.read(1, "volume-9", 10).await, "replicated");
    let back = cinder.step("failback").await;
    assert_eq!((&back["active"], &back["updates"][0]["status"]), (&json!("default"), &json!("available")));
    assert_eq!((role(0).await.as_str(), role(1).await.as_str()), ("Master", "Slave"));

    cinder.step("delete").await;
    cinder.end().await;
    lab.expect_empty();
}
