//! Answers that no array should give: whatever comes, the driver neither panics nor takes nonsense for success.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod player;

use std::sync::{Arc, Mutex};

use perilune_array::{
    Array, ErrorKind, GroupSnapshotId, HostSpec, Initiator, Invitation, Mode, Name, NewMirror, NewVolume,
    Owner, Pairing, PoolId, QosWish, RecordId, Result, Role, Size, SnapshotId, Subject, Throughput, VolumeId,
};
use perilune_driver_solidfire::Solidfire;
use player::Player;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// What the peer says from now on: a whole body, or the result or error of a well-formed one.
#[derive(Clone, Debug)]
enum Says {
    Sense,
    Body(Vec<u8>),
    Result(Value),
    Members(Value),
}

struct Bed {
    _player: Player,
    array: Solidfire,
    says: Arc<Mutex<Says>>,
}

fn volume() -> Value {
    json!({"volumeID": 7, "name": "v", "accountID": 1, "status": "active", "access": "readWrite", "totalSize": 1_073_741_824u64,
        "iqn": "iqn.2010-01.com.solidfire:abcd.v.7", "scsiNAADeviceID": "6f47", "scsiEUIDeviceID": "6162", "attributes": {},
        "volumeAccessGroups": [], "volumePairs": [],
        "qos": {"minIOPS": 50, "maxIOPS": 15000, "burstIOPS": 15000}})
}

fn snapshot() -> Value {
    json!({"snapshotID": 9, "volumeID": 7, "name": "s", "totalSize": 1_073_741_824u64, "createTime": "2016-04-04T17:14:03Z",
        "status": "done", "attributes": {}})
}

fn group_snapshot() -> Value {
    json!({"groupSnapshotID": 11, "name": "g", "createTime": "2016-04-04T17:14:03Z", "attributes": {}, "members": [snapshot()]})
}

fn group() -> Value {
    json!({"volumeAccessGroupID": 3, "name": "h", "initiators": ["iqn.2026-01.io.perilune.test:1"], "volumes": [],
        "attributes": {"perilune-node": "h"}})
}

/// One answer that fits every method.
fn sense() -> Value {
    json!({
        "clusterInfo": {"name": "c", "uuid": "u", "uniqueID": "abcd", "svip": "192.0.2.1"},
        "clusterAPIVersion": "12.3", "clusterVersion": "12.3.0.958", "clusterVersionInfo": [{}],
        "clusterCapacity": {"maxUsedSpace": 10, "usedSpace": 1, "maxUsedMetadataSpace": 10, "usedMetadataSpace": 1,
            "provisionedSpace": 1, "maxOverProvisionableSpace": 50},
        "supportedVersions": ["10.0"], "volumeSizeMin": 1_000_000_000u64, "volumeSizeMax": 17_592_186_044_416u64,
        "minIOPS": 50, "maxIOPS": 15000, "burstIOPS": 15000, "qosPolicies": [{"qosPolicyID": 1, "name": "gold"}],
        "virtualNetworks": [{"svip": "192.0.2.2"}], "asyncHandle": null,
        "groupSnapshot": group_snapshot(), "groupSnapshots": [group_snapshot()],
        "clusterPairs": [{"clusterPairID": 1, "clusterUUID": "peer", "clusterName": "p", "status": "Connected"}],
        "volumePairingKey": "6b6579", "fibreChannelPortInfo": {},
        "volumeAccessGroup": group(), "volumeAccessGroups": [group()],
        "account": {"accountID": 1, "status": "active", "volumes": [], "initiatorSecret": "initiatorchap", "targetSecret": "x",
            "attributes": {}, "enableChap": true},
        "volume": volume(), "volumes": [volume()], "snapshot": snapshot(), "snapshots": [snapshot()], "sessions": [],
    })
}

impl Bed {
    async fn start() -> Self {
        Self::with(true).await
    }

    async fn with(chap: bool) -> Self {
        let says = Arc::new(Mutex::new(Says::Sense));
        let saying = Arc::clone(&says);
        let answer = move |_: &str, request: &Value| {
            let with_id = |member: &str, value: Value| {
                json!({"id": request["id"], member: value}).to_string().into_bytes()
            };
            match saying.lock().unwrap().clone() {
                Says::Sense => with_id("result", sense()),
                Says::Body(body) => body,
                Says::Result(value) => with_id("result", value),
                Says::Members(value) => value.to_string().into_bytes(),
            }
        };
        let player = Player::start(Arc::new(answer)).await;
        let mut spec = player.spec();
        spec.settings.0.push(("useCHAP".into(), chap.to_string()));
        let array = Solidfire::connect(&spec).await.expect("connect to a peer that talks sense");
        Self { _player: player, array, says }
    }

    fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// Every verb that reads an answer; the kinds of those that failed.
    async fn all(&self) -> Vec<(&'static str, Result<()>)> {
        let (volumes, access) = (self.array.volumes(), self.array.access());
        let snapshots = self.array.snapshots().expect("snapshots");
        let groups = self.array.group_snapshots().expect("group snapshots");
        let (qos, mirrors) = (self.array.qos().expect("qos"), self.array.mirrors().expect("mirrors"));
        let (id, snapshot) = (VolumeId::new("7"), SnapshotId::new("9"));
        let owner = Owner::new("c", RecordId::new("r"));
        let new = NewVolume::new(Name::new("v"), PoolId::new("abcd"), Size::gib(1), owner.clone());
        let spec = HostSpec { name: Name::new("h"), initiators: Vec::new() };
        let host = perilune_array::HostId::new("1");
        vec![
            ("inspect", self.array.inspect().await.map(drop)),
            ("find", volumes.find(&new.name).await.map(drop)),
            ("get", volumes.get(&id).await.map(drop)),
            ("list", volumes.list(None).await.map(drop)),
            ("create", volumes.create(&new).await.map(drop)),
            ("copy", volumes.copy(&new, &perilune_array::Source::Volume(id.clone())).await.map(drop)),
            ("resize", volumes.resize(&id, Size::gib(2)).await.map(drop)),
            ("delete", volumes.delete(&id, &owner).await),
            ("ports", access.ports().await.map(drop)),
            ("find_host", access.find_host(&spec).await.map(drop)),
            ("map", access.map(&id, &host, false).await.map(drop)),
            ("mappings", access.mappings(&id).await.map(drop)),
            ("snapshots.get", snapshots.get(&snapshot).await.map(drop)),
            ("snapshots.list", snapshots.list(None).await.map(drop)),
            ("snapshots.revert", snapshots.revert(&id, &snapshot).await),
            ("group_snapshots.get", groups.get(&GroupSnapshotId::new("11")).await.map(drop)),
            ("group_snapshots.list", groups.list().await.map(drop)),
            ("group_snapshots.revert", groups.revert(&GroupSnapshotId::new("11")).await),
            ("qos.get", qos.get(&id).await.map(drop)),
            ("qos.set", qos.set(&id, &QosWish::Limits(Throughput::default())).await),
            ("mirrors.find", mirrors.find(&Subject::Volume(id.clone())).await.map(drop)),
            ("mirrors.list", mirrors.list().await.map(drop)),
            ("mirrors.promote", mirrors.promote(&[Subject::Volume(id.clone())]).await.map(drop)),
        ]
    }
}

/// Verbs that need no answer at all: from memory.
const SILENT: [&str; 1] = ["find_host"];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// One sample of a strategy; the runner's seed is fixed, so that a failure comes again.
fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a sample").current()).collect()
}

