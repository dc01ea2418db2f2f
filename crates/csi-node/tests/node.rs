//! The node service over a host in memory: what reaches the host, what comes back, and what never reaches it.

#![expect(clippy::unwrap_used, reason = "a test ends where it stumbles")]

mod fake;

use std::path::Path;
use std::sync::Arc;

use perilune_csi::context::{PublishContext, VolumeContext};
use perilune_csi::proto::csi::v1;
use perilune_csi_node::{Node, NodeId, Place};
use perilune_host::{Ailment, Check, ErrorKind, FsType, Harm, Usage, Verdict};
use tempfile::TempDir;
use tonic::{Code, Request};
use v1::node_server::Node as _;
use v1::volume_capability::access_mode::Mode;
use v1::volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume};

use crate::fake::FakeHost;

const ISCSI: &str = "topology.perilune.dev/iscsi";
const VOLUME: &str = "v1:6f9619ff-8b86-d011-b42d-00c04fc964ff";

struct Bench {
    host: Arc<FakeHost>,
    node: Node,
    kubelet: TempDir,
}

impl Bench {
    fn new() -> Self {
        let host = Arc::new(FakeHost::default());
        let kubelet = tempfile::tempdir().unwrap();
        let id = NodeId::new("worker-1", "0123456789abcdef0123456789abcdef").unwrap();
        let place = Place { volumes: Some(100), topology: [(ISCSI.to_owned(), "true".to_owned())].into() };
        let node = Node::new(host.clone(), id, place, kubelet.path().to_owned());
        Self { host, node, kubelet }
    }

    fn path(&self, below: &str) -> String {
        self.kubelet.path().join(below).to_str().unwrap().to_owned()
    }

    fn stage(&self) -> v1::NodeStageVolumeRequest {
        v1::NodeStageVolumeRequest {
            volume_id: VOLUME.into(),
            publish_context: publish_context().encode().unwrap(),
            staging_target_path: self.path("plugins/kubernetes.io/csi/x/globalmount"),
            volume_capability: Some(mount(Mode::SingleNodeWriter)),
            secrets: [("username", "node"), ("password", "hush")].map(|(k, v)| (k.into(), v.into())).into(),
            volume_context: VolumeContext { born_empty: true }.encode(),
        }
    }

    fn unstage(&self) -> v1::NodeUnstageVolumeRequest {
        let staging_target_path = self.stage().staging_target_path;
        v1::NodeUnstageVolumeRequest { volume_id: VOLUME.into(), staging_target_path }
    }

    fn publish(&self, pod: &str) -> v1::NodePublishVolumeRequest {
        v1::NodePublishVolumeRequest {
            volume_id: VOLUME.into(),
            staging_target_path: self.stage().staging_target_path,
            target_path: self.path(&format!("pods/{pod}/volumes/x/mount")),
            volume_capability: Some(mount(Mode::SingleNodeWriter)),
            ..v1::NodePublishVolumeRequest::default()
        }
    }

    fn unpublish(&self, pod: &str) -> v1::NodeUnpublishVolumeRequest {
        v1::NodeUnpublishVolumeRequest {
            volume_id: VOLUME.into(),
            target_path: self.publish(pod).target_path,
        }
    }

    fn expand(&self, required_bytes: i64) -> v1::NodeExpandVolumeRequest {
        v1::NodeExpandVolumeRequest {
            volume_id: VOLUME.into(),
            volume_path: self.publish("1").target_path,
            capacity_range: Some(v1::CapacityRange { required_bytes, limit_bytes: 0 }),
            ..v1::NodeExpandVolumeRequest::default()
        }
    }

    fn stats(&self) -> v1::NodeGetVolumeStatsRequest {
        let volume_path = self.publish("1").target_path;
        v1::NodeGetVolumeStatsRequest {
            volume_id: VOLUME.into(),
            volume_path,
            staging_target_path: String::new(),
        }
    }
}

fn publish_context() -> PublishContext {
    let map = [
        ("v", "1"),
        ("protocol", "iscsi"),
        ("wwid", "naa.6f47acc1000000003572746b0000002a"),
        ("size", "1073741824"),
        ("paths", r#"[{"portal":"10.0.0.1:3260","iqn":"iqn.2010-01.com.solidfire:5rtk.pvc.42","lun":0}]"#),
        ("minPaths", "1"),
        ("readOnly", "false"),
        ("generation", "7"),
        ("discard", "true"),
    ];
    PublishContext::decode(&map.map(|(key, value)| (key.to_owned(), value.to_owned())).into()).unwrap()
}

fn capability(access_type: AccessType, mode: Mode) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_type: Some(access_type),
        access_mode: Some(AccessMode { mode: mode.into() }),
    }
}

