//! An operating system in memory, for what a real kernel will not do on request: silence, lies and changes between
//! two looks. Time passes only by waiting.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::{Access, Answer, DevNum, Disk, FsUsage, Invocation, LOOK_EVERY, Mount, MountCall, Os, Output};

/// A disk's answers.
#[derive(Clone, Debug)]
pub(crate) struct FakeDisk {
    pub(crate) identification: Answer<Vec<u8>>,
    pub(crate) size: u64,
    /// What lies at an offset; zeros elsewhere.
    pub(crate) content: BTreeMap<u64, Vec<u8>>,
    /// Reading here fails.
    pub(crate) unreadable: Option<u64>,
}

/// Everything that can be seen and was done.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<PathBuf, String>,
    pub(crate) links: BTreeMap<PathBuf, PathBuf>,
    pub(crate) disks: BTreeMap<String, FakeDisk>,
    /// Names that somebody holds for himself.
    pub(crate) busy: BTreeSet<String>,
    pub(crate) mounts: Vec<Mount>,
    /// What a mount turns out to be, if not what was asked.
    pub(crate) mounts_instead: Option<DevNum>,
    /// multipathd's answer to `show paths`; none: it says `fail`.
    pub(crate) paths_shown: String,
    /// multipathd's answer to `show config`; none: it says `fail`.
    pub(crate) config: String,
    /// What was done, in order.
    pub(crate) acts: Vec<String>,
    waited: Duration,
}

/// The fake.
#[derive(Debug)]
pub(crate) struct Fake {
    started: Instant,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let world = World::default();
        let fake = Self { started: Instant::now(), world: Arc::new(Mutex::new(world)) };
        fake.world().files.insert("/proc/sys/kernel/random/boot_id".into(), "boot".into());
        fake
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn act(&self, act: String) {
        self.world().acts.push(act);
    }
}

impl World {
    pub(crate) fn file(&mut self, path: &str, text: &str) {
        self.files.insert(path.into(), text.into());
    }

    /// A SCSI disk of a logged-in session: host N, LUN 0.
    pub(crate) fn path(&mut self, host: u32, iqn: &str, portal: &str, name: &str, disk: FakeDisk) {
        let session = format!("/sys/class/iscsi_session/session{host}");
        self.file(&format!("{session}/targetname"), iqn);
        self.file(&format!("{session}/state"), "LOGGED_IN");
        self.file(&format!("{session}/target_id"), "0");
        self.links.insert(session.into(), format!("/sys/devices/platform/host{host}/session{host}").into());
        let connection = format!("/sys/class/iscsi_connection/connection{host}:0");
        self.file(&format!("{connection}/persistent_address"), portal);
        self.file(&format!("{connection}/persistent_port"), "3260");
        let device = format!("/sys/class/scsi_device/{host}:0:0:0/device");
        self.file(&format!("{device}/state"), "running");
        self.file(&format!("{device}/block/{name}/size"), "");
        self.file(&format!("/sys/class/block/{name}/dev"), &format!("8:{host}"));
        self.file(&format!("/sys/class/block/{name}/size"), &(disk.size / 512).to_string());
        let address = format!("/sys/devices/{host}:0:0:0");
        self.links.insert(format!("/sys/class/block/{name}/device").into(), address.into());
        self.links
            .insert(format!("/sys/dev/block/8:{host}").into(), format!("/sys/class/block/{name}").into());
        self.disks.insert(name.into(), disk);
    }

    /// A multipath map over disks.
    pub(crate) fn map(&mut self, name: &str, wwid: &str, slaves: &[&str], disk: FakeDisk) {
        let dir = format!("/sys/class/block/{name}");
        self.file(&format!("{dir}/dev"), "253:0");
        self.file(&format!("{dir}/size"), &(disk.size / 512).to_string());
        self.file(&format!("{dir}/dm/uuid"), &format!("mpath-{wwid}"));
        self.file(&format!("{dir}/dm/name"), wwid);
        self.file(&format!("{dir}/dm/suspended"), "0");
        for slave in slaves {
            self.file(&format!("{dir}/slaves/{slave}/dev"), "");
            self.file(&format!("/sys/class/block/{slave}/holders/{name}/dev"), "");
        }
        self.links.insert("/sys/dev/block/253:0".into(), dir.into());
        self.disks.insert(name.into(), disk);
    }
}

#[derive(Debug)]
struct OpenFake {
    name: String,
    disk: FakeDisk,
    world: Arc<Mutex<World>>,
}

impl Disk for OpenFake {
    fn identification(&self, _: Instant) -> Answer<Vec<u8>> {
        self.disk.identification.clone()
    }

