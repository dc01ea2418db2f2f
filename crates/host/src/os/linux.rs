//! The real operating system, seen from a privileged container with the host's root at a configured place.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use nix::{
    mount::{MntFlags, umount2},
    sys::statvfs::statvfs,
};

use super::{
    Access, DevNum, Disk, FsUsage, Invocation, Mount, MountCall, Os, Output, Root, disk::OpenDisk,
    guard::Guard, mountinfo, multipathd, run, uevent::Events,
};

/// Linux with real devices.
#[derive(Debug)]
pub(crate) struct Linux {
    host_root: PathBuf,
    guard: Guard,
    events: Events,
    hears: bool,
    started: AtomicU64,
}

impl Linux {
    /// `host_root` is where the host's root is mounted; `/` outside a container.
    pub(crate) fn new(host_root: PathBuf) -> Self {
        let (events, listening) = Events::listen();
        let hears = listening.is_ok();
        if let Err(error) = listening {
            tracing::warn!(%error, "no uevents to be had, looking four times a second instead");
        }
        Self { host_root, guard: Guard::default(), events, hears, started: AtomicU64::new(0) }
    }
}

impl Os for Linux {
    fn read(&self, path: &Path) -> io::Result<String> {
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = fs::read_dir(dir)?
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn host_file(&self, path: &str) -> PathBuf {
        self.host_root.join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &Path, text: &str, deadline: Instant) -> io::Result<()> {
        let (file, text) = (path.to_owned(), text.to_owned());
        self.guard.call(&path.to_string_lossy(), deadline, move || {
            io::Write::write_all(&mut fs::OpenOptions::new().write(true).open(file)?, text.as_bytes())
        })
    }

    fn open(
        &self,
        name: &str,
        number: DevNum,
        access: Access,
        deadline: Instant,
    ) -> io::Result<Arc<dyn Disk>> {
        Ok(Arc::new(OpenDisk::open(&self.guard, name, number, access, deadline)?))
    }

    fn mounts(&self) -> io::Result<Vec<Mount>> {
        Ok(mountinfo::parse(&self.read(Path::new("/proc/self/mountinfo"))?))
    }

    fn mount(&self, call: &MountCall, deadline: Instant) -> io::Result<()> {
        let MountCall { source, target, fs, flags, data } = call.clone();
        self.guard.call(&call.target.to_string_lossy(), deadline, move || {
            let data = (!data.is_empty()).then_some(data.as_str());
            Ok(nix::mount::mount(Some(&source), &target, fs, flags, data)?)
        })
    }

    fn unmount(&self, path: &Path, deadline: Instant) -> io::Result<()> {
        let target = path.to_owned();
        self.guard
            .call(&path.to_string_lossy(), deadline, move || Ok(umount2(&target, MntFlags::UMOUNT_NOFOLLOW)?))
    }

    fn usage(&self, path: &Path, deadline: Instant) -> io::Result<FsUsage> {
        let target = path.to_owned();
        self.guard.call(&path.to_string_lossy(), deadline, move || {
            let found = statvfs(&target)?;
            Ok(FsUsage {
                block: found.fragment_size(),
                blocks: found.blocks(),
                free: found.blocks_free(),
                available: found.blocks_available(),
                inodes: found.files(),
                inodes_free: found.files_free(),
            })
        })
    }

    fn node_number(&self, path: &Path) -> io::Result<Option<DevNum>> {
        let found = fs::symlink_metadata(path)?;
        Ok(found.file_type().is_block_device().then(|| DevNum::of(found.rdev())))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn make_file(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::OpenOptions::new().create(true).append(true).open(path).map(|_| ())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => fs::remove_dir(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Output> {
        self.started.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(command = ?invocation, "starting a process");
        let foreign = invocation.root == Root::Host && self.host_root != Path::new("/");
        let output = run::run(invocation, foreign.then_some(self.host_root.as_path()));
        tracing::debug!(command = ?invocation, code = ?output.as_ref().map(|output| output.code), "a process ended");
        output
    }

    fn multipathd(&self, command: &str, deadline: Instant) -> io::Result<String> {
        multipathd::ask(&self.host_file("/run/multipathd.socket"), command, deadline)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn events(&self) -> u64 {
        self.events.count()
    }

    fn wait(&self, seen: u64, until: Instant) {
        self.events.wait(seen, until);
    }

    fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    fn hears(&self) -> bool {
        self.hears
    }

    fn stuck(&self) -> usize {
        self.guard.stuck()
    }
}
