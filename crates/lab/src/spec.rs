//! What a lab is made of, as its caller writes it down, and the addresses that follow from it.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// The control plane's address on the node network; also the gateway of every guest.
pub(crate) const CONTROL_PLANE: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);
/// The address of the service `kubernetes`. It is an address of the control plane's side, so no kube-proxy is needed.
pub(crate) const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// One lab.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Folder for keys, logs, disks and sockets: made new at each start, best on a tmpfs, and short, because a
    /// guest's control socket lies below it.
    pub state: PathBuf,
    /// Folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubelet.
    pub binaries: PathBuf,
    /// Folder for what one run leaves for the next: disks with the images already unpacked. Not below /dev.
    pub cache: PathBuf,
    /// Image archives that seldom change. They are unpacked once onto a disk that all nodes of all later runs share.
    #[serde(default)]
    pub images: Vec<PathBuf>,
    /// Image archives that change often, such as the product under test: they are unpacked onto a copy of that disk.
    #[serde(default)]
    pub fresh_images: Vec<PathBuf>,
    /// Folders that guests see live, read-only, at the same path as the host.
    #[serde(default)]
    pub shares: Vec<PathBuf>,
    pub guests: Vec<GuestSpec>,
    /// Further flags of kube-controller-manager, for example shorter node monitoring.
    #[serde(default)]
    pub controller_manager_args: Vec<String>,
}

/// One guest.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuestSpec {
    pub name: String,
    pub role: Role,
    /// Addresses in 10.250.0.0/24 above .10; the first is the one that the lab itself talks to.
    pub addresses: Vec<Ipv4Addr>,
    pub memory_mib: u32,
    /// Started in order when the guest is up, each with its log in the guest's folder.
    #[serde(default)]
    pub commands: Vec<Command>,
}

/// A long-running process of a guest.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    pub name: String,
    /// For `/bin/bash -c`.
    pub command: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// kubelet and containerd, with udevd, iscsid and multipathd as a storage host has them.
    Node,
    /// A storage host without Kubernetes: udevd, iscsid and multipathd.
    Host,
    /// udevd and the modules of the kernel's SCSI target, nothing else: an array, for example.
    Plain,
}

impl GuestSpec {
    pub fn node(name: &str, last_octet: u8) -> Self {
        Self {
            name: name.into(),
            role: Role::Node,
            addresses: vec![Ipv4Addr::new(10, 250, 0, last_octet)],
            memory_mib: 1024,
            commands: vec![],
        }
    }

    pub fn host(name: &str, last_octet: u8) -> Self {
        Self { role: Role::Host, ..Self::node(name, last_octet) }
    }

    pub fn plain(name: &str, last_octets: &[u8]) -> Self {
        Self {
            name: name.into(),
            role: Role::Plain,
            addresses: last_octets.iter().map(|o| Ipv4Addr::new(10, 250, 0, *o)).collect(),
            memory_mib: 768,
            commands: vec![],
        }
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.addresses.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// The network of this node's pods.
    pub(crate) fn pods(&self) -> String {
        format!("10.244.{}.0/24", self.address().octets()[3])
    }

    pub(crate) fn tap(&self) -> String {
        format!("tap-{}", self.name)
    }

    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !self.name.is_empty() && self.name.len() <= 11 && self.name.chars().all(plain),
            "guest name {:?}: 1 to 11 lower-case letters, digits and hyphens, because a network device is named after it",
            self.name
        );
        ensure!(!self.addresses.is_empty(), "guest {}: give it at least one address", self.name);
        for address in &self.addresses {
            let [a, b, c, d] = address.octets();
            ensure!(
                (a, b, c) == (10, 250, 0) && d > 10 && d < 255,
                "guest {}: address {address} is not within 10.250.0.11 to 10.250.0.254",
                self.name
            );
        }
        Ok(())
    }
}

impl Spec {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path)
            .with_context(|| format!("reading the lab's specification {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("parsing the lab's specification {}", path.display()))
    }

    /// Refuses what would fail later in a less obvious way.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.state.is_absolute(),
            "the state folder {} is not an absolute path",
            self.state.display()
        );
        let length = self.state.as_os_str().len();
        ensure!(
            length < 80,
            "the state folder's path has {length} characters, 79 is the most a guest's socket allows"
        );
        let mut seen = Vec::new();
        for guest in &self.guests {
            guest.check()?;
            for address in &guest.addresses {
                ensure!(!seen.contains(address), "address {address} is given to two guests");
                seen.push(*address);
            }
        }
        for path in self.images.iter().chain(&self.fresh_images).chain(&self.shares) {
            ensure!(
                path.is_absolute() && path.exists(),
                "{} is not an absolute path of something that exists",
                path.display()
            );
        }
        for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"] {
            if !self.binaries.join(name).is_file() {
                bail!(
                    "{} has no {name}; `cargo xtask setup` builds the Kubernetes components",
                    self.binaries.display()
                );
            }
        }
        Ok(())
    }

    /// A short new folder for one run.
    pub fn new_state_dir(label: &str) -> PathBuf {
        memory_dir().join(format!("perilune-{label}-{}", std::process::id()))
    }

    /// Tells this lab from others where they meet.
    pub(crate) fn state_name(&self) -> String {
        self.state.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub fn guest(&self, name: &str) -> Result<&GuestSpec> {
        self.guests.iter().find(|g| g.name == name).with_context(|| format!("this lab has no guest {name:?}"))
    }
}

/// The tmpfs of the machine where that has room for a lab, else a folder on disk.
pub(crate) fn memory_dir() -> &'static Path {
    let shm = Path::new("/dev/shm");
    let room = nix::sys::statvfs::statvfs(shm).map(|s| s.blocks_available() * s.fragment_size()).unwrap_or(0);
    if room > 4 << 30 { shm } else { Path::new("/tmp") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_outside_the_node_network_is_refused_by_its_address() {
        let mut guest = GuestSpec::node("node1", 11);
        assert!(guest.check().is_ok());
        guest.addresses = vec![Ipv4Addr::new(10, 250, 0, 10)];
        let why = guest.check().unwrap_err().to_string();
        assert!(why.contains("10.250.0.10"), "{why}");
    }

    #[test]
    fn a_guest_name_too_long_for_a_network_device_is_refused() {
        assert!(GuestSpec::node("twelve-chars", 11).check().is_err());
    }
}
