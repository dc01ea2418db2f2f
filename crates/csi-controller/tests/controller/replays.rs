//! Every altering call again: the same answer, the same world, and no second object.

use std::time::Duration;

use perilune_array::fake::{Fault, When};
use perilune_csi::proto::csi::v1;

use crate::ask;
use crate::rig::{self, Rig};

#[tokio::test]
async fn every_call_may_come_twice() {
    let mut rig = Rig::new().await;
    let volume = rig.made(ask::create("pvc-1", 1)).await;
    assert_eq!(rig.made(ask::create("pvc-1", 1)).await, volume);
    let id = volume.volume_id.as_str();
    let first = rig.client.controller_publish_volume(ask::publish(id, "node-1")).await.unwrap().into_inner();
    let again = rig.client.controller_publish_volume(ask::publish(id, "node-1")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let first = rig.client.controller_expand_volume(ask::expand(id, 2)).await.unwrap().into_inner();
    let again = rig.client.controller_expand_volume(ask::expand(id, 2)).await.unwrap().into_inner();
    assert_eq!(first, again);
    let snapshot = rig.taken("snap-1", id).await;
    assert_eq!(rig.taken("snap-1", id).await, snapshot);
    let copy = rig.made(ask::restore("pvc-2", 2, &snapshot.snapshot_id)).await;
    assert_eq!(rig.made(ask::restore("pvc-2", 2, &snapshot.snapshot_id)).await, copy);
    let inventory = rig.array.inventory();
    assert_eq!((inventory.volumes.len(), inventory.snapshots.len()), (2, 1));

    for _ in 0..2 {
        rig.client.delete_snapshot(ask::unsnapshot(&snapshot.snapshot_id)).await.unwrap();
        rig.client.controller_unpublish_volume(ask::unpublish(id, "node-1")).await.unwrap();
    }
    for _ in 0..2 {
        rig.client.delete_volume(ask::delete(id)).await.unwrap();
        rig.client.delete_volume(ask::delete(&copy.volume_id)).await.unwrap();
    }
    assert!(rig.array.inventory().volumes.is_empty() && rig.ledger.entries().is_empty());
}

#[tokio::test]
async fn a_replay_of_a_finished_call_alters_nothing_on_the_array() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let snapshot = rig.taken("snap-1", &id).await;
    rig.client.controller_expand_volume(ask::expand(&id, 2)).await.unwrap();
    rig.array.faults().clear();
    rig.client.controller_expand_volume(ask::expand(&id, 2)).await.unwrap();
    assert_eq!(rig.taken("snap-1", &id).await, snapshot);
    // it has grown meanwhile, and is still what was asked for
    assert_eq!(rig.made(ask::create("pvc-1", 1)).await.capacity_bytes, 2 * ask::GIB);
    assert_eq!(rig.altered(), Vec::<&str>::new());
}

/// The controller said that its time was up, or the caller was first to give up.
fn gave_up(status: &tonic::Status) -> bool {
    matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Cancelled)
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_taken_up_by_the_next_one() {
    let mut rig = Rig::new().await;
    rig.array.faults().plan(When::Nth("volumes.create", 1), Fault::HangAfter);
    let lost = rig.client.create_volume(ask::hasty(ask::create("pvc-1", 1))).await.unwrap_err();
    assert!(gave_up(&lost), "{lost}");
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    rig.on_array("pvc-1");

    rig.array.faults().plan(When::Nth("snapshots.create", 1), Fault::HangAfter);
    let lost = rig.client.create_snapshot(ask::hasty(ask::snapshot("snap-1", &id))).await.unwrap_err();
    assert!(gave_up(&lost), "{lost}");
    let snapshot = rig.taken("snap-1", &id).await;
    assert_eq!(rig.array.inventory().snapshots.len(), 1);
    // the lost request may still be carried out: until that is past, nobody is told that the snapshot is gone for good
    let status = rig.client.delete_snapshot(ask::unsnapshot(&snapshot.snapshot_id)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted, "{status}");

    let id = rig.made(ask::create("pvc-2", 1)).await.volume_id;
    rig.array.faults().plan(When::Nth("volumes.delete", 1), Fault::HangAfter);
    let lost = rig.client.delete_volume(ask::hasty(ask::delete(&id))).await.unwrap_err();
    assert!(gave_up(&lost), "{lost}");
    rig.client.delete_volume(ask::delete(&id)).await.unwrap();
    assert_eq!((rig.array.inventory().volumes.len(), rig.ledger.entries().len()), (1, 1));
}

#[tokio::test]
async fn of_two_calls_at_once_for_one_volume_one_is_told_to_come_back() {
    let rig = Rig::on(rig::array().latency(Duration::from_millis(200))).await;
    let (mut one, mut other) = (rig.client.clone(), rig.client.clone());
    let both = tokio::join!(
        one.create_volume(ask::create("pvc-1", 1)),
        other.create_volume(ask::create("pvc-1", 1))
    );
    let busy = match both {
        (Ok(_), Err(status)) | (Err(status), Ok(_)) => status,
        odd => panic!("{odd:?}"),
    };
    assert_eq!(busy.code(), tonic::Code::Aborted);
    rig.on_array("pvc-1");
}

#[tokio::test]
async fn the_same_name_with_another_wish_is_refused() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 2)).await.volume_id;
    let other = rig.made(ask::create("pvc-2", 1)).await.volume_id;
    rig.taken("snap-1", &id).await;
    rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap();
    let smaller =
        v1::CreateVolumeRequest { capacity_range: ask::range(0, ask::GIB), ..ask::create("pvc-1", 1) };
    let parameters = ask::map(&[("perilune.dev/pool", "pool-1")]);
    let elsewhere = v1::CreateVolumeRequest { parameters, ..ask::create("pvc-1", 2) };
    for wish in [ask::create("pvc-1", 3), smaller, elsewhere, ask::clone("pvc-1", 2, &other)] {
        let status = rig.client.create_volume(wish).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::AlreadyExists, "{status}");
        assert!(status.message().contains("pvc-1"), "{status}");
    }
    let status = rig.client.create_snapshot(ask::snapshot("snap-1", &other)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::AlreadyExists, "{status}");
    let read_only = v1::ControllerPublishVolumeRequest { readonly: true, ..ask::publish(&id, "node-1") };
    let status = rig.client.controller_publish_volume(read_only).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::AlreadyExists, "{status}");
}
