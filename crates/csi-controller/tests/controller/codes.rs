//! What comes out when the array, the administrator or the lease says no.

use perilune_array::ErrorKind;
use perilune_array::fake::{Fault, When};
use std::time::{Duration, SystemTime};

use perilune_engine::{AdministrativeState, Ledger};
use tonic::{Code, Status};

use crate::ask;
use crate::rig::Rig;

#[tokio::test]
async fn a_kind_becomes_its_code_and_a_create_that_did_nothing_leaves_no_record() {
    let mut rig = Rig::new().await;
    for (kind, code) in [
        (ErrorKind::Invalid, Code::InvalidArgument),
        (ErrorKind::Unsupported, Code::InvalidArgument),
        (ErrorKind::OutOfRange, Code::OutOfRange),
        (ErrorKind::Exists, Code::AlreadyExists),
        (ErrorKind::NotFound, Code::NotFound),
        (ErrorKind::InUse, Code::FailedPrecondition),
        (ErrorKind::WrongState, Code::FailedPrecondition),
        (ErrorKind::NoCapacity, Code::ResourceExhausted),
        (ErrorKind::LimitReached, Code::ResourceExhausted),
        (ErrorKind::Unauthenticated, Code::FailedPrecondition),
        (ErrorKind::Forbidden, Code::FailedPrecondition),
        (ErrorKind::Untrusted, Code::ResourceExhausted),
        (ErrorKind::Unreachable, Code::ResourceExhausted),
        (ErrorKind::Bug, Code::Internal),
    ] {
        let status = create_meets(&mut rig, kind).await;
        assert_eq!(status.code(), code, "{kind:?}: {status}");
        assert!(status.message().contains("pvc-1"), "{status}");
        assert!(rig.ledger.entries().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_create_that_may_have_done_something_keeps_caller_and_record() {
    let mut rig = Rig::new().await;
    for (kind, code) in [
        (ErrorKind::NoAnswer, Code::Unavailable),
        (ErrorKind::Garbled, Code::Unavailable),
        (ErrorKind::TimedOut, Code::DeadlineExceeded),
        // settled by itself, but an earlier attempt is in doubt
        (ErrorKind::NoCapacity, Code::Unavailable),
    ] {
        let status = create_meets(&mut rig, kind).await;
        assert_eq!(status.code(), code, "{kind:?}: {status}");
        assert_eq!(rig.ledger.entries().len(), 1, "{kind:?}");
    }
}

async fn create_meets(rig: &mut Rig, kind: ErrorKind) -> Status {
    rig.array.faults().plan(When::Each("volumes.create"), Fault::Before(kind));
    let status = rig.client.create_volume(ask::hasty(ask::create("pvc-1", 1))).await.unwrap_err();
    rig.array.faults().heal();
    status
}

#[tokio::test]
async fn a_full_or_unreachable_array_is_told_by_each_call() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let snapshot = rig.taken("snap-1", &id).await.snapshot_id;
    // so that the account for all hosts is there: a publish that had to make it first would be unsettled
    rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap();
    rig.client.controller_unpublish_volume(ask::unpublish(&id, "node-1")).await.unwrap();
    let plan = |verb, kind| rig.array.faults().plan(When::Each(verb), Fault::Before(kind));
    plan("volumes.resize", ErrorKind::NoCapacity);
    plan("snapshots.create", ErrorKind::LimitReached);
    plan("snapshots.delete", ErrorKind::Unreachable);
    plan("access.map", ErrorKind::WrongState);
    let mut client = rig.client.clone();
    for (status, code) in [
        (
            client.controller_expand_volume(ask::hasty(ask::expand(&id, 2))).await.unwrap_err(),
            Code::ResourceExhausted,
        ),
        (
            client.create_snapshot(ask::hasty(ask::snapshot("snap-2", &id))).await.unwrap_err(),
            Code::ResourceExhausted,
        ),
        (
            client.delete_snapshot(ask::hasty(ask::unsnapshot(&snapshot))).await.unwrap_err(),
            Code::Unavailable,
        ),
        (
            client.controller_publish_volume(ask::hasty(ask::publish(&id, "node-1"))).await.unwrap_err(),
            Code::FailedPrecondition,
        ),
    ] {
        assert_eq!(status.code(), code, "{status}");
    }
    rig.array.faults().heal();
    rig.client.controller_unpublish_volume(ask::unpublish(&id, "")).await.unwrap();
    rig.client.delete_snapshot(ask::unsnapshot(&snapshot)).await.unwrap();
    rig.array.faults().plan(When::Each("volumes.delete"), Fault::Before(ErrorKind::Forbidden));
    let status = rig.client.delete_volume(ask::delete(&id)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
}

#[tokio::test]
async fn a_frozen_backend_still_lets_nodes_attach_and_detach() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let snapshot = rig.taken("snap-1", &id).await.snapshot_id;
    rig.array.faults().clear();
    rig.administer(AdministrativeState::Frozen { reason: "firmware update".into() }).await;
    for (status, code) in [
        (rig.client.create_volume(ask::create("pvc-2", 1)).await.unwrap_err(), Code::ResourceExhausted),
        (rig.client.controller_expand_volume(ask::expand(&id, 2)).await.unwrap_err(), Code::Unavailable),
        (
            rig.client.create_snapshot(ask::snapshot("snap-2", &id)).await.unwrap_err(),
            Code::FailedPrecondition,
        ),
        (rig.client.delete_snapshot(ask::unsnapshot(&snapshot)).await.unwrap_err(), Code::FailedPrecondition),
    ] {
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains("firmware update"), "{status}");
    }
    assert_eq!(rig.altered(), Vec::<&str>::new());
    rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap();
    rig.client.controller_unpublish_volume(ask::unpublish(&id, "node-1")).await.unwrap();
}

#[tokio::test]
async fn without_the_lease_nothing_is_altered_and_callers_come_back() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let snapshot = rig.taken("snap-1", &id).await.snapshot_id;
    rig.array.faults().clear();
    let written = rig.ledger.writes();
    rig.lose_lease();
    for status in [
        rig.client.create_volume(ask::create("pvc-2", 1)).await.unwrap_err(),
        rig.client.delete_volume(ask::delete(&id)).await.unwrap_err(),
        rig.client.controller_publish_volume(ask::publish(&id, "node-1")).await.unwrap_err(),
        rig.client.controller_unpublish_volume(ask::unpublish(&id, "node-1")).await.unwrap_err(),
        rig.client.controller_expand_volume(ask::expand(&id, 2)).await.unwrap_err(),
        rig.client.create_snapshot(ask::snapshot("snap-2", &id)).await.unwrap_err(),
        rig.client.delete_snapshot(ask::unsnapshot(&snapshot)).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(status.message().contains("lease"), "{status}");
    }
    assert_eq!((rig.ledger.writes(), rig.altered()), (written, Vec::new()));
}

#[tokio::test]
async fn an_old_attempt_is_not_forgotten_before_the_array_was_asked() {
    let mut rig = Rig::new().await;
    rig.array.faults().plan(When::Nth("volumes.create", 1), Fault::HangAfter);
    rig.client.create_volume(ask::hasty(ask::create("pvc-1", 1))).await.unwrap_err();
    let mut entry = rig.ledger.entries().remove(0);
    entry.attempted = Some(SystemTime::now() - Duration::from_secs(600));
    rig.ledger.update(&entry).await.unwrap();
    rig.array.faults().plan(When::Each("volumes.find"), Fault::Before(ErrorKind::Unreachable));
    let status = rig.client.create_volume(ask::hasty(ask::create("pvc-1", 1))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    rig.array.faults().heal();
    rig.made(ask::create("pvc-1", 1)).await;
    rig.on_array("pvc-1");
}
