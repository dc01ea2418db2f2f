//! The caller's side of a lab: start it, reach into it, end it. Blocking; every wait has a limit.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    agent::{self, Output},
    clock::wait_for,
    control::{self, Answer, Request},
    events::{CONTROL_PLANE, Event, Stage},
    isolation,
    process::tail,
    relay,
    spec::{GuestSpec, Spec},
};

/// A running lab. Dropping it ends the lab, unless it was kept or attached to.
#[derive(Debug)]
pub struct Lab {
    spec: Spec,
    /// The supervisor, as long as this process answers for its life.
    owned: Option<Child>,
    /// How many events a caller of ours has been told, for each is told once.
    told: AtomicUsize,
}

/// One guest of a running lab.
#[derive(Debug)]
pub struct Guest<'a> {
    lab: &'a Lab,
    spec: &'a GuestSpec,
}

/// A port on the loopback of this process's network that leads to an address inside the lab, until the process ends.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    pub address: SocketAddr,
}

impl Lab {
    /// Starts a lab and returns as soon as its API server can be used, while guests may still boot. `program` is the
    /// binary `perilune-lab`; each step is told to `progress`. The lab ends with this process.
    pub fn start(program: &Path, spec: Spec, progress: impl FnMut(&Event)) -> Result<Self> {
        spec.check()?;
        prepare(program, &spec)?;
        let log = fs::File::create(spec.state.join("supervisor.log"))?;
        let mut child = Command::new(spec.state.join("perilune-lab"))
            .arg("outer")
            .arg(spec.state.join("spec.json"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting the lab's supervisor")?;
        let socket = spec.state.join("control");
        let up = wait_for(
            "the lab's supervisor",
            Duration::from_secs(20),
            || child.try_wait().ok().flatten().map(|s| format!("it ended with {s}")),
            || socket.exists().then_some(()),
        );
        let lab = Self { spec, owned: Some(child), told: AtomicUsize::new(0) };
        up.with_context(|| tail(&lab.spec.state.join("supervisor.log"), 10))?;
        lab.wait(&[CONTROL_PLANE], Duration::from_secs(240), progress)?;
        Ok(lab)
    }

    /// Joins a lab that was kept. It stays when this value is dropped.
    pub fn attach(state: &Path) -> Result<Self> {
        match control::ask(state, &Request::Spec)? {
            (Answer::Spec(spec), _) => Ok(Self { spec: *spec, owned: None, told: AtomicUsize::new(0) }),
            (other, _) => bail!("an unexpected answer {other:?}"),
        }
    }

    /// Waits until every guest is ready: for a node that means Ready in Kubernetes with this boot's kubelet.
    pub fn wait_ready(&self, limit: Duration, progress: impl FnMut(&Event)) -> Result<()> {
        let guests: Vec<&str> = self.spec.guests.iter().map(|g| g.name.as_str()).collect();
        self.wait(&guests, limit, progress)
    }

    /// A kubeconfig with every right, usable outside the lab's network.
    pub fn kubeconfig(&self) -> PathBuf {
        self.spec.state.join("admin.kubeconfig")
    }

    pub fn state_dir(&self) -> &Path {
        &self.spec.state
    }

    /// Leaves the lab running when this process ends; [`Lab::attach`] finds it by its state folder.
    pub fn keep(&mut self) -> Result<()> {
        use std::io::Write;
        if let Some(child) = &mut self.owned {
            let input = child.stdin.as_mut().context("the supervisor has no input")?;
            input.write_all(&[isolation::KEEP]).context("telling the lab to stay")?;
            self.owned = None;
        }
        Ok(())
    }

    /// Ends the lab, whoever started it, and returns when no process of it is left. Its logs stay.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    pub fn guest(&self, name: &str) -> Result<Guest<'_>> {
        Ok(Guest { lab: self, spec: self.spec.guest(name)? })
    }

    /// Makes an address of the lab reachable on this process's loopback.
    pub fn forward(&self, target: SocketAddr) -> Result<Forward> {
        let door = TcpListener::bind("127.0.0.1:0").context("opening a port on the loopback")?;
        let address = door.local_addr()?;
        let state = self.spec.state.clone();
        thread::spawn(move || {
            for caller in door.incoming().flatten() {
                let state = state.clone();
                thread::spawn(move || {
                    if let Ok((_, pipe)) = control::ask(&state, &Request::Dial { address: target }) {
                        let _ = relay::join(caller, pipe);
                    }
                });
            }
        });
        Ok(Forward { address })
    }

    /// Copies every log of the lab into a folder, for a failed run to look at afterwards.
    pub fn collect_logs(&self, into: &Path) -> Result<()> {
        let state = &self.spec.state;
        for dir in [state.clone()].into_iter().chain(self.spec.guests.iter().map(|g| g.dir(&self.spec))) {
            let to = into.join(dir.strip_prefix(state)?);
            fs::create_dir_all(&to)?;
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|e| e == "log") || path.ends_with("console") {
                    fs::copy(&path, to.join(entry.file_name()))
                        .with_context(|| format!("keeping the log {}", path.display()))?;
                }
            }
        }
        Ok(())
    }

    /// Follows the events until the latest of each subject says ready.
    fn wait(&self, subjects: &[&str], limit: Duration, mut progress: impl FnMut(&Event)) -> Result<()> {
        let stream = control::connect(&self.spec.state, &Request::Events)?;
        let end = Instant::now() + limit;
        let mut lines = BufReader::new(&stream);
        let mut waiting: Vec<&str> = subjects.to_vec();
        let mut heard = 0;
        while !waiting.is_empty() {
            let left = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero());
            let late = || anyhow!("not ready within {} s: {}", limit.as_secs(), waiting.join(", "));
            stream.set_read_timeout(Some(left.ok_or_else(late)?))?;
            let mut line = String::new();
            if lines.read_line(&mut line).map_err(|_| late())? == 0 {
                bail!("the lab ended; see {}", self.spec.state.join("supervisor.log").display());
            }
            let event: Event = serde_json::from_str(&line)?;
            heard += 1;
            if self.told.fetch_max(heard, Ordering::Relaxed) < heard {
                progress(&event);
            }
            match event.stage {
                Stage::Failed => bail!("{}: {}", event.subject, event.message),
                Stage::Ready => waiting.retain(|s| *s != event.subject),
                Stage::Step | Stage::Ended => {}
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let state = &self.spec.state;
        let Some(mut child) = self.owned.take() else {
            control::ask(state, &Request::Stop)?;
            return wait_until_unlocked(state);
        };
        drop(child.stdin.take());
        child.wait().context("waiting for the end of the lab")?;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.owned.is_some() {
            let _ = self.end();
        }
    }
}

