//! Child processes of the supervisor: started with a log, in a group of their own, ended by that group.

use std::{
    fs::File,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::clock::wait_for;

/// A running process and all that it started. Dropping it leaves it running: the namespace ends it with the lab.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("making the log {}", log.display()))?;
        let err = out.try_clone()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name} ({})", command.get_program().display()))?;
        Ok(Self { child, name: name.into() })
    }

    /// Why this process is of no more use, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("{} ended with {}", self.name, describe(status)))
    }

    /// Ends the whole group at once, as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let group = Pid::from_raw(self.child.id().cast_signed());
        if let Err(error) = killpg(group, Signal::SIGKILL) {
            ensure!(error == nix::errno::Errno::ESRCH, "ending {}: {error}", self.name);
        }
        self.child.wait().with_context(|| format!("waiting for the end of {}", self.name))?;
        // a guest's kernel is several processes, and the last to end holds the lock of its disk
        wait_for(
            "the end of the whole group",
            Duration::from_secs(20),
            || None,
            || killpg(group, None).is_err().then_some(()),
        )
        .with_context(|| format!("ending {}", self.name))
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "an unknown status".into(),
    }
}

/// Runs a short command to its end; its output is part of the error.
pub(crate) fn run(command: &mut Command, input: Option<&str>) -> Result<()> {
    use std::io::Write;
    let program = command.get_program().display().to_string();
    let mut child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{program} ended with {}: {}{}",
        describe(output.status),
        String::from_utf8_lossy(&output.stdout).trim(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// The last lines of a log, for an error.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
