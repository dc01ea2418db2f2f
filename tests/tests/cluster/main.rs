//! Perilune on a real cluster: kubelet, containerd, sidecars, iscsid and multipathd are real, the array is simulated.
//!
//! All tests share one bed, because a bed costs half a minute. Each leaves it as it found it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and saw"
)]
#![expect(clippy::disallowed_methods, reason = "a storm of calls shows only with time")]

mod backend;
mod claims;
mod commands;
mod crash;
mod kinds;
mod room;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use perilune_tests::{Bed, Family, Narrator, leftovers, story, wait_for};

/// The shared bed, with Perilune installed and the backend ready.
fn bed() -> MutexGuard<'static, Bed> {
    static BED: OnceLock<Mutex<Bed>> = OnceLock::new();
    let made = BED.get_or_init(|| {
        let narrator = Narrator::default();
        let bed = Bed::start("cluster", Family::SolidFire, &narrator).expect("a lab");
        if let Err(error) = story::install(&bed, &narrator) {
            keep_logs(&bed);
            panic!("{error:#}");
        }
        Mutex::new(bed)
    });
    made.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep_logs(bed: &Bed) {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cluster-logs");
    let _ = bed.lab.collect_logs(&logs);
    bed.collect_pod_logs(&logs);
    println!("the logs are in {}", logs.display());
}

/// Runs a test on the bed; keeps the logs if it fails.
fn on_bed(test: impl FnOnce(&Bed) -> anyhow::Result<()>) {
    let bed = bed();
    if let Err(error) = test(&bed) {
        keep_logs(&bed);
        panic!("{error:#}");
    }
}

/// Nothing is left anywhere.
fn clean(bed: &Bed) -> anyhow::Result<()> {
    clean_within(bed, Duration::from_secs(120))
}

fn clean_within(bed: &Bed, time: Duration) -> anyhow::Result<()> {
    wait_for("nothing to be left", time, || leftovers::look(bed)).map(drop)
}

#[test]
fn a_volumes_life_ends_with_nothing_left() {
    on_bed(|bed| story::run(bed, &Narrator::default()));
}

#[test]
fn the_charts_pass_the_strict_lint_and_render_the_same_twice() {
    on_bed(Bed::lint_charts);
}