fn must_be_garbled(answers: Vec<(&'static str, Result<()>)>, what: &str) {
    for (verb, answer) in answers {
        if SILENT.contains(&verb) {
            continue;
        }
        let error = answer.expect_err(verb);
        assert_eq!(error.kind(), ErrorKind::Garbled, "{verb} of {what}: {error}");
    }
}

#[tokio::test]
async fn sense_is_understood_so_that_the_other_tests_mean_something() {
    let bed = Bed::start().await;
    for (verb, answer) in bed.all().await {
        match verb {
            "delete" => assert_eq!(answer.expect_err("it bears no mark").kind(), ErrorKind::Forbidden),
            "mirrors.promote" => assert_eq!(answer.expect_err("it has no pair").kind(), ErrorKind::NotFound),
            _ => answer.expect(verb),
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_answer_are_garbled() {
    let bed = Bed::start().await;
    let mut bodies = samples(&prop::collection::vec(any::<u8>(), 0..64), 30);
    bodies.extend([b"".to_vec(), b"<html>".to_vec(), b"{\"id\":".to_vec(), "[".repeat(100_000).into_bytes()]);
    for body in bodies {
        bed.say(Says::Body(body.clone()));
        must_be_garbled(bed.all().await, &String::from_utf8_lossy(&body[..body.len().min(64)]));
    }
}

#[tokio::test]
async fn json_that_is_no_answer_is_garbled() {
    let bed = Bed::start().await;
    for value in samples(&json_value(), 60) {
        bed.say(Says::Result(value.clone()));
        must_be_garbled(bed.all().await, &value.to_string());
        bed.say(Says::Members(value.clone()));
        must_be_garbled(bed.all().await, &value.to_string());
    }
    for whole in [
        json!({"result": sense()}),
        json!({"id": 1_000_000, "result": sense()}),
        json!({"id": null, "result": sense()}),
        json!({"id": 1, "result": sense(), "error": {"name": "xNotPrimary"}}),
        json!({"id": 1, "error": {"code": 500}}),
    ] {
        bed.say(Says::Members(whole.clone()));
        must_be_garbled(bed.all().await, &whole.to_string());
    }
}

/// Puts a value in the place of the n-th node of a tree, counted from the root.
fn spoil(tree: &mut Value, place: &mut usize, by: &Value) -> bool {
    if *place == 0 {
        by.clone_into(tree);
        return true;
    }
    *place -= 1;
    match tree {
        Value::Object(members) => members.values_mut().any(|member| spoil(member, place, by)),
        Value::Array(items) => items.iter_mut().any(|item| spoil(item, place, by)),
        _ => false,
    }
}

#[tokio::test]
async fn one_spoilt_member_never_makes_the_driver_panic_or_report_what_it_was_not_told() {
    let bed = Bed::start().await;
    let by =
        [json!(null), json!(-1), json!(1.5), json!("x"), json!(""), json!([]), json!({}), json!(u64::MAX)];
    let mut spoilt = 0;
    for place in 1.. {
        let mut tree = sense();
        if !spoil(&mut tree, &mut place.clone(), &by[0]) {
            break;
        }
        // Each place meets some of them, and each of them many places.
        for by in by.iter().cycle().skip(place).take(3) {
            let mut tree = sense();
            spoil(&mut tree, &mut place.clone(), by);
            bed.say(Says::Result(tree.clone()));
            for (verb, answer) in bed.all().await {
                if let Err(error) = answer {
                    let kind = error.kind();
                    let told = matches!(
                        kind,
                        ErrorKind::Garbled
                            | ErrorKind::NotFound
                            | ErrorKind::WrongState
                            | ErrorKind::Forbidden
                    );
                    assert!(told, "{verb} of {tree}: {error}");
                }
            }
            spoilt += 1;
        }
    }
    assert!(spoilt > 200, "{spoilt}");
}

#[tokio::test]
async fn one_spoilt_member_of_an_answer_about_groups_or_pairs_is_no_success_of_another_kind() {
    let bed = Bed::with(false).await;
    let access = bed.array.access();
    let (id, host) = (VolumeId::new("7"), perilune_array::HostId::new("3"));
    let new_mirror = |role, invitation| NewMirror {
        subject: Subject::Volume(id.clone()),
        role,
        peer_array: perilune_array::ArrayId::new("peer"),
        peer_pool: PoolId::new("wxyz"),
        peer_subject: Some(Subject::Volume(VolumeId::new("8"))),
        mode: Mode::Sync,
        invitation,
    };
    let mirrors = bed.array.mirrors().expect("mirrors");
    bed.say(Says::Result(sense()));
    assert!(matches!(mirrors.pair(&new_mirror(Role::Source, None)).await, Ok(Pairing::Tell(_))));
    let spec = HostSpec {
        name: Name::new("h"),
        initiators: vec![Initiator::Iqn("iqn.2026-01.io.perilune.test:9".into())],
    };
    for place in 1.. {
        let mut tree = sense();
        if !spoil(&mut tree, &mut place.clone(), &json!([{}])) {
            break;
        }
        bed.say(Says::Result(tree.clone()));
        for answer in [
            access.find_host(&spec).await.map(drop),
            access.update_host(&host, &spec.initiators).await.map(drop),
            access.map(&id, &host, false).await.map(drop),
            access.unmap(&id, &host).await,
            access.mappings(&id).await.map(drop),
            mirrors.pair(&new_mirror(Role::Source, None)).await.map(drop),
        ] {
            let kind = answer.map_or_else(|error| error.kind(), |()| ErrorKind::Garbled);
            let told = [
                ErrorKind::Garbled,
                ErrorKind::NotFound,
                ErrorKind::WrongState,
                ErrorKind::Busy,
                ErrorKind::Forbidden,
            ];
            assert!(told.contains(&kind), "{kind:?} of {tree}");
        }
    }
    for word in samples(&".{0,200}", 100) {
        let answer = mirrors.pair(&new_mirror(Role::Target, Some(Invitation::new(word)))).await;
        assert_eq!(answer.expect_err("nobody invited us").kind(), ErrorKind::Invalid);
    }
}
