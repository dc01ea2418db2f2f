//! `cargo xtask test`: the suites, with an exact account of what ran. CI runs all of them by this command.
//!
//! Suites that compute and suites that mostly wait for guests run side by side, each kind in its order.

use std::{
    process::{Command, ExitCode},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use crate::{
    codegen, kernel,
    libtest::{self, Count, Failures},
    process, setup, tidy, tools,
    workspace::{self, Program, Workspace, cargo},
};

/// One suite.
struct Suite {
    name: &'static str,
    about: &'static str,
    work: Work,
}

/// What a suite does.
enum Work {
    /// One thing that holds or does not.
    Check(fn() -> Result<()>),
    /// Test programs, whose tests are counted one by one.
    Tests(fn() -> Result<Vec<Command>>),
    /// Test programs that start guests: they wait more than they compute.
    Guests(fn() -> Result<Vec<Command>>),
}

/// In the order in which they begin, each kind in its own: what takes longest begins first, and the lints, which take the
/// compiler to themselves, come when nothing else waits for it.
const SUITES: &[Suite] = &[
    Suite { name: "fmt", about: "rustfmt finds nothing to change", work: Work::Check(fmt) },
    Suite { name: "tidy", about: "cargo xtask tidy", work: Work::Check(tidy) },
    Suite { name: "unit", about: "all packages' own tests", work: Work::Tests(unit) },
    Suite {
        name: "conformance",
        about: "the port's contract on every array",
        work: Work::Tests(conformance),
    },
    Suite {
        name: "convergence",
        about: "every fault of every use case, alone and in pairs; PERILUNE_FULL=1 for all pairs",
        work: Work::Tests(convergence),
    },
    Suite { name: "clients", about: "third-party clients on the simulator", work: Work::Tests(clients) },
    Suite { name: "deny", about: "licences, sources and walls of dependencies", work: Work::Check(deny) },
    Suite { name: "codegen", about: "what is generated is as its sources say", work: Work::Check(codegen) },
    Suite { name: "lint", about: "clippy finds nothing in any target", work: Work::Check(lint) },
    Suite { name: "cluster", about: "the product on a real Kubernetes", work: Work::Guests(cluster) },
    Suite { name: "node", about: "the data path on a real kernel, both ends", work: Work::Guests(node) },
    Suite {
        name: "sanity",
        about: "csi-sanity on the real binaries and a real data path, nothing left out, on each array",
        work: Work::Guests(sanity),
    },
    Suite { name: "fc", about: "the data path over Fibre Channel on a real kernel", work: Work::Guests(fc) },
    Suite {
        name: "lab",
        about: "the test bed itself: guests, and that nothing of it is left",
        work: Work::Guests(lab),
    },
];

/// The end-to-end package, which needs a lab.
const END_TO_END: &str = "perilune-tests";

/// What the names of tests over Fibre Channel begin with.
const FIBRE_CHANNEL: &str = "fibre_channel";

/// The test programs that are a suite of their own: suite, package, test.
const APART: &[(&str, &str, &str)] = &[
    ("convergence", "perilune-engine", "convergence"),
    ("conformance", "perilune-conformance", "fake"),
    ("conformance", "perilune-driver-solidfire", "conformance"),
    ("conformance", "perilune-driver-xiv", "conformance"),
    ("clients", "perilune-simulator", "clients"),
    ("clients", "perilune-simulator", "clients_xiv"),
    ("node", "perilune-host", "kernel"),
    ("fc", "perilune-host", "kernel"),
    ("node", "perilune-simulator", "lio"),
    ("lab", "perilune-lab", "life"),
    ("sanity", END_TO_END, "sanity"),
    ("cluster", END_TO_END, "cluster"),
];

pub(crate) fn help() -> String {
    let mut text = String::from(
        "Run all test suites, or those named. Those that start guests run beside the others. The last line is the sum of all;\n\
         the exit status is 0 only if nothing failed.\n\nUsage: cargo xtask test [SUITE]…\n\nSuites:\n",
    );
    for suite in SUITES {
        text += &format!("  {:<13}{}\n", suite.name, suite.about);
    }
    text
}

/// What became of one suite.
struct Outcome {
    name: &'static str,
    count: Count,
    seconds: f32,
    remarks: Vec<String>,
}

pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    if names == ["--list"] {
        println!("{}", help());
        return Ok(ExitCode::SUCCESS);
    }
    for name in names {
        ensure!(SUITES.iter().any(|s| s.name == name), "no suite {name:?}\n\n{}", help());
    }
    let chosen = |suite: &&Suite| names.is_empty() || names.iter().any(|name| name == suite.name);
    let (waiting, computing): (Vec<&Suite>, Vec<&Suite>) =
        SUITES.iter().filter(chosen).partition(|suite| matches!(suite.work, Work::Guests(_)));
    if computing.iter().any(|suite| matches!(suite.work, Work::Tests(_))) || !waiting.is_empty() {
        setup::packages()?;
    }
    let outcomes = side_by_side(&computing, &waiting);
    let mut sum = Count::default();
    println!("\n{:<13}{:>8}{:>8}{:>8}{:>9}", "suite", "passed", "failed", "skipped", "seconds");
    for o in &outcomes {
        sum += o.count;
        let Count { passed, failed, skipped } = o.count;
        println!("{:<13}{passed:>8}{failed:>8}{skipped:>8}{:>9.1}", o.name, o.seconds);
        for remark in &o.remarks {
            println!("    {remark}");
        }
    }
    println!("\n{sum}");
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs what computes one after the other, and beside it what waits, two at a time.
fn side_by_side(computing: &[&Suite], waiting: &[&Suite]) -> Vec<Outcome> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let done = |outcome: Outcome| outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(suite) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                    done(suite.run());
                }
            });
        }
        computing.iter().for_each(|suite| done(suite.run()));
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|outcome| SUITES.iter().position(|suite| suite.name == outcome.name));
    outcomes
}

