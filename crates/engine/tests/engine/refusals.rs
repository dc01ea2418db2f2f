//! What the engine refuses, with which code, and that the array stays untouched.

use crate::bed::{Bed, account_array, request, soon, spec};
use perilune_array::fake::{Fault, When};
use perilune_array::{ErrorKind, Size};
use perilune_engine::{
    AdministrativeState, Applied, BackendChoice, Code, ContentSource, Failure, FaultReason, PublishRequest,
    SizeRange, SnapshotRequest, TopologyRequirement, VolumeRequest,
};

async fn bed() -> Bed {
    Bed::new(account_array().build()).await
}

/// Asks for a volume that must be refused, and checks that nothing altered the array and nothing is remembered.
async fn refused(bed: &Bed, request: &VolumeRequest) -> Failure {
    let failure = bed.engine.ensure_volume(request, soon()).await.expect_err("refused");
    assert!(
        !bed.array.faults().calls().iter().any(perilune_array::fake::Call::alters),
        "the array was touched"
    );
    assert_eq!(bed.ledger.entries(), [], "a refusal is remembered");
    failure
}

#[tokio::test(start_paused = true)]
async fn a_size_outside_the_limits_is_refused_with_the_limits() {
    let bed = bed().await;
    let max = bed.fleet.view("a").and_then(|v| v.report).expect("a report").sizes.max;
    let mut over = request("v", 1);
    over.size.required = Size::bytes(max.get() + 1);
    let failure = refused(&bed, &over).await;
    assert_eq!(failure.code, Code::OutOfRange, "{failure}");
    assert!(failure.message.contains("largest volume"), "{failure}");
    let mut tight = request("v", 2);
    tight.size = SizeRange {
        required: Size::bytes(Size::gib(2).get() + 1),
        limit: Some(Size::bytes(Size::gib(2).get() + 2)),
    };
    assert_eq!(refused(&bed, &tight).await.code, Code::OutOfRange);
}

