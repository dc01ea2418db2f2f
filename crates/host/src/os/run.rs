//! The one place that starts processes: own group, no inherited descriptors, `LC_ALL=C`, capped output, a deadline.

use std::{
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};

use super::{Invocation, Output, Root, raw};

/// More output than this is read and thrown away.
const OUTPUT_CAP: u64 = 64 * 1024;
/// How long a killed process may take to die before it is left to a reaper.
const DYING: Duration = Duration::from_secs(2);

/// Runs to the end or to the deadline. `root` is set for programs of the host.
pub(super) fn run(invocation: &Invocation, root: Option<&Path>) -> io::Result<Output> {
    let mut child = spawn(invocation, root)?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let pid = Pid::from_raw(child.id() as i32);
    let ended = watch(pid)?;
    let mut timed_out = false;
    if ended.recv_timeout(invocation.deadline.saturating_duration_since(Instant::now())).is_err() {
        timed_out = true;
        // not reaped yet, so the number is still this group's
        let _ = killpg(pid, Signal::SIGKILL);
        if ended.recv_timeout(DYING).is_err() {
            abandon(child);
            return Ok(Output { code: None, stdout: String::new(), stderr: String::new(), timed_out });
        }
    }
    let status = child.wait()?;
    if timed_out {
        // a grandchild may still hold the pipes
        return Ok(Output { code: None, stdout: String::new(), stderr: String::new(), timed_out });
    }
    let text = |from: mpsc::Receiver<Vec<u8>>| {
        let bytes = from.recv_timeout(DYING).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let code = if status.signal().is_some() { None } else { status.code() };
    Ok(Output { code, stdout: text(stdout), stderr: text(stderr), timed_out })
}

fn spawn(invocation: &Invocation, root: Option<&Path>) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "this is the runner that the ban points to")]
    let mut command = Command::new(invocation.program);
    command
        .args(&invocation.args)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    raw::prepare_child(&mut command, root, invocation.root == Root::Own)?;
    command.spawn()
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.by_ref().take(OUTPUT_CAP).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
            let _ = tell.send(bytes);
        });
    }
    told
}

/// Tells when the process has ended, without reaping it.
fn watch(pid: Pid) -> io::Result<mpsc::Receiver<()>> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("host-watch".into()).spawn(move || {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
        let _ = tell.send(());
    })?;
    Ok(told)
}

/// Leaves a process that does not die to a thread that waits for it as long as it takes.
fn abandon(mut child: Child) {
    thread::spawn(move || {
        let _ = child.wait();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Output {
        let invocation = Invocation {
            root: Root::Own,
            program: "sh",
            args: vec!["-c".into(), script.into()],
            secret_from: 2,
            deadline: Instant::now() + patience,
        };
        run(&invocation, None).unwrap()
    }

    #[test]
    fn code_output_and_locale_come_back() {
        let output = shell("echo out $LC_ALL; echo err >&2; exit 15", Duration::from_secs(20));
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (Some(15), "out C\n", "err\n")
        );
    }

    #[test]
    fn the_whole_group_dies_at_the_deadline() {
        let started = Instant::now();
        let output = shell("sleep 60 & sleep 60", Duration::from_millis(100));
        assert!(output.timed_out && output.code.is_none());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn output_without_end_is_cut() {
        let output = shell("head -c 300000 /dev/zero | tr '\\0' x", Duration::from_secs(20));
        assert_eq!(output.stdout.len() as u64, OUTPUT_CAP);
    }

    #[test]
    fn secret_arguments_do_not_show() {
        let invocation = Invocation {
            root: Root::Host,
            program: "iscsiadm",
            args: vec!["-m".into(), "node".into(), "hunter22".into()],
            secret_from: 2,
            deadline: Instant::now(),
        };
        assert!(!format!("{invocation:?}").contains("hunter22"));
    }
}
