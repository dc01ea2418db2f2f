//! Pages, single looks, capacity and health, as the CSI services ask for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::bed::{Bed, account_array, request, soon, spec};
use perilune_array::fake::{FakeBuilder, Fault, When};
use perilune_array::{ErrorKind, Size, VolumeState};
use perilune_engine::{
    AdministrativeState, BackendChoice, BackendSpec, Capacity, CapacityRequest, Code, HealthKind, PoolSpec,
    PublishRequest, Segments, SnapshotFilter, SnapshotRequest, TopologyRequirement, VolumeHandle,
    VolumeQuestion, VolumeRequest, qos,
};

async fn bed() -> Bed {
    Bed::new(account_array().build()).await
}

async fn volume(bed: &Bed, name: &str) -> VolumeHandle {
    bed.engine.ensure_volume(&request(name, 1), soon()).await.expect("made").handle
}

fn take(volume: &VolumeHandle, name: &str) -> SnapshotRequest {
    SnapshotRequest {
        csi_name: name.into(),
        source: volume.clone(),
        topology: TopologyRequirement::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn pages_tell_every_volume_once_with_its_nodes_and_ask_no_array() {
    let bed = bed().await;
    let mut all = BTreeSet::new();
    for n in 0..7 {
        all.insert(volume(&bed, &format!("v{n}")).await.to_string());
    }
    let first = bed.engine.volumes_page(None, 1).expect("a page").items[0].view.handle.clone();
    let publish = PublishRequest { volume: first.clone(), node: "n".into(), read_only: false, shared: false };
    bed.engine.publish(&publish, soon()).await.expect("published");
    bed.array.faults().clear();
    let (mut told, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = bed.engine.volumes_page(token.as_deref(), 3).expect("a page");
        pages += 1;
        told.extend(page.items);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((pages, told.len()), (3, 7));
    assert_eq!(told.iter().map(|s| s.view.handle.to_string()).collect::<BTreeSet<_>>(), all);
    assert_eq!(told[0].view.nodes, ["n"]);
    assert!(told.iter().all(|status| !status.health.abnormal));
    assert_eq!(bed.array.faults().calls(), []);
    for odd in ["", "7", "v1:", "v2:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa"] {
        assert_eq!(bed.engine.volumes_page(Some(odd), 0).expect_err(odd).code, Code::Aborted);
        assert_eq!(
            bed.engine.snapshots_page(&SnapshotFilter::All, Some(odd), 0).expect_err(odd).code,
            Code::Aborted
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_only_intended_is_not_listed_and_what_leaves_still_is() {
    let bed = bed().await;
    bed.array.faults().plan(When::Each("volumes.create"), Fault::Before(ErrorKind::NoAnswer));
    bed.engine.ensure_volume(&request("v", 1), soon()).await.expect_err("in doubt");
    assert_eq!(
        (bed.ledger.entries().len(), bed.engine.volumes_page(None, 0).expect("a page").items.len()),
        (1, 0)
    );
    bed.array.faults().clear();
    let v = volume(&bed, "v").await;
    bed.array.faults().plan(When::Each("volumes.delete"), Fault::Before(ErrorKind::Busy));
    bed.engine.remove_volume(&v, soon()).await.expect_err("busy");
    let page = bed.engine.volumes_page(None, 0).expect("a page");
    assert!(page.items.len() == 1 && page.items[0].health.abnormal, "{page:?}");
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_found_by_id_and_by_source_and_page_by_page() {
    let bed = bed().await;
    let (v, w) = (volume(&bed, "v").await, volume(&bed, "w").await);
    let mut handles = Vec::new();
    for (volume, name) in [(&v, "s1"), (&v, "s2"), (&w, "s3"), (&v, "s4")] {
        handles.push(bed.engine.ensure_snapshot(&take(volume, name), soon()).await.expect("taken").handle);
    }
    let count =
        |filter: SnapshotFilter| bed.engine.snapshots_page(&filter, None, 0).expect("a page").items.len();
    assert_eq!(count(SnapshotFilter::All), 4);
    assert_eq!(count(SnapshotFilter::Of(v.clone())), 3);
    assert_eq!(count(SnapshotFilter::Id(handles[2].clone())), 1);
    let (mut told, mut token) = (BTreeSet::new(), None);
    loop {
        let page = bed.engine.snapshots_page(&SnapshotFilter::All, token.as_deref(), 1).expect("a page");
        assert_eq!(page.items.len(), 1);
        assert!(told.insert(page.items[0].handle.to_string()), "told twice");
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(told.len(), 4);
    let one = bed.engine.snapshot(&handles[2], soon()).await.expect("found");
    assert_eq!((one.source, one.ready), (w.clone(), true));
    bed.engine.remove_snapshot(&handles[2], soon()).await.expect("gone");
    assert_eq!(bed.engine.snapshot(&handles[2], soon()).await.expect_err("gone").code, Code::NotFound);
    let failure = bed.engine.ensure_snapshot(&take(&w, "s1"), soon()).await.expect_err("another volume's");
    assert_eq!(failure.code, Code::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn one_look_tells_what_became_of_a_volume_on_the_array() {
    let bed = bed().await;
    let v = volume(&bed, "v").await;
    let native = bed.ledger.entries()[0].native.clone().expect("native");
    let kind = async || bed.engine.volume_status(&v, soon()).await.expect("a status").health.kind;
    assert_eq!(kind().await, HealthKind::Good);
    bed.array.set_state(&native, VolumeState::Faulted);
    assert_eq!(kind().await, HealthKind::Inaccessible);
    // all who ask get the same answer
    assert_eq!(bed.engine.health(&v, soon()).await.expect("health").kind, HealthKind::Inaccessible);
    assert!(bed.engine.volumes_page(None, 0).expect("a page").items[0].health.abnormal);
    bed.array.set_state(&native, VolumeState::Ready);
    assert_eq!(kind().await, HealthKind::Good);
    bed.array.lose(&native);
    assert_eq!(kind().await, HealthKind::DataLoss);
    bed.array.faults().plan(When::Always, Fault::HangBefore);
    assert_eq!(kind().await, HealthKind::DataLoss, "what was seen stands while nothing newer is");
}

#[tokio::test(start_paused = true)]
async fn capacity_counts_what_can_be_had_there() {
    let array = FakeBuilder::new()
        .pools(&[("p1", Size::gib(100), Size::gib(100)), ("p2", Size::gib(50), Size::gib(200))])
        .build();
    let zone = |name: &str| Segments::from([("zone".to_owned(), name.to_owned())]);
    let pools = vec![
        PoolSpec { topology: vec![zone("a")], reserved_percent: 10, ..PoolSpec::named("p1") },
        PoolSpec {
            topology: vec![zone("b")],
            max_oversubscription: Some(2.0),
            max_volume_size: Some(Size::gib(20)),
            ..PoolSpec::named("p2")
        },
    ];
    let described = BackendSpec { pools, ..spec("a") };
    let bed = Bed::with(array, described.clone()).await;
    let ask = |request: CapacityRequest| bed.engine.capacity(&request).expect("capacity");
    let told = |available, largest| Capacity {
        available: Size::gib(available),
        largest: Some(Size::gib(largest)),
        smallest: Some(Size::gib(1)),
    };
    assert_eq!(ask(CapacityRequest::default()), told(190, 90));
    assert_eq!(ask(CapacityRequest { pool: Some("p2".into()), ..CapacityRequest::default() }), told(100, 20));
    assert_eq!(
        ask(CapacityRequest { topology: Some(zone("a")), ..CapacityRequest::default() }),
        told(90, 90)
    );
    assert_eq!(
        ask(CapacityRequest { topology: Some(zone("c")), ..CapacityRequest::default() }),
        Capacity::default()
    );
    let nowhere = CapacityRequest { backend: BackendChoice::Named("b".into()), ..CapacityRequest::default() };
    assert_eq!(ask(nowhere), Capacity::default());
    let frozen = AdministrativeState::Frozen { reason: "r".into() };
    bed.fleet.apply(BackendSpec { state: frozen, ..described }).await;
    assert_eq!(ask(CapacityRequest::default()), Capacity::default());
}

#[tokio::test(start_paused = true)]
async fn a_volume_is_held_against_the_parameters_it_was_made_with() {
    let bed = bed().await;
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let wanted = VolumeRequest {
        parameters: map(&[("perilune.dev/pool", "pool-1")]),
        mutable: map(&[(qos::MAX_IOPS, "500")]),
        ..request("v", 1)
    };
    let volume = bed.engine.ensure_volume(&wanted, soon()).await.expect("made").handle;
    let ask = async |parameters: &[(&str, &str)], mutable: &[(&str, &str)]| {
        let question =
            VolumeQuestion { volume: volume.clone(), parameters: map(parameters), mutable: map(mutable) };
        bed.engine.check_volume(&question, soon()).await.expect("an answer").1
    };
    assert_eq!(ask(&[], &[]).await, None);
    assert_eq!(ask(&[("perilune.dev/pool", "pool-1")], &[(qos::MAX_IOPS, "500")]).await, None);
    assert!(ask(&[("perilune.dev/pool", "pool-2")], &[]).await.is_some_and(|why| why.contains("pool-1")));
    assert!(ask(&[], &[(qos::MAX_IOPS, "600")]).await.is_some_and(|why| why.contains("500")));
    assert!(
        ask(&[], &[("perilune.dev/color", "red")]).await.is_some_and(|why| why.contains("cannot be set"))
    );
}

#[tokio::test(start_paused = true)]
async fn modifying_alters_what_is_listed_or_nothing() {
    let bed = bed().await;
    let v = volume(&bed, "v").await;
    let modify = async |pairs: &[(&str, &str)]| {
        let wanted = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        bed.engine.modify(&v, &wanted, soon()).await
    };
    modify(&[(qos::MIN_IOPS, "200"), (qos::MAX_IOPS, "1000")]).await.expect("modified");
    modify(&[(qos::MAX_IOPS, "2000")]).await.expect("modified");
    bed.array.faults().clear();
    modify(&[(qos::MAX_IOPS, "2000")]).await.expect("nothing to do");
    for odd in [
        &[(qos::MAX_IOPS, "100")][..],
        &[(qos::MAX_IOPS, "3000"), ("color", "red")],
        &[(qos::TIER, "lead")],
        &[(qos::MAX_IOPS, "300000")],
    ] {
        assert_eq!(modify(odd).await.expect_err("refused").code, Code::InvalidArgument, "{odd:?}");
    }
    assert!(
        !bed.array.faults().calls().iter().any(perilune_array::fake::Call::alters),
        "a refusal altered something"
    );
    let kept = &bed.ledger.entries()[0].mutable;
    assert_eq!((kept[qos::MIN_IOPS].as_str(), kept[qos::MAX_IOPS].as_str()), ("200", "2000"));
    let frozen = AdministrativeState::Frozen { reason: "r".into() };
    bed.fleet.apply(BackendSpec { state: frozen, ..spec("a") }).await;
    assert_eq!(modify(&[(qos::MAX_IOPS, "900")]).await.expect_err("frozen").code, Code::Unavailable);
}
