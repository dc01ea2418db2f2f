//! The programs and daemons that are spoken to, one file each: what is asked, and a pure reading of the answer.

pub(crate) mod blkid;
pub(crate) mod ext4;
pub(crate) mod iscsiadm;
pub(crate) mod multipath;
pub(crate) mod xfs;

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    os::{Invocation, Os, Output, Root},
};

/// Runs a program of our own image that has no secrets.
fn run(os: &dyn Os, program: &'static str, args: &[&str], deadline: Instant) -> Result<Output> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let invocation = Invocation { root: Root::Own, program, secret_from: args.len(), args, deadline };
    let output = os.run(&invocation).map_err(|error| not_started(program, error))?;
    if output.timed_out {
        return Err(Error::new(
            ErrorKind::TimedOut,
            format!("`{invocation:?}` did not end in time and was killed"),
        ));
    }
    Ok(output)
}

fn not_started(program: &str, error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "it is not installed",
        _ => "it could not be started",
    };
    Error::new(ErrorKind::Bug, format!("running {program}: {remedy}")).because(error)
}

/// The last lines a program wrote, for a person.
fn words(output: &Output) -> String {
    let text = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("; ")
}

/// The earlier of the deadline and a span from now.
pub(crate) fn within(os: &dyn Os, deadline: Instant, span: Duration) -> Instant {
    deadline.min(os.now() + span)
}
