//! Three processes stand between a lab and the world:
//!
//! 1. [`outer`], what the caller started: begins a process namespace and waits. When it ends, even by SIGKILL, the
//!    kernel kills
//! 2. [`init`], process 1 of that namespace, and with it everything below. It reaps, and starts
//! 3. the supervisor, which opens the sockets that callers use, and only then moves into a network of its own.
//!
//! Each step is a new process rather than a fork, so that no thread exists before a namespace is entered.

use std::{
    fs,
    io::Read,
    os::fd::AsFd,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, Signal},
        signalfd::SignalFd,
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, setsid},
};

use crate::lab::try_lock;

/// Sent on the standard input of [`outer`] by a caller who leaves the lab running when that input closes.
pub(crate) const KEEP: u8 = b'k';

/// Runs the lab of a specification file until its caller goes, it is signalled, or the lab ends by itself.
pub fn outer(spec: &Path) -> Result<()> {
    let state = spec.parent().context("a specification lies in the state folder")?;
    let lock = try_lock(state)?.with_context(|| format!("a lab runs in {} already", state.display()))?;
    // an error means that this process leads its terminal's job: then Ctrl-C is meant for it
    let _ = setsid();
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let signals = SignalFd::new(&signals)?;
    unshare(CloneFlags::CLONE_NEWPID).context("beginning a process namespace (this needs root)")?;
    let mut child =
        ourselves("init").arg(spec).stdin(Stdio::null()).spawn().context("starting the lab's init")?;
    let ended = wait(&mut child, &signals);
    let _ = child.kill();
    child.wait()?;
    // process 1 is reaped last of all in its namespace: nothing of the lab is left
    forget_all_but_logs(state, state);
    drop(lock);
    ended
}

/// Disks and keys of a lab that has ended are of no use, and lie on a tmpfs.
fn forget_all_but_logs(folder: &Path, state: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let log = path.extension().is_some_and(|e| e == "log") || path.ends_with("console");
        let guest = folder == state && path.join("console").exists();
        if guest {
            forget_all_but_logs(&path, state);
        } else if path.is_dir() {
            let _ = fs::remove_dir_all(&path);
        } else if !log && !path.ends_with("lock") {
            let _ = fs::remove_file(&path);
        }
    }
}

fn wait(child: &mut Child, signals: &SignalFd) -> Result<()> {
    let mut input = Some(std::io::stdin());
    loop {
        let mut watched = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        if let Some(input) = &input {
            watched.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => bail!("waiting for the lab: {error}"),
        }
        let ready = |f: &PollFd<'_>| f.any().unwrap_or(false);
        let (signalled, typed) = (ready(&watched[0]), watched.get(1).is_some_and(ready));
        if signalled && let Some(info) = signals.read_signal()? {
            if info.ssi_signo != Signal::SIGCHLD as u32 {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                return if status.success() { Ok(()) } else { bail!("the lab ended with {status}") };
            }
        }
        if typed {
            let mut byte = [0];
            match std::io::stdin().lock().read(&mut byte)? {
                0 => return Ok(()),
                _ if byte[0] == KEEP => input = None,
                _ => {}
            }
        }
    }
}

/// Process 1: starts the supervisor and reaps until that ends.
pub fn init(spec: &Path) -> Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    let supervisor = ourselves("supervise").arg(spec).spawn().context("starting the lab's supervisor")?;
    let supervisor = Pid::from_raw(supervisor.id().cast_signed());
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, 0)) if pid == supervisor => return Ok(()),
            Ok(WaitStatus::Exited(pid, code)) if pid == supervisor => {
                bail!("the supervisor ended with status {code}")
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == supervisor => {
                bail!("the supervisor ended with {signal}")
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => bail!("reaping: {error}"),
        }
    }
}

/// Moves the calling process, which must have no second thread yet, into a network and a mount table of its own.
pub(crate) fn enter_network() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).context("beginning a network namespace")?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .context("keeping mounts to ourselves")?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).context("mounting /proc")
}

fn ourselves(role: &str) -> Command {
    // by this name also when the file was replaced by a later build
    let mut command = Command::new("/proc/self/exe");
    command.arg(role);
    command
}
