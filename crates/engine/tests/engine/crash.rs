//! The process is killed between any two steps of a use case, and before and after each; then the caller comes back.
//! However it was killed: one volume, no orphan, no record without a volume.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bed::{Bed, account_array, mapping_array, request, soon, spec};
use perilune_array::fake::{Fault as ArrayFault, When};
use perilune_array::{Array as _, ErrorKind, Size, VolumeId};
use perilune_engine::ledger::memory::Fault as LedgerFault;
use perilune_engine::{
    ContentSource, Engine, Failure, HostPolicy, PublishRequest, SizeRange, SnapshotRequest,
    TopologyRequirement, VolumeHandle, VolumeRequest, qos,
};

/// The habits of arrays that decide which steps a use case takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    /// Access by account, names repeat, copies are born as large and with the limits that are asked for.
    Account,
    /// Hosts and maps, unique names, copies are born like their source and altered afterwards.
    Mapping,
}

impl World {
    async fn bed(self) -> Bed {
        match self {
            Self::Account => Bed::new(account_array().profile(|p| p.copy_takes_qos = true).build()).await,
            Self::Mapping => {
                let hosts = HostPolicy { managed: true, delete_unused: true };
                let array = mapping_array().profile(|p| {
                    p.copy_may_grow = false;
                    p.copy_takes_qos = false;
                });
                Bed::with(array.build(), perilune_engine::BackendSpec { hosts, ..spec("a") }).await
            }
        }
    }
}

/// One use case, told by name so that a run can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Create,
    Clone,
    Restore,
    Grow,
    Snapshot,
    DeleteSnapshot,
    Publish,
    Unpublish,
    Delete,
    Modify,
}

const CASES: [Case; 10] = [
    Case::Create,
    Case::Clone,
    Case::Restore,
    Case::Grow,
    Case::Snapshot,
    Case::DeleteSnapshot,
    Case::Publish,
    Case::Unpublish,
    Case::Delete,
    Case::Modify,
];

/// A fault at one step: the n-th port call or the n-th ledger write, counted from 1 within the use case.
#[derive(Debug, Clone, Copy)]
enum At {
    Port(usize, ArrayFault),
    Ledger(usize, LedgerFault),
}

/// With limits at birth, so that these are steps too.
fn limited(name: &str, gib: u64, max_iops: u32) -> VolumeRequest {
    let mutable = BTreeMap::from([(qos::MAX_IOPS.to_owned(), max_iops.to_string())]);
    VolumeRequest { mutable, ..request(name, gib) }
}

async fn base(bed: &Bed) -> VolumeHandle {
    bed.engine.ensure_volume(&limited("base", 4, 1000), soon()).await.expect("base").handle
}

/// What must be there before the case can run.
async fn prepare(bed: &Bed, case: Case) {
    let volume = if case == Case::Create { return } else { base(bed).await };
    match case {
        Case::Restore | Case::DeleteSnapshot => {
            let snapshot = SnapshotRequest {
                csi_name: "snap".to_owned(),
                source: volume,
                topology: TopologyRequirement::default(),
            };
            bed.engine.ensure_snapshot(&snapshot, soon()).await.expect("snapshot");
        }
        Case::Unpublish => {
            bed.engine.publish(&publish(volume), soon()).await.expect("publish");
        }
        _ => {}
    }
}

fn publish(volume: VolumeHandle) -> PublishRequest {
    PublishRequest { volume, node: "node-1".to_owned(), read_only: false, shared: false }
}

async fn run(
    engine: &Engine,
    volume: &VolumeHandle,
    snapshot: Option<ContentSource>,
    case: Case,
) -> Result<(), Failure> {
    let take = SnapshotRequest {
        csi_name: "snap".to_owned(),
        source: volume.clone(),
        topology: TopologyRequirement::default(),
    };
    let mut copy = limited("copy", 5, 2000);
    match case {
        Case::Create => drop(engine.ensure_volume(&limited("base", 4, 1000), soon()).await?),
        Case::Clone => {
            copy.source = Some(ContentSource::Volume(volume.clone()));
            engine.ensure_volume(&copy, soon()).await?;
        }
        Case::Restore => {
            copy.source = snapshot;
            engine.ensure_volume(&copy, soon()).await?;
        }
        Case::Grow => {
            let grown =
                engine.grow(volume, SizeRange { required: Size::gib(9), limit: None }, soon()).await?;
            assert_eq!(grown, Size::gib(9));
        }
        Case::Snapshot => drop(engine.ensure_snapshot(&take, soon()).await?),
        Case::DeleteSnapshot => {
            if let Some(ContentSource::Snapshot(handle)) = snapshot {
                engine.remove_snapshot(&handle, soon()).await?;
            }
        }
        Case::Publish => drop(engine.publish(&publish(volume.clone()), soon()).await?),
        Case::Unpublish => engine.unpublish(volume, Some("node-1"), soon()).await?,
        Case::Delete => engine.remove_volume(volume, soon()).await?,
        Case::Modify => {
            let wanted = BTreeMap::from([(qos::MAX_IOPS.to_owned(), "3000".to_owned())]);
            engine.modify(volume, &wanted, soon()).await?;
        }
    }
    Ok(())
}

