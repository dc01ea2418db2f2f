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

/// Each wrong request of one call, and how its refusal begins. Nothing of it reaches array or ledger.
macro_rules! refused {
    ($rig:ident.$call:ident: $($request:expr => $says:expr),+ $(,)?) => {
        $(refused(&$rig.client.$call($request).await.unwrap_err(), &$says);)+
        assert_eq!(($rig.ledger.writes(), $rig.altered()), (0, Vec::new()));
    };
}

/// Maps that CSI does not allow: each with the name that its refusal begins with.
fn swollen() -> std::collections::HashMap<String, String> {
    ask::map(&[("key", &"x".repeat(4096))])
}

fn places(requisite: &[&[(&str, &str)]], preferred: &[&[(&str, &str)]]) -> Option<v1::TopologyRequirement> {
    let list = |places: &[&[(&str, &str)]]| {
        places.iter().map(|pairs| v1::Topology { segments: ask::map(pairs) }).collect()
    };
    Some(v1::TopologyRequirement { requisite: list(requisite), preferred: list(preferred) })
}

#[tokio::test]
async fn a_wrong_create_names_its_field() {
    use v1::CreateVolumeRequest as Create;
    let mut rig = Rig::new().await;
    let good = || ask::create("pvc-1", 1);
    let used_as = |capability| Create { volume_capabilities: vec![capability], ..good() };
    let no_mode = v1::VolumeCapability { access_mode: None, ..ask::raw(Mode::SingleNodeWriter) };
    let no_type = v1::VolumeCapability { access_type: None, ..ask::raw(Mode::SingleNodeWriter) };
    let mut group = ask::mounted("ext4", Mode::SingleNodeWriter);
    if let Some(v1::volume_capability::AccessType::Mount(mount)) = &mut group.access_type {
        mount.volume_mount_group = "1000".into();
    }
    let sized = |required, limit| Create { capacity_range: ask::range(required, limit), ..good() };
    let with = |key, value: &str| Create { parameters: ask::map(&[(key, value)]), ..good() };
    let altered = |key, value: &str| Create { mutable_parameters: ask::map(&[(key, value)]), ..good() };
    let placed = |accessibility_requirements| Create { accessibility_requirements, ..good() };
    let sourceless = Some(v1::VolumeContentSource { r#type: None });
    refused!(rig.create_volume:
        Create { name: String::new(), ..good() } => "name: is missing",
        Create { name: "x".repeat(129), ..good() } => "name: has 129 bytes",
        Create { name: "a\u{7}b".into(), ..good() } => "name: contains the control character",
        Create { volume_capabilities: Vec::new(), ..good() } => "volume_capabilities: is missing",
        used_as(no_mode) => "volume_capabilities[0].access_mode: is missing",
        used_as(no_type) => "volume_capabilities[0].access_type: is missing",
        used_as(ask::raw(Mode::Unknown)) => "volume_capabilities[0].access_mode: ",
        used_as(ask::mounted("ntfs", Mode::SingleNodeWriter)) => "volume_capabilities[0].mount.fs_type: \"ntfs\"",
        used_as(ask::mounted(&"x".repeat(129), Mode::SingleNodeWriter)) => "volume_capabilities[0].mount.fs_type: has 129",
        used_as(ask::mounted("ext4", Mode::MultiNodeMultiWriter)) => "volume_capabilities[0].access_mode: ",
        used_as(group) => "volume_capabilities[0].mount.volume_mount_group: ",
        sized(-1, 0) => "capacity_range.required_bytes: -1",
        sized(0, i64::MIN) => "capacity_range.limit_bytes: ",
        sized(2, 1) => "capacity_range.limit_bytes: ",
        sized(0, 0) => "capacity_range: has neither",
        with("perilune.dev/colour", "red") => "parameters: perilune.dev/colour is not known; known are ",
        with("perilune.dev/backend-selector", "gold") => "parameters.perilune.dev/backend-selector: ",
        with("perilune.dev/backend", "") => "parameters.perilune.dev/backend: is missing",
        with("perilune.dev/pool", &"x".repeat(129)) => "parameters.perilune.dev/pool: has 129",
        Create { parameters: swollen(), ..good() } => "parameters: has 4099 bytes",
        Create { secrets: swollen(), ..good() } => "secrets: has 4099 bytes",
        Create { mutable_parameters: swollen(), ..good() } => "mutable_parameters: has 4099 bytes",
        altered("iops", "9") => "mutable_parameters: iops is not known; known are perilune.dev/min-iops",
        altered("perilune.dev/max-iops", "") => "mutable_parameters.perilune.dev/max-iops: is missing",
        placed(places(&[&[]], &[])) => "accessibility_requirements.requisite[0].segments: is missing",
        placed(places(&[], &[&[("zone", "")]])) => "accessibility_requirements.preferred[0].segments: zone",
        placed(places(&[&[("zone", "a")]], &[&[("zone", "b")]])) => "accessibility_requirements.preferred[0]: is not",
        Create { volume_content_source: sourceless, ..good() } => "volume_content_source.type: is missing",
        ask::restore("pvc-1", 1, "") => "volume_content_source.snapshot.snapshot_id: is missing",
        ask::clone("pvc-1", 1, "") => "volume_content_source.volume.volume_id: is missing",
    );
}

/// What only the engine can judge is refused before anything is made, and leaves nothing.
#[tokio::test]
async fn limits_that_contradict_each_other_are_refused_and_nothing_is_made() {
    let mut rig = Rig::new().await;
    for (pairs, says) in [
        (&[("perilune.dev/max-iops", "many")][..], "perilune.dev/max-iops: \"many\" is not a whole number"),
        (&[("perilune.dev/min-iops", "900"), ("perilune.dev/max-iops", "500")], "perilune.dev/min-iops"),
        (&[("perilune.dev/qos-tier", "gold"), ("perilune.dev/max-iops", "500")], "perilune.dev/qos-tier"),
        (&[("perilune.dev/qos-tier", "lead")], "perilune.dev/qos-tier: the backend has no tier lead"),
    ] {
        let mutable_parameters = ask::map(pairs);
        let request = v1::CreateVolumeRequest { mutable_parameters, ..ask::create("pvc-1", 1) };
        let status = rig.client.create_volume(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        assert!(status.message().contains(says), "{status}");
    }
    assert_eq!((rig.ledger.entries(), rig.altered()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn wrong_attachments_name_their_field() {
    use v1::{ControllerPublishVolumeRequest as Publish, ControllerUnpublishVolumeRequest as Unpublish};
    let mut rig = Rig::new().await;
    let good = || ask::publish(UNKNOWN, "node-1");
    let used_as = |volume_capability| Publish { volume_capability, ..good() };
    let odd = ask::map(&[("bornEmpty", "perhaps")]);
    refused!(rig.controller_publish_volume:
        ask::publish("", "node-1") => "volume_id: is missing",
        ask::publish(&"x".repeat(129), "node-1") => "volume_id: has 129 bytes",
        ask::publish(UNKNOWN, "") => "node_id: is missing",
        ask::publish(UNKNOWN, &"x".repeat(257)) => "node_id: has 257 bytes",
        used_as(None) => "volume_capability: is missing",
        used_as(Some(ask::mounted("zfs", Mode::SingleNodeWriter))) => "volume_capability.mount.fs_type: ",
        used_as(Some(ask::mounted("", Mode::MultiNodeSingleWriter))) => "volume_capability.access_mode: ",
        Publish { volume_context: odd, ..good() } => "volume_context.bornEmpty: \"perhaps\"",
        Publish { volume_context: swollen(), ..good() } => "volume_context: has 4099 bytes",
        Publish { secrets: swollen(), ..good() } => "secrets: has 4099 bytes",
    );
    refused!(rig.controller_unpublish_volume:
        ask::unpublish("", "node-1") => "volume_id: is missing",
        ask::unpublish(&"x".repeat(129), "node-1") => "volume_id: has 129 bytes",
        ask::unpublish(UNKNOWN, &"x".repeat(257)) => "node_id: has 257 bytes",
        Unpublish { secrets: swollen(), ..ask::unpublish(UNKNOWN, "") } => "secrets: has 4099 bytes",
    );
}

#[tokio::test]
async fn wrong_calls_for_volumes_that_exist_name_their_field() {
    use v1::{
        ControllerExpandVolumeRequest as Expand, ControllerModifyVolumeRequest as Modify,
        DeleteVolumeRequest as Delete, ValidateVolumeCapabilitiesRequest as Validate,
    };
    let mut rig = Rig::new().await;
    refused!(rig.delete_volume:
        ask::delete("") => "volume_id: is missing",
        ask::delete("a\0b") => "volume_id: contains",
        Delete { secrets: swollen(), ..ask::delete(UNKNOWN) } => "secrets: has 4099 bytes",
    );
    let used_as = |volume_capability| Expand { volume_capability, ..ask::expand(UNKNOWN, 1) };
    refused!(rig.controller_expand_volume:
        ask::expand("", 1) => "volume_id: is missing",
        Expand { capacity_range: None, ..ask::expand(UNKNOWN, 1) } => "capacity_range: is missing",
        Expand { capacity_range: ask::range(5, 4), ..ask::expand(UNKNOWN, 1) } => "capacity_range.limit_bytes: ",
        used_as(Some(v1::VolumeCapability::default())) => "volume_capability.access_type: is missing",
        Expand { secrets: swollen(), ..ask::expand(UNKNOWN, 1) } => "secrets: has 4099 bytes",
    );
    let modify = |pairs| ask::modify(UNKNOWN, pairs);
    refused!(rig.controller_modify_volume:
        ask::modify("", &[]) => "volume_id: is missing",
        modify(&[("iops", "9")]) => "mutable_parameters: iops is not known",
        Modify { mutable_parameters: swollen(), ..modify(&[]) } => "mutable_parameters: has 4099 bytes",
        Modify { secrets: swollen(), ..modify(&[]) } => "secrets: has 4099 bytes",
    );
    let good = || ask::validate(UNKNOWN);
    refused!(rig.validate_volume_capabilities:
        ask::validate("") => "volume_id: is missing",
        Validate { volume_capabilities: Vec::new(), ..good() } => "volume_capabilities: is missing",
        Validate { volume_capabilities: vec![v1::VolumeCapability::default()], ..good() } => "volume_capabilities[0].access_type",
        Validate { volume_context: swollen(), ..good() } => "volume_context: has 4099 bytes",
        Validate { parameters: swollen(), ..good() } => "parameters: has 4099 bytes",
        Validate { mutable_parameters: swollen(), ..good() } => "mutable_parameters: has 4099 bytes",
        Validate { secrets: swollen(), ..good() } => "secrets: has 4099 bytes",
    );
}

#[tokio::test]
async fn wrong_calls_for_snapshots_name_their_field() {
    use v1::{
        CreateSnapshotRequest as Create, DeleteSnapshotRequest as Delete, GetSnapshotRequest as Get,
        ListSnapshotsRequest as List,
    };
    let mut rig = Rig::new().await;
    let good = || ask::snapshot("s", UNKNOWN);
    refused!(rig.create_snapshot:
        ask::snapshot("", UNKNOWN) => "name: is missing",
        ask::snapshot(&"x".repeat(129), UNKNOWN) => "name: has 129 bytes",
        ask::snapshot("s", "") => "source_volume_id: is missing",
        Create { parameters: ask::map(&[("a", "b")]), ..good() } => "parameters: a is not known",
        Create { parameters: swollen(), ..good() } => "parameters: has 4099 bytes",
        Create { secrets: swollen(), ..good() } => "secrets: has 4099 bytes",
        Create { accessibility_requirements: places(&[&[]], &[]), ..good() } => "accessibility_requirements.requisite[0]",
    );
    refused!(rig.delete_snapshot:
        ask::unsnapshot("") => "snapshot_id: is missing",
        ask::unsnapshot(&"x".repeat(129)) => "snapshot_id: has 129 bytes",
        Delete { secrets: swollen(), ..ask::unsnapshot("v1:sf1:9") } => "secrets: has 4099 bytes",
    );
    refused!(rig.get_snapshot:
        Get::default() => "snapshot_id: is missing",
        Get { snapshot_id: "x".repeat(129), ..Get::default() } => "snapshot_id: has 129 bytes",
    );
    refused!(rig.list_snapshots:
        List { max_entries: -1, ..List::default() } => "max_entries: -1 is negative",
        List { snapshot_id: "x".repeat(129), ..List::default() } => "snapshot_id: has 129 bytes",
        List { source_volume_id: "a\tb".into(), ..List::default() } => "source_volume_id: contains",
        List { starting_token: "x".repeat(129), ..List::default() } => "starting_token: has 129 bytes",
        List { secrets: swollen(), ..List::default() } => "secrets: has 4099 bytes",
    );
}

#[tokio::test]
async fn wrong_looks_name_their_field() {
    use v1::{
        ControllerGetVolumeHealthRequest as Health, ControllerGetVolumeRequest as Get,
        ControllerListVolumeHealthRequest as Ill, GetCapacityRequest as Capacity, ListVolumesRequest as List,
    };
    let mut rig = Rig::new().await;
    refused!(rig.list_volumes:
        List { max_entries: i32::MIN, ..List::default() } => "max_entries: -2147483648 is negative",
        List { starting_token: "x".repeat(129), ..List::default() } => "starting_token: has 129 bytes",
    );
    refused!(rig.controller_list_volume_health:
        Ill { max_entries: -1, ..Ill::default() } => "max_entries: -1 is negative",
        Ill { secrets: swollen(), ..Ill::default() } => "secrets: has 4099 bytes",
    );
    refused!(rig.controller_get_volume: Get::default() => "volume_id: is missing");
    refused!(rig.controller_get_volume_health:
        Health::default() => "volume_id: is missing",
        Health { volume_id: UNKNOWN.into(), secrets: swollen() } => "secrets: has 4099 bytes",
    );
    let place = |pairs| Capacity {
        accessible_topology: Some(v1::Topology { segments: ask::map(pairs) }),
        ..Capacity::default()
    };
    refused!(rig.get_capacity:
        Capacity { volume_capabilities: vec![v1::VolumeCapability::default()], ..Capacity::default() } => "volume_capabilities[0].access_type",
        Capacity { parameters: ask::map(&[("a", "b")]), ..Capacity::default() } => "parameters: a is not known",
        place(&[]) => "accessible_topology.segments: is missing",
        place(&[("/", "x")]) => "accessible_topology.segments: \"/\" is no key",
    );
}

#[tokio::test]
async fn a_token_that_nobody_gave_out_asks_the_caller_to_start_again() {
    let mut rig = Rig::new().await;
    for token in ["invalid-token", "v1:", "v1:5a0c1f9e", "v2:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa"] {
        let volumes = v1::ListVolumesRequest { starting_token: token.into(), ..Default::default() };
        let snapshots = v1::ListSnapshotsRequest { starting_token: token.into(), ..Default::default() };
        let ill =
            v1::ControllerListVolumeHealthRequest { starting_token: token.into(), ..Default::default() };
        for status in [
            rig.client.list_volumes(volumes).await.unwrap_err(),
            rig.client.list_snapshots(snapshots).await.unwrap_err(),
            rig.client.controller_list_volume_health(ill).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), tonic::Code::Aborted, "{status}");
            assert!(status.message().contains("starting_token"), "{status}");
        }
    }
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
            rig.client.controller_modify_volume(ask::modify(id, &[])).await.unwrap_err(),
            rig.client.controller_get_volume(ask::look(id)).await.unwrap_err(),
            rig.client.controller_get_volume_health(ask::health(id)).await.unwrap_err(),
            rig.client.create_volume(ask::clone("pvc-1", 1, id)).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
            assert!(status.message().contains(id), "{status}");
        }
    }
    for id in ["v1:sf1:99", "snap-17"] {
        rig.client.delete_snapshot(ask::unsnapshot(id)).await.unwrap();
        let get = v1::GetSnapshotRequest { snapshot_id: id.into(), ..v1::GetSnapshotRequest::default() };
        for status in [
            rig.client.create_volume(ask::restore("pvc-1", 1, id)).await.unwrap_err(),
            rig.client.get_snapshot(get).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
            assert!(status.message().contains(id), "{status}");
        }
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
