//! The guests' kernel: the newest User Mode Linux that Debian has, taken from its packages without installing any. Since
//! 6.16 guests catch system calls by seccomp instead of ptrace, which makes all that starts processes several times
//! faster. Fibre Channel alone runs on the kernel of the installed package, since its module must be built from the very
//! source of the kernel, which Debian keeps for its stable release only.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process, setup,
    workspace::{self, Workspace},
};

/// Names a folder with `linux.uml` and `modules/` to take instead.
pub(crate) const VARIABLE: &str = "GUEST_KERNEL";

/// Where the packages come from; the name stands for whatever Debian will release next.
const SUITE: &str = "testing";

/// The folder with `linux.uml` and `modules/`, made if there is none.
pub(crate) fn folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE).map(PathBuf::from) {
        let version =
            version(&folder).with_context(|| format!("{VARIABLE}={} is of no use", folder.display()))?;
        println!("setup: guests run Linux {version} from {}", folder.display());
        return Ok(folder);
    }
    // suites that run side by side both ask
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Workspace::read()?.target.join("lab/kernel");
    if version(&folder).is_err() {
        setup::packages()?;
        make(&folder).with_context(|| {
            format!(
                "taking the guests' kernel from Debian's {SUITE} packages; let {VARIABLE} name a folder with a \
                 User Mode Linux of 6.16 or later, linux.uml, and its modules/VERSION instead"
            )
        })?;
    }
    Ok(folder)
}

/// What kernel is there, if it runs and its modules lie beside it.
fn version(folder: &Path) -> Result<String> {
    let program = folder.join("linux.uml");
    // heard, not shown: it may want a later C library than this machine has
    let said = Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    let said = said.with_context(|| format!("starting {}", program.display()))?;
    ensure!(said.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&said.stderr).trim());
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let modules = folder.join("modules").join(&version);
    ensure!(modules.is_dir(), "there is no {}", modules.display());
    Ok(version)
}

fn make(folder: &Path) -> Result<()> {
    let draft = folder.with_extension("new");
    let _ = fs::remove_dir_all(&draft);
    for part in ["apt/lists/partial", "apt/cache/archives/partial", "tree"] {
        fs::create_dir_all(draft.join(part))?;
    }
    download(&draft.join("apt"))?;
    let tree = draft.join("tree");
    for package in fs::read_dir(draft.join("apt"))? {
        let package = package?.path();
        if package.extension().is_some_and(|e| e == "deb") {
            process::run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&tree))?;
        }
    }
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("lib"))?;
    fs::rename(tree.join("usr/bin/linux.uml"), folder.join("linux.uml"))?;
    fs::rename(tree.join("usr/lib/uml/modules"), folder.join("modules"))?;
    if version(folder).is_err() {
        // made for a later C library than this machine's: it gets its own
        let (library, loader) = (folder.join("lib"), "ld-linux-x86-64.so.2");
        for name in [loader, "libc.so.6"] {
            fs::rename(tree.join("usr/lib/x86_64-linux-gnu").join(name), library.join(name))?;
        }
        let mut command = Command::new("patchelf");
        command.arg("--set-interpreter").arg(library.join(loader)).arg("--set-rpath").arg(&library);
        process::run(command.arg(folder.join("linux.uml")))?;
    }
    println!("setup: guests run Linux {} from Debian's {SUITE}, in {}", version(folder)?, folder.display());
    fs::remove_dir_all(&draft)?;
    Ok(())
}

/// Downloads the packages into a folder, by an apt that knows that suite and leaves the machine's own alone.
fn download(apt: &Path) -> Result<()> {
    let sites = process::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(SITE)",
        "Component: main",
        "Created-By: Packages",
        "Origin: Debian",
    ]))?;
    let Some(site) = sites.lines().find(|site| !site.contains("security")) else {
        bail!("apt knows no mirror of Debian; run apt-get update");
    };
    let list = apt.join("sources.list");
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    fs::write(&list, format!("deb [signed-by={keys} target=Packages] {site} {SUITE} main\n"))?;
    let command = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.current_dir(apt).args(["--quiet", "--quiet"]);
        for (name, value) in [
            ("Dir::Etc::SourceList", list.as_path()),
            ("Dir::Etc::SourceParts", Path::new("/dev/null")),
            ("Dir::State::Lists", &apt.join("lists")),
            ("Dir::Cache", &apt.join("cache")),
            ("APT::Sandbox::User", Path::new("")),
        ] {
            command.arg("--option").arg(format!("{name}={}", value.display()));
        }
        process::run(command.args(words))
    };
    command(&["update"])?;
    command(&["download", "user-mode-linux", "libc6"])
}

/// The kernel module for Fibre Channel on the installed package's kernel, built if there is none.
pub(crate) fn fcoe() -> Result<PathBuf> {
    setup::packages()?;
    let home = Workspace::read()?.target.join("lab");
    let (module, stamp) = (home.join("fcoe.ko"), home.join("fcoe.version"));
    let version = process::output(Command::new("linux.uml").arg("--version"))?;
    if module.exists() && fs::read_to_string(&stamp).is_ok_and(|built| built == version) {
        return Ok(module);
    }
    println!("setup: building the module fcoe for Linux {} (a minute)", version.trim());
    fs::create_dir_all(&home)?;
    process::run(Command::new(workspace::root().join("crates/lab/fcoe-module.sh")).arg(&home))?;
    fs::write(&stamp, version)?;
    Ok(module)
}