/// Runs the case into one fault, kills the process, lets the caller come back, and checks. Answers how many port calls and
/// ledger writes the case takes when nothing fails.
async fn explore(world: World, case: Case, at: Option<At>) -> (usize, usize) {
    let mut bed = world.bed().await;
    prepare(&bed, case).await;
    let entries = bed.ledger.entries();
    let snapshot = entries.iter().flat_map(|e| &e.snapshots).find_map(|s| {
        Some(ContentSource::Snapshot(perilune_engine::SnapshotHandle {
            backend: "a".to_owned(),
            native: s.native.clone()?,
        }))
    });
    let probe = if case == Case::Create { no_handle() } else { VolumeHandle::of(&entries[0].id) };
    bed.array.faults().clear();
    let written = bed.ledger.writes();
    match at {
        Some(At::Port(n, fault)) => bed.array.faults().plan(When::Call(n), fault),
        Some(At::Ledger(n, fault)) => bed.ledger.fail_write(written + n - 1, fault),
        None => {}
    }
    let first =
        tokio::time::timeout(Duration::from_secs(30), run(&bed.engine, &probe, snapshot.clone(), case)).await;
    if let Ok(Err(failure)) = &first {
        assert!(failure.code.keeps_the_caller(), "{case:?} {at:?} lets the caller forget: {failure:?}");
    }
    let counts = (bed.array.faults().calls().len(), bed.ledger.writes() - written);
    bed.restart();
    run(&bed.engine, &probe, snapshot.clone(), case)
        .await
        .unwrap_or_else(|f| panic!("{case:?} {at:?}: {f:?}"));
    run(&bed.engine, &probe, snapshot, case)
        .await
        .unwrap_or_else(|f| panic!("{case:?} {at:?}, once more: {f:?}"));
    bed.check();
    finally(&bed, case, at);
    reach_and_limits(&bed, world, case, at).await;
    counts
}

/// Creating is the one case that starts without a handle.
fn no_handle() -> VolumeHandle {
    "v1:00000000-0000-0000-0000-000000000000".parse().expect("a handle")
}

fn finally(bed: &Bed, case: Case, at: Option<At>) {
    let inventory = bed.array.inventory();
    let entries = bed.ledger.entries();
    let (volumes, snapshots) = match case {
        Case::Clone => (2, 0),
        Case::Restore => (2, 1),
        Case::Snapshot => (1, 1),
        Case::Delete => (0, 0),
        _ => (1, 0),
    };
    assert_eq!((inventory.volumes.len(), inventory.snapshots.len()), (volumes, snapshots), "{case:?} {at:?}");
    let attached: usize = entries.iter().map(|e| e.attachments.len()).sum();
    assert_eq!(attached, usize::from(case == Case::Publish), "{case:?} {at:?}");
    if case == Case::Grow {
        assert_eq!((inventory.volumes[0].size, entries[0].size), (Size::gib(9), Size::gib(9)), "{at:?}");
    }
}

/// The map says what the record says, no host is left that has nothing, and every volume keeps to its limit.
async fn reach_and_limits(bed: &Bed, world: World, case: Case, at: Option<At>) {
    let inventory = bed.array.inventory();
    if world == World::Mapping {
        let mapped = usize::from(case == Case::Publish);
        assert_eq!((inventory.mappings.len(), inventory.hosts.len()), (mapped, mapped), "{case:?} {at:?}");
    }
    for volume in &inventory.volumes {
        let expected = match (volume.name.as_str(), case) {
            ("copy", _) => 2000,
            (_, Case::Modify) => 3000,
            _ => 1000,
        };
        assert_eq!(drawn(bed, &volume.id).await, Some(expected), "{} {case:?} {at:?}", volume.name);
    }
}

async fn drawn(bed: &Bed, id: &VolumeId) -> Option<u32> {
    bed.array.qos().expect("sets limits").get(id).await.expect("tells limits").max_iops
}

#[tokio::test(start_paused = true)]
async fn a_kill_before_or_after_any_step_leaves_one_volume_and_no_orphan() {
    let mut explored = 0;
    for (world, case) in
        [World::Account, World::Mapping].into_iter().flat_map(|w| CASES.map(|case| (w, case)))
    {
        let (calls, writes) = explore(world, case, None).await;
        for n in 1..=calls {
            for fault in [
                ArrayFault::HangBefore,
                ArrayFault::HangAfter,
                ArrayFault::Before(ErrorKind::NoAnswer),
                ArrayFault::After(ErrorKind::NoAnswer),
                ArrayFault::After(ErrorKind::Garbled),
                ArrayFault::Before(ErrorKind::Busy),
            ] {
                explore(world, case, Some(At::Port(n, fault))).await;
                explored += 1;
            }
        }
        for n in 1..=writes {
            for fault in
                [LedgerFault::HangBefore, LedgerFault::HangAfter, LedgerFault::Lost, LedgerFault::ReplyLost]
            {
                explore(world, case, Some(At::Ledger(n, fault))).await;
                explored += 1;
            }
        }
        println!("{world:?} {case:?}: {calls} port calls, {writes} ledger writes");
    }
    println!("schedules explored: {explored}");
    assert!(explored > 300, "the walk found too few steps: {explored}");
}
