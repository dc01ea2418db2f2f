//! Tools of others that a suite runs: found, or built once below the target folder.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;

use crate::{
    process,
    workspace::{Workspace, cargo},
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
