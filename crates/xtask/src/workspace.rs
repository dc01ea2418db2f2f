//! Where things are, and what packages there are, by Cargo's own account.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Cargo, started in the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // set by the cargo that started us; a build script that watches them would run again each time
    for (name, _) in std::env::vars_os() {
        let ours = |prefix: &str| name.to_string_lossy().starts_with(prefix);
        if ours("CARGO_PKG_") || ours("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// What `cargo metadata` says about our packages.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug)]
pub(crate) struct Package {
    /// `perilune-array`
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Binaries, tests and so on: kind and name.
    pub(crate) targets: Vec<(String, String)>,
    /// Packages of ours that it links; those for its tests only are marked.
    pub(crate) uses: Vec<Use>,
}

#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) for_tests: bool,
}

/// A test program that was built.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) package: String,
    pub(crate) name: String,
    file: PathBuf,
    folder: PathBuf,
}

impl Program {
    /// Started as `cargo test` would.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.file);
        command.args(arguments).current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let text = process::output(cargo().args(["metadata", "--no-deps", "--format-version=1", "--quiet"]))?;
        let value: Value = serde_json::from_str(&text).context("parsing the answer of cargo metadata")?;
        let target = value["target_directory"].as_str().context("cargo metadata names no target folder")?;
        let packages = value["packages"].as_array().into_iter().flatten();
        Ok(Self { target: target.into(), packages: packages.filter_map(Package::of).collect() })
    }

    /// Builds all binaries and test programs, with one set of features, and says which test programs there are.
    pub(crate) fn build(&self) -> Result<Vec<Program>> {
        let mut command = cargo();
        command.args(["build", "--workspace", "--bins", "--tests"]);
        let text = process::output(command.arg("--message-format=json-render-diagnostics"))?;
        let artifacts = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(artifacts.filter_map(|artifact| self.program(&artifact)).collect())
    }

    fn program(&self, artifact: &Value) -> Option<Program> {
        if artifact["profile"]["test"] != true || artifact["target"]["kind"][0] != "test" {
            return None;
        }
        let folder = Path::new(artifact["manifest_path"].as_str()?).parent()?.to_path_buf();
        Some(Program {
            package: self.packages.iter().find(|package| package.folder == folder)?.name.clone(),
            name: artifact["target"]["name"].as_str()?.to_owned(),
            file: artifact["executable"].as_str()?.into(),
            folder,
        })
    }
}

impl Package {
    fn of(value: &Value) -> Option<Self> {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let targets = value["targets"].as_array()?.iter();
        let dependencies = value["dependencies"].as_array()?.iter();
        Some(Self {
            name: text(&value["name"])?,
            folder: Path::new(value["manifest_path"].as_str()?).parent()?.to_path_buf(),
            targets: targets.filter_map(|t| Some((text(&t["kind"][0])?, text(&t["name"])?))).collect(),
            uses: dependencies
                // only ours have a path
                .filter(|d| d["path"].is_string())
                .filter_map(|d| Some(Use { name: text(&d["name"])?, for_tests: d["kind"] == "dev" }))
                .collect(),
        })
    }
}
