//! What each operation costs in management calls, as the simulated cluster's journal counts them.
//!
//! The budgets are those that the crate's documentation states, with the reason where one call more is spent for safety.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::time::Duration;

use perilune_array::{
    Array, HostSpec, Initiator, Invitation, Members, Mode, Name, NewGroupSnapshot, NewMirror, NewSnapshot,
    NewVolume, Owner, Pairing, QosWish, RecordId, Role, Size, Snapshot, Source, Subject, Throughput, Volume,
    VolumeState,
};
use perilune_driver_solidfire::Solidfire;
use rig::{ARRAY, By, PEER, Rig};

struct Counted {
    rig: Rig,
    array: Solidfire,
}

fn owner() -> Owner {
    Owner::new("c", RecordId::new("r"))
}

fn calls_of(rig: &Rig, array: &str) -> Vec<String> {
    let control = rig.running.control();
    let methods = control.journal(array).expect("journal").into_iter().map(|entry| entry.method).collect();
    control.clear_journal(array).expect("clear");
    methods
}

impl Counted {
    /// A warm session: connected and once looked at, as the fleet has it.
    async fn start() -> Self {
        Self::of(By::Chap).await
    }

    async fn of(by: By) -> Self {
        let rig = Rig::of(by).await;
        let array = rig.connect().await.expect("connect");
        array.access().ports().await.expect("ports");
        array.inspect().await.expect("inspect");
        let this = Self { rig, array };
        this.calls();
        this
    }

    /// The methods called since the last look.
    fn calls(&self) -> Vec<String> {
        calls_of(&self.rig, ARRAY)
    }

    async fn new_volume(&self, name: &str, gib: u64) -> NewVolume {
        let pool = self.array.inspect().await.expect("inspect").pools.remove(0).id;
        self.calls();
        NewVolume::new(Name::new(name), pool, Size::gib(gib), owner())
    }

    async fn volume(&self) -> Volume {
        let new = self.new_volume("source", 1).await;
        let made = self.array.volumes().create(&new).await.expect("create");
        self.calls();
        made
    }

    async fn snapshot(&self, of: &Volume) -> Snapshot {
        let new = NewSnapshot::new(of.id.clone(), Name::new("s"), owner());
        self.array.snapshots().expect("snapshots").create(&new).await.expect("snapshot")
    }

    /// A copy and the first look that finds it done.
    async fn copy(&self, source: &Source) -> Volume {
        let new = self.new_volume("copy", 1).await;
        let made = self.array.volumes().copy(&new, source).await.expect("copy");
        self.rig.running.control().advance(Duration::from_secs(61));
        let seen = self.array.volumes().get(&made.id).await.expect("get");
        assert_eq!(seen.state, VolumeState::Ready);
        seen
    }
}

#[tokio::test]
async fn create_costs_one_call() {
    let counted = Counted::start().await;
    let new = counted.new_volume("v", 1).await;
    counted.array.volumes().create(&new).await.expect("create");
    assert_eq!(counted.calls(), ["CreateVolume"]);
}

#[tokio::test]
async fn clone_costs_two_calls_the_first_look_included() {
    let counted = Counted::start().await;
    let source = Source::Volume(counted.volume().await.id);
    counted.copy(&source).await;
    assert_eq!(counted.calls(), ["CloneVolume", "GetAsyncResult"]);
}

#[tokio::test]
async fn restore_costs_two_calls_the_first_look_included() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    let snapshot = counted.snapshot(&volume).await;
    counted.copy(&Source::Snapshot(snapshot.id, volume.id)).await;
    assert_eq!(counted.calls(), ["CloneVolume", "GetAsyncResult"]);
}

#[tokio::test]
async fn expand_costs_one_call() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    counted.array.volumes().resize(&volume.id, Size::gib(2)).await.expect("resize");
    assert_eq!(counted.calls(), ["ModifyVolume"]);
}

#[tokio::test]
async fn delete_costs_three_calls_for_the_mark_is_read_first() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    counted.array.volumes().delete(&volume.id, &owner()).await.expect("delete");
    assert_eq!(counted.calls(), ["ListVolumes", "DeleteVolume", "PurgeDeletedVolume"]);
}

#[tokio::test]
async fn snapshot_costs_one_call_and_its_end_two_for_the_mark_is_read_first() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    let snapshot = counted.snapshot(&volume).await;
    assert_eq!(counted.calls(), ["CreateSnapshot"]);
    counted.array.snapshots().expect("snapshots").delete(&snapshot.id, &owner()).await.expect("delete");
    assert_eq!(counted.calls(), ["ListSnapshots", "DeleteSnapshot"]);
}

#[tokio::test]
async fn publish_costs_one_call_also_for_a_new_host_and_unpublish_none() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    let access = counted.array.access();
    for node in ["node-1", "node-2"] {
        let spec = HostSpec { name: Name::new(node), initiators: Vec::new() };
        let host = access.find_host(&spec).await.expect("find").expect("the account stands for all");
        access.map(&volume.id, &host.id, false).await.expect("map");
        assert_eq!(counted.calls(), ["ListVolumes"]);
        access.unmap(&volume.id, &host.id).await.expect("unmap");
        assert_eq!(counted.calls(), [""; 0]);
    }
}

fn node(number: u32) -> HostSpec {
    let iqn = Initiator::Iqn(format!("iqn.2026-01.io.perilune.test:{number}"));
    HostSpec { name: Name::new(format!("node-{number}")), initiators: vec![iqn] }
}

