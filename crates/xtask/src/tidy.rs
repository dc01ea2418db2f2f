//! `cargo xtask tidy`: rules of the house that no compiler checks.

mod documents;
mod floors;
mod manifests;
mod sources;

use std::{fs, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    process,
    workspace::{self, Workspace},
};

pub(crate) const HELP: &str = "\
Check the rules of the house that no compiler checks: each source file opens with its module doc and keeps to its size
(600 lines refused, 400 warned), in-file tests to 100 lines, no module is named after nothing (utils, common, …), crates
depend downward only, manifests inherit the workspace's lints, paths named in documents exist.

Usage: cargo xtask tidy";

/// What was found: what must change, and what should.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Prints what it finds; whether nothing must change.
pub(crate) fn run() -> Result<bool> {
    let files = tracked()?;
    let workspace = Workspace::read()?;
    let mut findings = Findings::default();
    for file in &files {
        sources::check(file, &mut findings);
        manifests::check(file, &mut findings);
    }
    let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
    for file in &files {
        documents::check(file, &paths, &mut findings);
    }
    floors::check(&workspace.packages, &mut findings);
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    for error in &findings.errors {
        println!("error: {error}");
    }
    println!(
        "tidy: {} files, {} errors, {} warnings",
        files.len(),
        findings.errors.len(),
        findings.warnings.len()
    );
    Ok(findings.errors.is_empty())
}

/// Every text file that is or will be committed.
fn tracked() -> Result<Vec<Source>> {
    let root = workspace::root();
    let mut git = Command::new("git");
    git.current_dir(&root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = process::output(&mut git)?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|p| !p.is_empty()) {
        let full: PathBuf = root.join(path);
        // deleted but not yet committed, or not text
        if let Ok(text) = fs::read_to_string(full) {
            files.push(Source { path: path.into(), text });
        }
    }
    Ok(files)
}