    fn capacity(&self, _: Instant) -> Answer<u64> {
        Answer::Data(self.disk.size)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.size)
    }

    fn read_at(&self, offset: u64, length: usize, _: Instant) -> io::Result<Vec<u8>> {
        let end = offset + length as u64;
        if self.disk.unreadable.is_some_and(|bad| (offset..end).contains(&bad)) {
            return Err(io::Error::from_raw_os_error(nix::libc::EIO));
        }
        let mut bytes = vec![0; length];
        for (start, content) in self.disk.content.range(offset..end) {
            let at = (start - offset) as usize;
            bytes[at..at + content.len()].copy_from_slice(content);
        }
        Ok(bytes)
    }

    fn zero_at(&self, offset: u64, _: usize, _: Instant) -> io::Result<()> {
        self.world.lock().unwrap().acts.push(format!("zero {} {offset}", self.name));
        Ok(())
    }

    fn flush(&self, _: Instant) -> io::Result<()> {
        self.world.lock().unwrap().acts.push(format!("flush {}", self.name));
        Ok(())
    }

    fn set_read_only(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Os for Fake {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.world().files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let child = |path: &PathBuf| Some(path.strip_prefix(dir).ok()?.iter().next()?.to_str()?.to_owned());
        let names: BTreeSet<String> =
            world.files.keys().chain(world.links.keys()).filter_map(child).collect();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names.into_iter().collect()) }
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.world().links.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn host_file(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn write(&self, path: &Path, text: &str, _: Instant) -> io::Result<()> {
        self.act(format!("write {text} {}", path.display()));
        Ok(())
    }

    fn open(&self, name: &str, _: DevNum, access: Access, _: Instant) -> io::Result<Arc<dyn Disk>> {
        let world = self.world();
        let disk = world.disks.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        if matches!(access, Access::Exclusive | Access::Overwrite) && world.busy.contains(name) {
            return Err(io::Error::from_raw_os_error(nix::libc::EBUSY));
        }
        Ok(Arc::new(OpenFake { name: name.into(), disk, world: Arc::clone(&self.world) }))
    }

    fn mounts(&self) -> io::Result<Vec<Mount>> {
        Ok(self.world().mounts.clone())
    }

    fn mount(&self, call: &MountCall, _: Instant) -> io::Result<()> {
        self.act(format!("mount {}", call.target.display()));
        let mut world = self.world();
        let number = world.mounts_instead.unwrap_or(DevNum { major: 253, minor: 0 });
        let target = call.target.clone();
        let fs = call.fs.unwrap_or("none").to_owned();
        world.mounts.push(Mount {
            number,
            root: "/".into(),
            target,
            fs,
            read_only: false,
            fs_read_only: false,
            shared: true,
        });
        Ok(())
    }

    fn unmount(&self, path: &Path, _: Instant) -> io::Result<()> {
        self.act(format!("unmount {}", path.display()));
        let mut world = self.world();
        let top =
            world.mounts.iter().rposition(|mount| mount.target == path).ok_or(io::ErrorKind::InvalidInput)?;
        world.mounts.remove(top);
        Ok(())
    }

    fn usage(&self, _: &Path, _: Instant) -> io::Result<FsUsage> {
        Ok(FsUsage { block: 4096, blocks: 100, free: 50, available: 40, inodes: 10, inodes_free: 5 })
    }

    fn node_number(&self, _: &Path) -> io::Result<Option<DevNum>> {
        Ok(None)
    }

    fn make_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn make_file(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Output> {
        self.act(format!("run {}", invocation.program));
        // blkid: nothing found; whatever else: well
        let code = Some(if invocation.program == "blkid" { 2 } else { 0 });
        Ok(Output { code, stdout: String::new(), stderr: String::new(), timed_out: false })
    }

    fn multipathd(&self, command: &str, _: Instant) -> io::Result<String> {
        self.act(format!("multipathd {command}"));
        let world = self.world();
        let shown = match command {
            _ if command.starts_with("show paths") => &world.paths_shown,
            _ if command.starts_with("show config") => &world.config,
            _ => "",
        };
        Ok(if shown.is_empty() { "fail".into() } else { shown.into() })
    }

    fn now(&self) -> Instant {
        self.started + self.world().waited
    }

    fn events(&self) -> u64 {
        0
    }

    fn wait(&self, _: u64, _: Instant) {
        self.world().waited += LOOK_EVERY;
    }

    fn started(&self) -> u64 {
        self.world().acts.iter().filter(|act| act.starts_with("run ")).count() as u64
    }

    fn hears(&self) -> bool {
        true
    }

    fn stuck(&self) -> usize {
        0
    }
}
