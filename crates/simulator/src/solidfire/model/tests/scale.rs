//! Ten thousand volumes: lists take time in proportion, single calls take none. Ratios within one run, no absolute times.

use std::time::Duration;

use nix::time::ClockId;
use serde_json::{Value, json};

use super::pairing::Pair;
use super::{Bench, GIB};

fn filled(volumes: u64) -> Bench {
    let mut bench = Bench::with(|config| {
        for limit in ["volumeCountMax", "volumesPerAccountCountMax"] {
            config.limits.insert(limit.to_owned(), 20_000);
        }
    });
    for number in 0..volumes {
        bench.create(&format!("v-{number}"), GIB);
    }
    bench
}

/// The processor time of the fastest of some runs: what else the machine does is not to count.
fn fastest(bench: &mut Bench, method: &str, params: &Value) -> Duration {
    let run = |bench: &mut Bench| {
        let began = worked();
        bench.call(method, params.clone());
        worked() - began
    };
    (0..5).map(|_| run(bench)).min().unwrap_or_default()
}

/// The processor time that this thread has had.
fn worked() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("this thread's own clock").into()
}

#[test]
fn lists_are_linear_and_single_calls_do_not_grow_with_the_number_of_volumes() {
    let (mut small, mut large) = (filled(1_000), filled(10_000));
    let mut ratio = |method: &str, params: Value| {
        let (one, ten) = (fastest(&mut small, method, &params), fastest(&mut large, method, &params));
        println!("{method}: {one:?} with 1000 volumes, {ten:?} with 10000");
        ten.as_secs_f64() / one.as_secs_f64().max(20e-6)
    };
    assert!(ratio("ListActiveVolumes", json!({})) < 25.0, "lists are worse than linear");
    let single = [
        ("CreateSnapshot", json!({"volumeID": 500})),
        ("ModifyVolume", json!({"volumeID": 500, "totalSize": 2 * GIB})),
        ("CreateVolume", json!({"name": "one-more", "accountID": 1, "totalSize": GIB})),
        ("ListVolumes", json!({"startVolumeID": 500, "limit": 1})),
        ("ListSnapshots", json!({"volumeID": 500})),
    ];
    for (method, params) in single {
        assert!(ratio(method, params) < 5.0, "{method} grows with the number of volumes");
    }
}

/// Paired clusters with so many pairs, all in step.
fn paired(volumes: u64) -> Pair {
    let mut pair = Pair::paired(Duration::ZERO);
    for _ in 0..volumes {
        pair.volumes("Async");
    }
    pair.later(Duration::from_secs(1000));
    pair
}

#[test]
fn single_calls_do_not_grow_with_the_number_of_pairs() {
    let (mut small, mut large) = (paired(100), paired(1000));
    let single = [
        ("ModifyVolume", json!({"volumeID": 50, "attributes": {"a": 1}})),
        ("ListVolumes", json!({"startVolumeID": 50, "limit": 1})),
        ("GetVolumeStats", json!({"volumeID": 50})),
        ("ModifyVolumePair", json!({"volumeID": 50, "pausedManual": false})),
    ];
    for (method, params) in single {
        let one = fastest(&mut small.a, method, &params);
        let ten = fastest(&mut large.a, method, &params);
        println!("{method}: {one:?} with 100 pairs, {ten:?} with 1000");
        let ratio = ten.as_secs_f64() / one.as_secs_f64().max(20e-6);
        assert!(ratio < 5.0, "{method} grows with the number of pairs");
    }
}
