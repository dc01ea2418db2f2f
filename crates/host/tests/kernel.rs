//! The whole data path on a real kernel: a User Mode Linux guest with a kernel SCSI target, open-iscsi, udev and
//! multipath. On the machine this file boots the guest; in the guest the same binary walks the steps.
//!
//! Needs the packages user-mode-linux, open-iscsi, multipath-tools, udev, dmsetup, xfsprogs, e2fsprogs, kmod, iproute2.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "all of this is a test")]

#[path = "kernel/array.rs"]
mod array;
#[path = "kernel/guest.rs"]
mod guest;
#[path = "kernel/walk.rs"]
mod walk;

use std::{env, fs, path::PathBuf, process::Stdio, time::Duration};

/// A guest that takes longer is broken. On an idle machine it takes about a minute.
const PATIENCE: Duration = Duration::from_secs(480);

#[test]
fn volumes_live_and_die_on_a_real_kernel() {
    if let Ok(step) = env::var("GUEST_TEST_STEP") {
        return walk::only(&step);
    }
    if env::var_os("GUEST_TEST_INSIDE").is_some() {
        let level = env::var("GUEST_LOG").unwrap_or_else(|_| "off".into());
        tracing_subscriber::fmt()
            .with_env_filter(level)
            .with_ansi(false)
            .with_timer(tracing_subscriber::fmt::time::uptime())
            .init();
        return walk::all();
    }
    let console = boot();
    assert!(console.contains("guest ended with 0"), "the guest's console:\n{console}");
}

/// For a person at work: `GUEST_STEPS=lun` walks only the steps of such a name, `GUEST_LOG=debug` shows what is done.
fn wishes() -> Vec<String> {
    let wish = |name: &&str| Some(format!("{name}={}", env::var(name).ok()?));
    ["GUEST_STEPS", "GUEST_LOG", "GUEST_FIND_MULTIPATHS"].iter().filter_map(wish).collect()
}

/// Boots the guest, waits for its end, and returns what it wrote.
fn boot() -> String {
    let state = tempfile::tempdir().unwrap();
    let console = state.path().join("console");
    let output = fs::File::create(&console).unwrap();
    let init = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest.sh");
    let binary = env::current_exe().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test starts its own guest")]
    let mut command = std::process::Command::new("timeout");
    let status = command
        .args(["--kill-after=5", &PATIENCE.as_secs().to_string(), "linux.uml", "mem=1024M", "root=/dev/root"])
        .args(["rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=fd:0,fd:1", "panic=-1", "quiet"])
        .arg(format!("init={}", init.display()))
        .arg(format!("GUEST_TEST={}", binary.display()))
        .args(wishes())
        .env("TMPDIR", "/dev/shm")
        .env("HOME", state.path())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .status()
        .unwrap_or_else(|error| {
            panic!("starting linux.uml failed ({error}): apt-get install user-mode-linux")
        });
    let text = String::from_utf8_lossy(&fs::read(&console).unwrap()).into_owned();
    println!("{text}\nthe guest's process ended with {status}");
    text
}
