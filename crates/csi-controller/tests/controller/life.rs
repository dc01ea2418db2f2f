//! The life of volumes and snapshots, from the first call to the last.

use perilune_array::Size;
use perilune_csi::context::{PublishContext, VolumeContext};
use perilune_csi::proto::csi::v1;
use v1::volume_capability::access_mode::Mode;

use crate::ask::{self, GIB};
use crate::rig::Rig;

impl Rig {
    pub(crate) async fn made(&mut self, request: v1::CreateVolumeRequest) -> v1::Volume {
        self.client.create_volume(request).await.unwrap().into_inner().volume.unwrap()
    }

    pub(crate) async fn taken(&mut self, name: &str, volume: &str) -> v1::Snapshot {
        self.client.create_snapshot(ask::snapshot(name, volume)).await.unwrap().into_inner().snapshot.unwrap()
    }
}

#[tokio::test]
async fn a_volume_is_made_used_grown_and_removed() {
    let mut rig = Rig::new().await;
    let volume = rig.made(ask::create("pvc-1", 2)).await;
    assert_eq!(volume.capacity_bytes, 2 * GIB);
    assert_eq!(VolumeContext::decode(&volume.volume_context), Ok(VolumeContext { born_empty: true }));
    assert!(volume.content_source.is_none());
    let id = volume.volume_id.as_str();

    let answer = rig.client.controller_publish_volume(ask::publish(id, "node-1")).await.unwrap().into_inner();
    let context = PublishContext::decode(&answer.publish_context).unwrap();
    let native = rig.on_array("pvc-1");
    assert_eq!((context.wwid.as_str(), context.size), (native.wwid.as_str(), 2 << 30));
    assert_eq!((context.paths.len(), context.min_paths, context.read_only), (2, 2, false));

    let refused = rig.client.delete_volume(ask::delete(id)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("node-1"), "{refused}");

    let grown = rig.client.controller_expand_volume(ask::expand(id, 5)).await.unwrap().into_inner();
    assert_eq!((grown.capacity_bytes, grown.node_expansion_required), (5 * GIB, true));
    assert_eq!(rig.on_array("pvc-1").size, Size::gib(5));

    rig.client.controller_unpublish_volume(ask::unpublish(id, "node-1")).await.unwrap();
    rig.client.delete_volume(ask::delete(id)).await.unwrap();
    assert!(rig.array.inventory().volumes.is_empty());
    assert!(rig.ledger.entries().is_empty());
}

#[tokio::test]
async fn only_a_raw_device_that_nobody_has_is_done_without_a_node() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let raw = |gib| v1::ControllerExpandVolumeRequest {
        volume_capability: Some(ask::raw(Mode::SingleNodeWriter)),
        ..ask::expand(&id, gib)
    };
    let mut client = rig.client.clone();
    let mut grown = async |request| {
        client.controller_expand_volume(request).await.unwrap().into_inner().node_expansion_required
    };
    assert!(!grown(raw(2)).await);
    assert!(grown(ask::expand(&id, 3)).await);
    rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap();
    assert!(grown(raw(4)).await);
}

#[tokio::test]
async fn restored_and_cloned_volumes_have_the_content_and_are_not_born_empty() {
    let mut rig = Rig::new().await;
    let origin = rig.made(ask::create("pvc-1", 1)).await;
    let native = rig.on_array("pvc-1").id;
    rig.array.write(&native, "before");
    let snapshot = rig.taken("snap-1", &origin.volume_id).await;
    assert_eq!((snapshot.size_bytes, snapshot.ready_to_use), (GIB, true));
    assert_eq!(snapshot.source_volume_id, origin.volume_id);
    assert!(snapshot.creation_time.is_some());
    rig.array.write(&native, "after");

    for (request, content) in [
        (ask::restore("pvc-2", 3, &snapshot.snapshot_id), "before"),
        (ask::clone("pvc-3", 1, &origin.volume_id), "after"),
    ] {
        let name = request.name.clone();
        let volume = rig.made(request.clone()).await;
        assert_eq!(volume.content_source, request.volume_content_source);
        assert_eq!(VolumeContext::decode(&volume.volume_context), Ok(VolumeContext { born_empty: false }));
        assert_eq!(volume.capacity_bytes, request.capacity_range.unwrap().required_bytes);
        assert_eq!(rig.array.content(&rig.on_array(&name).id).as_deref(), Some(content));
    }

    let refused = rig.client.delete_volume(ask::delete(&origin.volume_id)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("snap-1"), "{refused}");
    rig.client.delete_snapshot(ask::unsnapshot(&snapshot.snapshot_id)).await.unwrap();
    assert!(rig.array.inventory().snapshots.is_empty());
    rig.client.delete_volume(ask::delete(&origin.volume_id)).await.unwrap();
}