impl Suite {
    fn run(&self) -> Outcome {
        println!("\n=== {} begins: {}", self.name, self.about);
        let began = Instant::now();
        let mut outcome = Outcome { name: self.name, count: Count::default(), seconds: 0.0, remarks: vec![] };
        let done = match self.work {
            Work::Check(check) => check().map(|()| outcome.count.passed += 1),
            Work::Tests(tests) | Work::Guests(tests) => tests().and_then(|list| outcome.run_tests(list)),
        };
        if let Err(error) = done {
            outcome.count.failed += 1;
            outcome.remarks.push(format!("failed: {error:#}"));
        }
        outcome.seconds = began.elapsed().as_secs_f32();
        println!("\n=== {} ends after {:.0} s: {}", self.name, outcome.seconds, outcome.count);
        outcome
    }
}

impl Outcome {
    fn run_tests(&mut self, commands: Vec<Command>) -> Result<()> {
        let mut heard = 0;
        for command in commands {
            let (mut count, mut failures) = (Count::default(), Failures::default());
            let name = self.name;
            let succeeded = process::overhear(command, |line| {
                failures.hear(line);
                if let Some(more) = libtest::summary(line) {
                    heard += 1;
                    count += more;
                }
                if let Some(reason) = libtest::ignored(line) {
                    self.remarks.push(format!("skipped: {reason}"));
                }
                // hundreds of tests that passed are one number
                if !(line.starts_with("test ") && line.ends_with(" ... ok")) {
                    println!("{name:<12}| {line}");
                }
            })?;
            self.count += count;
            if !succeeded {
                self.remarks.extend(failures.into_lines());
            }
            // a program that did not compile, or died without a summary
            ensure!(succeeded || count.failed > 0, "it ended without the results of all its programs");
        }
        ensure!(heard > 0 && self.count != Count::default(), "no test ran");
        Ok(())
    }
}

fn fmt() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    process::run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn tidy() -> Result<()> {
    ensure!(tidy::run()?, "cargo xtask tidy found something");
    Ok(())
}

