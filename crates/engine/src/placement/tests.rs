//! Which pool is taken, and what is said where none is.

use super::choose;
use crate::fleet::{AdministrativeState, BackendView, PoolSpec, Scheduling};
use crate::rating::Rating;
use crate::request::{BackendChoice, SizeRange, VolumeRequest};
use crate::testing::{fault, pool, view};
use crate::topology::{Segments, TopologyRequirement};
use perilune_array::{ErrorKind, Size};
use std::collections::BTreeMap;
use std::sync::Arc;

fn wanted(gib: u64) -> VolumeRequest {
    let size = SizeRange { required: Size::gib(gib), limit: None };
    VolumeRequest { csi_name: "v".to_owned(), size, ..VolumeRequest::default() }
}

fn pools(mut view: BackendView, pools: &[(&str, u64, u64)]) -> BackendView {
    if let Some(report) = &mut view.report {
        report.system.pools = pools.iter().map(|(name, total, free)| pool(name, *total, *free)).collect();
    }
    view
}

fn rated(mut view: BackendView, filter: Option<&str>, goodness: Option<&str>, weight: i32) -> BackendView {
    let text = |text: Option<&str>| text.map(str::to_owned);
    view.spec.scheduling = Scheduling { filter: text(filter), goodness: text(goodness), weight };
    view.rating = Arc::new(Rating::of(&view.spec.scheduling));
    view
}

fn zone(name: &str) -> Segments {
    Segments::from([("zone".to_owned(), name.to_owned())])
}

fn in_zone(mut view: BackendView, name: &str) -> BackendView {
    view.spec.topology = vec![zone(name)];
    view
}

fn taken(views: &[BackendView], request: &VolumeRequest) -> (String, String) {
    let place = choose(views, request, None).expect("a place");
    (place.backend, place.pool.name)
}

fn refusal(views: &[BackendView], request: &VolumeRequest) -> (ErrorKind, String) {
    let error = choose(views, request, None).expect_err("refused");
    (error.kind(), error.to_string())
}

#[test]
fn the_roomiest_pool_is_taken_and_among_equals_the_first_by_name() {
    let a = pools(view("a"), &[("p", 100, 30), ("q", 100, 60)]);
    let b = pools(view("b"), &[("p", 100, 60)]);
    assert_eq!(taken(&[b.clone(), a.clone()], &wanted(1)), ("a".to_owned(), "q".to_owned()));
    assert_eq!(taken(&[pools(a, &[("p", 100, 30)]), b], &wanted(1)), ("b".to_owned(), "p".to_owned()));
}

#[test]
fn goodness_counts_before_weight_and_weight_before_room() {
    let roomy = pools(view("roomy"), &[("p", 100, 90)]);
    let heavy = rated(pools(view("heavy"), &[("p", 100, 50)]), None, None, 5);
    let good = rated(pools(view("good"), &[("p", 100, 20)]), None, Some("80"), 0);
    assert_eq!(taken(&[roomy.clone(), heavy.clone(), good], &wanted(1)).0, "good");
    assert_eq!(taken(&[roomy, heavy], &wanted(1)).0, "heavy");
}

#[test]
fn the_preferred_place_counts_before_all_and_the_requisite_one_decides() {
    let (a, b) = (in_zone(view("a"), "a"), in_zone(rated(view("b"), None, Some("100"), 9), "b"));
    let prefer = |name: &str| VolumeRequest {
        topology: TopologyRequirement { requisite: Vec::new(), preferred: vec![zone(name)] },
        ..wanted(1)
    };
    assert_eq!(taken(&[a.clone(), b.clone()], &prefer("a")).0, "a");
    assert_eq!(taken(&[a.clone(), b.clone()], &wanted(1)).0, "b");
    let must = |name: &str| VolumeRequest {
        topology: TopologyRequirement { requisite: vec![zone(name)], preferred: Vec::new() },
        ..wanted(1)
    };
    assert_eq!(taken(&[a.clone(), b.clone()], &must("a")).0, "a");
    let (kind, text) = refusal(&[a, b], &must("c"));
    assert_eq!(kind, ErrorKind::NoCapacity);
    assert!(
        text.contains("backend a, pool p: can be reached from {topology.perilune.dev/iscsi=true,zone=a}"),
        "{text}"
    );
    assert!(text.contains("wanted at {zone=c}"), "{text}");
}

#[test]
fn the_refusal_names_each_pool_and_why() {
    let full = pools(view("full"), &[("p", 100, 1)]);
    let barred = rated(view("barred"), Some("volume.sizeGiB < 5"), None, 0);
    let mut capped = view("capped");
    capped.spec.pools = vec![PoolSpec { max_volume_size: Some(Size::gib(5)), ..PoolSpec::named("p") }];
    let mut frozen = view("frozen");
    frozen.spec.state = AdministrativeState::Frozen { reason: "shelf 3".to_owned() };
    let mut draining = view("draining");
    draining.spec.state = AdministrativeState::Draining;
    let mut dead = view("dead");
    dead.fault = Some(fault());
    let (kind, text) = refusal(&[full, barred, capped, frozen, draining, dead], &wanted(10));
    assert_eq!(kind, ErrorKind::Unreachable, "the most hopeful one: it may come back");
    for says in [
        "backend full, pool p: has no room for 10 GiB (1 GiB free, 1 GiB left to promise)",
        "backend barred, pool p: spec.scheduling.filter does not let it in",
        "backend capped, pool p: 10 GiB is more than the largest volume, 5 GiB",
        "backend frozen: frozen by its administrator: shelf 3",
        "backend draining: draining, takes no new volume",
        "backend dead: does not answer",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
}

#[test]
fn a_wish_for_throughput_goes_where_it_can_be_kept() {
    let mut plain = pools(view("plain"), &[("p", 100, 90)]);
    if let Some(report) = &mut plain.report {
        report.qos = None;
    }
    let wish = |key: &str, value: &str| VolumeRequest {
        mutable: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        ..wanted(1)
    };
    let limited = view("limited");
    assert_eq!(taken(&[plain.clone(), limited.clone()], &wish(crate::qos::MAX_IOPS, "500")).0, "limited");
    let (kind, text) = refusal(&[plain.clone()], &wish(crate::qos::MAX_IOPS, "500"));
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.contains("backend plain: the array sets no limits"), "{text}");
    let (kind, text) = refusal(&[plain, limited], &wish(crate::qos::TIER, "gold"));
    assert!(kind == ErrorKind::Invalid && text.contains("has no tier gold"), "{text}");
}

#[test]
fn a_copy_stays_on_the_backend_of_its_source() {
    let views = [view("a"), pools(view("b"), &[("p", 100, 99)])];
    assert_eq!(choose(&views, &wanted(1), Some("a")).expect("a place").backend, "a");
    let elsewhere = VolumeRequest { backend: BackendChoice::Named("b".to_owned()), ..wanted(1) };
    let error = choose(&views, &elsewhere, Some("a")).expect_err("refused");
    assert!(error.to_string().contains("on a, where its source is"), "{error}");
}
