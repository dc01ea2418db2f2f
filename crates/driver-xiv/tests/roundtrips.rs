//! What each operation costs in management calls, as the simulated system's journal counts them.
//!
//! The figures are those that the crate's documentation states, with the reason where a call more is spent for safety.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use perilune_array::{
    Array, GroupId, HostSpec, Initiator, Members, Name, NewGroup, NewGroupSnapshot, NewSnapshot, NewVolume,
    Owner, PoolId, RecordId, Size, Source, Volume,
};
use perilune_driver_xiv::Xiv;
use rig::{ARRAY, Rig};

struct Counted {
    rig: Rig,
    array: Xiv,
}

fn owner() -> Owner {
    Owner::new("c", RecordId::new("r"))
}

fn new(name: &str) -> NewVolume {
    NewVolume::new(Name::new(name), PoolId::new("pool1"), Size::gib(1), owner())
}

impl Counted {
    /// A warm session: connected and once inspected, as the fleet has it.
    async fn start() -> Self {
        let rig = Rig::start("A9000", 100).await;
        let array = rig.connect(ARRAY).await.expect("connect");
        array.inspect().await.expect("inspect");
        array.access().ports().await.expect("ports");
        let this = Self { rig, array };
        this.calls();
        this
    }

    /// The commands since the last look.
    fn calls(&self) -> Vec<String> {
        let control = self.rig.running.control();
        let commands =
            control.journal(ARRAY).expect("journal").into_iter().map(|entry| entry.method).collect();
        control.clear_journal(ARRAY).expect("clear");
        commands
    }

    async fn volume(&self, name: &str) -> Volume {
        let made = self.array.volumes().create(&new(name)).await.expect("create");
        self.calls();
        made
    }
}

#[tokio::test]
async fn create_costs_two_calls_for_the_mark_cannot_come_with_it() {
    let counted = Counted::start().await;
    counted.array.volumes().create(&new("v")).await.expect("create");
    assert_eq!(counted.calls(), ["vol_create", "metadata_set"]);
}

#[tokio::test]
async fn clone_and_restore_cost_what_finding_the_source_by_its_wwn_and_the_mark_add() {
    let counted = Counted::start().await;
    let volume = counted.volume("v").await;
    counted.array.volumes().copy(&new("c"), &Source::Volume(volume.id.clone())).await.expect("copy");
    assert_eq!(counted.calls(), ["vol_list", "vol_create", "vol_copy", "metadata_set"]);
    let snapshots = counted.array.snapshots().expect("snapshots");
    let taken = NewSnapshot::new(volume.id.clone(), Name::new("s"), owner());
    let taken = snapshots.create(&taken).await.expect("snapshot");
    assert_eq!(counted.calls(), ["vol_list", "snapshot_create", "metadata_set"]);
    let source = Source::Snapshot(taken.id.clone(), volume.id);
    counted.array.volumes().copy(&new("r"), &source).await.expect("restore");
    assert_eq!(counted.calls(), ["vol_list", "vol_list", "vol_create", "vol_copy", "metadata_set"]);
    snapshots.delete(&taken.id, &owner()).await.expect("delete");
    assert_eq!(counted.calls(), ["vol_list", "snapshot_delete"]);
}

#[tokio::test]
async fn expand_and_delete_cost_a_look_by_the_wwn_more_than_the_act() {
    let counted = Counted::start().await;
    let volume = counted.volume("v").await;
    counted.array.volumes().resize(&volume.id, Size::gib(2)).await.expect("resize");
    assert_eq!(counted.calls(), ["vol_list", "vol_resize"]);
    counted.array.volumes().delete(&volume.id, &owner()).await.expect("delete");
    assert_eq!(counted.calls(), ["vol_list", "vol_delete"]);
}

#[tokio::test]
async fn publish_costs_three_calls_for_a_host_just_seen_and_unpublish_two() {
    let counted = Counted::start().await;
    let volume = counted.volume("v").await;
    let access = counted.array.access();
    let spec = HostSpec {
        name: Name::new("node"),
        initiators: vec![Initiator::Iqn("iqn.2026-01.test:node".into())],
    };
    assert_eq!(access.find_host(&spec).await.expect("find"), None);
    let host = access.create_host(&spec).await.expect("make the host");
    access.map(&volume.id, &host.id, false).await.expect("map");
    let first = ["host_list", "host_define", "host_add_port", "vol_list", "mapping_list", "map_vol"];
    assert_eq!(counted.calls(), first);
    access.unmap(&volume.id, &host.id).await.expect("unmap");
    assert_eq!(counted.calls(), ["vol_list", "unmap_vol"]);
    let host = access.find_host(&spec).await.expect("find").expect("the host");
    access.map(&volume.id, &host.id, false).await.expect("map");
    assert_eq!(counted.calls(), ["vol_list", "mapping_list", "map_vol"]);
}

#[tokio::test]
async fn a_group_snapshot_costs_three_calls_however_many_members_it_has() {
    let counted = Counted::start().await;
    let groups = counted.array.groups().expect("groups");
    let group = NewGroup { name: Name::new("g"), pool: PoolId::new("pool1") };
    let group: GroupId = groups.create(&group).await.expect("group").id;
    for name in ["a", "b", "c"] {
        let volume = counted.volume(name).await;
        groups.add(&group, &volume.id).await.expect("add");
    }
    counted.calls();
    let (name, members) = (Name::new("s"), Members::Group(group));
    let new = NewGroupSnapshot { name, members, owner: owner(), retention: None };
    let taken = counted.array.group_snapshots().expect("group snapshots").create(&new).await.expect("take");
    assert_eq!(taken.snapshots.len(), 3);
    assert_eq!(counted.calls(), ["cg_snapshots_create", "metadata_set", "vol_list"]);
}

#[tokio::test]
async fn capacity_and_health_cost_one_call() {
    let counted = Counted::start().await;
    counted.array.inspect().await.expect("inspect");
    assert_eq!(counted.calls(), ["pool_list"]);
}

#[tokio::test]
async fn all_calls_of_a_session_share_one_connection() {
    let counted = Counted::start().await;
    for _ in 0..5 {
        counted.array.inspect().await.expect("inspect");
    }
    assert_eq!(counted.rig.running.control().statistics(ARRAY).expect("statistics").connections, 1);
}
