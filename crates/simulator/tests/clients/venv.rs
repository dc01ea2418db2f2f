//! The virtual environment that holds the clients, built once under the target folder.
#![expect(clippy::disallowed_methods, reason = "a test program; what it starts it waits for")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What is installed: arguments of one `pip install` each. The SDK's own list of dependencies names a package that breaks
/// a modern Python.
const INSTALLS: &[&[&str]] = &[
    &["cinder==29.0.0"],
    &["--no-deps", "solidfire-sdk-python==12.3.0.203"],
    &["future", "requests", "setuptools<81"],
    // IBM's client names a package that does not build any more beside the one that it imports
    &["--no-deps", "pyxcli==1.2.1", "munch==4.0.0"],
];

/// The Python that has the clients.
pub(crate) fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target folder");
    let home = target.join("clients");
    fs::create_dir_all(&home).expect("folder for the clients");
    let lock = File::create(home.join("lock")).expect("lock file");
    lock.lock().expect("lock");
    let (environment, done) = (home.join("venv"), home.join("installed"));
    let wanted = format!("{INSTALLS:?}");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return environment.join("bin/python");
    }
    let began = Instant::now();
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    for arguments in INSTALLS {
        run(Command::new(environment.join("bin/pip")).args(["install", "--quiet"]).args(*arguments));
    }
    fs::write(done, wanted).expect("note of what is installed");
    println!("installing the clients took {:.1} s", began.elapsed().as_secs_f64());
    environment.join("bin/python")
}

fn run(command: &mut Command) {
    let output = command.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
}
