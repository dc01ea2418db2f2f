//! `cargo xtask bench`: the budgets, measured. Sizes are measured here, the rest by the program `perilune-bench`.

use std::{
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    kernel, process, setup,
    workspace::{self, Workspace, cargo},
};

pub(crate) const HELP: &str = "\
Measure the budgets, print them as a table, and write target/bench.json.

Usage: cargo xtask bench [NAME]…

  size/        bytes of the release binaries
  roundtrips/  management calls to an array for each operation, as the simulator's journal counts them
  controller/  the controller's time and memory, over a real API server and simulated arrays (minutes)

With names, only the budgets whose names start so. The exit status is 0 only if all are kept.";

/// Release binaries and the most they may have.
const SIZES: &[(&str, &str, u64)] =
    &[("size/controller", "perilune-controller", 30 << 20), ("size/node", "perilune-node", 12 << 20)];

pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    let wanted =
        |name: &str| names.is_empty() || names.iter().any(|n| name.starts_with(n) || n.starts_with(name));
    let target = Workspace::read()?.target;
    let mut rows = Vec::new();
    let sizes: Vec<_> = SIZES.iter().filter(|(name, ..)| wanted(name)).collect();
    if !sizes.is_empty() || wanted("controller/") {
        // together, as the Dockerfile builds them
        let packages = SIZES.iter().flat_map(|(_, program, _)| ["--package", *program]);
        process::run(cargo().args(["build", "--release"]).args(packages))?;
    }
    for (name, program, budget) in sizes {
        let path = target.join("release").join(program);
        let bytes = fs::metadata(&path).with_context(|| format!("looking at {}", path.display()))?.len();
        rows.push(
            json!({"name": name, "value": bytes, "unit": "bytes", "budget": budget, "peer": null, "runs": 1}),
        );
    }
    if wanted("roundtrips/") || wanted("controller/") {
        rows.extend(measured(names, wanted("controller/"))?);
    }
    fs::write(target.join("bench.json"), serde_json::to_vec_pretty(&rows)?)
        .context("writing target/bench.json")?;
    Ok(if table(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `perilune-bench` prints: a list of the same objects. Counts are the same however it was built, times are not.
fn measured(names: &[String], times: bool) -> Result<Vec<Value>> {
    let components = setup::run()?;
    let mut build = cargo();
    build.args(["build", "--workspace", "--bin", "perilune-bench", "--bin", "perilune-lab"]);
    build.args(times.then_some("--release"));
    process::run(&mut build)?;
    let folder = if times { "release" } else { "debug" };
    let mut command = Command::new(Workspace::read()?.target.join(folder).join("perilune-bench"));
    command.args(names).env("PERILUNE_ROOT", workspace::root()).env("KUBEBUILDER_ASSETS", components);
    command.env(kernel::VARIABLE, kernel::folder()?);
    serde_json::from_str(&process::output(&mut command)?).context("parsing what perilune-bench measured")
}

/// Prints the rows; whether all budgets are kept.
fn table(rows: &[Value]) -> bool {
    let mut kept = true;
    println!("{:<48}{:>12}{:>12}{:>12}  unit", "name", "value", "budget", "peer");
    for row in rows {
        let over = match (row["value"].as_f64(), row["budget"].as_f64()) {
            (Some(value), Some(budget)) => value > budget,
            _ => false,
        };
        kept &= !over;
        let name = row["name"].as_str().unwrap_or_default();
        let cell = |key: &str| if row[key].is_null() { "-".into() } else { row[key].to_string() };
        let unit = row["unit"].as_str().unwrap_or_default();
        let mark = if over { "  OVER BUDGET" } else { "" };
        println!("{name:<48}{:>12}{:>12}{:>12}  {unit}{mark}", cell("value"), cell("budget"), cell("peer"));
    }
    kept
}
