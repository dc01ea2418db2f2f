//! The node's side of the test: requests, and an independent look at what is there.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Mutex,
    task::Poll,
    time::{Duration, Instant},
};

use perilune_host::{
    Attachment, Chap, ChapAccount, ExpectedWwid, FsType, GrowRequest, Harm, Host, IscsiPath, LinuxHost, Lun,
    Protocol, PublishRequest, Settings, StageRequest, Staged, StatsRequest, TargetPath, UnpublishRequest,
    UnstageRequest, Usage, VolumeKey,
};

use crate::array::{APART, PORTALS, Target, Volume};

pub(crate) const RECORDS: &str = "/var/lib/perilune/volumes";

/// Runs a line of shell, which must succeed, and returns what it wrote.
pub(crate) fn sh(line: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a test looks at the guest by the guest's own tools")]
    let output = std::process::Command::new("sh").args(["-c", line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{line}: {text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

pub(crate) fn settings() -> Settings {
    Settings { host_root: "/host".into(), records: RECORDS.into(), places: vec!["/var/lib/staging".into()] }
}

pub(crate) fn open_host() -> LinuxHost {
    LinuxHost::new(settings()).unwrap()
}
/// As long as a call may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// A volume as the controller would publish it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) attachment: Attachment,
    pub(crate) chap: Option<Chap>,
    pub(crate) usage: Usage,
    pub(crate) born_empty: bool,
    pub(crate) read_only: bool,
    pub(crate) patience: Duration,
}

impl Subject {
    pub(crate) fn new(name: &'static str, volume: Volume, target: &Target, lun: u64, mib: u64) -> Self {
        let path = |portal: &&str| {
            TargetPath::iscsi(target.iqn.parse().unwrap(), portal.parse().unwrap(), Lun::kernel(lun))
        };
        let attachment = Attachment {
            protocol: Protocol::Iscsi,
            wwid: ExpectedWwid::new(volume.wwid().parse().unwrap(), None),
            size: mib << 20,
            paths: PORTALS[..1].iter().map(path).collect(),
            min_paths: 1,
            generation: 1,
            read_only: false,
        };
        let usage = Usage::Filesystem { fs: FsType::Ext4, options: Vec::new() };
        Self { name, attachment, chap: None, usage, born_empty: true, read_only: false, patience: PATIENCE }
    }

    /// By both portals. The others use one, for the sake of time.
    pub(crate) fn by_both(mut self) -> Self {
        let TargetPath::Iscsi(first) = self.attachment.paths[0].clone() else { panic!("not by iSCSI") };
        let second = IscsiPath { portal: PORTALS[1].parse().unwrap(), ..first };
        self.attachment.paths.push(TargetPath::Iscsi(second));
        self.attachment.min_paths = 2;
        self
    }

    /// By the portal that no outage concerns.
    pub(crate) fn by_the_third(mut self) -> Self {
        for path in &mut self.attachment.paths {
            let TargetPath::Iscsi(path) = path else { panic!("{path} is not by iSCSI") };
            path.portal = APART.parse().unwrap();
        }
        self
    }

    /// One of both portals is enough.
    pub(crate) fn by_either(mut self) -> Self {
        self = self.by_both();
        self.attachment.min_paths = 1;
        self
    }

    /// The call has so many seconds.
    pub(crate) fn within(mut self, seconds: u64) -> Self {
        self.patience = Duration::from_secs(seconds);
        self
    }

    pub(crate) fn xfs(mut self) -> Self {
        self.usage = Usage::Filesystem { fs: FsType::Xfs, options: Vec::new() };
        self
    }

    pub(crate) fn block(mut self) -> Self {
        self.usage = Usage::Block;
        self
    }

    pub(crate) fn with_content(mut self) -> Self {
        self.born_empty = false;
        self
    }

    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub(crate) fn chap(mut self, [name, secret, name_in, secret_in]: [&str; 4]) -> Self {
        let account = |name: &str, secret: &str| ChapAccount { name: name.into(), secret: secret.into() };
        self.chap =
            Some(Chap { outgoing: account(name, secret), incoming: Some(account(name_in, secret_in)) });
        self
    }

    pub(crate) fn key(&self) -> VolumeKey {
        VolumeKey::new(self.name).unwrap()
    }

    pub(crate) fn staging(&self) -> PathBuf {
        Path::new("/var/lib/staging").join(self.name)
    }

    pub(crate) fn target(&self) -> PathBuf {
        Path::new("/var/lib/pods").join(self.name)
    }

    pub(crate) async fn stage(&self, host: &LinuxHost) -> perilune_host::Result<Staged> {
        self.stage_at(host, &self.staging()).await
    }

    pub(crate) async fn stage_at(&self, host: &LinuxHost, place: &Path) -> perilune_host::Result<Staged> {
        let request = StageRequest {
            volume: self.key(),
            attachment: self.attachment.clone(),
            chap: self.chap.clone(),
            staging_path: place.to_owned(),
            usage: self.usage.clone(),
            read_only: self.read_only,
            born_empty: self.born_empty,
            deadline: Instant::now() + self.patience,
        };
        host.stage(&request).await
    }

    pub(crate) async fn unstage(&self, host: &LinuxHost) -> perilune_host::Result<()> {
        self.unstage_at(host, &self.staging()).await
    }

    pub(crate) async fn unstage_at(&self, host: &LinuxHost, place: &Path) -> perilune_host::Result<()> {
        let deadline = Instant::now() + self.patience;
        host.unstage(&UnstageRequest { volume: self.key(), staging_path: place.to_owned(), deadline }).await
    }

    pub(crate) async fn publish(
        &self,
        host: &LinuxHost,
        target: &Path,
        exclusive: bool,
    ) -> perilune_host::Result<()> {
        let request = PublishRequest {
            volume: self.key(),
            staging_path: self.staging(),
            target_path: target.to_owned(),
            block: self.usage == Usage::Block,
            read_only: self.read_only,
            exclusive,
            deadline: Instant::now() + self.patience,
        };
        host.publish(&request).await
    }

    pub(crate) async fn unpublish(&self, host: &LinuxHost, target: &Path) -> perilune_host::Result<()> {
        let request = UnpublishRequest {
            volume: self.key(),
            target_path: target.to_owned(),
            deadline: Instant::now() + self.patience,
        };
        host.unpublish(&request).await
    }

    pub(crate) async fn grow(&self, host: &LinuxHost, mib: u64) -> perilune_host::Result<u64> {
        let request = GrowRequest {
            volume: self.key(),
            size: Some(mib << 20),
            deadline: Instant::now() + self.patience,
        };
        host.grow(&request).await.map(|grown| grown.size)
    }
}

/// Fill level and condition, quickly.
pub(crate) async fn stats(host: &LinuxHost, subject: &Subject) -> perilune_host::Stats {
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = StatsRequest { volume: subject.key(), volume_path: subject.staging(), deadline };
    host.stats(&request).await.unwrap()
}

/// The reasons why the volume is not well.
pub(crate) async fn ailing(host: &LinuxHost, subject: &Subject) -> Vec<(Harm, &'static str)> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = StatsRequest { volume: subject.key(), volume_path: subject.staging(), deadline };
    let found = host.health(&request).await.unwrap();
    found.iter().map(|ailment| (ailment.harm, ailment.reason)).collect()
}

/// Paths found and expected of the volume, as the node's record tells them.
pub(crate) async fn paths(host: &LinuxHost, subject: &Subject) -> (usize, usize) {
    let all = host.staged().await.unwrap();
    let one = all.iter().find(|staged| staged.volume == subject.key());
    one.map_or((0, 0), |staged| (staged.found, staged.expected))
}

/// Looks until it is so.
pub(crate) async fn until(seconds: u64, what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while !look().await {
        assert!(tokio::time::Instant::now() < deadline, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Names of steps that failed.
static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One step of a walk, with its result on the console. After a failure the guest is cleared, and the walk goes on.
pub(crate) async fn step(name: &str, body: impl Future<Output = ()>) {
    let wanted = std::env::var("GUEST_STEPS").ok();
    if wanted.is_some_and(|wanted| !wanted.split(',').any(|part| name.contains(part))) {
        return;
    }
    let started = Instant::now();
    let mut body = Box::pin(async {
        body.await;
        assert_sound();
    });
    let ended = std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    let seconds = started.elapsed().as_secs_f32();
    if ended.is_ok() {
        println!("ok {name} ({seconds:.1} s)");
    } else {
        println!("FAILED {name} ({seconds:.1} s)");
        FAILED.lock().unwrap().push(name.to_owned());
        clear();
    }
}

/// The end of a walk.
pub(crate) fn verdict() {
    let failed = FAILED.lock().unwrap();
    assert!(failed.is_empty(), "failed: {}", failed.join("; "));
}

/// Takes away whatever a failed step left, by hand.
fn clear() {
    sh(&format!(
        "kill -CONT $(pidof multipathd); ip route flush type blackhole table local; kill $(pidof sleep dd); \
         for i in 1 2 3; do umount -q $(cut -d' ' -f5 /proc/self/mountinfo | grep -E '^/var/lib/(staging|pods)'); done; \
         dmsetup remove --retry user; for m in $(dmsetup ls --target multipath | cut -f1); do \
         multipathd disablequeueing map $m; multipathd del map $m; done; \
         for d in /sys/class/scsi_device/*/device/delete; do echo 1 >$d; done; iscsiadm -m node --logout; \
         rm -rf /etc/iscsi/nodes/* /var/lib/iscsi/nodes/* /run/lock/iscsi/lock.write {RECORDS}; udevadm settle -t 10; true"
    ));
}

/// Runs `body` and returns how many processes it started beside what it gave.
pub(crate) async fn counted<T>(host: &LinuxHost, body: impl Future<Output = T>) -> (T, u64) {
    let before = host.processes_started();
    let result = body.await;
    (result, host.processes_started() - before)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Takes a portal off the network, for what is connected, too.
pub(crate) fn cut(portal: &str) {
    sh(&format!("ip route add blackhole {} table local", portal.split(':').next().unwrap()));
}

pub(crate) fn heal(portal: &str) {
    sh(&format!("ip route del blackhole {} table local", portal.split(':').next().unwrap()));
}

/// Nothing of any volume is left on the node.
pub(crate) fn assert_nothing_left() {
    let left = sh(
        "ls /sys/class/iscsi_session /sys/class/scsi_device; dmsetup ls --target multipath | grep -v '^No devices' ; \
                   find /var/lib/perilune /var/lib/iscsi/nodes /etc/iscsi/nodes -type f 2>/dev/null; \
                   grep -E '/var/lib/(staging|pods)' /proc/self/mounts; true",
    );
    let left: Vec<&str> =
        left.lines().filter(|line| !line.is_empty() && !line.starts_with("/sys/class")).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// Every slave of every map answers with the map's identity, no secret is in a record, all node records are manual.
pub(crate) fn assert_sound() {
    let maps = sh("for d in /sys/class/block/dm-*; do case $(cat $d/dm/uuid) in mpath-*) \
                   for s in $d/slaves/*; do echo $(cat $d/dm/uuid) $(basename $s); done;; esac; done");
    for line in maps.lines() {
        let (uuid, slave) = line.split_once(' ').unwrap();
        let live = sh(&format!("sg_inq --page=0x83 /dev/{slave}"));
        let wwid = uuid.trim_start_matches("mpath-3");
        assert!(live.contains(wwid), "{slave} in {uuid} answers {live}");
    }
    let double =
        sh("cut -d' ' -f5 /proc/self/mountinfo | grep -E '^/var/lib/(staging|pods)' | sort | uniq -d");
    assert!(double.is_empty(), "more than one layer at {double}");
    let stuck = sh("for p in /proc/[0-9]*; do grep -qs '^State:.D' $p/status && cat $p/comm; done; true");
    let stuck: Vec<&str> = stuck.lines().filter(|name| !name.starts_with("kworker")).collect();
    assert!(stuck.is_empty(), "in D state: {stuck:?}");
    let startup = sh("grep -rhE '^node.startup' /var/lib/iscsi/nodes /etc/iscsi/nodes 2>/dev/null; true");
    assert!(startup.lines().all(|line| line.ends_with("manual")), "{startup}");
    let secrets = sh(&format!("grep -rl -e secret123456 -e mutual123456 {RECORDS} /run/*.log || true"));
    assert!(secrets.is_empty(), "{secrets}");
}
