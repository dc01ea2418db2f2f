//! The controller's own budgets: the real binary over a real API server and etcd, against simulated arrays in this process.
//! This program plays the sidecars.

mod rig;

use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::stream::{self, StreamExt as _};

use crate::row::Row;
use rig::Rig;

type Measure = fn() -> Pin<Box<dyn Future<Output = Result<Vec<Row>>>>>;

pub(crate) const MEASURES: &[(&str, Measure)] = &[
    ("controller/create", || Box::pin(create())),
    ("controller/thousand", || Box::pin(thousand())),
    ("controller/ten-thousand", || Box::pin(ten_thousand())),
    ("controller/dead-backend", || Box::pin(dead_backend())),
    ("controller/idle", || Box::pin(idle())),
];

const WARM: usize = 20;
/// Calls that sidecars have under way at once.
const AT_ONCE: usize = 32;

/// What a create costs beside one write to the API server and the one call to the array.
async fn create() -> Result<Vec<Row>> {
    const RUNS: usize = 60;
    let rig = Rig::start(&[Duration::ZERO]).await?;
    let (session, api) = (rig.session().await?, rig.writer().await?);
    let (mut creates, mut writes, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    // in turn, so that all three meet the same machine
    for run in 0..WARM + RUNS {
        let create = timed(rig.create(&format!("own-cost-{run}"), "sf1")).await?;
        let write = timed(rig::write(&api, run)).await?;
        let call = timed(rig::call(&session, run)).await?;
        if run >= WARM {
            creates.push(create);
            writes.push(write);
            calls.push(call);
        }
    }
    let (create, write, call) = (median(creates), median(writes), median(calls));
    eprintln!("  a create {create:.2?}, a write {write:.2?}, a call {call:.2?}");
    let ratio = create.as_secs_f64() / (write + call).as_secs_f64();
    Ok(vec![Row::new("controller/create", ratio, "× (write + call)", 1.5).runs(RUNS)])
}

/// Volumes made and published against an array with a usual latency that takes eight calls at once.
async fn thousand() -> Result<Vec<Row>> {
    const VOLUMES: usize = 1000;
    const LATENCY: Duration = Duration::from_millis(20);
    let rig = Rig::start(&[LATENCY]).await?;
    rig.many("warm", WARM, &["sf1"]).await?;
    rig.clear_journals()?;
    let began = Instant::now();
    stream::iter((0..VOLUMES).map(async |n| {
        let handle = rig.create(&format!("thousand-{n}"), "sf1").await?;
        rig.publish(&handle).await
    }))
    .buffer_unordered(AT_ONCE)
    .collect::<Vec<Result<()>>>()
    .await
    .into_iter()
    .collect::<Result<()>>()?;
    let took = began.elapsed();
    let calls = rig.calls("sf1")?;
    let ideal = LATENCY * u32::try_from(calls)? / u32::try_from(rig::PERMITS)?;
    eprintln!("  {VOLUMES} volumes in {took:.1?}, {calls} calls, ideal {ideal:.1?}");
    let ratio = took.as_secs_f64() / ideal.as_secs_f64();
    Ok(vec![Row::new("controller/thousand", ratio, "× ideal", 1.0 / 0.9)])
}

/// A controller that starts where ten thousand volumes are.
async fn ten_thousand() -> Result<Vec<Row>> {
    const VOLUMES: usize = 10_000;
    const PAGE: i32 = 500;
    let mut rig = Rig::start(&[Duration::ZERO]).await?;
    rig.many("many", VOLUMES, &["sf1"]).await?;
    rig.stop().await?;
    rig.clear_journals()?;
    let began = Instant::now();
    rig.run().await?;
    let ready = began.elapsed();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let calls = rig.calls("sf1")?;
    rig.clear_journals()?;
    let (mut pages, mut seen, mut token) = (Vec::new(), 0, String::new());
    loop {
        let asked = Instant::now();
        let (volumes, next) = rig.page(PAGE, &token).await?;
        pages.push(asked.elapsed());
        seen += volumes;
        if next.is_empty() {
            break;
        }
        token = next;
    }
    ensure!(seen == VOLUMES, "the pages hold {seen} of {VOLUMES} volumes");
    let (asked, count, page) = (rig.calls("sf1")?, pages.len(), median(pages));
    eprintln!("  ready after {ready:.1?}");
    Ok(vec![
        // a page of the array's listing holds many volumes
        Row::new("controller/ten-thousand/start-calls", calls as f64, "calls", 40.0),
        Row::new("controller/ten-thousand/memory", rig.memory()?, "MiB", 120.0),
        Row::new("controller/ten-thousand/page", page.as_secs_f64() * 1e3, "ms", 20.0).runs(count),
        Row::new("controller/ten-thousand/page-calls", asked as f64, "calls", 0.0),
    ])
}

/// What creates on three backends take while a fourth does not answer.
async fn dead_backend() -> Result<Vec<Row>> {
    const RUNS: usize = 600;
    let rig = Rig::start(&[Duration::from_millis(5); 4]).await?;
    let living = ["sf1", "sf2", "sf3"];
    rig.many("warm", WARM, &["sf1", "sf2", "sf3", "sf4"]).await?;
    let before = p99(rig.many("before", RUNS, &living).await?);
    rig.hang("sf4")?;
    let dead = rig.create("on-the-dead", "sf4");
    let after = rig.many("after", RUNS, &living);
    let (_, after) = tokio::join!(dead, after);
    let after = p99(after?);
    eprintln!("  p99 of {RUNS} creates: {before:.1?} before, {after:.1?} beside a dead backend");
    Ok(vec![
        Row::new("controller/dead-backend", after.as_secs_f64() / before.as_secs_f64(), "× p99 before", 1.1)
            .runs(RUNS),
    ])
}

/// What a controller with nothing to do costs.
async fn idle() -> Result<Vec<Row>> {
    const HALF_MINUTES: usize = 3;
    let rig = Rig::start(&[Duration::ZERO; 4]).await?;
    tokio::time::sleep(Duration::from_secs(15)).await;
    rig.clear_journals()?;
    tokio::time::sleep(Duration::from_secs(30 * HALF_MINUTES as u64)).await;
    let calls = (1..=4).map(|n| rig.calls(&format!("sf{n}"))).sum::<Result<usize>>()?;
    let each = calls as f64 / 4.0 / HALF_MINUTES as f64;
    Ok(vec![
        Row::new("controller/idle/memory", rig.memory()?, "MiB", 40.0),
        Row::new("controller/idle/calls", each, "calls per backend and 30 s", 1.0).runs(HALF_MINUTES),
    ])
}

async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}