#[tokio::test]
async fn publish_by_groups_costs_two_calls_for_the_volume_is_read_first_and_two_more_for_a_new_host() {
    let counted = Counted::of(By::Groups).await;
    let (one, other) = (counted.volume().await, counted.volume().await);
    let access = counted.array.access();
    assert_eq!(access.find_host(&node(1)).await.expect("find"), None);
    let host = access.create_host(&node(1)).await.expect("make the host");
    assert_eq!(counted.calls(), ["ListVolumeAccessGroups", "CreateVolumeAccessGroup"]);
    for volume in [&one, &other] {
        let host = access.find_host(&node(1)).await.expect("find").expect("the host");
        access.map(&volume.id, &host.id, false).await.expect("map");
        assert_eq!(counted.calls(), ["ListVolumes", "AddVolumesToVolumeAccessGroup"]);
    }
    access.unmap(&one.id, &host.id).await.expect("unmap");
    assert_eq!(counted.calls(), ["RemoveVolumesFromVolumeAccessGroup"]);
}

#[tokio::test]
async fn limits_at_birth_cost_nothing_and_live_one_call() {
    let counted = Counted::start().await;
    let all = Throughput { min_iops: Some(100), max_iops: Some(200), burst_iops: Some(400) };
    let mut new = counted.new_volume("v", 1).await;
    new.qos = Some(QosWish::Limits(all));
    let made = counted.array.volumes().create(&new).await.expect("create");
    assert_eq!(counted.calls(), ["CreateVolume"]);
    let qos = counted.array.qos().expect("qos");
    qos.set(&made.id, &QosWish::Limits(all)).await.expect("set");
    assert_eq!(counted.calls(), ["ModifyVolume"]);
}

#[tokio::test]
async fn group_snapshot_costs_one_call() {
    let counted = Counted::start().await;
    let members = Members::Volumes(vec![counted.volume().await.id, counted.volume().await.id]);
    let new = NewGroupSnapshot { name: Name::new("g"), members, owner: owner(), retention: None };
    counted.array.group_snapshots().expect("group snapshots").create(&new).await.expect("take one");
    assert_eq!(counted.calls(), ["CreateGroupSnapshot"]);
}

#[tokio::test]
async fn capacity_and_health_cost_one_call_and_another_that_proves_which_cluster_it_is() {
    let counted = Counted::start().await;
    counted.array.access().ports().await.expect("ports");
    assert_eq!(counted.calls(), ["GetClusterInfo"]);
    counted.array.inspect().await.expect("inspect");
    assert_eq!(counted.calls(), ["GetClusterCapacity"]);
}

/// Copies on both clusters, in sync.
async fn mirrored(rig: &Rig, here: &Solidfire, there: &Solidfire, name: &str) -> (Subject, Subject) {
    let make = async |array: &Solidfire| {
        let pool = array.inspect().await.expect("inspect").pools.remove(0).id;
        let new = NewVolume::new(Name::new(name), pool, Size::gib(1), owner());
        Subject::Volume(array.volumes().create(&new).await.expect("create").id)
    };
    let (source, target) = (make(here).await, make(there).await);
    let ask = async |array: &Solidfire, other: &Solidfire, role: Role, invitation: Option<Invitation>| {
        let report = other.inspect().await.expect("inspect");
        let (subject, peer) = if role == Role::Source { (&source, &target) } else { (&target, &source) };
        let new = NewMirror {
            subject: subject.clone(),
            role,
            peer_array: report.id,
            peer_pool: report.pools[0].id.clone(),
            peer_subject: Some(peer.clone()),
            mode: Mode::Sync,
            invitation,
        };
        array.mirrors().expect("mirrors").pair(&new).await.expect("pair")
    };
    let (mut word, mut role) = (None, Role::Source);
    loop {
        let (array, other, next) = match role {
            Role::Source => (here, there, Role::Target),
            Role::Target => (there, here, Role::Source),
        };
        match ask(array, other, role, word).await {
            Pairing::Tell(invitation) => (word, role) = (Some(invitation), next),
            Pairing::Done(_) => break,
        }
    }
    rig.running.control().advance(Duration::from_secs(60));
    (source, target)
}

#[tokio::test]
async fn failover_of_any_number_costs_four_calls() {
    let rig = Rig::two(By::Groups).await;
    let (here, there) =
        (rig.connect().await.expect("connect"), rig.connect_peer(By::Groups).await.expect("connect"));
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let (source, target) = mirrored(&rig, &here, &there, &format!("v-{number}")).await;
        sources.push(source);
        targets.push(target);
    }
    for array in [ARRAY, PEER] {
        calls_of(&rig, array);
    }
    let down = here.mirrors().expect("mirrors").demote(&sources).await.expect("demote");
    let up = there.mirrors().expect("mirrors").promote(&targets).await.expect("promote");
    assert!(down.iter().all(|half| !half.writable) && up.iter().all(|half| half.writable));
    assert_eq!((down.len(), up.len()), (3, 3));
    for array in [ARRAY, PEER] {
        assert_eq!(calls_of(&rig, array), ["ListVolumes", "ModifyVolumes"]);
    }
}

#[tokio::test]
async fn all_calls_of_a_session_share_one_connection() {
    let counted = Counted::start().await;
    for _ in 0..5 {
        counted.array.inspect().await.expect("inspect");
    }
    let statistics = counted.rig.running.control().statistics(ARRAY).expect("statistics");
    assert_eq!(statistics.connections, 1);
}
