//! What each operation costs in management calls, as the simulated cluster's journal counts them.
//!
//! The budgets are those that the crate's documentation states, with the reason where one call more is spent for safety.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::time::Duration;

use perilune_array::{
    Array, HostSpec, Name, NewSnapshot, NewVolume, Owner, RecordId, Size, Snapshot, Source, Volume,
    VolumeState,
};
use perilune_driver_solidfire::Solidfire;
use rig::{ARRAY, Rig};

struct Counted {
    rig: Rig,
    array: Solidfire,
}

fn owner() -> Owner {
    Owner::new("c", RecordId::new("r"))
}

impl Counted {
    /// A warm session: connected and once inspected, as the fleet has it.
    async fn start() -> Self {
        let rig = Rig::start().await;
        let array = rig.connect().await.expect("connect");
        array.inspect().await.expect("inspect");
        let this = Self { rig, array };
        this.calls();
        this
    }

    /// The methods called since the last look.
    fn calls(&self) -> Vec<String> {
        let control = self.rig.running.control();
        let methods =
            control.journal(ARRAY).expect("journal").into_iter().map(|entry| entry.method).collect();
        control.clear_journal(ARRAY).expect("clear");
        methods
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
    assert_eq!(counted.calls(), ["CloneVolume", "ListVolumes"]);
}

#[tokio::test]
async fn restore_costs_two_calls_the_first_look_included() {
    let counted = Counted::start().await;
    let volume = counted.volume().await;
    let snapshot = counted.snapshot(&volume).await;
    counted.copy(&Source::Snapshot(snapshot.id, volume.id)).await;
    assert_eq!(counted.calls(), ["CloneVolume", "ListVolumes"]);
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

#[tokio::test]
async fn capacity_and_health_cost_one_call() {
    let counted = Counted::start().await;
    counted.array.inspect().await.expect("inspect");
    assert_eq!(counted.calls(), ["GetClusterCapacity"]);
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
