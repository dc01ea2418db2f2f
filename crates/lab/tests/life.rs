//! A lab's life on this machine's real kernel: what its guests can be asked and suffer, and that nothing of it is left
//! however it ends. Needs root and `cargo xtask setup`; `cargo xtask test lab` runs it.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test program, which looks at processes and kills one"
)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use perilune_lab::{Event, GuestSpec, Lab, Spec, image};

const SOON: Duration = Duration::from_secs(20);
const MINUTES: Duration = Duration::from_secs(240);

fn spec(label: &str, guests: Vec<GuestSpec>) -> Spec {
    let assets = env::var_os("KUBEBUILDER_ASSETS")
        .expect("run this by `cargo xtask test lab`, which finds the components");
    let binaries = PathBuf::from(assets);
    let program = program();
    let cache = program.ancestors().nth(2).unwrap().join("lab");
    Spec {
        state: Spec::new_state_dir(label),
        images: vec![image::kubernetes(&binaries, &cache).unwrap()],
        fresh_images: vec![],
        shares: vec![],
        controller_manager_args: vec![],
        binaries,
        cache,
        guests,
    }
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_perilune-lab").into()
}

fn tell(event: &Event) {
    println!("{:6.1} s  {}: {}", event.seconds, event.subject, event.message);
}

/// Processes that were started for this lab, by their command line.
fn processes(state: &Path) -> Vec<String> {
    let state = state.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|e| fs::read(e.path().join("cmdline")).ok());
    lines.map(|l| String::from_utf8_lossy(&l).replace('\0', " ")).filter(|l| l.contains(&state)).collect()
}

fn gone(state: &Path) -> bool {
    let end = Instant::now() + SOON;
    while Instant::now() < end {
        if processes(state).is_empty() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("left: {:#?}", processes(state));
    false
}

#[test]
fn a_guest_tells_how_commands_end_survives_a_cut_cable_and_boots_again_on_its_disk() {
    let spec = spec("life", vec![GuestSpec::node("node1", 11), GuestSpec::plain("array", &[31, 32])]);
    let state = spec.state.clone();
    let mut lab = Lab::start(&program(), spec, tell).unwrap();
    lab.wait_ready(MINUTES, tell).unwrap();

    let (node, array) = (lab.guest("node1").unwrap(), lab.guest("array").unwrap());
    let output = node.run("hostname; echo oops >&2; exit 7", SOON).unwrap();
    assert_eq!((output.code, output.stdout.trim(), output.stderr.trim()), (7, "node1", "oops"));
    let late = node.run("echo early; sleep 60", Duration::from_secs(1)).unwrap_err();
    assert!(format!("{late:#}").contains("early"), "{late:#}");
    array
        .run("test -d /sys/kernel/config/target/core && busybox ping -c1 -W5 10.250.0.11", SOON)
        .unwrap()
        .success()
        .unwrap();

    // a server in a guest, reached from here, where there is no route to it
    let echo = array.spawn("echo", "exec busybox nc -ll -p 7 -e cat").unwrap();
    let forward = lab.forward("10.250.0.32:7".parse().unwrap()).unwrap();
    assert_eq!(said_back(&forward.address.to_string()), "hello\n");
    array.signal(echo, "SIGTERM").unwrap();

    array.cut().unwrap();
    assert_ne!(node.run("busybox ping -c1 -W2 10.250.0.31", SOON).unwrap().code, 0);
    array.heal().unwrap();
    node.run("busybox ping -c3 -W5 10.250.0.31", SOON).unwrap().success().unwrap();

    node.run("echo kept >/var/lib/note; echo lost >/run/note; sync", SOON).unwrap().success().unwrap();
    node.kill().unwrap();
    assert!(node.run("true", SOON).is_err());
    node.start().unwrap();
    assert_eq!(node.run("cat /var/lib/note /run/note", SOON).unwrap().stdout, "kept\n");

    // kept by its starter, it outlives the value, and whoever attaches can end it
    lab.keep().unwrap();
    drop(lab);
    assert!(!processes(&state).is_empty());
    Lab::attach(&state).unwrap().stop().unwrap();
    assert!(gone(&state));
    assert!(state.join("node1/kubelet.log").exists(), "logs stay");
    assert!(!state.join("ca.crt").exists() && !state.join("node1/disk").exists(), "keys and disks do not");
    fs::remove_dir_all(&state).unwrap();
}

fn said_back(address: &str) -> String {
    let end = Instant::now() + SOON;
    loop {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut line = String::new();
        let heard = writeln!(stream, "hello").and_then(|()| BufReader::new(&stream).read_line(&mut line));
        if heard.is_ok_and(|n| n > 0) || Instant::now() > end {
            return line;
        }
    }
}

#[test]
fn a_supervisor_killed_without_warning_leaves_no_process() {
    let spec = spec("killed", vec![GuestSpec::plain("array", &[31])]);
    let state = spec.state.clone();
    let lab = Lab::start(&program(), spec, tell).unwrap();
    lab.wait_ready(MINUTES, tell).unwrap();
    assert!(processes(&state).iter().any(|l| l.contains("linux.uml")));
    let outer = format!("perilune-lab outer {}", state.join("spec.json").display());
    let found = Command::new("pgrep").args(["-f", &outer]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    assert!(gone(&state));
    drop(lab);
    fs::remove_dir_all(&state).unwrap();
}
