//! One guest: User Mode Linux with the host's tree as its read-only root, an overlay in memory above it, and a TAP
//! device. What happens inside at boot is `guest/init.sh`.

use std::{
    env,
    fmt::Write,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::{
    agent::{self, Agent},
    process::{Process, tail},
    spec::{self, GuestSpec, Role, Spec},
};

pub(crate) const INIT: &str = include_str!("guest/init.sh");

impl GuestSpec {
    pub(crate) fn agent(&self) -> Agent {
        Agent(SocketAddr::from((self.address(), agent::PORT)))
    }

    /// Where this guest's console, logs and disk are, under the same path inside and outside.
    pub(crate) fn dir(&self, spec: &Spec) -> PathBuf {
        spec.state.join(&self.name)
    }
}

/// A running guest.
#[derive(Debug)]
pub(crate) struct Machine {
    process: Process,
    console: PathBuf,
}

impl Machine {
    /// Boots it on its own disk, which starts as a copy-on-write view of `template`.
    pub(crate) fn start(spec: &Spec, guest: &GuestSpec, template: Option<&Path>) -> Result<Self> {
        let dir = guest.dir(spec);
        fs::create_dir_all(&dir)?;
        let disk = template.map(|t| format!("ubda={},{}", dir.join("disk").display(), t.display()));
        let network = format!("vec0:transport=tap,ifname={},depth=64,gro=0", guest.tap());
        boot(spec, guest, disk.into_iter().chain([network]), &settings(spec, guest, Task::Serve))
    }

    pub(crate) fn ended(&mut self) -> Option<String> {
        let end = self.process.ended()?;
        Some(format!("{end}; its console ends with:\n{}", tail(&self.console, 5)))
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }
}

/// What a guest boots for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task<'a> {
    /// To be what its role says.
    Serve,
    /// To unpack these images onto its disk, and end.
    Unpack(&'a [PathBuf]),
}

/// What the guest's init reads: shell assignments.
pub(crate) fn settings(spec: &Spec, guest: &GuestSpec, task: Task<'_>) -> String {
    let mut text = String::new();
    let mut set = |name: &str, value: String| {
        let _ = writeln!(text, "{name}='{}'", value.replace('\'', r"'\''"));
    };
    let list =
        |paths: &[PathBuf]| paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" ");
    let (task, images) = match task {
        Task::Serve => ("serve", &[][..]),
        Task::Unpack(images) => ("unpack", images),
    };
    set("TASK", task.into());
    set("NAME", guest.name.clone());
    let role = match guest.role {
        Role::Node => "node",
        Role::Host => "host",
        Role::Plain => "plain",
    };
    set("ROLE", role.into());
    set("ADDRESSES", guest.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    set("PODS", guest.pods());
    set("STATE", spec.state.display().to_string());
    set("BINARIES", spec.binaries.display().to_string());
    let mut shares = spec.shares.clone();
    for folder in images.iter().filter_map(|i| i.parent()) {
        if !shares.iter().any(|s| folder.starts_with(s)) {
            shares.push(folder.into());
        }
    }
    set("SHARES", list(&shares));
    set("IMAGES", list(images));
    text
}

/// Starts the guest's kernel with these devices.
pub(crate) fn boot(
    spec: &Spec,
    guest: &GuestSpec,
    devices: impl IntoIterator<Item = String>,
    settings: &str,
) -> Result<Machine> {
    let dir = guest.dir(spec);
    fs::create_dir_all(&dir)?;
    let init = write_init(spec, &dir)?;
    fs::write(dir.join("settings"), settings)?;
    let _ = fs::remove_dir_all(dir.join("uml"));
    let console = dir.join("console");
    let kernel = kernel(spec)?;
    let mut command = Command::new(kernel.join("linux.uml"));
    // the guest's memory is a file there
    command.env("TMPDIR", spec::memory_dir());
    command.arg(format!("mem={}M", guest.memory_mib));
    command.args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"]);
    command.args(["con=null", "con0=fd:0,fd:1", "panic=-1", "quiet", "umid=uml", "seccomp=auto"]);
    command.arg(format!("uml_dir={}/", dir.display()));
    command.arg(format!("init={}", init.display()));
    command.arg(format!("LAB={}", dir.display()));
    command.arg(format!("MODULES={}", kernel.join("modules").display()));
    command.args(devices);
    let process = Process::start(&format!("guest {}", guest.name), &mut command, &console)?;
    Ok(Machine { process, console })
}

/// The folder with the guests' kernel, `linux.uml`, and its `modules`: that which `GUEST_KERNEL` names, else the cache's.
fn kernel(spec: &Spec) -> Result<PathBuf> {
    let folder = env::var_os("GUEST_KERNEL").map_or_else(|| spec.cache.join("kernel"), PathBuf::from);
    ensure!(
        folder.join("linux.uml").is_file() && folder.join("modules").is_dir(),
        "no kernel for guests in {}: `cargo xtask setup` gets it",
        folder.display()
    );
    Ok(folder)
}

/// The guest's kernel hides the host's /dev before it starts init, so init cannot lie in the state folder.
fn write_init(spec: &Spec, dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(&spec.cache).with_context(|| format!("making the cache {}", spec.cache.display()))?;
    let path = spec.cache.join(format!("init-{}", hex::encode(&Sha256::digest(INIT)[..8])));
    if !path.exists() {
        // renamed into place, because another lab may look for the same file
        let draft =
            path.with_extension(hex::encode(&Sha256::digest(dir.as_os_str().as_encoded_bytes())[..4]));
        fs::write(&draft, INIT)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755))?;
        fs::rename(&draft, &path).with_context(|| format!("placing {}", path.display()))?;
    }
    fs::write(dir.join("init"), INIT)?;
    Ok(path)
}
