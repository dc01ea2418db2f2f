//! Where volumes go and may be used, how much room there is, and limits that are altered later.

use std::collections::BTreeMap;

use perilune_array::{Size, Throughput};
use perilune_csi::proto::csi::v1;
use perilune_engine::AdministrativeState;
use v1::volume_capability::access_mode::Mode;

use crate::ask::{self, GIB};
use crate::rig::{self, Rig};

const ISCSI: &str = "topology.perilune.dev/iscsi";
const FC: &str = "topology.perilune.dev/fc";

fn place(pairs: &[(&str, &str)]) -> v1::Topology {
    v1::Topology { segments: ask::map(pairs) }
}

/// A rig whose array stands in zone a.
async fn in_zone_a() -> Rig {
    let rig = Rig::new().await;
    rig.describe(|spec| spec.topology = vec![BTreeMap::from([("zone".into(), "a".into())])]).await;
    rig
}

#[tokio::test]
async fn a_volume_is_told_to_be_where_its_array_is_reached() {
    let mut rig = in_zone_a().await;
    let node = place(&[("zone", "a"), (ISCSI, "true"), (FC, "false")]);
    let wish = |name, at: &v1::Topology| v1::CreateVolumeRequest {
        accessibility_requirements: Some(v1::TopologyRequirement {
            requisite: vec![at.clone()],
            preferred: vec![at.clone()],
        }),
        ..ask::create(name, 1)
    };
    let volume = rig.made(wish("pvc-1", &node)).await;
    assert!(!volume.accessible_topology.is_empty());
    for reach in &volume.accessible_topology {
        assert_eq!(reach.segments.get("zone").map(String::as_str), Some("a"));
    }
    let away = place(&[("zone", "b"), (ISCSI, "true")]);
    let status = rig.client.create_volume(wish("pvc-2", &away)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
    assert!(status.message().contains("zone"), "{status}");

    let asked = v1::CreateSnapshotRequest {
        accessibility_requirements: wish("", &node).accessibility_requirements,
        ..ask::snapshot("snap-1", &volume.volume_id)
    };
    let snapshot = rig.client.create_snapshot(asked).await.unwrap().into_inner().snapshot.unwrap();
    // it can be used from where it was asked for, and that is all that was asked
    assert_eq!(snapshot.accessible_topology, []);
    assert_eq!(rig.taken("snap-1", &volume.volume_id).await.accessible_topology, volume.accessible_topology);
    let request = v1::CreateSnapshotRequest {
        accessibility_requirements: wish("", &away).accessibility_requirements,
        ..ask::snapshot("snap-2", &volume.volume_id)
    };
    let status = rig.client.create_snapshot(request).await.unwrap_err();
    assert!(status.message().contains("zone"), "{status}");
}

#[tokio::test]
async fn room_is_told_by_class_place_and_state() {
    let pools = [("small", Size::gib(4), Size::gib(4)), ("large", Size::gib(10), Size::gib(10))];
    let mut rig = Rig::on(rig::array().pools(&pools)).await;
    let ask = |parameters: &[(&str, &str)]| v1::GetCapacityRequest {
        parameters: ask::map(parameters),
        ..v1::GetCapacityRequest::default()
    };
    let mut client = rig.client.clone();
    let mut room = async |request| client.get_capacity(request).await.unwrap().into_inner();
    let all = room(ask(&[])).await;
    assert_eq!((all.available_capacity, all.maximum_volume_size), (14 * GIB, Some(10 * GIB)));
    assert!(all.minimum_volume_size.is_some_and(|least| least > 0));
    assert_eq!(room(ask(&[("perilune.dev/pool", "small")])).await.available_capacity, 4 * GIB);
    rig.made(ask::create("pvc-1", 3)).await;
    let none = v1::GetCapacityResponse { maximum_volume_size: Some(0), ..Default::default() };
    assert_eq!(room(ask(&[("perilune.dev/backend", "sf2")])).await, none);
    // a use that nobody offers has no room, whatever there is
    let shared = vec![ask::mounted("ext4", Mode::MultiNodeMultiWriter)];
    assert_eq!(room(v1::GetCapacityRequest { volume_capabilities: shared, ..ask(&[]) }).await, none);

    rig.describe(|spec| spec.topology = vec![BTreeMap::from([("zone".into(), "a".into())])]).await;
    let here =
        |zone| v1::GetCapacityRequest { accessible_topology: Some(place(&[("zone", zone)])), ..ask(&[]) };
    assert!(room(here("a")).await.available_capacity > 0);
    assert_eq!(room(here("b")).await, none);
    rig.administer(AdministrativeState::Frozen { reason: "firmware update".into() }).await;
    assert_eq!(room(ask(&[])).await, none);
}

#[tokio::test]
async fn limits_are_set_at_birth_altered_later_and_confirmed() {
    let mut rig = Rig::new().await;
    rig.describe(|spec| {
        let gold = Throughput { max_iops: Some(9000), ..Throughput::default() };
        spec.qos_tiers = BTreeMap::from([("gold".into(), gold)]);
    })
    .await;
    let max = |iops| [("perilune.dev/max-iops", iops)];
    let born =
        v1::CreateVolumeRequest { mutable_parameters: ask::map(&max("1000")), ..ask::create("pvc-1", 1) };
    let id = rig.made(born.clone()).await.volume_id;
    assert_eq!(rig.made(born).await.volume_id, id);
    rig.client.controller_modify_volume(ask::modify(&id, &max("2000"))).await.unwrap();
    rig.array.faults().clear();
    rig.client.controller_modify_volume(ask::modify(&id, &max("2000"))).await.unwrap();
    assert_eq!(rig.altered(), Vec::<&str>::new());

    let asks = |iops| v1::ValidateVolumeCapabilitiesRequest {
        mutable_parameters: ask::map(&max(iops)),
        ..ask::validate(&id)
    };
    let yes = rig.client.validate_volume_capabilities(asks("2000")).await.unwrap().into_inner();
    assert_eq!(yes.confirmed.unwrap().mutable_parameters, ask::map(&max("2000")));
    let no = rig.client.validate_volume_capabilities(asks("1000")).await.unwrap().into_inner();
    assert!(no.confirmed.is_none() && no.message.contains("perilune.dev/max-iops"), "{no:?}");

    rig.client
        .controller_modify_volume(ask::modify(&id, &[("perilune.dev/qos-tier", "gold")]))
        .await
        .unwrap();
    rig.array.faults().clear();
    for (pairs, says) in [
        (&[("perilune.dev/qos-tier", "lead")][..], "gold"),
        (&[("perilune.dev/max-iops", "3000"), ("perilune.dev/min-iops", "none")], "perilune.dev/min-iops"),
    ] {
        let status = rig.client.controller_modify_volume(ask::modify(&id, pairs)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        assert!(status.message().contains(says), "{status}");
    }
    assert_eq!(rig.altered(), Vec::<&str>::new());
}

#[tokio::test]
async fn only_nodes_that_are_known_are_given_a_volume() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let status = rig.client.controller_publish_volume(ask::publish(&id, "fake-node")).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
    assert!(status.message().contains("fake-node"), "{status}");
    assert_eq!(rig.ledger.entries()[0].attachments, []);
}