fn codegen() -> Result<()> {
    codegen::run(true)
}

fn deny() -> Result<()> {
    let mut command = Command::new(tools::cargo_deny()?);
    command.current_dir(workspace::root());
    process::run(command.args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]))
}

/// Everything but the end-to-end package and the programs that stand apart.
fn unit() -> Result<Vec<Command>> {
    let mut programs: Vec<String> = Vec::new();
    for package in Workspace::read()?.packages.iter().filter(|p| p.name != END_TO_END) {
        for (kind, target) in &package.targets {
            let apart = APART.iter().filter(|(_, _, test)| test == target);
            let owners: Vec<&str> = apart.map(|(_, package, _)| *package).collect();
            if kind != "test" || owners.contains(&package.name.as_str()) {
                continue;
            }
            // Cargo takes the names alone
            ensure!(
                owners.is_empty(),
                "{}: {target} is the name of a suite of {}; give the test program another",
                package.name,
                owners.join(", ")
            );
            if !programs.contains(target) {
                programs.push(target.clone());
            }
        }
    }
    let base = |command: &mut Command| {
        command.args(["test", "--no-fail-fast", "--workspace"]);
    };
    let mut tests = cargo();
    base(&mut tests);
    tests.args(["--lib", "--bins"]);
    for program in programs {
        tests.args(["--test", &program]);
    }
    let mut examples = cargo();
    base(&mut examples);
    examples.arg("--doc");
    Ok(vec![tests, examples])
}

fn conformance() -> Result<Vec<Command>> {
    apart("conformance", &[])
}

fn convergence() -> Result<Vec<Command>> {
    apart("convergence", &["--nocapture"])
}

fn clients() -> Result<Vec<Command>> {
    apart("clients", &["--nocapture"])
}

fn node() -> Result<Vec<Command>> {
    let kernel = kernel::folder()?;
    let mut commands = apart("node", &["--nocapture", "--skip", FIBRE_CHANNEL])?;
    for command in &mut commands {
        command.env(kernel::VARIABLE, &kernel);
    }
    Ok(commands)
}

fn fc() -> Result<Vec<Command>> {
    let module = kernel::fcoe()?;
    let mut commands = apart("fc", &["--nocapture", FIBRE_CHANNEL])?;
    for command in &mut commands {
        command.env("GUEST_FCOE", &module);
    }
    Ok(commands)
}

fn lab() -> Result<Vec<Command>> {
    on_the_lab("lab")
}

fn sanity() -> Result<Vec<Command>> {
    let program = tools::csi_sanity()?;
    let mut commands = on_the_lab("sanity")?;
    for command in &mut commands {
        command.env("CSI_SANITY", &program);
    }
    Ok(commands)
}

fn cluster() -> Result<Vec<Command>> {
    on_the_lab("cluster")
}

/// Programs that start a lab: one at a time, because each fills the machine.
fn on_the_lab(suite: &str) -> Result<Vec<Command>> {
    // first, for they take longest
    let components = setup::run()?;
    let (kernel, mut commands) = (kernel::folder()?, apart(suite, &["--nocapture", "--test-threads", "1"])?);
    for command in &mut commands {
        command.env("KUBEBUILDER_ASSETS", &components).env("PERILUNE_ROOT", workspace::root());
        command.env(kernel::VARIABLE, &kernel);
    }
    Ok(commands)
}

/// The programs of a suite, started without Cargo, which would wait for whatever else compiles at the time.
fn apart(suite: &str, arguments: &[&str]) -> Result<Vec<Command>> {
    // those who come while another builds wait for the same
    static BUILT: Mutex<Vec<Program>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.is_empty() {
        *built = Workspace::read()?.build()?;
    }
    let mut commands = Vec::new();
    for (_, package, test) in APART.iter().filter(|(s, _, _)| *s == suite) {
        let program = built.iter().find(|program| program.package == *package && program.name == *test);
        let program = program.with_context(|| format!("package {package} has no test program {test}"))?;
        commands.push(program.command(arguments));
    }
    Ok(commands)
}
