//! One schedule, and the systematic walk over all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cluster::{Cluster, Family};
use crate::judge::judge;
use crate::kube::GiveUp;
use crate::scenario::Scenario;
use crate::script::{self, Fault, Plan, Touch, Wake};

/// Everything that decides how a run goes. Its text runs it again: `PERILUNE_SCHEDULE=Account/Create/-/3:ReplyLost/-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Schedule {
    pub(crate) family: Family,
    pub(crate) scenario: Scenario,
    pub(crate) give_up: GiveUp,
    pub(crate) plan: Plan,
    pub(crate) wake: Option<Wake>,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let give_up = self.give_up.map_or("-".to_owned(), |after| after.to_string());
        let wake = self
            .wake
            .map_or("-".to_owned(), |wake| format!("{}{}", wake.after, if wake.slowly { "s" } else { "" }));
        write!(f, "{:?}/{:?}/{give_up}/{}/{wake}", self.family, self.scenario, script::text(&self.plan))
    }
}

impl Schedule {
    pub(crate) fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.split('/').collect();
        let [family, scenario, give_up, plan, wake] = parts[..] else { panic!("five parts: {text:?}") };
        let named = |word: &str, shown: String| word == shown;
        Self {
            family: *Family::ALL.iter().find(|f| named(family, format!("{f:?}"))).expect("a family"),
            scenario: *Scenario::ALL.iter().find(|s| named(scenario, format!("{s:?}"))).expect("a scenario"),
            give_up: give_up.parse().ok(),
            plan: script::parse(plan),
            wake: wake
                .trim_end_matches('s')
                .parse()
                .ok()
                .map(|after| Wake { after, slowly: wake.ends_with('s') }),
        }
    }

    /// Stable across runs, for sampling.
    fn hash(&self, seed: u64) -> u64 {
        let fold = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.to_string().bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, fold)
    }
}

/// What came of a schedule.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) trace: Vec<Touch>,
    pub(crate) calls: usize,
    pub(crate) log: Vec<String>,
    pub(crate) wrong: Vec<String>,
}

/// Runs the schedule in a world of its own.
pub(crate) fn run(schedule: &Schedule) -> Report {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // the engine spreads its pauses
        fastrand::seed(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(play(schedule))
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked");
        Report { wrong: vec![text.to_owned()], ..Report::default() }
    })
}

async fn play(schedule: &Schedule) -> Report {
    let mut cluster = Cluster::new(schedule.family).await;
    schedule.scenario.prepare(&mut cluster).await;
    cluster.log.clear();
    cluster.script.plan(schedule.plan.clone());
    cluster.script.wake(schedule.wake);
    cluster.script.mute(false);
    schedule.scenario.play(&mut cluster, schedule.give_up).await;
    let trace = cluster.script.trace();
    cluster.settle().await;
    Report { wrong: judge(&cluster).await, trace, calls: cluster.log.len(), log: cluster.log }
}

/// How much of the walk is walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    /// One in so many pairs.
    pub(crate) one_in: u64,
    pub(crate) seed: u64,
}

/// Counts and collects over all threads.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) explored: AtomicUsize,
    violations: AtomicUsize,
    /// One story of each sort of violation, the shortest plan, and how many there were.
    told: Mutex<BTreeMap<String, (usize, usize, String)>>,
}

impl Tally {
    pub(crate) fn violations(&self) -> usize {
        self.violations.load(Ordering::Relaxed)
    }

