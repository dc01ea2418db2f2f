//! `cargo xtask setup`: what demo and tests need beside Rust. Changes nothing where all is there.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    kernel, process,
    workspace::{self, Workspace},
};

pub(crate) const HELP: &str = "\
Find or install what the demo and the tests need beside Rust. Does nothing where all is there.

Usage: cargo xtask setup

  Debian packages        installed by apt-get when run as root, otherwise the command to run is printed
  the guests' kernel     taken from Debian's newest packages into target/lab/kernel/, unless GUEST_KERNEL names a folder
  Kubernetes components  taken from the folder that KUBEBUILDER_ASSETS names if it holds all of them, otherwise built
                         from tests/kubernetes/go.mod into target/kubernetes/ (needs Go; minutes, once)";

/// Debian packages, each with what tells that it, or something like it, is there: a program, a file, or words for Python.
const PACKAGES: &[(&str, &str)] = &[
    ("bc", "bc"),
    ("binutils", "strip"),
    ("bison", "bison"),
    ("busybox-static", "/bin/busybox"),
    ("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    ("containerd", "containerd"),
    ("containernetworking-plugins", "/usr/lib/cni/bridge"),
    ("dmsetup", "dmsetup"),
    ("e2fsprogs", "mkfs.ext4"),
    ("flex", "flex"),
    ("iproute2", "ip"),
    ("kmod", "modprobe"),
    ("m4", "m4"),
    ("multipath-tools", "multipathd"),
    ("open-iscsi", "iscsid"),
    ("patchelf", "patchelf"),
    ("procps", "ps"),
    ("python3-venv", "python3 import ensurepip"),
    ("runc", "runc"),
    ("udev", "/lib/systemd/systemd-udevd"),
    ("user-mode-linux", "linux.uml"),
    ("util-linux", "blkid"),
    ("xfsprogs", "mkfs.xfs"),
];

const COMPONENTS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
    "csi-provisioner",
    "csi-attacher",
    "csi-resizer",
    "csi-snapshotter",
    "snapshot-controller",
    "helm",
];

/// Makes everything ready and gives the folder of the Kubernetes components.
pub(crate) fn run() -> Result<PathBuf> {
    packages()?;
    kernel::folder()?;
    let components = kubernetes()?;
    println!("setup: all is there; Kubernetes components in {}", components.display());
    Ok(components)
}

/// Installs the Debian packages that are missing.
pub(crate) fn packages() -> Result<()> {
    let there = |what: &str| match what.split_once(' ') {
        Some((python, module)) => {
            let mut command = Command::new(python);
            command.args(["-c", module]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
        }
        None if what.starts_with('/') => Path::new(what).exists(),
        None => process::find(what).is_some(),
    };
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, what)| !there(what)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    let root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root || process::find("apt-get").is_none() {
        bail!(
            "these Debian packages, or what they hold, are missing; as root run\n\n    apt-get update && {install}\n"
        );
    }
    println!("setup: {install}");
    process::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&missing);
    process::run(command.env("DEBIAN_FRONTEND", "noninteractive"))?;
    let still: Vec<&&str> =
        missing.iter().filter(|m| PACKAGES.iter().any(|(p, what)| p == *m && !there(what))).collect();
    ensure!(still.is_empty(), "installed, and yet missing: {still:?}");
    Ok(())
}

/// The folder of the Kubernetes components, built if they are nowhere.
pub(crate) fn kubernetes() -> Result<PathBuf> {
    // suites that run side by side both ask
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from) {
        let missing = missing_from(&folder);
        if missing.is_empty() {
            return Ok(folder);
        }
        println!(
            "setup: KUBEBUILDER_ASSETS={} lacks {}, so it is not used",
            folder.display(),
            missing.join(", ")
        );
    }
    let module = workspace::root().join("tests/kubernetes");
    let version =
        version_of(&fs::read_to_string(module.join("go.mod")).context("reading tests/kubernetes/go.mod")?)?;
    let home = Workspace::read()?.target.join("kubernetes").join(&version);
    let (folder, stamp) = (home.join("bin"), home.join("go.sum"));
    let pinned = fs::read(module.join("go.sum")).context("reading tests/kubernetes/go.sum")?;
    if missing_from(&folder).is_empty() && fs::read(&stamp).is_ok_and(|built| built == pinned) {
        return Ok(folder);
    }
    build(&module, &folder, &version)?;
    let missing = missing_from(&folder);
    ensure!(missing.is_empty(), "built, and yet missing in {}: {}", folder.display(), missing.join(", "));
    fs::write(&stamp, pinned)?;
    Ok(folder)
}

fn missing_from(folder: &Path) -> Vec<&'static str> {
    COMPONENTS.iter().copied().filter(|c| !process::is_program(&folder.join(c))).collect()
}

fn build(module: &Path, folder: &Path, version: &str) -> Result<()> {
    ensure!(
        process::find("go").is_some(),
        "the Kubernetes components must be built and there is no Go: install Go 1.26 or later (https://go.dev/doc/install), \
         or let KUBEBUILDER_ASSETS name a folder that has all of: {}",
        COMPONENTS.join(", ")
    );
    println!(
        "setup: building the Kubernetes components {version} into {} (7 minutes on two idle cores)",
        folder.display()
    );
    let began = Instant::now();
    fs::create_dir_all(folder)?;
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // without a version of its own, kubectl cannot parse that of the server
    let at = "k8s.io/component-base/version";
    let flags =
        format!("-s -w -X {at}.gitVersion={version} -X {at}.gitMajor={major} -X {at}.gitMinor={minor}");
    let mut go = Command::new("go");
    go.current_dir(module).env("CGO_ENABLED", "0");
    go.args(["build", "-mod=readonly", "-o"]).arg(format!("{}/", folder.display()));
    process::run(go.args([&format!("-ldflags={flags}"), "tool"]))?;
    // named after the last part of its package's path
    fs::rename(folder.join("server"), folder.join("etcd")).context("naming etcd")?;
    println!("setup: built in {} s", began.elapsed().as_secs());
    Ok(())
}

fn version_of(go_mod: &str) -> Result<String> {
    go_mod
        .lines()
        .find_map(|l| l.trim().strip_prefix("k8s.io/kubernetes ")?.split(' ').next())
        .map(str::to_owned)
        .context("tests/kubernetes/go.mod requires no k8s.io/kubernetes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_kubernetes_is_read_from_its_module_file() {
        let text = "module x\n\nrequire (\n\tk8s.io/kubectl v0.36.3\n\tk8s.io/kubernetes v1.36.3\n)\n";
        assert_eq!(version_of(text).unwrap(), "v1.36.3");
        assert!(version_of("module x\n").is_err());
    }
}
