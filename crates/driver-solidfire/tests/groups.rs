//! Access by volume access groups: what happens to them at the array, whose they are, and the ways that they open.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use perilune_array::{
    Access, Array, ErrorKind, HostSpec, Initiator, Lun, Name, NewVolume, Owner, Path, RecordId, Size,
    VolumeId,
};
use perilune_driver_solidfire::Solidfire;
use rig::{By, Rig};
use serde_json::json;

fn iqn(number: u32) -> String {
    format!("iqn.2026-01.io.perilune.test:{number}")
}

fn node(number: u32) -> HostSpec {
    HostSpec { name: Name::new(format!("node-{number}")), initiators: vec![Initiator::Iqn(iqn(number))] }
}

async fn volume(array: &Solidfire, name: &str) -> VolumeId {
    let pool = array.inspect().await.expect("inspect").pools.remove(0).id;
    let owner = Owner::new("c", RecordId::new(name));
    let new = NewVolume::new(Name::new(name), pool, Size::gib(1), owner);
    array.volumes().create(&new).await.expect("create").id
}

#[tokio::test]
async fn a_group_of_an_administrator_is_used_and_never_altered() {
    let mut rig = Rig::of(By::Groups).await;
    rig.admin("CreateVolumeAccessGroup", json!({"name": "rack", "initiators": [iqn(1)]})).await;
    rig.admin("CreateVolumeAccessGroup", json!({"name": "strange", "initiators": [iqn(2)]})).await;
    rig.spec.settings.0.push(("volumeAccessGroups".into(), "rack".into()));
    let array = rig.connect().await.expect("connect");
    let host = array.find_host(&node(1)).await.expect("find").expect("the group of that name");
    assert_eq!(host.name, Name::new("rack"));
    let volume = volume(&array, "v").await;
    array.map(&volume, &host.id, false).await.expect("map");
    let wanted = [Initiator::Iqn(iqn(1)), Initiator::Iqn(iqn(3))];
    for error in [
        array.update_host(&host.id, &wanted).await.expect_err("it is not ours to alter"),
        array.create_host(&node(2)).await.expect_err("groups are the administrator's to make"),
        array.delete_host(&host.id).await.expect_err("it is not ours to delete"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert!(error.to_string().contains("rack"), "{error}");
    }
    assert_eq!(array.find_host(&node(2)).await.expect("find"), None, "another group is not for us");
}

#[tokio::test]
async fn what_somebody_alters_at_the_array_is_noticed_at_the_next_publish_and_mended() {
    let rig = Rig::of(By::Groups).await;
    let array = rig.connect().await.expect("connect");
    let spec = HostSpec { initiators: vec![Initiator::Iqn(iqn(1)), Initiator::Iqn(iqn(2))], ..node(1) };
    let host = array.create_host(&spec).await.expect("make the host");
    let (one, other) = (volume(&array, "v").await, volume(&array, "w").await);
    array.map(&one, &host.id, false).await.expect("map");
    let id: u64 = host.id.as_str().parse().expect("a number");
    let fewer = json!({"volumeAccessGroupID": id, "initiators": [iqn(1)]});
    rig.admin("ModifyVolumeAccessGroup", fewer.clone()).await;
    // A volume that is mapped already and one that is not: neither answer hides what was altered.
    for volume in [&one, &other] {
        rig.admin("ModifyVolumeAccessGroup", fewer.clone()).await;
        assert_eq!(array.map(volume, &host.id, false).await.expect_err("altered").kind(), ErrorKind::Busy);
        let found = array.find_host(&spec).await.expect("find").expect("the host");
        assert_eq!(found.initiators, [Initiator::Iqn(iqn(1))]);
        array.update_host(&found.id, &spec.initiators).await.expect("mend");
        array.map(volume, &host.id, false).await.expect("map");
    }
}

#[tokio::test]
async fn an_initiator_in_a_strange_group_is_told_by_the_groups_name() {
    let rig = Rig::of(By::Groups).await;
    rig.admin("CreateVolumeAccessGroup", json!({"name": "cinder", "initiators": [iqn(2)]})).await;
    let array = rig.connect().await.expect("connect");
    let host = array.create_host(&node(1)).await.expect("make the host");
    let wanted = [Initiator::Iqn(iqn(1)), Initiator::Iqn(iqn(2))];
    let error = array.update_host(&host.id, &wanted).await.expect_err("it is in another group");
    assert!(error.kind() == ErrorKind::InUse && error.to_string().contains("cinder"), "{error}");
}

#[tokio::test]
async fn over_fibre_channel_every_port_is_a_way_and_the_lun_is_the_groups() {
    let rig = Rig::of(By::GroupsWithFibre).await;
    let array = rig.connect().await.expect("connect");
    let wwpn = Initiator::Wwpn("21000024ff1e4cb0".into());
    let fibre = HostSpec { name: Name::new("node-1"), initiators: vec![wwpn.clone()] };
    let both = HostSpec { name: Name::new("node-2"), initiators: vec![Initiator::Iqn(iqn(2))] };
    let (fibre, by_ip) = (
        array.create_host(&fibre).await.expect("make the host"),
        array.create_host(&both).await.expect("make the host"),
    );
    let ports = ["5f47acc000000001", "5f47acc000000002"];
    for (name, lun) in [("v", 0), ("w", 1)] {
        let volume = volume(&array, name).await;
        let mapping = array.map(&volume, &fibre.id, false).await.expect("map");
        let expected = ports.map(|wwpn| Path::Fc { wwpn: wwpn.into(), lun: Lun(lun) });
        assert_eq!(mapping.paths, expected);
        let mapping = array.map(&volume, &by_ip.id, false).await.expect("map");
        assert!(mapping.paths.iter().all(|path| matches!(path, Path::Iscsi { lun: Lun(0), .. })));
    }
    assert_eq!(
        array.update_host(&fibre.id, std::slice::from_ref(&wwpn)).await.expect("the same").initiators,
        [wwpn]
    );
}
