//! The real operating system, in a process that kills itself before or after the n-th alteration: how tests walk every
//! point at which a plugin can die. Not part of a product.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Access, Answer, DevNum, Disk, FsUsage, Invocation, Linux, Mount, MountCall, Os, Output};

/// Counts alterations down; both their beginnings and their ends count.
#[derive(Debug)]
struct Life(AtomicU64);

impl Life {
    fn pass(&self) {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1) {
            let _ = kill(Pid::this(), Signal::SIGKILL);
            std::thread::park();
        }
    }

    fn around<T>(&self, act: impl FnOnce() -> T) -> T {
        self.pass();
        let result = act();
        self.pass();
        result
    }
}

/// Linux, until the count is over.
#[derive(Debug)]
pub(crate) struct Mortal {
    inner: Linux,
    life: Arc<Life>,
}

impl Mortal {
    /// Dies at the `at`-th beginning or end of an alteration.
    pub(crate) fn new(inner: Linux, at: u64) -> Self {
        Self { inner, life: Arc::new(Life(AtomicU64::new(at))) }
    }
}

#[derive(Debug)]
struct MortalDisk {
    inner: Arc<dyn Disk>,
    life: Arc<Life>,
}

impl Disk for MortalDisk {
    fn identification(&self, deadline: Instant) -> Answer<Vec<u8>> {
        self.inner.identification(deadline)
    }

    fn capacity(&self, deadline: Instant) -> Answer<u64> {
        self.inner.capacity(deadline)
    }

    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<Vec<u8>> {
        self.inner.read_at(offset, length, deadline)
    }

    fn zero_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<()> {
        self.life.around(|| self.inner.zero_at(offset, length, deadline))
    }

    fn flush(&self, deadline: Instant) -> io::Result<()> {
        self.life.around(|| self.inner.flush(deadline))
    }

    fn set_read_only(&self, read_only: bool) -> io::Result<()> {
        self.life.around(|| self.inner.set_read_only(read_only))
    }

    fn lock(&self) -> io::Result<()> {
        self.inner.lock()
    }
}

impl Os for Mortal {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.inner.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.resolve(path)
    }

    fn host_file(&self, path: &str) -> PathBuf {
        self.inner.host_file(path)
    }

    fn write(&self, path: &Path, text: &str, deadline: Instant) -> io::Result<()> {
        self.life.around(|| self.inner.write(path, text, deadline))
    }

    fn open(
        &self,
        name: &str,
        number: DevNum,
        access: Access,
        deadline: Instant,
    ) -> io::Result<Arc<dyn Disk>> {
        let inner = self.inner.open(name, number, access, deadline)?;
        Ok(Arc::new(MortalDisk { inner, life: Arc::clone(&self.life) }))
    }

    fn mounts(&self) -> io::Result<Vec<Mount>> {
        self.inner.mounts()
    }

    fn mount(&self, call: &MountCall, deadline: Instant) -> io::Result<()> {
        self.life.around(|| self.inner.mount(call, deadline))
    }

    fn unmount(&self, path: &Path, deadline: Instant) -> io::Result<()> {
        self.life.around(|| self.inner.unmount(path, deadline))
    }

    fn usage(&self, path: &Path, deadline: Instant) -> io::Result<FsUsage> {
        self.inner.usage(path, deadline)
    }

    fn node_number(&self, path: &Path) -> io::Result<Option<DevNum>> {
        self.inner.node_number(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.life.around(|| self.inner.make_dir(path))
    }

    fn make_file(&self, path: &Path) -> io::Result<()> {
        self.life.around(|| self.inner.make_file(path))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.life.around(|| self.inner.remove(path))
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Output> {
        self.life.around(|| self.inner.run(invocation))
    }

    fn multipathd(&self, command: &str, deadline: Instant) -> io::Result<String> {
        if command.starts_with("show ") {
            return self.inner.multipathd(command, deadline);
        }
        self.life.around(|| self.inner.multipathd(command, deadline))
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn events(&self) -> u64 {
        self.inner.events()
    }

    fn wait(&self, seen: u64, until: Instant) {
        self.inner.wait(seen, until);
    }

    fn started(&self) -> u64 {
        self.inner.started()
    }

    fn hears(&self) -> bool {
        self.inner.hears()
    }

    fn stuck(&self) -> usize {
        self.inner.stuck()
    }
}
