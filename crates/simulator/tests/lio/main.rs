//! `data: lio` in a guest with a real kernel: what a script prints there is judged here.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program; what it starts it waits for, under a time limit"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn a_volume_is_a_real_disk_from_creation_to_nothing_left() {
    in_a_guest("guest.py", 32);
}

#[test]
fn disks_of_the_xiv_family_share_a_target_with_a_lun_for_each_host() {
    in_a_guest("xiv.py", 25);
}

/// Boots a guest for the script, which makes so many statements. A guest that dies half-way makes fewer.
fn in_a_guest(name: &str, wanted: usize) {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/kernel");
    let folder = std::env::var_os("GUEST_KERNEL").map_or_else(usual, PathBuf::from);
    let kernel = folder.join("linux.uml");
    assert!(kernel.exists(), "{} is missing: `cargo xtask setup` gets it", kernel.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lio/guest.sh");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "900"])
        .arg(kernel)
        .args([
            "mem=1024M",
            "root=/dev/root",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "con=null",
            "con0=fd:0,fd:1",
        ])
        .args(["panic=-1", "quiet", "seccomp=auto"])
        .arg(format!("modules={}", folder.join("modules").display()))
        .arg(format!("init={}", script.display()))
        .arg(format!("simulator={}", env!("CARGO_BIN_EXE_perilune-simulator")))
        .arg(format!("script={name}"))
        .stdin(Stdio::null())
        .output()
        .expect("guest boots");
    let said = String::from_utf8_lossy(&output.stdout);
    let statements = |verdict: &str| said.lines().filter(|line| line.starts_with(verdict)).count();
    println!("{}", said.lines().filter(|line| line.starts_with("HOLDS")).collect::<Vec<_>>().join("\n"));
    assert_eq!(statements("FAILS "), 0, "{said}");
    assert!(said.lines().any(|line| line.trim() == "END"), "the guest did not reach its end: {said}");
    assert_eq!(statements("HOLDS "), wanted, "{said}");
}
