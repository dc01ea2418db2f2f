//! Paths that die under load and come back, daemons that do not answer, and what must not hang meanwhile.

use std::{
    fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use perilune_host::{ErrorKind, Harm, LinuxHost};

use crate::{
    array::{PORTALS, Target, Volume, make_pool},
    guest::{
        Subject, ailing, assert_nothing_left, cut, heal, open_host, paths, runtime, sh, stats, step, until,
        verdict,
    },
};

const SHARED: &str = "iqn.2026-01.test:array";

pub(crate) fn all() {
    make_pool();
    let shared = Target::make(SHARED, None);
    for (lun, id) in [(1, 51), (2, 52), (3, 53)] {
        shared.map(lun, Volume::make(id, 128));
    }
    runtime().block_on(async {
        let host = open_host();
        step("hazard 23: one portal down under load", one_portal(&host, &shared)).await;
        step("hazards 10, 20, 21: all paths down, then back", all_paths(&host, &shared)).await;
        step("hazard 20: all paths down for good under a writer", too_long(&host, &shared)).await;
        step("hazard 11: unmapped under a mounted volume", unmapped(&host, &shared)).await;
        step("hazard 17: grown while a path is down", grown_on_one_leg(&host, &shared)).await;
        step("hazard 24: a login that goes on by itself", stray_login(&host, &shared)).await;
        step("hazard 26: multipathd does not answer", silent_daemon(&host, &shared)).await;
    });
    verdict();
}

fn subject(shared: &Target) -> Subject {
    Subject::new("pvc-io", Volume { id: 51 }, shared, 1, 128).by_either()
}

fn bystander(shared: &Target) -> Subject {
    Subject::new("pvc-beside", Volume { id: 52 }, shared, 2, 128).by_the_third()
}

/// Appends numbered blocks past the page cache for as long as it can.
struct Writer {
    child: Child,
    log: String,
}

impl Writer {
    fn start(subject: &Subject) -> Self {
        let log = format!("/run/{}.count", subject.name);
        let file = subject.staging().join("load");
        let line = format!(
            "i=0; while i=$((i+1)); do printf %-4096d $i | dd of={} bs=4096 seek=$((i%64)) oflag=direct conv=notrunc \
             2>/dev/null || exit 7; echo $i >{log}; done",
            file.display()
        );
        let _ = fs::remove_file(&log);
        #[expect(clippy::disallowed_methods, reason = "a workload")]
        let mut command = std::process::Command::new("bash");
        let child = command.args(["-c", &line]).stderr(Stdio::null()).spawn().unwrap();
        Self { child, log }
    }

    fn count(&self) -> u64 {
        fs::read_to_string(&self.log).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    async fn goes_on(&self, seconds: u64) {
        let before = self.count();
        until(seconds, "the writer goes on", async || self.count() > before + 3).await;
    }

    fn stop(mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        sh("for i in $(seq 100); do pidof dd >/dev/null || exit 0; sleep 0.1; done; exit 1");
    }
}

async fn one_portal(host: &LinuxHost, shared: &Target) {
    let (subject, beside) = (subject(shared), bystander(shared));
    subject.stage(host).await.unwrap();
    beside.stage(host).await.unwrap();
    let (writer, other) = (Writer::start(&subject), Writer::start(&beside));
    writer.goes_on(10).await;
    cut(PORTALS[1]);
    until(30, "the lost path is counted", async || paths(host, &subject).await == (1, 2)).await;
    writer.goes_on(30).await;
    other.goes_on(5).await;
    let found = stats(host, &subject).await.abnormal;
    assert!(found.iter().any(|ailment| ailment.reason == "PathsMissing"), "{found:?}");
    heal(PORTALS[1]);
    until(60, "the path is back", async || paths(host, &subject).await == (2, 2)).await;
    until(30, "and the volume is well", async || ailing(host, &subject).await.is_empty()).await;
    writer.goes_on(10).await;
    writer.stop();
    other.stop();
    subject.unstage(host).await.unwrap();
    beside.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn all_paths(host: &LinuxHost, shared: &Target) {
    let (subject, beside) = (subject(shared), bystander(shared));
    subject.stage(host).await.unwrap();
    beside.stage(host).await.unwrap();
    let other = Writer::start(&beside);
    fs::write(subject.staging().join("dirty"), "not on the array yet").unwrap();
    PORTALS.into_iter().for_each(cut);
    until(40, "the lost paths are counted", async || paths(host, &subject).await == (0, 2)).await;
    // a detach would lose what is in memory, so it is refused, soon, and nothing is taken away
    let started = Instant::now();
    let error = subject.clone().within(20).unstage(host).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotReady | ErrorKind::TimedOut), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(35), "{:?}", started.elapsed());
    assert_eq!(sh("grep -c ' /var/lib/staging/pvc-io' /proc/self/mounts"), "1");
    let found = ailing(host, &subject).await;
    assert!(found.contains(&(Harm::Inaccessible, "NoPath")), "{found:?}");
    other.goes_on(5).await;
    PORTALS.into_iter().for_each(heal);
    until(60, "the paths are back", async || paths(host, &subject).await.0 == 2).await;
    subject.unstage(host).await.unwrap();
    subject.stage(host).await.unwrap();
    let kept = fs::read_to_string(subject.staging().join("dirty"));
    println!("   after all paths were down and back the dirty file reads {kept:?}");
    assert_eq!(kept.unwrap(), "not on the array yet");
    other.stop();
    subject.unstage(host).await.unwrap();
    beside.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn too_long(host: &LinuxHost, shared: &Target) {
    let (subject, beside) = (subject(shared), bystander(shared));
    subject.stage(host).await.unwrap();
    beside.stage(host).await.unwrap();
    let (mut writer, other) = (Writer::start(&subject), Writer::start(&beside));
    writer.goes_on(10).await;
    PORTALS.into_iter().for_each(cut);
    until(60, "the writer is told", async || writer.child.try_wait().unwrap().is_some()).await;
    let started = Instant::now();
    let found = ailing(host, &subject).await;
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    assert!(found.iter().any(|(harm, _)| *harm == Harm::Inaccessible), "{found:?}");
    other.goes_on(5).await;
    PORTALS.into_iter().for_each(heal);
    until(60, "the paths are back", async || paths(host, &subject).await.0 == 2).await;
    until(40, "the detach ends", async || subject.unstage(host).await.is_ok()).await;
    subject.clone().with_content().stage(host).await.unwrap();
    // one path is enough to stage, and the other may come later
    until(60, "the volume is well", async || ailing(host, &subject).await.is_empty()).await;
    subject.unstage(host).await.unwrap();
    other.stop();
    beside.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn unmapped(host: &LinuxHost, shared: &Target) {
    let (subject, beside) = (subject(shared), bystander(shared));
    subject.stage(host).await.unwrap();
    beside.stage(host).await.unwrap();
    let other = Writer::start(&beside);
    fs::write(subject.staging().join("lost"), "the array took the volume away").unwrap();
    shared.unmap(1);
    let started = Instant::now();
    subject.unstage(host).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
    other.goes_on(5).await;
    other.stop();
    beside.unstage(host).await.unwrap();
    assert_nothing_left();
    shared.map(1, Volume { id: 51 });
}

async fn grown_on_one_leg(host: &LinuxHost, shared: &Target) {
    let volume = Volume { id: 53 };
    let subject = Subject::new("pvc-leg", volume, shared, 3, 128).by_either();
    subject.stage(host).await.unwrap();
    cut(PORTALS[1]);
    until(40, "the lost path is counted", async || paths(host, &subject).await == (1, 2)).await;
    volume.grow(200);
    // multipathd may refuse while it knows a path of the old size; that is told soon, and nothing is half done
    let started = Instant::now();
    if let Err(error) = subject.grow(host, 200).await {
        assert_eq!(error.kind, ErrorKind::NotReady, "{error:?}");
        assert!(error.message.contains("when all paths are back"), "{error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    heal(PORTALS[1]);
    until(60, "the path is back", async || paths(host, &subject).await == (2, 2)).await;
    until(60, "the volume grows", async || subject.grow(host, 200).await.is_ok()).await;
    until(90, "every path is as large", async || {
        sh("cat /sys/class/scsi_device/*/device/block/*/size | sort -u") == (200 * 2048).to_string()
    })
    .await;
    until(30, "and the volume is well", async || ailing(host, &subject).await.is_empty()).await;
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn stray_login(host: &LinuxHost, shared: &Target) {
    cut(PORTALS[1]);
    let subject = subject(shared);
    let staged = subject.stage(host).await.unwrap();
    assert_eq!((staged.paths, staged.missing.len()), (1, 1));
    subject.unstage(host).await.unwrap();
    // the daemon may still be at it, for the client that gave up
    heal(PORTALS[1]);
    until(60, "no session is left", async || sh("ls /sys/class/iscsi_session | wc -l") == "0").await;
    until(30, "and no record", async || {
        sh("find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f 2>/dev/null | wc -l") == "0"
    })
    .await;
    assert_nothing_left();
}

async fn silent_daemon(host: &LinuxHost, shared: &Target) {
    let subject = bystander(shared);
    sh("kill -STOP $(pidof multipathd)");
    let started = Instant::now();
    let error = subject.clone().within(25).stage(host).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
    assert!(matches!(error.kind, ErrorKind::NotReady | ErrorKind::TimedOut), "{error:?}");
    sh("kill -CONT $(pidof multipathd)");
    subject.stage(host).await.unwrap();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}
