//! The whole data path on a real kernel: User Mode Linux guests with a kernel SCSI target, open-iscsi, udev and
//! multipath. On the machine each test boots a guest of its own; in the guest the same binary walks the steps.
//!
//! Needs the packages user-mode-linux, open-iscsi, multipath-tools, udev, dmsetup, xfsprogs, e2fsprogs, kmod, iproute2.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "all of this is a test")]

#[path = "kernel/array.rs"]
mod array;
#[path = "kernel/crashes.rs"]
mod crashes;
#[path = "kernel/crowd.rs"]
mod crowd;
#[path = "kernel/fc.rs"]
mod fc;
#[path = "kernel/guest.rs"]
mod guest;
#[path = "kernel/hazards.rs"]
mod hazards;
#[path = "kernel/outages.rs"]
mod outages;
#[path = "kernel/walk.rs"]
mod walk;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

/// A guest that takes longer is broken. On an idle machine it takes two to eight minutes, on a crowded one twice that.
const PATIENCE: Duration = Duration::from_secs(1800);

#[test]
fn volumes_live_and_die_on_a_real_kernel() {
    in_a_guest("volumes_live_and_die_on_a_real_kernel", Kernel::usual, &[], walk::all);
}

#[test]
fn hazards_end_well_on_a_real_kernel() {
    in_a_guest("hazards_end_well_on_a_real_kernel", Kernel::usual, &[], hazards::all);
}

#[test]
fn outages_hang_nothing_on_a_real_kernel() {
    in_a_guest("outages_hang_nothing_on_a_real_kernel", Kernel::usual, &[], outages::all);
}

#[test]
fn a_killed_plugin_finds_its_way_from_every_step() {
    if let Ok(step) = env::var("GUEST_TEST_STEP") {
        return crashes::only(&step);
    }
    in_a_guest("a_killed_plugin_finds_its_way_from_every_step", Kernel::usual, &[], crashes::all);
}

#[test]
fn many_volumes_at_once_share_one_node() {
    in_a_guest("many_volumes_at_once_share_one_node", Kernel::usual, &[], crowd::all);
}

#[test]
fn fibre_channel_carries_volumes_on_a_real_kernel() {
    let module = fc::module();
    let module = format!("GUEST_FCOE={}", module.display());
    in_a_guest("fibre_channel_carries_volumes_on_a_real_kernel", Kernel::installed, &[&module], fc::all);
}

/// What a guest boots.
struct Kernel {
    program: PathBuf,
    modules: PathBuf,
}

impl Kernel {
    /// The newest that Debian has, as `cargo xtask setup` leaves it.
    fn usual() -> Self {
        let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/kernel");
        let folder = env::var_os("GUEST_KERNEL").map_or_else(usual, PathBuf::from);
        Self { program: folder.join("linux.uml"), modules: folder.join("modules") }
    }

    /// That of the installed package, the only one whose source Debian keeps, which a module must be built from.
    fn installed() -> Self {
        Self { program: "/usr/bin/linux.uml".into(), modules: "/usr/lib/uml/modules".into() }
    }
}

/// Boots a guest for the test of this name, or, in the guest, walks it.
fn in_a_guest(name: &str, kernel: fn() -> Kernel, more: &[&str], walk: fn()) {
    if env::var_os("GUEST_TEST_INSIDE").is_none() {
        let console = boot(name, &kernel(), more);
        assert!(console.contains("guest ended with 0"), "the guest's console above tells what failed");
        return;
    }
    let level = env::var("GUEST_LOG").ok();
    let to_console = level.is_some();
    let log = fs::File::create("/run/plugin.log").unwrap();
    let writer = move || -> Box<dyn std::io::Write> {
        if to_console { Box::new(std::io::stdout()) } else { Box::new(log.try_clone().unwrap()) }
    };
    // everything is logged even where nobody reads it: no secret may be in it
    tracing_subscriber::fmt()
        .with_env_filter(level.unwrap_or_else(|| "trace".into()))
        .with_ansi(false)
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_writer(writer)
        .init();
    walk();
}

/// For a person at work: `GUEST_STEPS=lun,clone` walks only the steps of such names, `GUEST_LOG=debug` shows what is done.
fn wishes() -> Vec<String> {
    let wish = |name: &&str| Some(format!("{name}={}", env::var(name).ok()?));
    ["GUEST_STEPS", "GUEST_LOG", "GUEST_FIND_MULTIPATHS"].iter().filter_map(wish).collect()
}

/// Boots the guest, waits for its end, and returns what it wrote.
fn boot(name: &str, kernel: &Kernel, more: &[&str]) -> String {
    let state = tempfile::tempdir().unwrap();
    let console = state.path().join("console");
    let output = fs::File::create(&console).unwrap();
    let init = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest.sh");
    let binary = env::current_exe().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test starts its own guest")]
    let mut command = std::process::Command::new("timeout");
    let status = command
        .args(["--kill-after=5", &PATIENCE.as_secs().to_string()])
        .arg(&kernel.program)
        .args(["mem=1024M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "seccomp=auto"])
        .args(["con=null", "con0=fd:0,fd:1", "panic=-1", "quiet"])
        .arg(format!("init={}", init.display()))
        .arg(format!("GUEST_MODULES={}", kernel.modules.display()))
        .arg(format!("GUEST_TEST={}", binary.display()))
        .arg(format!("GUEST_NAME={name}"))
        .args(more)
        .args(wishes())
        .env("TMPDIR", "/dev/shm")
        .env("HOME", state.path())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .status()
        .unwrap_or_else(|error| {
            panic!("starting {} failed ({error}): `cargo xtask setup` gets it", kernel.program.display())
        });
    let text = String::from_utf8_lossy(&fs::read(&console).unwrap()).into_owned();
    // indented, so that nobody takes the inner test's results for ours
    text.lines().for_each(|line| println!("    {line}"));
    println!("the guest's process ended with {status}");
    text
}
