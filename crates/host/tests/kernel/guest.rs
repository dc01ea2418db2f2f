//! The node's side of the test: requests, and an independent look at what is there.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use perilune_host::{
    Attachment, Chap, ChapAccount, ExpectedWwid, FsType, GrowRequest, Host, IscsiPath, LinuxHost, Lun,
    Protocol, PublishRequest, Settings, StageRequest, Staged, TargetPath, UnpublishRequest, UnstageRequest,
    Usage, VolumeKey,
};

use crate::array::{PORTALS, Target, Volume};

pub(crate) const RECORDS: &str = "/var/lib/perilune/volumes";

/// Runs a line of shell, which must succeed, and returns what it wrote.
pub(crate) fn sh(line: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a test looks at the guest by the guest's own tools")]
    let output = std::process::Command::new("sh").args(["-c", line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{line}: {text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

pub(crate) fn open_host() -> LinuxHost {
    LinuxHost::new(Settings {
        host_root: "/host".into(),
        records: RECORDS.into(),
        places: vec!["/var/lib/staging".into()],
    })
    .unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A volume as the controller would publish it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) attachment: Attachment,
    pub(crate) chap: Option<Chap>,
    pub(crate) usage: Usage,
    pub(crate) born_empty: bool,
    pub(crate) read_only: bool,
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
        Self { name, attachment, chap: None, usage, born_empty: true, read_only: false }
    }

    /// By both portals. The others use one, for the sake of time.
    pub(crate) fn by_both(mut self) -> Self {
        let TargetPath::Iscsi(first) = self.attachment.paths[0].clone() else { panic!("not by iSCSI") };
        let second = IscsiPath { portal: PORTALS[1].parse().unwrap(), ..first };
        self.attachment.paths.push(TargetPath::Iscsi(second));
        self.attachment.min_paths = 2;
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
        let request = StageRequest {
            volume: self.key(),
            attachment: self.attachment.clone(),
            chap: self.chap.clone(),
            staging_path: self.staging(),
            usage: self.usage.clone(),
            read_only: self.read_only,
            born_empty: self.born_empty,
            deadline: soon(),
        };
        host.stage(&request).await
    }

    pub(crate) async fn unstage(&self, host: &LinuxHost) -> perilune_host::Result<()> {
        host.unstage(&UnstageRequest { volume: self.key(), staging_path: self.staging(), deadline: soon() })
            .await
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
            deadline: soon(),
        };
        host.publish(&request).await
    }

    pub(crate) async fn unpublish(&self, host: &LinuxHost, target: &Path) -> perilune_host::Result<()> {
        let request =
            UnpublishRequest { volume: self.key(), target_path: target.to_owned(), deadline: soon() };
        host.unpublish(&request).await
    }

    pub(crate) async fn grow(&self, host: &LinuxHost, mib: u64) -> perilune_host::Result<u64> {
        let request = GrowRequest { volume: self.key(), size: Some(mib << 20), deadline: soon() };
        host.grow(&request).await.map(|grown| grown.size)
    }
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
    let startup = sh("grep -rhE '^node.startup' /var/lib/iscsi/nodes /etc/iscsi/nodes 2>/dev/null; true");
    assert!(startup.lines().all(|line| line.ends_with("manual")), "{startup}");
    let secrets = sh(&format!("grep -rl -e secret123456 -e mutual123456 {RECORDS} || true"));
    assert!(secrets.is_empty(), "{secrets}");
}
