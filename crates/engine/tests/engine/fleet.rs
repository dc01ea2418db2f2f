//! Backends come, go, hang and come back as another array, and the others do not feel it.

use std::sync::Arc;
use std::time::Duration;

use crate::bed::{Bed, account_array, request, soon, spec};
use perilune_array::ErrorKind;
use perilune_array::fake::{FakeArray, FakeBuilder, FakeConnector, Fault, When};
use perilune_engine::ledger::memory::{Fault as SlowStore, MemoryLedger};
use perilune_engine::{
    Applied, BackendChoice, BackendSpec, Code, Endpoint, Engine, FaultReason, Fleet, Limits, PublishRequest,
    Scheduling, VolumeRequest, Writer,
};
use tokio::sync::watch;
use tokio::time::Instant;

/// A backend at an address of its own.
fn at(name: &str, address: &str) -> BackendSpec {
    let mut spec = spec(name);
    spec.connect.endpoints = vec![Endpoint { address: address.into(), port: None }];
    spec
}

fn array(id: &str) -> FakeArray {
    account_array().id(id).build()
}

fn on(name: &str, backend: &str) -> VolumeRequest {
    VolumeRequest { backend: BackendChoice::Named(backend.into()), ..request(name, 1) }
}

struct Two {
    dead: FakeArray,
    fleet: Arc<Fleet>,
    engine: Engine,
    _writer: watch::Sender<bool>,
}

async fn two() -> Two {
    let (dead, alive) = (array("one"), array("two"));
    let connector = FakeConnector::default()
        .with("dead", dead.clone())
        .with("alive", alive.clone())
        .with("other", array("three"));
    let fleet = Arc::new(Fleet::new(Arc::new(connector)));
    for (name, address) in [("d", "dead"), ("l", "alive")] {
        assert!(matches!(fleet.apply(at(name, address)).await, Applied::Working(_)));
    }
    let (writer, held) = watch::channel(true);
    let ledger = Arc::new(MemoryLedger::default());
    let engine = Engine::new(Arc::clone(&fleet), ledger, Writer::new(held), "cluster-1");
    Two { dead, fleet, engine, _writer: writer }
}

#[tokio::test(start_paused = true)]
async fn an_array_that_never_answers_costs_a_look_bounded_time_and_the_others_none() {
    let two = two().await;
    two.dead.faults().plan(When::Always, Fault::HangBefore);
    let (begun, look) = (Instant::now(), two.fleet.apply(at("d", "dead")));
    let meanwhile = async {
        for n in 0..50 {
            two.engine.ensure_volume(&on(&format!("v{n}"), "l"), soon()).await.expect("the other works");
        }
        begun.elapsed()
    };
    let (applied, took) = tokio::join!(look, meanwhile);
    let Applied::Broken(fault) = applied else { panic!("{applied:?}") };
    assert_eq!(fault.reason, FaultReason::Unreachable, "{fault}");
    assert!(begun.elapsed() <= Duration::from_secs(60), "the look took {:?}", begun.elapsed());
    assert_eq!(took, Duration::ZERO, "the other backend waited for the dead one");
}

