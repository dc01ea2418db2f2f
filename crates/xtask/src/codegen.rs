//! `cargo xtask codegen`: everything committed that is generated.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process, setup,
    workspace::{self, Workspace, cargo},
};

pub(crate) const HELP: &str = "\
Write everything that is generated and committed.

Usage: cargo xtask codegen [--check]

  csi-proto   csi-proto/src/generated/ from csi-proto/proto/
  crds        crds/ and charts/perilune-crds/templates/ from the types in crates/api
  deploy      deploy/perilune.yaml from charts/perilune and its defaults

  --check  compare instead, and fail on a difference";

/// A generator: its name, and how it runs; with true it only compares.
type Generator = (&'static str, fn(bool) -> Result<()>);

const GENERATORS: &[Generator] = &[("csi-proto", csi_proto), ("crds", crds), ("deploy", deploy)];

pub(crate) fn run(check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for (name, generate) in GENERATORS {
        println!("codegen: {name}");
        if let Err(error) = generate(check) {
            println!("codegen: {name}: {error:#}");
            stale.push(*name);
        }
    }
    if !stale.is_empty() {
        bail!("{} not as generated; run `cargo xtask codegen` and commit what changes", stale.join(", "));
    }
    Ok(())
}

fn csi_proto(check: bool) -> Result<()> {
    let mut command = cargo();
    // of the whole workspace here and below, so that the builds of the tests serve
    command.args(["test", "--quiet", "--workspace", "--test", "bootstrap"]);
    if !check {
        command.env("PERILUNE_CODEGEN", "write");
    }
    process::run(&mut command)
}

fn crds(check: bool) -> Result<()> {
    process::run(cargo().args(["build", "--quiet", "--workspace", "--bin", "crds"]))?;
    let mut command = Command::new(Workspace::read()?.target.join("debug/crds"));
    command.current_dir(workspace::root());
    if check {
        command.arg("--check");
    }
    process::run(command.args(["crds", "charts/perilune-crds/templates"]))
}

fn deploy(check: bool) -> Result<()> {
    let file = workspace::root().join("deploy/perilune.yaml");
    let mut helm = Command::new(setup::kubernetes()?.join("helm"));
    helm.current_dir(workspace::root()).args(["template", "perilune", "charts/perilune"]);
    let text = process::output(helm.args(["--namespace", "perilune-system"]))?;
    if !check {
        return fs::write(&file, text).with_context(|| format!("writing {}", file.display()));
    }
    ensure!(fs::read_to_string(&file).is_ok_and(|there| there == text), "deploy/perilune.yaml differs");
    Ok(())
}
