//! `cargo xtask demo`: makes everything that the demo needs, then becomes the demo.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    kernel, process, setup,
    workspace::{self, Workspace, cargo},
};

pub(crate) const HELP: &str = "\
Perilune on a real Kubernetes (a control plane and two nodes with kernels of their own) with a simulated array:
a claim becomes a volume, a pod writes to it, it grows while in use, is snapshot, restored and cloned, the pod moves to
the other node, and everything is deleted.

Usage: cargo xtask demo [--array solidfire|xiv] [--keep]
       cargo xtask demo --stop

  --array solidfire if nothing is said, or xiv, a FlashSystem A9000
  --keep  leave everything running at the end and say how to reach it
  --stop  end what an earlier --keep left";

/// The binaries that the demo runs.
const BINARIES: &[&str] =
    &["perilune-controller", "perilune-node", "perilune-simulator", "perilune-lab", "perilune-demo"];

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    // before anything is built; the demo itself reads them again
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let known = match words[..] {
        [] | ["--keep" | "--stop"] => true,
        ["--array", array] | ["--array", array, "--keep"] | ["--keep", "--array", array] => {
            matches!(array, "solidfire" | "xiv")
        }
        _ => false,
    };
    if !known {
        bail!("demo does not know {}\n\n{HELP}", words.join(" "));
    }
    let components = setup::run()?;
    build()?;
    let program = Workspace::read()?.target.join("debug/perilune-demo");
    // in our place, so that Ctrl-C and its end are the demo's own
    let error = Command::new(&program)
        .args(arguments)
        .env("PERILUNE_ROOT", workspace::root())
        .env("KUBEBUILDER_ASSETS", components)
        .env(kernel::VARIABLE, kernel::folder()?)
        .exec();
    Err(error).with_context(|| format!("starting {}", program.display()))
}

fn build() -> Result<()> {
    let mut command = cargo();
    // of the whole workspace, so that the builds of the tests serve
    command.args(["build", "--workspace"]);
    for binary in BINARIES {
        command.args(["--bin", binary]);
    }
    process::run(&mut command)
}