#[tokio::test]
async fn the_class_says_where_a_volume_goes_and_the_claim_is_recorded() {
    let mut rig = Rig::new().await;
    for (name, key, value) in [
        ("pvc-1", "perilune.dev/backend", "sf1"),
        ("pvc-2", "perilune.dev/backend-selector", "tier=gold"),
        ("pvc-3", "perilune.dev/pool", "pool-1"),
    ] {
        let parameters = ask::map(&[
            (key, value),
            ("csi.storage.k8s.io/pvc/name", "data"),
            ("csi.storage.k8s.io/pvc/namespace", "shop"),
            ("csi.storage.k8s.io/pv/name", name),
        ]);
        rig.made(v1::CreateVolumeRequest { parameters, ..ask::create(name, 1) }).await;
        let entries = rig.ledger.entries();
        let entry = entries.iter().find(|entry| entry.csi_name == name).unwrap();
        let claim = entry.claim.as_ref().unwrap();
        assert_eq!((claim.namespace.as_str(), claim.name.as_str()), ("shop", "data"));
        assert_eq!(entry.parameters.iter().collect::<Vec<_>>(), [(&key.to_owned(), &value.to_owned())]);
    }
}

#[tokio::test]
async fn a_volume_moves_to_another_node_and_raw_devices_may_be_shared() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap();
    let refused = rig.client.controller_publish_volume(ask::publish(&id, "node-2")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("node-1") && refused.message().contains("pvc-1"), "{refused}");
    rig.client.controller_unpublish_volume(ask::unpublish(&id, "node-1")).await.unwrap();
    rig.client.controller_publish_volume(ask::publish(&id, "node-2")).await.unwrap();
    // no node named: all of them
    rig.client.controller_unpublish_volume(ask::unpublish(&id, "")).await.unwrap();

    for node in ["node-1", "node-2"] {
        let request = v1::ControllerPublishVolumeRequest {
            volume_capability: Some(ask::raw(Mode::MultiNodeMultiWriter)),
            ..ask::publish(&id, node)
        };
        rig.client.controller_publish_volume(request).await.unwrap();
    }
}

/// A request without any content is wrong or harmless, but known.
macro_rules! known {
    ($rig:ident.$call:ident: $request:ident) => {
        let answer = $rig.client.$call(v1::$request::default()).await.map(drop).map_err(|s| s.code());
        assert!(matches!(answer, Ok(()) | Err(tonic::Code::InvalidArgument)), "{answer:?}");
    };
}

#[tokio::test]
async fn every_call_that_is_offered_is_answered() {
    use v1::controller_service_capability::Type;
    use v1::controller_service_capability::rpc::Type as Call;

    let mut rig = Rig::new().await;
    let answer =
        rig.client.controller_get_capabilities(v1::ControllerGetCapabilitiesRequest {}).await.unwrap();
    let offered = answer.into_inner().capabilities;
    let offers = |call: Call| {
        offered.iter().any(|c| matches!(&c.r#type, Some(Type::Rpc(rpc)) if rpc.r#type() == call))
    };
    for number in 1.. {
        let Ok(call) = Call::try_from(number) else { break };
        assert!(offers(call), "{call:?}");
    }
    known!(rig.create_volume: CreateVolumeRequest);
    known!(rig.delete_volume: DeleteVolumeRequest);
    known!(rig.controller_publish_volume: ControllerPublishVolumeRequest);
    known!(rig.controller_unpublish_volume: ControllerUnpublishVolumeRequest);
    known!(rig.validate_volume_capabilities: ValidateVolumeCapabilitiesRequest);
    known!(rig.list_volumes: ListVolumesRequest);
    known!(rig.get_capacity: GetCapacityRequest);
    known!(rig.create_snapshot: CreateSnapshotRequest);
    known!(rig.delete_snapshot: DeleteSnapshotRequest);
    known!(rig.list_snapshots: ListSnapshotsRequest);
    known!(rig.get_snapshot: GetSnapshotRequest);
    known!(rig.controller_expand_volume: ControllerExpandVolumeRequest);
    known!(rig.controller_get_volume: ControllerGetVolumeRequest);
    known!(rig.controller_modify_volume: ControllerModifyVolumeRequest);
    known!(rig.controller_list_volume_health: ControllerListVolumeHealthRequest);
    known!(rig.controller_get_volume_health: ControllerGetVolumeHealthRequest);
}

#[tokio::test]
async fn sidecars_are_told_what_the_plugin_is_and_wait_for_the_lease() {
    use v1::plugin_capability::Type;
    use v1::plugin_capability::service::Type as Service;

    let mut rig = Rig::new().await;
    let info = rig.identity.get_plugin_info(v1::GetPluginInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.name.as_str(), info.vendor_version.as_str()), ("csi.perilune.dev", "1.2.3"));
    let answer = rig.identity.get_plugin_capabilities(v1::GetPluginCapabilitiesRequest {}).await.unwrap();
    let capabilities = answer.into_inner().capabilities;
    let controller = |capability: &v1::PluginCapability| matches!(&capability.r#type, Some(Type::Service(s)) if s.r#type() == Service::ControllerService);
    assert!(capabilities.iter().any(controller));
    let expansion =
        |capability: &v1::PluginCapability| matches!(capability.r#type, Some(Type::VolumeExpansion(_)));
    assert!(capabilities.iter().any(expansion));
    assert_eq!(rig.identity.probe(v1::ProbeRequest {}).await.unwrap().into_inner().ready, Some(true));
    rig.lose_lease();
    assert_eq!(rig.identity.probe(v1::ProbeRequest {}).await.unwrap().into_inner().ready, Some(false));
}
