//! The account: made, agreed with, refused, lost; and how a cluster that cannot be reached shows.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::time::Duration;

use perilune_array::{
    Array, Credentials, ErrorKind, HostSpec, Name, NewVolume, Owner, RecordId, Secret, Size, Trust, Volumes,
};
use perilune_driver_solidfire::Solidfire;
use perilune_simulator::{Action, Fault};
use rig::{ARRAY, CHAP_SECRET, Rig};

fn methods(rig: &Rig) -> Vec<String> {
    rig.running.control().journal(ARRAY).expect("journal").into_iter().map(|entry| entry.method).collect()
}

async fn refusal(rig: &Rig) -> perilune_array::Error {
    let error = rig.connect().await.expect_err("this must not connect");
    assert!(!error.to_string().contains(CHAP_SECRET), "{error}");
    error
}

#[tokio::test]
async fn the_account_is_made_once() {
    let rig = Rig::start().await;
    rig.connect().await.expect("connect");
    rig.connect().await.expect("connect again");
    let added = methods(&rig).iter().filter(|method| *method == "AddAccount").count();
    assert_eq!((added, rig.running.control().statistics(ARRAY).expect("statistics").accounts), (1, 1));
}

#[tokio::test]
async fn an_account_that_we_made_takes_a_new_secret() {
    let mut rig = Rig::start().await;
    rig.connect().await.expect("connect");
    rig.spec.chap.as_mut().expect("chap").password = Secret::new("anothersecret");
    rig.connect().await.expect("connect with another secret");
    rig.connect().await.expect("and again");
    let altered = methods(&rig).iter().filter(|method| *method == "ModifyAccount").count();
    assert_eq!(altered, 1);
}

#[tokio::test]
async fn two_replicas_that_make_the_account_at_once_agree() {
    let rig = Rig::start().await;
    let (one, other) = tokio::join!(rig.connect(), rig.connect());
    one.expect("connect");
    other.expect("connect");
    assert_eq!(rig.running.control().statistics(ARRAY).expect("statistics").accounts, 1);
}

#[tokio::test]
async fn a_removed_account_is_told_of_and_made_again_for_the_next_host() {
    let rig = Rig::start().await;
    let array = rig.connect().await.expect("connect");
    let spec = HostSpec { name: Name::new("node"), initiators: Vec::new() };
    let host = array.access().find_host(&spec).await.expect("find").expect("the account");
    // Another replica, or an administrator, removes it behind this session's back.
    let other = rig.connect().await.expect("connect");
    other.access().delete_host(&host.id).await.expect("remove the account");
    let pool = array.inspect().await.expect("inspect").pools.remove(0).id;
    let owner = Owner::new("c", RecordId::new("r"));
    let new = NewVolume::new(Name::new("v"), pool, Size::gib(1), owner);
    assert_eq!(array.volumes().create(&new).await.expect_err("no account").kind(), ErrorKind::WrongState);
    assert_eq!(array.access().find_host(&spec).await.expect("find"), None);
    array.access().create_host(&spec).await.expect("make it again");
    array.volumes().create(&new).await.expect("create");
}

#[tokio::test]
async fn a_wrong_password_is_unauthenticated() {
    let mut rig = Rig::start().await;
    rig.spec.credentials = Credentials { username: "admin".into(), password: Secret::new("wrong") };
    assert_eq!(refusal(&rig).await.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_untrusted() {
    let mut rig = Rig::start().await;
    rig.running.control().set_wrong_certificate(ARRAY, true).expect("swap");
    assert_eq!(refusal(&rig).await.kind(), ErrorKind::Untrusted);
    rig.spec.trust = Trust::Nothing;
    rig.connect().await.expect("connect without trust");
}

#[tokio::test]
async fn a_cluster_off_the_network_is_unreachable_and_comes_back() {
    let rig = Rig::start().await;
    let array = rig.connect().await.expect("connect");
    rig.running.control().set_online(ARRAY, false).expect("off");
    let kind = array.inspect().await.expect_err("it is off").kind();
    assert!(matches!(kind, ErrorKind::Unreachable | ErrorKind::NoAnswer), "{kind:?}");
    assert_eq!(array.inspect().await.expect_err("it is off").kind(), ErrorKind::Unreachable);
    rig.running.control().set_online(ARRAY, true).expect("on");
    let back = async {
        while array.inspect().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back).await.expect("it is back");
}

#[tokio::test]
async fn what_happens_to_a_call_shows_in_the_kind_of_its_error() {
    let rig = Rig::start().await;
    let array = rig.connect().await.expect("connect");
    array.inspect().await.expect("inspect");
    for (action, expected) in [
        (Action::DropBefore, ErrorKind::NoAnswer),
        (Action::DropAfter, ErrorKind::NoAnswer),
        (Action::Garbage, ErrorKind::Garbled),
        (Action::Status(401), ErrorKind::Unauthenticated),
        (Action::Status(503), ErrorKind::NoAnswer),
        (Action::Error("xDBVersionMismatch".into()), ErrorKind::Busy),
        (Action::Error("xNeverHeardOf".into()), ErrorKind::Unrecognized),
    ] {
        rig.running
            .control()
            .order(ARRAY, Fault::nth("GetClusterCapacity", 1, action.clone()))
            .expect("order");
        let error = array.inspect().await.expect_err("a fault was ordered");
        assert_eq!(error.kind(), expected, "{action:?}: {error}");
    }
    array.inspect().await.expect("no fault is left");
}

#[tokio::test]
async fn a_volume_whose_purge_was_lost_is_ended_by_the_next_delete() {
    let rig = Rig::start().await;
    let array: Solidfire = rig.connect().await.expect("connect");
    let pool = array.inspect().await.expect("inspect").pools.remove(0).id;
    let owner = Owner::new("c", RecordId::new("r"));
    let new = NewVolume::new(Name::new("v"), pool, Size::gib(1), owner.clone());
    let made = array.volumes().create(&new).await.expect("create");
    rig.running
        .control()
        .order(ARRAY, Fault::nth("PurgeDeletedVolume", 1, Action::DropBefore))
        .expect("order");
    assert_eq!(array.volumes().delete(&made.id, &owner).await.expect_err("lost").kind(), ErrorKind::NoAnswer);
    assert_eq!(Volumes::find(&array, &new.name).await.expect("find"), []);
    let stranger = Owner { cluster: "other".into(), ..owner.clone() };
    assert_eq!(
        array.volumes().delete(&made.id, &stranger).await.expect_err("gone").kind(),
        ErrorKind::NotFound
    );
    array.volumes().delete(&made.id, &owner).await.expect("finish it");
    assert_eq!(rig.running.control().statistics(ARRAY).expect("statistics").volumes, 0);
    assert_eq!(array.volumes().delete(&made.id, &owner).await.expect_err("gone").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_is_sent_while_the_settings_are_wrong() {
    let mut rig = Rig::start().await;
    rig.spec.settings.0.push(("vlan".into(), "7".into()));
    assert_eq!(refusal(&rig).await.kind(), ErrorKind::Invalid);
    assert!(methods(&rig).is_empty());
}
