//! Starting the few tools that the disks need. Secrets never pass through here.
#![expect(
    clippy::disallowed_methods,
    reason = "host's runner belongs to the product; the simulator links none of it"
)]

use std::process::{Command, Stdio};

use super::FabricError;

/// Runs a tool to its end and answers what it printed.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<String, FabricError> {
    let failed =
        |why: &dyn std::fmt::Display| FabricError(format!("{program} {}: {why}", arguments.join(" ")));
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        // The library then makes the nodes itself: a guest of ours need not run udev.
        .env("DM_DISABLE_UDEV", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