fn mount(mode: Mode) -> v1::VolumeCapability {
    capability(AccessType::Mount(MountVolume { fs_type: "xfs".into(), ..MountVolume::default() }), mode)
}

#[tokio::test]
async fn a_volumes_whole_life_may_be_replayed_call_by_call() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    }
    for _ in 0..2 {
        bench.node.node_publish_volume(Request::new(bench.publish("1"))).await.unwrap();
    }
    for _ in 0..2 {
        let grown = bench.node.node_expand_volume(Request::new(bench.expand(2 << 30))).await.unwrap();
        assert_eq!(grown.into_inner().capacity_bytes, 2 << 30);
    }
    assert_eq!((bench.host.staged().len(), bench.host.published().len()), (1, 1));
    for _ in 0..2 {
        bench.node.node_unpublish_volume(Request::new(bench.unpublish("1"))).await.unwrap();
    }
    for _ in 0..2 {
        bench.node.node_unstage_volume(Request::new(bench.unstage())).await.unwrap();
    }
    assert_eq!((bench.host.staged().len(), bench.host.published().len()), (0, 0));
}

#[tokio::test]
async fn the_host_is_asked_for_what_the_request_says() {
    let bench = Bench::new();
    bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    let staged = bench.host.staged().remove(0);
    assert_eq!(staged.volume.as_str(), VOLUME);
    assert_eq!(staged.staging_path, Path::new(&bench.stage().staging_target_path));
    assert_eq!(staged.attachment.wwid.to_string(), "naa.6f47acc1000000003572746b0000002a");
    assert_eq!(
        staged.attachment.paths[0].to_string(),
        "iqn.2010-01.com.solidfire:5rtk.pvc.42 at 10.0.0.1:3260 lun 0"
    );
    assert_eq!(
        (staged.attachment.size, staged.attachment.min_paths, staged.attachment.generation),
        (1 << 30, 1, 7)
    );
    assert_eq!(staged.usage, Usage::Filesystem { fs: FsType::Xfs, options: vec!["discard".into()] });
    assert_eq!((staged.born_empty, staged.read_only), (true, false));
    assert_eq!(staged.chap.unwrap().outgoing.secret, "hush");

    let mut publish = bench.publish("1");
    publish.readonly = true;
    publish.volume_capability = Some(mount(Mode::SingleNodeSingleWriter));
    bench.node.node_publish_volume(Request::new(publish)).await.unwrap();
    let published = bench.host.published().remove(0);
    assert_eq!((published.block, published.read_only, published.exclusive), (false, true, true));
}

#[tokio::test]
async fn a_raw_device_may_be_shared_and_is_not_formatted() {
    let bench = Bench::new();
    let shared = Some(capability(AccessType::Block(BlockVolume {}), Mode::MultiNodeMultiWriter));
    let stage = v1::NodeStageVolumeRequest { volume_capability: shared.clone(), ..bench.stage() };
    bench.node.node_stage_volume(Request::new(stage)).await.unwrap();
    assert_eq!(bench.host.staged()[0].usage, Usage::Block);
    let publish = v1::NodePublishVolumeRequest { volume_capability: shared, ..bench.publish("1") };
    bench.node.node_publish_volume(Request::new(publish)).await.unwrap();
    assert!(bench.host.published()[0].block);
}

