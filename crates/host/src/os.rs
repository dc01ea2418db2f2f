//! The seam beneath attach and tools: all that is asked of the operating system.
//!
//! [`Linux`] is the real one. Everything that the kernel may not answer takes a deadline and runs on a thread of its
//! own; when the deadline passes the thread is left behind and counted (`os/guard.rs`). A helper process instead of
//! a thread would let the plugin itself be killed while a call hangs in the kernel; a thread keeps the open
//! descriptor, and with it the proof of identity, in one place. The limit on stuck calls is the same.

mod disk;
#[cfg(test)]
pub(crate) mod fake;
mod guard;
mod linux;
#[cfg(feature = "mortal")]
pub(crate) mod mortal;
mod mountinfo;
mod multipathd;
mod raw;
mod run;
mod scsi;
mod uevent;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use linux::Linux;
pub(crate) use mountinfo::Mount;
pub(crate) use scsi::Answer;

use nix::mount::MsFlags;

/// Major and minor number of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DevNum {
    pub(crate) major: u64,
    pub(crate) minor: u64,
}

impl DevNum {
    /// From the number that stat(2) gives.
    pub(crate) fn of(device: u64) -> Self {
        Self { major: u64::from(nix::libc::major(device)), minor: u64::from(nix::libc::minor(device)) }
    }
}

impl fmt::Display for DevNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

impl FromStr for DevNum {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.trim().split_once(':').ok_or(())?;
        Ok(Self { major: major.parse().map_err(|_| ())?, minor: minor.parse().map_err(|_| ())? })
    }
}

/// How to open a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For questions only.
    Look,
    /// For reading and writing data, past the page cache.
    Data,
    /// As `Data`, and nobody else (mount, map, partition) may hold it.
    Exclusive,
    /// As `Exclusive`, for writing. udev looks at the device again when it is closed.
    Overwrite,
}

/// An open block device; the number cannot pass to another device while this lives.
pub(crate) trait Disk: Send + Sync + fmt::Debug {
    /// Device Identification page, straight from the device.
    fn identification(&self, deadline: Instant) -> Answer<Vec<u8>>;
    /// READ CAPACITY(16) in bytes.
    fn capacity(&self, deadline: Instant) -> Answer<u64>;
    /// The kernel's idea of the size in bytes.
    fn size(&self) -> io::Result<u64>;
    fn read_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<Vec<u8>>;
    fn zero_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<()>;
    /// fsync and BLKFLSBUF.
    fn flush(&self, deadline: Instant) -> io::Result<()>;
    fn set_read_only(&self, read_only: bool) -> io::Result<()>;
    /// flock(2) for as long as this lives: udev does not look at a disk meanwhile.
    fn lock(&self) -> io::Result<()>;
}

/// One mount(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountCall {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) fs: Option<&'static str>,
    pub(crate) flags: MsFlags,
    pub(crate) data: String,
}

/// What statfs(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FsUsage {
    pub(crate) block: u64,
    pub(crate) blocks: u64,
    pub(crate) free: u64,
    pub(crate) available: u64,
    pub(crate) inodes: u64,
    pub(crate) inodes_free: u64,
}

/// Whose programs to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// Those of our own image.
    Own,
    /// The host's, because client and daemon must be of one version.
    Host,
}

/// A process to run. `Debug` shows only the public part of the arguments.
pub(crate) struct Invocation {
    pub(crate) root: Root,
    pub(crate) program: &'static str,
    pub(crate) args: Vec<String>,
    /// Arguments from here on are never shown.
    pub(crate) secret_from: usize,
    pub(crate) deadline: Instant,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.args[..self.secret_from.min(self.args.len())];
        write!(f, "{} {}", self.program, shown.join(" "))
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// None: killed, by a signal of its own or at the deadline.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) timed_out: bool,
}

/// The operating system. Paths of sysfs and procfs are absolute; host files go through `host_file`.
pub(crate) trait Os: Send + Sync + fmt::Debug {
    fn read(&self, path: &Path) -> io::Result<String>;
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// The path with every link resolved.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// Where a file of the host stands for us.
    fn host_file(&self, path: &str) -> PathBuf;
    /// Writes one sysfs attribute.
    fn write(&self, path: &Path, text: &str, deadline: Instant) -> io::Result<()>;

    fn open(
        &self,
        name: &str,
        number: DevNum,
        access: Access,
        deadline: Instant,
    ) -> io::Result<Arc<dyn Disk>>;

    fn mounts(&self) -> io::Result<Vec<Mount>>;
    fn mount(&self, call: &MountCall, deadline: Instant) -> io::Result<()>;
    fn unmount(&self, path: &Path, deadline: Instant) -> io::Result<()>;
    fn usage(&self, path: &Path, deadline: Instant) -> io::Result<FsUsage>;
    /// The device that the node at this path stands for; none if it is no block device node.
    fn node_number(&self, path: &Path) -> io::Result<Option<DevNum>>;
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    fn make_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory or a file; success if there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;

    fn run(&self, invocation: &Invocation) -> io::Result<Output>;
    /// Sends one command to multipathd; `NotFound` or `ConnectionRefused` if it does not run.
    fn multipathd(&self, command: &str, deadline: Instant) -> io::Result<String>;

    fn now(&self) -> Instant;
    /// Counts kernel and udev events; compare with an earlier reading.
    fn events(&self) -> u64;
    /// Returns after an event later than `seen`, at `until`, or after a quarter of a second, whichever is first.
    fn wait(&self, seen: u64, until: Instant);
    /// Processes started so far.
    fn started(&self) -> u64;
    /// Whether events arrive at all.
    fn hears(&self) -> bool;
    /// Calls that the kernel has not answered though their deadline is over.
    fn stuck(&self) -> usize;
}

/// How long to look away at most while waiting for an event.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);
