//! Requests that cannot be right: each names its field, and nothing reaches array or ledger.

use perilune_csi::proto::csi::v1;
use tonic::Status;
use v1::volume_capability::access_mode::Mode;

use crate::ask::{self, UNKNOWN};
use crate::rig::{self, Rig};

#[track_caller]
fn refused(status: &Status, says: &str) {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
    assert!(status.message().starts_with(says), "{status:?} does not begin with {says}");
}

fn wrong_creates() -> Vec<(v1::CreateVolumeRequest, &'static str)> {
    let good = || ask::create("pvc-1", 1);
    let used_as = |capability| v1::CreateVolumeRequest { volume_capabilities: vec![capability], ..good() };
    let no_mode = v1::VolumeCapability { access_mode: None, ..ask::raw(Mode::SingleNodeWriter) };
    let no_type = v1::VolumeCapability { access_type: None, ..ask::raw(Mode::SingleNodeWriter) };
    let sized =
        |required, limit| v1::CreateVolumeRequest { capacity_range: ask::range(required, limit), ..good() };
    let with = |key, value| v1::CreateVolumeRequest { parameters: ask::map(&[(key, value)]), ..good() };
    let topology =
        v1::TopologyRequirement { requisite: vec![v1::Topology::default()], preferred: Vec::new() };
    let sourceless = v1::VolumeContentSource { r#type: None };
    vec![
        (v1::CreateVolumeRequest { name: String::new(), ..good() }, "name: is missing"),
        (v1::CreateVolumeRequest { name: "x".repeat(129), ..good() }, "name: has 129 bytes"),
        (
            v1::CreateVolumeRequest { volume_capabilities: Vec::new(), ..good() },
            "volume_capabilities: is missing",
        ),
        (used_as(no_mode), "volume_capabilities[0].access_mode: is missing"),
        (used_as(no_type), "volume_capabilities[0].access_type: is missing"),
        (
            used_as(ask::mounted("ntfs", Mode::SingleNodeWriter)),
            "volume_capabilities[0].mount.fs_type: \"ntfs\"",
        ),
        (used_as(ask::mounted("ext4", Mode::MultiNodeMultiWriter)), "volume_capabilities[0].access_mode: "),
        (sized(-1, 0), "capacity_range.required_bytes: -1"),
        (sized(2, 1), "capacity_range.limit_bytes: "),
        (sized(0, 0), "capacity_range: has neither"),
        (with("perilune.dev/colour", "red"), "parameters: perilune.dev/colour is not known; known are "),
        (with("perilune.dev/backend-selector", "gold"), "parameters.perilune.dev/backend-selector: "),
        (
            v1::CreateVolumeRequest { mutable_parameters: ask::map(&[("iops", "9")]), ..good() },
            "mutable_parameters: iops ",
        ),
        (
            v1::CreateVolumeRequest { accessibility_requirements: Some(topology), ..good() },
            "accessibility_requirements: ",
        ),
        (
            v1::CreateVolumeRequest { volume_content_source: Some(sourceless), ..good() },
            "volume_content_source.type: is missing",
        ),
        (ask::restore("pvc-1", 1, ""), "volume_content_source.snapshot.snapshot_id: is missing"),
        (ask::clone("pvc-1", 1, ""), "volume_content_source.volume.volume_id: is missing"),
    ]
}

#[tokio::test]
async fn a_wrong_create_names_its_field() {
    let mut rig = Rig::new().await;
    for (request, says) in wrong_creates() {
        refused(&rig.client.create_volume(request).await.unwrap_err(), says);
    }
    assert_eq!((rig.ledger.writes(), rig.altered()), (0, Vec::new()));
}

#[tokio::test]
async fn wrong_attachments_name_their_field() {
    let mut rig = Rig::new().await;
    let good = || ask::publish(UNKNOWN, "node-1");
    let used_as = |volume_capability| v1::ControllerPublishVolumeRequest { volume_capability, ..good() };
    for (request, says) in [
        (ask::publish("", "node-1"), "volume_id: is missing"),
        (ask::publish(UNKNOWN, ""), "node_id: is missing"),
        (ask::publish(UNKNOWN, &"x".repeat(257)), "node_id: has 257 bytes"),
        (used_as(None), "volume_capability: is missing"),
        (used_as(Some(ask::mounted("zfs", Mode::SingleNodeWriter))), "volume_capability.mount.fs_type: "),
        (used_as(Some(ask::mounted("", Mode::MultiNodeSingleWriter))), "volume_capability.access_mode: "),
    ] {
        refused(&rig.client.controller_publish_volume(request).await.unwrap_err(), says);
    }
    let status = rig.client.controller_unpublish_volume(ask::unpublish("", "node-1")).await.unwrap_err();
    refused(&status, "volume_id: is missing");
}

#[tokio::test]
async fn the_other_wrong_calls_name_their_field() {
    let mut rig = Rig::new().await;
    refused(&rig.client.delete_volume(ask::delete("")).await.unwrap_err(), "volume_id: is missing");
    for (request, says) in [
        (ask::expand("", 1), "volume_id: is missing"),
        (
            v1::ControllerExpandVolumeRequest { capacity_range: None, ..ask::expand(UNKNOWN, 1) },
            "capacity_range: is missing",
        ),
    ] {
        refused(&rig.client.controller_expand_volume(request).await.unwrap_err(), says);
    }
    let strange =
        v1::CreateSnapshotRequest { parameters: ask::map(&[("a", "b")]), ..ask::snapshot("s", UNKNOWN) };
    for (request, says) in [
        (ask::snapshot("", UNKNOWN), "name: is missing"),
        (ask::snapshot("s", ""), "source_volume_id: is missing"),
        (strange, "parameters: a is not known"),
    ] {
        refused(&rig.client.create_snapshot(request).await.unwrap_err(), says);
    }
    refused(&rig.client.delete_snapshot(ask::unsnapshot("")).await.unwrap_err(), "snapshot_id: is missing");
    let bare =
        v1::ValidateVolumeCapabilitiesRequest { volume_capabilities: Vec::new(), ..ask::validate(UNKNOWN) };
    for (request, says) in
        [(ask::validate(""), "volume_id: is missing"), (bare, "volume_capabilities: is missing")]
    {
        refused(&rig.client.validate_volume_capabilities(request).await.unwrap_err(), says);
    }
    assert_eq!((rig.ledger.writes(), rig.altered()), (0, Vec::new()));
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_gone_all_the_same() {
    let mut rig = Rig::new().await;
    for id in [UNKNOWN, "vol-17"] {
        rig.client.delete_volume(ask::delete(id)).await.unwrap();
        rig.client.controller_unpublish_volume(ask::unpublish(id, "node-1")).await.unwrap();
        for status in [
            rig.client.controller_publish_volume(ask::publish(id, "node-1")).await.unwrap_err(),
            rig.client.controller_expand_volume(ask::expand(id, 1)).await.unwrap_err(),
            rig.client.create_snapshot(ask::snapshot("snap-1", id)).await.unwrap_err(),
            rig.client.validate_volume_capabilities(ask::validate(id)).await.unwrap_err(),
            rig.client.create_volume(ask::clone("pvc-1", 1, id)).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
            assert!(status.message().contains(id), "{status}");
        }
    }
    for id in ["v1:sf1:99", "snap-17"] {
        rig.client.delete_snapshot(ask::unsnapshot(id)).await.unwrap();
        let status = rig.client.create_volume(ask::restore("pvc-1", 1, id)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
    }
    assert_eq!((rig.ledger.entries(), rig.altered()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_size_or_place_that_cannot_be_had_is_explained() {
    let mut rig =
        Rig::on(rig::array().pools(&[("small", perilune_array::Size::gib(4), perilune_array::Size::gib(4))]))
            .await;
    let in_class = |key, value| v1::CreateVolumeRequest {
        parameters: ask::map(&[(key, value)]),
        ..ask::create("pvc-9", 1)
    };
    let odd =
        v1::CreateVolumeRequest { capacity_range: ask::range(1, ask::GIB - 1), ..ask::create("pvc-9", 1) };
    for (request, code, says) in [
        (ask::create("pvc-9", 1 << 20), tonic::Code::OutOfRange, "64 TiB"),
        (odd, tonic::Code::OutOfRange, "1 GiB"),
        (in_class("perilune.dev/backend", "sf2"), tonic::Code::InvalidArgument, "sf1"),
        (in_class("perilune.dev/backend-selector", "tier=lead"), tonic::Code::InvalidArgument, "tier=lead"),
        (in_class("perilune.dev/pool", "large"), tonic::Code::InvalidArgument, "small"),
        (ask::create("pvc-9", 5), tonic::Code::ResourceExhausted, "small"),
    ] {
        let status = rig.client.create_volume(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(says) && status.message().contains("pvc-9"), "{status}");
    }
    let id = rig.made(ask::create("pvc-1", 3)).await.volume_id;
    let full = rig.client.create_volume(ask::create("pvc-2", 2)).await.unwrap_err();
    assert_eq!(full.code(), tonic::Code::ResourceExhausted, "{full}");
    let shrunk =
        v1::ControllerExpandVolumeRequest { capacity_range: ask::range(1, 2), ..ask::expand(&id, 1) };
    let shrunk = rig.client.controller_expand_volume(shrunk).await.unwrap_err();
    assert_eq!(shrunk.code(), tonic::Code::OutOfRange, "{shrunk}");
    let smaller = rig.client.create_volume(ask::clone("pvc-3", 1, &id)).await.unwrap_err();
    assert_eq!(smaller.code(), tonic::Code::OutOfRange, "{smaller}");
    assert_eq!(rig.ledger.entries().len(), 1);
}

#[tokio::test]
async fn a_use_is_confirmed_or_the_reason_told() {
    let mut rig = Rig::new().await;
    let volume = rig.made(ask::create("pvc-1", 1)).await;
    let good = || v1::ValidateVolumeCapabilitiesRequest {
        volume_context: volume.volume_context.clone(),
        ..ask::validate(&volume.volume_id)
    };
    let answer = rig.client.validate_volume_capabilities(good()).await.unwrap().into_inner();
    let confirmed = answer.confirmed.unwrap();
    assert_eq!(confirmed.volume_capabilities, good().volume_capabilities);
    assert_eq!(confirmed.volume_context, volume.volume_context);
    let shared = vec![ask::mounted("ext4", Mode::MultiNodeMultiWriter)];
    for (request, says) in [
        (
            v1::ValidateVolumeCapabilitiesRequest { volume_capabilities: shared, ..good() },
            "volume_capabilities[0].access_mode",
        ),
        (
            v1::ValidateVolumeCapabilitiesRequest {
                volume_context: ask::map(&[("bornEmpty", "false")]),
                ..good()
            },
            "volume_context",
        ),
        (
            v1::ValidateVolumeCapabilitiesRequest { parameters: ask::map(&[("a", "b")]), ..good() },
            "parameters",
        ),
        (
            v1::ValidateVolumeCapabilitiesRequest { mutable_parameters: ask::map(&[("a", "b")]), ..good() },
            "mutable_parameters",
        ),
    ] {
        let answer = rig.client.validate_volume_capabilities(request).await.unwrap().into_inner();
        assert!(answer.confirmed.is_none() && answer.message.starts_with(says), "{}", answer.message);
    }
}