#[tokio::test(start_paused = true)]
async fn calls_that_hang_at_one_backend_leave_the_turns_of_the_other_alone() {
    let two = two().await;
    two.dead.faults().plan(When::Always, Fault::HangBefore);
    let names: Vec<VolumeRequest> = (0..20).map(|n| on(&format!("hangs{n}"), "d")).collect();
    let hanging = names.iter().map(|r| two.engine.ensure_volume(r, soon()));
    let begun = Instant::now();
    let working = async {
        two.engine.ensure_volume(&on("works", "l"), soon()).await.expect("works");
        begun.elapsed()
    };
    let (failed, took) = tokio::join!(futures::future::join_all(hanging), working);
    assert_eq!(took, Duration::ZERO);
    for failure in failed {
        let failure = failure.expect_err("hung");
        assert!(failure.code.keeps_the_caller(), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_array_that_answers_at_a_known_address_is_shut_out_though_nobody_named_the_first() {
    let two = two().await;
    let applied = two.fleet.apply(at("d", "other")).await;
    let Applied::KeptOld { fault, .. } = applied else { panic!("{applied:?}") };
    assert_eq!(fault.reason, FaultReason::IdentityMismatch);
    assert!(fault.message.contains("three") && fault.message.contains("one before"), "{fault}");
    two.engine.ensure_volume(&on("v", "d"), soon()).await.expect("the session to the first still works");
    assert_eq!(two.dead.inventory().volumes.len(), 1);
    // and when the first is gone, nothing is left to reach
    two.dead.faults().plan(When::Always, Fault::Before(ErrorKind::Unreachable));
    let applied = two.fleet.apply(at("d", "other")).await;
    let shut = |fault: &perilune_engine::ConnectFault| fault.reason == FaultReason::IdentityMismatch;
    assert!(matches!(&applied, Applied::Broken(fault) if shut(fault)), "{applied:?}");
    let failure = two.engine.ensure_volume(&on("w", "d"), soon()).await.expect_err("shut out");
    assert_eq!(failure.code, Code::ResourceExhausted);
    two.dead.faults().heal();
    let back = two.fleet.apply(at("d", "dead")).await;
    assert!(matches!(back, Applied::Working(_)), "{back:?}");
    // on purpose: the administrator names it
    let meant = BackendSpec { expected: Some(perilune_array::ArrayId::new("three")), ..at("d", "other") };
    assert!(matches!(two.fleet.apply(meant).await, Applied::Working(_)));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_took_long_does_not_undo_a_later_one() {
    let two = two().await;
    two.dead.faults().plan(When::Nth("inspect", 2), Fault::HangBefore);
    let slow = two.fleet.apply(at("d", "dead"));
    let quick = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        two.fleet.apply(at("d", "dead")).await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert!(matches!((slow, quick), (Applied::Broken(_), Applied::Working(_))));
    assert!(two.fleet.view("d").is_some_and(|view| view.fault.is_none()), "the late look won");
}

#[tokio::test(start_paused = true)]
async fn a_removed_backend_stays_removed_while_a_look_at_it_ends() {
    let two = two().await;
    two.dead.faults().plan(When::Always, Fault::Late(Duration::from_secs(1)));
    let remove = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        two.fleet.remove("d");
    };
    tokio::join!(two.fleet.apply(at("d", "dead")), remove);
    assert!(two.fleet.view("d").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_is_none_stops_new_volumes_and_nothing_else() {
    let bed = Bed::new(account_array().build()).await;
    let volume = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let odd = Scheduling { filter: Some("pool.freeGiB >".into()), ..Scheduling::default() };
    let odd = BackendSpec { scheduling: odd, ..spec("a") };
    // an array that did not answer for a while does not make the expression any better
    bed.array.faults().plan(When::Each("inspect"), Fault::Before(ErrorKind::Unreachable));
    assert!(matches!(bed.fleet.apply(odd.clone()).await, Applied::Broken(_)));
    bed.array.faults().heal();
    let applied = bed.fleet.apply(odd).await;
    let Applied::KeptOld { fault, .. } = applied else { panic!("{applied:?}") };
    assert_eq!(fault.reason, FaultReason::InvalidSpec);
    assert!(fault.message.contains("spec.scheduling.filter"), "{fault}");
    assert!(bed.engine.ensure_volume(&request("w", 1), soon()).await.is_err());
    let publish =
        PublishRequest { volume: volume.clone(), node: "n".into(), read_only: false, shared: false };
    bed.engine.publish(&publish, soon()).await.expect("hosts may attach");
    bed.engine.unpublish(&volume, None, soon()).await.expect("and detach");
    bed.engine.remove_volume(&volume, soon()).await.expect("and volumes go");
    // mended, it takes volumes again
    assert!(matches!(bed.fleet.apply(spec("a")).await, Applied::Working(_)));
    bed.engine.ensure_volume(&request("w", 1), soon()).await.expect("made");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_begins_to_drain_while_a_volume_is_placed_there_gets_no_volume() {
    // the ledger takes its time: the administrator is quicker
    let bed = Bed::new(account_array().build()).await;
    bed.ledger.fail_write(0, SlowStore::Slow(Duration::from_secs(1)));
    let wanted = request("v", 1);
    let placing = bed.engine.ensure_volume(&wanted, soon());
    let draining = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        bed.fleet
            .apply(BackendSpec { state: perilune_engine::AdministrativeState::Draining, ..spec("a") })
            .await
    };
    let (placed, _) = tokio::join!(placing, draining);
    assert_eq!(placed.expect_err("refused").code, Code::ResourceExhausted);
    assert_eq!((bed.ledger.entries().len(), bed.array.inventory().volumes.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_copy_does_not_hold_a_turn_while_it_is_waited_for() {
    let array = FakeBuilder::new().polls_to_copy(20).build();
    let one = BackendSpec { limits: Limits { concurrent: 1, ..Limits::default() }, ..spec("a") };
    let bed = Bed::with(array, one).await;
    let base = bed.engine.ensure_volume(&request("base", 1), soon()).await.expect("made").handle;
    let copy =
        VolumeRequest { source: Some(perilune_engine::ContentSource::Volume(base)), ..request("copy", 1) };
    let begun = Instant::now();
    let copying = async {
        bed.engine.ensure_volume(&copy, soon()).await.expect("copied");
        begun.elapsed()
    };
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.engine.ensure_volume(&request("other", 1), soon()).await.expect("made");
        begun.elapsed()
    };
    let (copied, made) = tokio::join!(copying, other);
    assert!(copied > Duration::from_secs(10), "the copy was quick: {copied:?}");
    assert!(made < Duration::from_secs(2), "the other waited: {made:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_begun_in_a_second_than_the_administrator_allows() {
    let limits = Limits { concurrent: 16, requests_per_second: Some(5), ..Limits::default() };
    let bed = Bed::with(account_array().build(), BackendSpec { limits, ..spec("a") }).await;
    let begun = Instant::now();
    let requests: Vec<VolumeRequest> = (0..11).map(|n| request(&format!("v{n}"), 1)).collect();
    let all = requests.iter().map(|r| bed.engine.ensure_volume(r, soon()));
    for made in futures::future::join_all(all).await {
        made.expect("made");
    }
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn callers_who_failed_together_do_not_come_back_together() {
    let bed = Bed::new(account_array().build()).await;
    bed.array.faults().plan(When::Each("volumes.create"), Fault::Before(ErrorKind::Busy));
    let requests: Vec<VolumeRequest> = (0..4).map(|n| request(&format!("v{n}"), 1)).collect();
    let all = requests.iter().map(|r| async {
        let begun = Instant::now();
        let failure = bed.engine.ensure_volume(r, soon()).await.expect_err("busy all along");
        assert_eq!(failure.code, Code::Aborted);
        begun.elapsed().as_millis()
    });
    let mut took = futures::future::join_all(all).await;
    took.sort_unstable();
    took.dedup();
    assert!(took.len() > 1, "all gave up at the same moment: {took:?}");
}
