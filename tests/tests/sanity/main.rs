//! csi-sanity, the conformance suite of the CSI project, on the real controller and node binaries: a real API server
//! keeps the ledger, the array is simulated and its volumes are the kernel's, and the node attaches, formats and mounts
//! on a kernel of its own. Nothing is left out: what csi-sanity itself skips is listed with its reason.
//!
//! The results are told as `cargo test` tells its own, so that they are counted one by one.
#![expect(clippy::print_stdout, reason = "it reports to a person and to what counts")]

mod rig;

use std::process::ExitCode;

use perilune_tests::Family;
use perilune_tests::ginkgo::{Outcome, Spec};

use rig::Rig;

fn main() -> ExitCode {
    let specs = match run() {
        Ok(specs) => specs,
        Err(error) => {
            println!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let count = |of: fn(&Outcome) -> bool| specs.iter().filter(|spec| of(&spec.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    specs.iter().for_each(tell);
    println!(
        "test result: {}. {} passed; {failed} failed; {} ignored; 0 measured; 0 filtered out",
        if failed == 0 { "ok" } else { "FAILED" },
        count(|outcome| *outcome == Outcome::Passed),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each array that there is a driver for.
fn run() -> anyhow::Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for array in Family::ALL {
        let rig = Rig::start(array)?;
        let done = of(&rig);
        if !done.as_ref().is_ok_and(|specs| specs.iter().all(|s| !matches!(s.outcome, Outcome::Failed(_)))) {
            rig.keep_logs();
        }
        let named = |spec: Spec| Spec { name: format!("{}, {}", array.word(), spec.name), ..spec };
        specs.extend(done?.into_iter().map(named));
    }
    Ok(specs)
}

/// Every access type that Kubernetes has, and that nothing of either run is left.
fn of(rig: &Rig) -> anyhow::Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for access_type in ["mount", "block"] {
        let named = |spec: Spec| Spec { name: format!("{access_type}: {}", spec.name), ..spec };
        specs.extend(rig.sanity(access_type)?.into_iter().map(named));
    }
    let outcome = match rig.left() {
        Ok(left) if left.is_empty() => Outcome::Passed,
        Ok(left) => Outcome::Failed(left.join("; ")),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    specs.push(Spec { name: "nothing is left on array, node and ledger".to_owned(), outcome });
    Ok(specs)
}

fn tell(spec: &Spec) {
    match &spec.outcome {
        Outcome::Passed => println!("test {} ... ok", spec.name),
        Outcome::Skipped(reason) => println!("test {} ... ignored, {reason}", spec.name),
        Outcome::Failed(why) => println!("test {} ... FAILED\n    {why}", spec.name),
    }
}
