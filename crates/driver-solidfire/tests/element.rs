//! What a cluster may be found like: volumes of other software, several networks, clones that fail, versions too old.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod player;
mod rig;

use std::sync::{Arc, Mutex};

use perilune_array::{
    Array, ErrorKind, HostSpec, Name, NewVolume, Owner, Path, PoolId, QosWish, RecordId, Size, Source,
    Throughput, Tie, VolumeId, VolumeState,
};
use perilune_driver_solidfire::Solidfire;
use player::Player;
use rig::{By, Rig};
use serde_json::{Value, json};

fn owner() -> Owner {
    Owner::new("c", RecordId::new("r"))
}

async fn new(array: &Solidfire, name: &str) -> NewVolume {
    let pool = array.inspect().await.expect("inspect").pools.remove(0).id;
    NewVolume::new(Name::new(name), pool, Size::gib(1), owner())
}

#[tokio::test]
async fn a_volume_of_other_software_is_listed_as_such_taken_over_and_given_back() {
    let rig = Rig::start().await;
    let account = rig.admin("AddAccount", json!({"username": "openstack"})).await["accountID"].clone();
    let theirs = json!({"name": "UUID-1", "accountID": account, "totalSize": 2_000_000_000u64, "enable512e": true,
        "attributes": {"uuid": "1", "is_clone": false}});
    let made = rig.admin("CreateVolume", theirs).await;
    let array = rig.connect().await.expect("connect");
    let listed = array.volumes().list(None).await.expect("list").items.remove(0);
    assert_eq!((listed.owner, listed.ties), (None, vec![Tie::Foreign("OpenStack Cinder".into())]));
    assert_eq!(listed.size.get(), 2_000_683_008, "as the array rounded it");

    let spec = HostSpec { name: Name::new("node"), initiators: Vec::new() };
    let host = array.access().find_host(&spec).await.expect("find").expect("the account");
    let error = array.access().map(&listed.id, &host.id, false).await.expect_err("it is of another account");
    assert!(error.kind() == ErrorKind::WrongState && error.to_string().contains("account"), "{error}");
    array.volumes().mark(&listed.id, Some(&owner())).await.expect("take it over");
    array.access().map(&listed.id, &host.id, false).await.expect("our hosts can reach it");
    array.volumes().mark(&listed.id, None).await.expect("give it back");
    assert_eq!(array.volumes().delete(&listed.id, &owner()).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let query = json!({"volumeIDs": [made["volumeID"]]});
    let kept = rig.admin("ListVolumes", query).await["volumes"][0]["attributes"].clone();
    assert_eq!(kept, json!({"uuid": "1", "is_clone": false}), "what others wrote stays");
}

#[tokio::test]
async fn limits_that_are_half_given_are_filled_from_the_clusters_defaults() {
    let rig = Rig::start().await;
    let array = rig.connect().await.expect("connect");
    let wish = Throughput { min_iops: None, max_iops: Some(20_000), burst_iops: None };
    let mut wanted = new(&array, "v").await;
    wanted.qos = Some(QosWish::Limits(wish));
    let made = array.volumes().create(&wanted).await.expect("create");
    let all =
        |min, max, burst| Throughput { min_iops: Some(min), max_iops: Some(max), burst_iops: Some(burst) };
    let qos = array.qos().expect("qos");
    assert_eq!(qos.get(&made.id).await.expect("get"), all(50, 20_000, 20_000));
    qos.set(&made.id, &QosWish::Limits(Throughput::default())).await.expect("set");
    assert_eq!(qos.get(&made.id).await.expect("get"), all(50, 15_000, 15_000));
}

#[tokio::test]
async fn a_volume_in_a_policy_follows_it_until_it_gets_limits_of_its_own() {
    let rig = Rig::of(By::Groups).await;
    let gold = json!({"name": "gold", "qos": {"minIOPS": 500, "maxIOPS": 1000, "burstIOPS": 2000}});
    let id = rig.admin("CreateQoSPolicy", gold).await["qosPolicy"]["qosPolicyID"].clone();
    let array = rig.connect().await.expect("connect");
    assert_eq!(array.profile().qos_tiers, ["gold"]);
    let mut wanted = new(&array, "v").await;
    wanted.qos = Some(QosWish::Tier("gold".into()));
    let made = array.volumes().create(&wanted).await.expect("create");
    rig.admin("ModifyQoSPolicy", json!({"qosPolicyID": id, "qos": {"maxIOPS": 1500}})).await;
    let qos = array.qos().expect("qos");
    assert_eq!(qos.get(&made.id).await.expect("get").max_iops, Some(1500));
    let own = Throughput { min_iops: Some(100), max_iops: Some(200), burst_iops: Some(300) };
    qos.set(&made.id, &QosWish::Limits(own)).await.expect("set");
    rig.admin("ModifyQoSPolicy", json!({"qosPolicyID": id, "qos": {"maxIOPS": 1600}})).await;
    assert_eq!(qos.get(&made.id).await.expect("get"), own);
}

#[tokio::test]
async fn a_clone_that_is_cancelled_at_the_array_does_not_stay_under_way_for_ever() {
    let rig = Rig::start().await;
    let array = rig.connect().await.expect("connect");
    let source = array.volumes().create(&new(&array, "source").await).await.expect("create");
    let copy = new(&array, "copy").await;
    let copy = array.volumes().copy(&copy, &Source::Volume(source.id)).await.expect("copy");
    assert_eq!(array.volumes().get(&copy.id).await.expect("get").state, VolumeState::Copying);
    let jobs = rig.admin("ListAsyncResults", json!({})).await;
    let clone = jobs["asyncHandles"][0]["data"]["cloneID"].clone();
    rig.admin("CancelClone", json!({"cloneID": clone})).await;
    match array.volumes().get(&copy.id).await {
        Ok(seen) => assert_eq!(seen.state, VolumeState::Torn),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
    }
}

/// A method and what it is answered.
type Said = (&'static str, fn() -> Value);

/// A peer that answers each method as the test says, else with what a small cluster would.
async fn cluster(answers: &'static [Said]) -> (Player, Arc<Mutex<Vec<String>>>) {
    let paths = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&paths);
    let answer = move |path: &str, request: &Value| {
        seen.lock().unwrap().push(path.to_owned());
        let method = request["method"].as_str().unwrap_or_default();
        let special = answers.iter().find(|(name, _)| *name == method).map(|(_, answer)| answer());
        let result = special.unwrap_or_else(|| match method {
            "GetAPI" => json!({"supportedVersions": ["9.6", "10.1", "12.5"]}),
            "GetClusterInfo" => {
                json!({"clusterInfo": {"name": "c", "uuid": "u", "uniqueID": "abcd", "svip": "192.0.2.1"}})
            }
            "GetAccountByName" => {
                json!({"account": {"accountID": 1, "status": "active", "initiatorSecret": "initiatorchap"}})
            }
            "ListQoSPolicies" => json!({"qosPolicies": []}),
            "ListVirtualNetworks" => {
                json!({"virtualNetworks": [{"svip": "192.0.2.2"}, {"svip": "192.0.2.1"}]})
            }
            "ListVolumes" => json!({"volumes": [volume("active")]}),
            _ => json!({"sessions": []}),
        });
        json!({"id": request["id"], "result": result}).to_string().into_bytes()
    };
    (Player::start(Arc::new(answer)).await, paths)
}

fn volume(status: &str) -> Value {
    json!({"volumeID": 7, "name": "v", "accountID": 1, "status": status, "access": "readWrite", "totalSize": 1 << 30,
        "iqn": "iqn.2010-01.com.solidfire:abcd.v.7", "scsiNAADeviceID": "6f47", "scsiEUIDeviceID": "6162"})
}

#[tokio::test]
async fn the_best_common_version_is_spoken_after_the_first_question() {
    let (player, paths) = cluster(&[]).await;
    Solidfire::connect(&player.spec()).await.expect("connect");
    let paths = paths.lock().unwrap();
    assert_eq!(paths[0], "/json-rpc/7.0");
    assert!(paths.len() > 2 && paths[1..].iter().all(|path| path == "/json-rpc/12.5"), "{paths:?}");
}

#[tokio::test]
async fn a_cluster_too_old_is_refused_before_anything_else_is_asked() {
    let (player, paths) = cluster(&[("GetAPI", || json!({"supportedVersions": ["7.0", "9.6"]}))]).await;
    let error = Solidfire::connect(&player.spec()).await.expect_err("too old");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("9.6") && error.to_string().contains("10.0"), "{error}");
    assert_eq!(paths.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn every_network_of_the_cluster_is_a_way_unless_the_administrator_names_some() {
    for (svip, expected) in
        [(None, vec!["192.0.2.1:3260", "192.0.2.2:3260"]), (Some("192.0.2.9"), vec!["192.0.2.9:3260"])]
    {
        let (player, _) = cluster(&[]).await;
        let mut spec = player.spec();
        spec.settings.0.extend(svip.map(|svip| ("svip".to_owned(), svip.to_owned())));
        let array = Solidfire::connect(&spec).await.expect("connect");
        let host = perilune_array::HostId::new("1");
        let mapping = array.access().map(&VolumeId::new("7"), &host, false).await.expect("map");
        let portal = |path: &Path| match path {
            Path::Iscsi { portal, .. } => portal.clone(),
            Path::Fc { .. } => String::new(),
        };
        assert_eq!(mapping.paths.iter().map(portal).collect::<Vec<_>>(), expected);
        let ports: Vec<_> =
            array.access().ports().await.expect("ports").into_iter().map(|p| p.address).collect();
        assert!(expected.iter().all(|portal| ports.iter().any(|port| port == portal)), "{ports:?}");
    }
}

#[tokio::test]
async fn a_listing_tells_who_is_logged_in() {
    let (player, _) = cluster(&[(
        "ListISCSISessions",
        || json!({"sessions": [{"volumeID": 7, "initiatorName": "iqn.x:1"}]}),
    )])
    .await;
    let array = Solidfire::connect(&player.spec()).await.expect("connect");
    let listed = array.volumes().list(None).await.expect("list").items.remove(0);
    assert_eq!(listed.ties, [Tie::Mapped("a session of iqn.x:1".into())]);
}

#[tokio::test]
async fn a_clone_that_failed_is_torn_although_its_volume_says_that_it_is_being_made() {
    let (player, _) = cluster(&[
        ("CloneVolume", || json!({"volume": volume("init"), "volumeID": 7, "asyncHandle": 3})),
        (
            "GetAsyncResult",
            || json!({"status": "complete", "error": {"name": "xSliceFailed", "message": "no"}}),
        ),
        ("ListVolumes", || json!({"volumes": [volume("init")]})),
    ])
    .await;
    let array = Solidfire::connect(&player.spec()).await.expect("connect");
    let new = NewVolume::new(Name::new("v"), PoolId::new("abcd"), Size::gib(1), owner());
    let source = Source::Volume(VolumeId::new("6"));
    let copy = array.volumes().copy(&new, &source).await.expect("copy");
    assert_eq!(copy.state, VolumeState::Copying);
    for _ in 0..2 {
        assert_eq!(array.volumes().get(&copy.id).await.expect("get").state, VolumeState::Torn);
    }
    assert_eq!(array.volumes().find(&new.name).await.expect("find")[0].state, VolumeState::Torn);
}