#[tokio::test]
async fn a_bad_stage_request_is_refused_by_its_field_before_the_host_is_asked() {
    type Spoil = fn(&mut v1::NodeStageVolumeRequest);
    let spoils: [(Spoil, &str); 15] = [
        (|r| r.volume_id.clear(), "volume_id: is missing"),
        (|r| r.volume_id = "x".repeat(129), "volume_id: has 129 bytes"),
        (|r| r.staging_target_path.clear(), "staging_target_path: is missing"),
        (|r| r.staging_target_path = "/etc".into(), "staging_target_path: \"/etc\" is not below"),
        (|r| r.staging_target_path += "/../../x", "staging_target_path: "),
        (|r| r.volume_capability = None, "volume_capability: is missing"),
        (
            |r| r.volume_capability = Some(mount(Mode::MultiNodeMultiWriter)),
            "volume_capability.access_mode: a file",
        ),
        (|r| r.publish_context.clear(), "publish_context.v: is missing"),
        (|r| drop(r.publish_context.insert("wwid".into(), "sda".into())), "publish_context.wwid: "),
        (|r| drop(r.publish_context.insert("minPaths".into(), "9".into())), "publish_context.minPaths: "),
        (|r| drop(r.publish_context.insert("x".into(), "x".repeat(5000))), "publish_context: has "),
        (|r| drop(r.volume_context.insert("bornEmpty".into(), "?".into())), "volume_context.bornEmpty: "),
        (|r| drop(r.secrets.remove("password")), "secrets.password: is missing"),
        (|r| drop(r.secrets.insert("x".into(), "hush".repeat(2000))), "secrets: has "),
        (
            |r| {
                let paths = r#"[{"portal":"storage.example","iqn":"iqn.2010-01.com.solidfire:x","lun":0}]"#;
                r.publish_context.insert("paths".into(), paths.into());
            },
            "publish_context.paths: \"storage.example\" is not a portal",
        ),
    ];
    let bench = Bench::new();
    for (spoil, says) in spoils {
        let mut request = bench.stage();
        spoil(&mut request);
        let status = bench.node.node_stage_volume(Request::new(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with(says), "{} instead of {says}", status.message());
        assert!(!status.message().contains("hush"), "{status}");
    }
    assert!(bench.host.staged().is_empty());
}

#[tokio::test]
async fn bad_paths_and_sizes_of_the_other_calls_are_refused_by_their_field() {
    let bench = Bench::new();
    std::fs::create_dir(bench.kubelet.path().join("pods")).unwrap();
    std::os::unix::fs::symlink("/etc", bench.kubelet.path().join("pods/evil")).unwrap();
    let node = &bench.node;
    let refusals = [
        node.node_publish_volume(Request::new(bench.publish("evil"))).await.map(drop),
        node.node_publish_volume(Request::new(v1::NodePublishVolumeRequest {
            target_path: bench.stage().staging_target_path + "/inner",
            ..bench.publish("1")
        }))
        .await
        .map(drop),
        node.node_unpublish_volume(Request::new(bench.unpublish("evil"))).await.map(drop),
        node.node_expand_volume(Request::new(bench.expand(-1))).await.map(drop),
        node.node_unstage_volume(Request::new(v1::NodeUnstageVolumeRequest {
            staging_target_path: "/var/tmp".into(),
            ..bench.unstage()
        }))
        .await
        .map(drop),
    ];
    let fields = [
        "target_path: ",
        "target_path: ",
        "target_path: ",
        "capacity_range.required_bytes: ",
        "staging_target_path: ",
    ];
    for (refusal, field) in refusals.into_iter().zip(fields) {
        let status = refusal.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with(field), "{status}");
    }
}

