//! Convergence, by systematic exploration: whatever goes wrong at any touch of array and ledger, alone and in pairs, whoever dies,
//! stands still or gives up, in the end array, ledger and Kubernetes agree.
//!
//! `PERILUNE_FULL=1` walks all pairs, else a sample is taken by `PERILUNE_SEED`. `PERILUNE_SCHEDULE=…` runs one schedule and tells it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and what it did")]

mod cluster;
mod explore;
mod judge;
mod kube;
mod scenario;
mod script;
mod seam;
mod store;

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use cluster::Family;
use explore::{Sampling, Schedule, Tally, run, tell, walk};
use scenario::Scenario;

/// One in so many pairs is walked unless all are asked for.
const ONE_IN: u64 = 8;

fn sampling() -> Sampling {
    let full = std::env::var("PERILUNE_FULL").is_ok_and(|value| value == "1");
    let seed = std::env::var("PERILUNE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    Sampling { one_in: if full { 1 } else { ONE_IN }, seed }
}

#[test]
fn whatever_goes_wrong_array_ledger_and_kubernetes_agree_in_the_end() {
    if let Ok(text) = std::env::var("PERILUNE_SCHEDULE") {
        let schedule = Schedule::parse(&text);
        let report = run(&schedule);
        println!("{}", tell(&schedule, &report));
        assert!(report.wrong.is_empty(), "violated: {:?}", report.wrong);
        return;
    }
    let (begun, tally, sampling) = (Instant::now(), Tally::default(), sampling());
    let mut work: Vec<(Family, Scenario)> = Vec::new();
    for scenario in Scenario::ALL {
        work.extend(Family::ALL.map(|family| (family, scenario)));
    }
    let work = Mutex::new(work);
    let next = || work.lock().ok().and_then(|mut left| left.pop());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((family, scenario)) = next() {
                    let (before, bad) = (tally.explored.load(Ordering::Relaxed), tally.violations());
                    walk(&tally, family, scenario, sampling);
                    let explored = tally.explored.load(Ordering::Relaxed) - before;
                    println!(
                        "{family:?}/{scenario:?}: about {explored} schedules, {} violations",
                        tally.violations() - bad
                    );
                }
            });
        }
    });
    let explored = tally.explored.load(Ordering::Relaxed);
    println!(
        "convergence: {explored} schedules explored (one pair in {}, seed {}), {} violations, {:.1?}",
        sampling.one_in,
        sampling.seed,
        tally.violations(),
        begun.elapsed()
    );
    assert!(explored > 5_000, "the walk found too few touches: {explored}");
    assert_eq!(tally.violations(), 0, "{}", tally.told());
}
