//! The hand inside a guest: runs commands there for the lab and tells exactly how they ended. Both sides of its
//! protocol: one request and one answer, each a line of JSON, per connection.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{
        fs::OpenOptionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{clock::wait_for, spec};

pub const PORT: u16 = 1023;
/// Touched by a guest's init when devices and daemons of its role are up.
const SETTLED: &str = "/run/lab-settled";

#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Request {
    BootId,
    Settled,
    Run { command: String, limit_ms: u64 },
    Spawn { command: String, log: PathBuf },
    Signal { process: u32, signal: String },
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Answer {
    BootId(String),
    Ran(Output),
    Spawned(u32),
    Done,
    Error(String),
}

/// How a command ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Output {
    /// The exit code; 128 + n after signal n.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// What the command wrote, if it succeeded.
    pub fn success(self) -> Result<String> {
        ensure!(
            self.code == 0,
            "ended with status {}: {}{}",
            self.code,
            self.stdout.trim(),
            self.stderr.trim()
        );
        Ok(self.stdout)
    }
}

/// Serves in the guest, for ever.
pub fn serve() -> Result<()> {
    let door = TcpListener::bind(("0.0.0.0", PORT)).context("opening the agent's port")?;
    for caller in door.incoming().flatten() {
        thread::spawn(move || {
            let _ = serve_one(&caller);
        });
    }
    Ok(())
}

fn serve_one(mut caller: &TcpStream) -> Result<()> {
    let mut line = String::new();
    BufReader::new(caller).read_line(&mut line)?;
    let answer = serde_json::from_str(&line)
        .map_err(anyhow::Error::from)
        .and_then(perform)
        .unwrap_or_else(|error| Answer::Error(format!("{error:#}")));
    writeln!(caller, "{}", serde_json::to_string(&answer)?)?;
    Ok(())
}

fn perform(request: Request) -> Result<Answer> {
    Ok(match request {
        Request::BootId => {
            Answer::BootId(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().into())
        }
        Request::Settled => {
            wait_for(
                "udevd and kernel modules",
                Duration::from_secs(60),
                || None,
                || Path::new(SETTLED).exists().then_some(()),
            )?;
            Answer::Done
        }
        Request::Run { command, limit_ms } => Answer::Ran(run(&command, Duration::from_millis(limit_ms))?),
        Request::Spawn { command, log } => Answer::Spawned(spawn(&command, &log)?),
        Request::Signal { process, signal } => {
            let signal: Signal = signal.parse().with_context(|| format!("signal {signal}"))?;
            killpg(Pid::from_raw(process.cast_signed()), signal)
                .with_context(|| format!("process group {process}"))?;
            Answer::Done
        }
    })
}

fn run(command: &str, limit: Duration) -> Result<Output> {
    // files and not pipes: what the command leaves in the background would hold a pipe open
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let stem = format!("/run/lab-agent-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let (out, err) = (format!("{stem}.out"), format!("{stem}.err"));
    let mut child = Command::new("/bin/bash")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(File::create(&err)?)
        .process_group(0)
        .spawn()
        .context("starting /bin/bash")?;
    let group = Pid::from_raw(child.id().cast_signed());
    let status = wait_for("the command", limit, || None, || child.try_wait().ok().flatten());
    if status.is_err() {
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait();
    }
    let take = |file: &str| -> Result<String> {
        let bytes = std::fs::read(file)?;
        std::fs::remove_file(file)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (stdout, stderr) = (take(&out)?, take(&err)?);
    let status = status.with_context(|| format!("{command:?} wrote so far: {stdout}{stderr}"))?;
    let code = status.code().or(status.signal().map(|s| 128 + s)).unwrap_or(-1);
    Ok(Output { code, stdout, stderr })
}

fn spawn(command: &str, log: &Path) -> Result<u32> {
    let out = File::options()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(log)
        .with_context(|| format!("opening the log {}", log.display()))?;
    let err = out.try_clone()?;
    let mut child = Command::new("/bin/bash")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()
        .context("starting /bin/bash")?;
    let id = child.id();
    thread::spawn(move || child.wait());
    Ok(id)
}

/// The agent of one guest, seen from the supervisor's network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agent(pub(crate) SocketAddr);

impl Agent {
    pub(crate) fn boot_id(self) -> Result<String> {
        match self.ask(&Request::BootId, Duration::from_secs(5))? {
            Answer::BootId(id) => Ok(id),
            other => bail!("an unexpected answer {other:?}"),
        }
    }

    pub(crate) fn settled(self) -> Result<()> {
        self.ask(&Request::Settled, Duration::from_secs(70)).map(drop)
    }

    pub(crate) fn spawn(self, command: &spec::Command, folder: &Path) -> Result<()> {
        let log = folder.join(format!("{}.log", command.name));
        self.ask(&Request::Spawn { command: command.command.clone(), log }, Duration::from_secs(20))
            .with_context(|| format!("starting {}", command.name))
            .map(drop)
    }

    fn ask(self, request: &Request, limit: Duration) -> Result<Answer> {
        let stream = TcpStream::connect_timeout(&self.0, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(limit))?;
        exchange(stream, request)
    }
}

/// One request over an open connection to an agent.
pub(crate) fn exchange(mut stream: impl Read + Write, request: &Request) -> Result<Answer> {
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("waiting for the guest's answer")?;
    match serde_json::from_str(&line).context("the guest ended before it answered")? {
        Answer::Error(error) => bail!(error),
        answer => Ok(answer),
    }
}