    /// The sorts of violations, each with its shortest story.
    pub(crate) fn told(&self) -> String {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(sort, (count, _, story)): (&String, &(usize, usize, String))| {
            format!("\n{count} times: {sort}\n{story}")
        };
        told.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn explore(&self, schedule: &Schedule) -> Report {
        let report = run(schedule);
        self.explored.fetch_add(1, Ordering::Relaxed);
        if !report.wrong.is_empty() {
            self.violations.fetch_add(1, Ordering::Relaxed);
            self.tell(schedule, &report);
        }
        report
    }

    fn tell(&self, schedule: &Schedule, report: &Report) {
        let wrong = report.wrong.first().map_or("", String::as_str);
        let wrong: String = wrong.chars().filter(|c| !c.is_ascii_digit()).collect();
        let mut faults: Vec<String> = schedule
            .plan
            .values()
            .map(|f| format!("{f:?}").split('(').next().unwrap_or_default().to_owned())
            .collect();
        faults.sort_unstable();
        let sort = format!("{:?}/{:?} {}: {wrong}", schedule.family, schedule.scenario, faults.join("+"));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let length = schedule.plan.len() * 1000 + report.trace.len();
        let kept = told.entry(sort).or_insert_with(|| (0, usize::MAX, String::new()));
        kept.0 += 1;
        if length < kept.1 {
            (kept.1, kept.2) = (length, tell(schedule, report));
        }
    }
}

/// A run as a person reads it.
pub(crate) fn tell(schedule: &Schedule, report: &Report) -> String {
    let touches = report.trace.iter().enumerate().map(|(at, touch)| {
        let fault = schedule.plan.get(&(at + 1)).map_or(String::new(), |fault| format!("  <- {fault:?}"));
        format!("    {:>2} {} {}{fault}", at + 1, ["A", "B", "C", "D"][touch.replica.min(3)], touch.site)
    });
    let mut lines = vec![format!("PERILUNE_SCHEDULE='{schedule}'")];
    lines.extend(report.wrong.iter().map(|wrong| format!("  WRONG {wrong}")));
    lines.extend(report.log.iter().map(|line| format!("  {line}")));
    lines.extend(touches);
    lines.join("\n")
}

/// Every schedule of one use case: each fault at each touch, alone and in pairs, with every moment of giving up.
pub(crate) fn walk(tally: &Tally, family: Family, scenario: Scenario, sampling: Sampling) {
    let calm = Schedule { family, scenario, give_up: None, plan: Plan::new(), wake: None };
    let dry = tally.explore(&calm);
    if !dry.wrong.is_empty() {
        return;
    }
    give_up_everywhere(tally, &calm, &dry);
    for (at, touch) in dry.trace.iter().enumerate() {
        for fault in touch.kind.faults() {
            let one = Schedule { plan: Plan::from([(at + 1, *fault)]), ..calm.clone() };
            let report = tally.explore(&one);
            give_up_everywhere(tally, &one, &report);
            second(tally, &one, &report, at + 1, sampling);
        }
    }
    stand_still(tally, &calm, &dry, sampling);
}

fn give_up_everywhere(tally: &Tally, schedule: &Schedule, report: &Report) {
    if !schedule.scenario.can_give_up() {
        return;
    }
    for after in 1..=u32::try_from(report.calls).unwrap_or(0).min(3) {
        tally.explore(&Schedule { give_up: Some(after), ..schedule.clone() });
    }
}

fn second(tally: &Tally, one: &Schedule, report: &Report, first: usize, sampling: Sampling) {
    // what went wrong with one fault need not be told with two
    if !report.wrong.is_empty() {
        return;
    }
    for (at, touch) in report.trace.iter().enumerate().skip(first) {
        for fault in touch.kind.faults() {
            let mut two = one.clone();
            two.plan.insert(at + 1, *fault);
            let give_up: &[GiveUp] =
                if two.scenario.can_give_up() { &[None, Some(1), Some(2)] } else { &[None] };
            for give_up in give_up {
                let two = Schedule { give_up: *give_up, ..two.clone() };
                if two.hash(sampling.seed).is_multiple_of(sampling.one_in) {
                    tally.explore(&two);
                }
            }
        }
    }
}

/// A replica stands still after any of its touches; its successor begins anew; and at any of the successor's touches the first one
/// wakes and goes on, at once to its end or touch by touch.
fn stand_still(tally: &Tally, calm: &Schedule, dry: &Report, sampling: Sampling) {
    for at in 1..=dry.trace.len() {
        let still = Schedule { plan: Plan::from([(at, Fault::Pause)]), ..calm.clone() };
        let asleep = tally.explore(&still);
        let made = asleep.trace.len().saturating_sub(at);
        for after in 0..=made {
            for slowly in [false, true] {
                let woken = Schedule { wake: Some(Wake { after, slowly }), ..still.clone() };
                let report = tally.explore(&woken);
                give_up_everywhere(tally, &woken, &report);
                second(tally, &woken, &report, at, Sampling { one_in: sampling.one_in * 8, ..sampling });
            }
        }
    }
}