#[tokio::test]
async fn no_volume_is_found_at_a_path_where_none_can_be() {
    let bench = Bench::new();
    bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    for odd in ["some/path", "/etc"] {
        let request = v1::NodeGetVolumeStatsRequest { volume_path: odd.into(), ..bench.stats() };
        let status = bench.node.node_get_volume_stats(Request::new(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status}");
    }
    let request = v1::NodeExpandVolumeRequest { volume_path: "some/path".into(), ..bench.expand(0) };
    let status = bench.node.node_expand_volume(Request::new(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
}

#[tokio::test]
async fn statistics_carry_fill_level_and_condition() {
    let bench = Bench::new();
    bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    let stats = bench.node.node_get_volume_stats(Request::new(bench.stats())).await.unwrap().into_inner();
    assert_eq!((stats.usage[0].total, stats.usage[0].used, stats.usage[1].available), (1 << 30, 10, 99));
    assert!(!stats.volume_condition.unwrap().abnormal);
    bench.host.sicken(&[Ailment::new(Harm::Degraded, "PathsMissing", "1 of 2 paths answers")]);
    let stats = bench.node.node_get_volume_stats(Request::new(bench.stats())).await.unwrap().into_inner();
    let condition = stats.volume_condition.unwrap();
    assert_eq!((condition.abnormal, condition.message.as_str()), (true, "1 of 2 paths answers"));
}

#[tokio::test]
async fn both_forms_of_health_say_the_same() {
    let bench = Bench::new();
    bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    let ask = async || {
        let request = v1::NodeGetVolumeHealthRequest {
            volume_id: VOLUME.into(),
            volume_publish_path: bench.publish("1").target_path,
            staging_target_path: bench.stage().staging_target_path,
        };
        let answer = bench.node.node_get_volume_health(Request::new(request)).await.unwrap();
        let health = answer.into_inner().volume_health.unwrap();
        assert_eq!(health.volume_id, VOLUME);
        health.health_statuses
    };
    assert_eq!(ask().await, []);
    let lost = Ailment::new(Harm::DataLoss, "Shrunk", "the array shows 5 bytes");
    bench.host.sicken(&[Ailment::new(Harm::Degraded, "PathsMissing", "1 of 2 paths"), lost]);
    let entries = ask().await;
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.status(), entry.reason.as_str())).collect();
    use v1::VolumeHealthErrorType::{DataLoss, Degraded};
    assert_eq!(kinds, [(Degraded, "PathsMissing"), (DataLoss, "Shrunk")]);
    let stats = bench.node.node_get_volume_stats(Request::new(bench.stats())).await.unwrap().into_inner();
    assert_eq!(stats.volume_condition.unwrap().message, "1 of 2 paths; the array shows 5 bytes");
}

#[tokio::test]
async fn the_nodes_storage_is_degraded_by_lost_paths_and_unreachable_by_a_fault() {
    let bench = Bench::new();
    let ask = async || {
        let request = Request::new(v1::NodeGetStorageHealthRequest::default());
        bench.node.node_get_storage_health(request).await.unwrap().into_inner().backend_health
    };
    bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap();
    assert_eq!(ask().await, []);
    bench.host.lose(1);
    let found = ask().await;
    assert_eq!(found[0].status(), v1::StorageHealthErrorType::StorageUnreachable, "it was the only path");
    assert!(found[0].message.starts_with("0 of 1 paths found"), "{}", found[0].message);
    bench.host.lose(0);
    let (finding, remedy) = ("iscsid does not listen".into(), "start it".into());
    bench.host.find(Check { name: "iscsid", verdict: Verdict::Fault, finding, remedy });
    let found = ask().await;
    assert_eq!((found.len(), found[0].message.as_str()), (1, "iscsid: iscsid does not listen; start it"));
}

#[tokio::test]
async fn a_failure_of_the_host_arrives_with_its_words() {
    let bench = Bench::new();
    let status = bench.node.node_get_volume_stats(Request::new(bench.stats())).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    bench.host.fail(ErrorKind::WrongIdentity, "sdc answers as another volume");
    let status = bench.node.node_stage_volume(Request::new(bench.stage())).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, "sdc answers as another volume")
    );
    let status = bench.node.node_expand_volume(Request::new(bench.expand(1))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn what_is_offered_is_this_and_no_more() {
    let bench = Bench::new();
    let answer =
        bench.node.node_get_capabilities(Request::new(v1::NodeGetCapabilitiesRequest {})).await.unwrap();
    let mut offered: Vec<_> = answer
        .into_inner()
        .capabilities
        .into_iter()
        .map(|capability| match capability.r#type.unwrap() {
            v1::node_service_capability::Type::Rpc(rpc) => rpc.r#type().as_str_name(),
        })
        .collect();
    offered.sort_unstable();
    assert_eq!(
        offered,
        [
            "EXPAND_VOLUME",
            "GET_STORAGE_HEALTH",
            "GET_VOLUME_HEALTH",
            "GET_VOLUME_STATS",
            "SINGLE_NODE_MULTI_WRITER",
            "STAGE_UNSTAGE_VOLUME",
            "VOLUME_CONDITION"
        ]
    );
}

#[tokio::test]
async fn the_nodes_info_has_its_id_its_limit_and_where_it_is() {
    let bench = Bench::new();
    let info = bench.node.node_get_info(Request::new(v1::NodeGetInfoRequest {})).await.unwrap().into_inner();
    assert!(info.node_id.starts_with("worker-1-"), "{}", info.node_id);
    let segments = info.accessible_topology.unwrap().segments;
    assert_eq!((info.max_volumes_per_node, segments[ISCSI].as_str()), (100, "true"));
}