impl Guest<'_> {
    /// Runs a command for `/bin/bash -c` as root, outside any container.
    pub fn run(&self, command: &str, limit: Duration) -> Result<Output> {
        let request =
            agent::Request::Run { command: command.into(), limit_ms: limit.as_millis().try_into()? };
        match self.ask(&request, limit)? {
            agent::Answer::Ran(output) => Ok(output),
            other => bail!("guest {}: an unexpected answer {other:?}", self.spec.name),
        }
    }

    /// Starts a long-running process, with its log `NAME.log` in [`Guest::dir`]; gives the number of its process group.
    pub fn spawn(&self, name: &str, command: &str) -> Result<u32> {
        let log = self.dir().join(format!("{name}.log"));
        match self.ask(&agent::Request::Spawn { command: command.into(), log }, Duration::from_secs(20))? {
            agent::Answer::Spawned(process) => Ok(process),
            other => bail!("guest {}: an unexpected answer {other:?}", self.spec.name),
        }
    }

    /// Sends a signal, such as `SIGTERM`, to a process group that [`Guest::spawn`] started.
    pub fn signal(&self, process: u32, signal: &str) -> Result<()> {
        let request = agent::Request::Signal { process, signal: signal.into() };
        self.ask(&request, Duration::from_secs(20)).map(drop)
    }

    /// Pulls the plug: every process of the guest is gone at once, nothing is unmounted or told. Its disk stays.
    pub fn kill(&self) -> Result<()> {
        control::ask(&self.lab.spec.state, &Request::Kill { guest: self.spec.name.clone() }).map(drop)
    }

    /// Boots a killed guest again on its disk, and returns when it is ready.
    pub fn start(&self) -> Result<()> {
        control::ask(&self.lab.spec.state, &Request::Start { guest: self.spec.name.clone() }).map(drop)
    }

    /// Takes the guest's network cable out.
    pub fn cut(&self) -> Result<()> {
        control::ask(&self.lab.spec.state, &Request::Cut { guest: self.spec.name.clone() }).map(drop)
    }

    /// Puts the guest's network cable back.
    pub fn heal(&self) -> Result<()> {
        control::ask(&self.lab.spec.state, &Request::Heal { guest: self.spec.name.clone() }).map(drop)
    }

    /// Where this guest's logs are, outside and inside.
    pub fn dir(&self) -> PathBuf {
        self.spec.dir(&self.lab.spec)
    }

    fn ask(&self, request: &agent::Request, limit: Duration) -> Result<agent::Answer> {
        let address = SocketAddr::from((self.spec.address(), agent::PORT));
        let (_, pipe) = control::ask(&self.lab.spec.state, &Request::Dial { address })
            .with_context(|| format!("reaching guest {}", self.spec.name))?;
        // the guest keeps to the limit itself; this is for a guest that died meanwhile
        pipe.set_read_timeout(Some(limit + Duration::from_secs(15)))?;
        agent::exchange(pipe, request).with_context(|| format!("guest {}", self.spec.name))
    }
}

/// An empty state folder with the specification and a copy of the program, which a later build cannot replace.
fn prepare(program: &Path, spec: &Spec) -> Result<()> {
    let state = &spec.state;
    if state.exists() {
        ensure!(try_lock(state)?.is_some(), "a lab runs in {}; end it first", state.display());
        fs::remove_dir_all(state).with_context(|| format!("emptying {}", state.display()))?;
    }
    fs::create_dir_all(state).with_context(|| format!("making the state folder {}", state.display()))?;
    fs::write(state.join("spec.json"), serde_json::to_string_pretty(spec)?)?;
    fs::copy(program, state.join("perilune-lab"))
        .with_context(|| format!("copying {}", program.display()))?;
    Ok(())
}

/// The lock that [`isolation::outer`] holds as long as anything of the lab lives.
pub(crate) fn try_lock(state: &Path) -> Result<Option<Flock<fs::File>>> {
    let path = state.join("lock");
    let file = fs::File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

fn wait_until_unlocked(state: &Path) -> Result<()> {
    wait_for(
        "the end of the lab",
        Duration::from_secs(60),
        || None,
        || try_lock(state).ok().flatten().map(drop),
    )
}
