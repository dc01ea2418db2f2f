//! Tools of others that a suite runs: found, or built once below the target folder.

use std::{fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    process,
    workspace::{self, Workspace, cargo},
};

/// The version that is built where none is on the PATH.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn cargo_deny() -> Result<PathBuf> {
    if let Some(found) = process::find("cargo-deny") {
        return Ok(found);
    }
    let home = Workspace::read()?.target.join("tools");
    let program = home.join("bin/cargo-deny");
    if !process::is_program(&program) {
        let began = Instant::now();
        println!("building cargo-deny {CARGO_DENY} into {}", home.display());
        let mut install = cargo();
        install.args(["install", "cargo-deny", "--locked", "--quiet", "--no-default-features"]);
        install.args(["--version", CARGO_DENY, "--root"]).arg(&home);
        // it runs for a second: building it fast matters more
        install.args(["--profile", "dev"]).env("CARGO_PROFILE_DEV_DEBUG", "false");
        process::run(install.env("CARGO_TARGET_DIR", home.join("build")))?;
        println!("built in {} s", began.elapsed().as_secs());
    }
    Ok(program)
}

/// csi-sanity as `tests/sanity/go.mod` pins it. It needs a module of its own, for it is ahead of the sidecars in what it
/// shares with them.
pub(crate) fn csi_sanity() -> Result<PathBuf> {
    const MODULE: &str = "github.com/kubernetes-csi/csi-test/v5";
    let sources = workspace::root().join("tests/sanity");
    let pinned = fs::read(sources.join("go.sum")).context("reading tests/sanity/go.sum")?;
    let go_mod = fs::read_to_string(sources.join("go.mod")).context("reading tests/sanity/go.mod")?;
    let version = required(&go_mod, MODULE).context("tests/sanity/go.mod requires no csi-test")?;
    let home = Workspace::read()?.target.join("sanity").join(version);
    let (program, stamp) = (home.join("csi-sanity"), home.join("go.sum"));
    if process::is_program(&program) && fs::read(&stamp).is_ok_and(|built| built == pinned) {
        return Ok(program);
    }
    ensure!(
        process::find("go").is_some(),
        "csi-sanity must be built and there is no Go: install Go 1.26 or later (https://go.dev/doc/install)"
    );
    let began = Instant::now();
    println!("building csi-sanity {version} into {}", home.display());
    fs::create_dir_all(&home)?;
    let mut go = Command::new("go");
    // static, so that it runs in any guest
    go.current_dir(&sources).env("CGO_ENABLED", "0").args(["build", "-mod=readonly", "-ldflags=-s -w", "-o"]);
    process::run(go.arg(&program).arg(format!("{MODULE}/cmd/csi-sanity")))?;
    fs::write(&stamp, pinned)?;
    println!("built in {} s", began.elapsed().as_secs());
    Ok(program)
}

/// The version at which a module file requires a module.
fn required<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| line.trim().strip_prefix(module)?.trim().split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_module_is_read_from_the_module_file() {
        let text = "module x\n\ntool a/b/c\n\nrequire (\n\ta/b v5.6.0 // indirect\n\ta/c v1.0.0\n)\n";
        assert_eq!(required(text, "a/b"), Some("v5.6.0"));
        assert_eq!(required(text, "a/d"), None);
    }
}
