//! Many volumes: twenty at once, and a hundred on one node.

use std::{sync::Arc, time::Instant};

use perilune_host::{Host, LinuxHost};
use tokio::task::JoinSet;

use crate::{
    array::{Target, Volume},
    guest::{Subject, assert_nothing_left, open_host, sh, step, verdict},
};

const SHARED: &str = "iqn.2026-01.test:array";
const AT_ONCE: usize = 20;

const MANY: u32 = 100;
const MIB: u64 = 4;

pub(crate) fn all() {
    let shared = Target::make(SHARED, None);
    let subjects: Vec<Subject> = (0..MANY)
        .map(|index| {
            let volume = Volume::in_memory(100 + index, MIB);
            shared.map(1 + index, volume);
            let name: &'static str = Box::leak(format!("pvc-{index}").into_boxed_str());
            Subject::new(name, volume, &shared, u64::from(index) + 1, MIB).block().within(200)
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Arc::new(open_host());
        step("twenty volumes at once", at_once(&host, &subjects[..AT_ONCE])).await;
        step(&format!("{MANY} volumes on one node"), all_there(&host, &subjects)).await;
    });
    verdict();
}

fn resident() -> String {
    sh("grep VmRSS /proc/$PPID/status | tr -s ' \\t' ' '")
}

async fn stage_all(host: &Arc<LinuxHost>, subjects: &[Subject]) {
    let mut calls = JoinSet::new();
    for subject in subjects {
        let (host, subject) = (Arc::clone(host), subject.clone());
        calls.spawn(async move { subject.stage(&host).await.map(|_| ()).map_err(|e| (subject.name, e)) });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
}

async fn unstage_all(host: &Arc<LinuxHost>, subjects: &[Subject]) {
    let mut calls = JoinSet::new();
    for subject in subjects {
        let (host, subject) = (Arc::clone(host), subject.clone());
        calls.spawn(async move { subject.unstage(&host).await.map_err(|e| (subject.name, e)) });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
}

async fn at_once(host: &Arc<LinuxHost>, subjects: &[Subject]) {
    let started = Instant::now();
    stage_all(host, &subjects[..1]).await;
    let one = started.elapsed();
    let (started, processes) = (Instant::now(), host.processes_started());
    stage_all(host, &subjects[1..]).await;
    let (all, processes) = (started.elapsed(), host.processes_started() - processes);
    println!("   one cold: {one:.1?}; {} more at once: {all:.1?}, {processes} processes", subjects.len() - 1);
    assert_eq!(processes, 0, "the session is there");
    let started = Instant::now();
    unstage_all(host, subjects).await;
    println!("   {} unstaged at once: {:.1?}", subjects.len(), started.elapsed());
    assert_nothing_left();
}

async fn all_there(host: &Arc<LinuxHost>, subjects: &[Subject]) {
    let (before, started) = (resident(), Instant::now());
    for some in subjects.chunks(AT_ONCE) {
        stage_all(host, some).await;
    }
    let staged = started.elapsed();
    let started = Instant::now();
    let found = host.staged().await.unwrap();
    let (paths, counting) = (found.iter().map(|volume| volume.found).sum::<usize>(), started.elapsed());
    assert_eq!((found.len(), paths), (subjects.len(), subjects.len()));
    println!(
        "   {} staged in {staged:.1?}; {before} before, {} after; counting their paths takes {counting:.1?}",
        subjects.len(),
        resident()
    );
    let started = Instant::now();
    for some in subjects.chunks(AT_ONCE) {
        unstage_all(host, some).await;
    }
    println!("   {} unstaged in {:.1?}", subjects.len(), started.elapsed());
    assert_nothing_left();
}
