//! `data: lio` in a guest with a real kernel: what `guest.py` prints there is judged here.
#![expect(
    clippy::disallowed_methods,
    reason = "a test program; what it starts it waits for, under a time limit"
)]

use std::path::Path;
use std::process::{Command, Stdio};

/// How many statements the guest makes. A guest that dies half-way makes fewer.
const STATEMENTS: usize = 32;

#[test]
fn a_volume_is_a_real_disk_from_creation_to_nothing_left() {
    let kernel = Path::new("/usr/bin/linux.uml");
    assert!(kernel.exists(), "{} is missing: install the package user-mode-linux", kernel.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lio/guest.sh");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "500"])
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
        .args(["panic=-1", "quiet"])
        .arg(format!("init={}", script.display()))
        .arg(format!("simulator={}", env!("CARGO_BIN_EXE_perilune-simulator")))
        .stdin(Stdio::null())
        .output()
        .expect("guest boots");
    let said = String::from_utf8_lossy(&output.stdout);
    let statements = |verdict: &str| said.lines().filter(|line| line.starts_with(verdict)).count();
    println!("{}", said.lines().filter(|line| line.starts_with("HOLDS")).collect::<Vec<_>>().join("\n"));
    assert_eq!(statements("FAILS "), 0, "{said}");
    assert!(said.lines().any(|line| line.trim() == "END"), "the guest did not reach its end: {said}");
    assert_eq!(statements("HOLDS "), STATEMENTS, "{said}");
}