#[tokio::test(start_paused = true)]
async fn a_class_that_fits_no_backend_is_told_which_there_are() {
    let bed = bed().await;
    let mut named = request("v", 1);
    named.backend = BackendChoice::Named("nowhere".into());
    let failure = refused(&bed, &named).await;
    assert_eq!(failure.code, Code::InvalidArgument);
    assert!(failure.message.contains("nowhere") && failure.message.contains("known: a"), "{failure}");
    let mut pool = request("v", 1);
    pool.pool = Some("pool-9".into());
    assert!(refused(&bed, &pool).await.message.contains("has no pool pool-9, only pool-1"));
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_is_told_with_its_room() {
    let bed = bed().await;
    let failure = refused(&bed, &request("v", 1025)).await;
    assert_eq!(failure.code, Code::ResourceExhausted, "{failure}");
    assert!(failure.message.contains("pool pool-1: has no room for 1025 GiB"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_backend_takes_nothing_and_still_attaches() {
    let bed = bed().await;
    let volume = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let mut frozen = spec("a");
    frozen.state = AdministrativeState::Frozen { reason: "maintenance of shelf 3".into() };
    assert!(matches!(bed.fleet.apply(frozen).await, Applied::Working(_)));
    let failure = bed.engine.ensure_volume(&request("w", 1), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::ResourceExhausted);
    assert!(failure.message.contains("maintenance of shelf 3"), "{failure}");
    let failure = bed.engine.remove_volume(&volume, soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition, "{failure}");
    let publish = PublishRequest { volume, node: "n".into(), read_only: false, shared: false };
    bed.engine.publish(&publish, soon()).await.expect("hosts may attach");
}

#[tokio::test(start_paused = true)]
async fn one_name_with_other_arguments_is_another_volume_and_refused() {
    let bed = bed().await;
    bed.engine.ensure_volume(&request("v", 2), soon()).await.expect("made");
    let failure = bed.engine.ensure_volume(&request("v", 3), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::AlreadyExists, "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_single_writer_volume_stays_on_its_node() {
    let bed = bed().await;
    let volume = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let on = |node: &str| PublishRequest {
        volume: volume.clone(),
        node: node.into(),
        read_only: false,
        shared: false,
    };
    bed.engine.publish(&on("n1"), soon()).await.expect("first");
    bed.engine.publish(&on("n1"), soon()).await.expect("again");
    let failure = bed.engine.publish(&on("n2"), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition);
    assert!(failure.message.contains("node n1 has it"), "{failure}");
    let failure = bed.engine.remove_volume(&volume, soon()).await.expect_err("refused");
    assert!(failure.message.contains("published to n1"), "{failure}");
    bed.engine.unpublish(&volume, None, soon()).await.expect("all nodes");
    bed.engine.publish(&on("n2"), soon()).await.expect("free now");
}

#[tokio::test(start_paused = true)]
async fn a_volume_with_snapshots_stays_and_names_them() {
    let bed = bed().await;
    let volume = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let take = SnapshotRequest {
        csi_name: "s".into(),
        source: volume.clone(),
        topology: TopologyRequirement::default(),
    };
    let snapshot = bed.engine.ensure_snapshot(&take, soon()).await.expect("taken");
    let failure = bed.engine.remove_volume(&volume, soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition);
    assert!(failure.message.contains("delete them first: s"), "{failure}");
    let mut small = request("copy", 1);
    small.size.required = Size::gib(1);
    small.source = Some(ContentSource::Snapshot(snapshot.handle.clone()));
    bed.engine.ensure_volume(&small, soon()).await.expect("restored");
    bed.engine.remove_snapshot(&snapshot.handle, soon()).await.expect("gone");
    bed.engine.remove_volume(&volume, soon()).await.expect("gone");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_no_record_names_is_not_deleted() {
    let bed = bed().await;
    let volume = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let native = bed.ledger.entries()[0].native.clone().expect("native");
    let foreign = perilune_array::Array::snapshots(&bed.array).expect("snapshots");
    let owner = perilune_array::Owner::new("other", perilune_array::RecordId::new("r"));
    let new = perilune_array::NewSnapshot::new(native, perilune_array::Name::new("theirs"), owner);
    let id = foreign.create(&new).await.expect("taken by somebody else").id;
    let handle = perilune_engine::SnapshotHandle { backend: "a".into(), native: id };
    let failure = bed.engine.remove_snapshot(&handle, soon()).await.expect_err("refused");
    assert_eq!(
        (failure.code, bed.array.inventory().snapshots.len()),
        (Code::FailedPrecondition, 1),
        "{failure}"
    );
    drop(volume);
}

#[tokio::test(start_paused = true)]
async fn a_replica_without_the_lease_alters_nothing_and_keeps_the_caller() {
    let bed = bed().await;
    bed.writer.send_replace(false);
    let failure = refused(&bed, &request("v", 1)).await;
    assert!(failure.code.keeps_the_caller() && failure.message.contains("writer lease"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn an_array_that_refuses_for_good_leaves_no_record() {
    let bed = bed().await;
    bed.array.faults().plan(When::Each("volumes.create"), Fault::Before(ErrorKind::LimitReached));
    let failure = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect_err("refused");
    assert_eq!((failure.code, bed.ledger.entries().len()), (Code::ResourceExhausted, 0), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn another_array_at_the_address_is_shut_out() {
    let bed = bed().await;
    let mut other = spec("a");
    other.expected = Some(perilune_array::ArrayId::new("the-right-one"));
    let Applied::Broken(fault) = bed.fleet.apply(other).await else { panic!("accepted") };
    assert_eq!(fault.reason, FaultReason::IdentityMismatch);
    let failure = refused(&bed, &request("v", 1)).await;
    assert!(failure.message.contains("spec.arrayID"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn new_credentials_that_do_not_work_leave_the_old_session_in_use() {
    let bed = bed().await;
    let mut wrong = spec("a");
    wrong.connect.credentials.password = perilune_array::Secret::new("wrong");
    let Applied::KeptOld { fault, .. } = bed.fleet.apply(wrong).await else { panic!("not kept") };
    assert_eq!(fault.reason, FaultReason::InvalidCredentials);
    bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("the old session works");
}
