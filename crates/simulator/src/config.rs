//! The configuration file: what may be set, its defaults, and errors that name the field. The only user of YAML.

mod replication;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::solidfire::limits;
use crate::xiv;

pub use replication::ReplicationConfig;

/// Everything one simulator process serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the HTTP control for tests listens; none is served without it.
    pub control: Option<SocketAddr>,
    #[serde(default)]
    pub tls: TlsConfig,
    pub arrays: Vec<ArrayConfig>,
}

/// Where the certificate authority of this run is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// `ca.pem` is written here. A library user may leave it out and take [`crate::Running::ca_pem`].
    pub directory: Option<PathBuf>,
}

/// One array and every fact of it that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayConfig {
    pub name: String,
    pub vendor: Vendor,
    pub listen: SocketAddr,
    pub credentials: Credentials,
    /// Another array of this file. SolidFire clusters are paired by the client's calls, so here it is only checked.
    pub partner: Option<String>,
    #[serde(default)]
    pub data: Data,
    /// SolidFire: node type as the hardware lists show it. XIV: `Gen3`, `SpectrumAccelerate`, `A9000` or `A9000R`.
    #[serde(default)]
    pub model: String,
    /// Version of the array's software.
    #[serde(default)]
    pub firmware: String,
    /// SolidFire: the cluster's UUID. XIV: the machine's serial number, seven digits. Derived from the name when absent.
    pub serial: Option<String>,
    /// The four letters that go into IQNs and SCSI identifiers; derived from the name when absent.
    pub unique_id: Option<String>,
    /// A SolidFire cluster is one pool, so at most one entry.
    #[serde(default)]
    pub pools: Vec<PoolConfig>,
    /// iSCSI portals. The first is the cluster's SVIP, the others its VLAN SVIPs.
    #[serde(default)]
    pub iscsi: Vec<SocketAddr>,
    /// World-wide names of Fibre Channel ports, as `5f:47:ac:c0:00:00:00:01`. Over these no data travels.
    #[serde(default)]
    pub fc: Vec<String>,
    /// Limits by the names `GetLimits` gives them.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
    /// Time every call takes before it acts.
    #[serde(default, deserialize_with = "duration")]
    pub latency: Duration,
    /// Time a clone stays in `init`.
    #[serde(default = "defaults::clone_delay", deserialize_with = "duration")]
    pub clone_delay: Duration,
    /// What happens to one clone job too many.
    #[serde(default)]
    pub clone_overflow: CloneOverflow,
    #[serde(default)]
    pub replication: ReplicationConfig,
    #[serde(default)]
    pub lio: LioConfig,
    #[serde(default)]
    pub xiv: XivConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Solidfire,
    Xiv,
}

/// What stands behind a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// Blocks in this process, reachable through the control only.
    #[default]
    Memory,
    /// A thin device behind the kernel's SCSI target.
    Lio,
}

impl Data {
    /// Bytes of an array where nobody says how many. Real disks lie on the guest's own storage, so they get less.
    pub(crate) fn usual_capacity(self) -> u64 {
        match self {
            Self::Memory => 100 << 40,
            Self::Lio => 64 << 30,
        }
    }
}

/// Sources disagree whether a real cluster refuses or queues clone jobs beyond its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloneOverflow {
    #[default]
    Refuse,
    Queue,
}

/// Habits in which arrays of the XIV family differ by their version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XivConfig {
    /// A role switch leaves the mirror inactive, as old manuals say.
    #[serde(default)]
    pub switch_deactivates: bool,
    /// Domains, by name; pools belong to one by their `domain`.
    #[serde(default)]
    pub domains: Vec<String>,
}

/// How `data: lio` is set up; without meaning for other data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LioConfig {
    /// Where the files behind the thin pool are made.
    #[serde(default = "defaults::lio_directory")]
    pub directory: PathBuf,
    #[serde(default)]
    pub chap: Chap,
}

/// The kernel's target demands mutual CHAP of every initiator or of none, where the array leaves it to the initiator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chap {
    #[default]
    OneWay,
    Mutual,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    pub name: Option<String>,
    /// Bytes.
    pub capacity: u64,
    /// XIV: how much may be promised to volumes; as much as `capacity` when absent.
    #[serde(default)]
    pub soft_capacity: Option<u64>,
    /// XIV: the part kept for snapshots; a tenth when absent.
    #[serde(default)]
    pub snapshot_capacity: Option<u64>,
    /// XIV: the domain it belongs to.
    #[serde(default)]
    pub domain: Option<String>,
}

impl PoolConfig {
    /// One of this many bytes with every default.
    pub fn of(capacity: u64) -> Self {
        Self { name: None, capacity, soft_capacity: None, snapshot_capacity: None, domain: None }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A configuration that cannot be served. Its text is one line that names the field.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("configuration file {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("configuration: {0}")]
    Syntax(#[from] serde_yaml::Error),
    #[error("configuration: {field}: {problem}")]
    Field { field: String, problem: String },
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config = Self::parse(&text)?;
        if config.tls.directory.is_none() {
            return Err(wrong("tls.directory", "is missing; ca.pem is written there"));
        }
        Ok(config)
    }

    /// Parses and checks the text of a configuration file.
    pub fn parse(yaml: &str) -> Result<Self, ConfigError> {
        let mut config: Self = serde_yaml::from_str(yaml)?;
        config.arrays.iter_mut().for_each(ArrayConfig::fill);
        config.check()?;
        Ok(config)
    }

    /// One usable SolidFire in memory on a free port of 127.0.0.1; fields can be changed before the start.
    pub fn solidfire(name: &str) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { control: None, tls: TlsConfig::default(), arrays: vec![ArrayConfig::solidfire(name, listen)] }
    }

    /// Usable arrays of the XIV family in memory, each on a free port of a loopback address of its own, the first two
    /// being partners; fields can be changed before the start.
    pub fn xiv(names: &[&str]) -> Self {
        let address = |last: usize| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last as u8 + 1), 0));
        let arrays = names.iter().enumerate().map(|(at, name)| ArrayConfig::xiv(name, address(at)));
        Self { control: None, tls: TlsConfig::default(), arrays: arrays.collect() }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.arrays.is_empty() {
            return Err(wrong("arrays", "is empty"));
        }
        let mut names = HashSet::new();
        for (index, array) in self.arrays.iter().enumerate() {
            let field = |name: &str| format!("arrays[{index}].{name}");
            if array.name.is_empty() || !names.insert(array.name.as_str()) {
                return Err(wrong(field("name"), "must be present and unique"));
            }
            array.check(&field)?;
            if let Some(partner) = &array.partner {
                let found = self.arrays.iter().any(|a| a.name == *partner && a.name != array.name);
                if !found {
                    return Err(wrong(field("partner"), format!("no other array is named {partner:?}")));
                }
            }
        }
        Ok(())
    }
}

impl ArrayConfig {
    /// A SolidFire with every default, administered by `admin` / `secret`.
    pub fn solidfire(name: &str, listen: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            vendor: Vendor::Solidfire,
            listen,
            credentials: Credentials { username: "admin".to_owned(), password: "secret".to_owned() },
            partner: None,
            data: Data::Memory,
            model: defaults::model(Vendor::Solidfire),
            firmware: defaults::firmware(Vendor::Solidfire, ""),
            serial: None,
            unique_id: None,
            pools: Vec::new(),
            iscsi: Vec::new(),
            fc: Vec::new(),
            limits: BTreeMap::new(),
            latency: Duration::ZERO,
            clone_delay: defaults::clone_delay(),
            clone_overflow: CloneOverflow::Refuse,
            replication: ReplicationConfig::default(),
            lio: LioConfig::default(),
            xiv: XivConfig::default(),
        }
    }

    /// A FlashSystem A9000 with every default, administered by `admin` / `secret`.
    pub fn xiv(name: &str, listen: SocketAddr) -> Self {
        let mut array = Self::solidfire(name, listen);
        array.vendor = Vendor::Xiv;
        array.model = defaults::model(Vendor::Xiv);
        array.firmware = defaults::firmware(Vendor::Xiv, &array.model);
        array
    }

    /// What the file leaves out and what depends on another field.
    fn fill(&mut self) {
        if self.model.is_empty() {
            self.model = defaults::model(self.vendor);
        }
        if self.firmware.is_empty() {
            self.firmware = defaults::firmware(self.vendor, &self.model);
        }
    }

    fn check(&self, field: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        if self.listen.ip().is_unspecified() {
            return Err(wrong(field("listen"), "must be the address that clients use: they compare it"));
        }
        let iscsi = self.iscsi.iter().position(|portal| portal.port() == 0 || is_v6_or_any(portal.ip()));
        if let Some(position) = iscsi {
            return Err(wrong(field(&format!("iscsi[{position}]")), "must be an IPv4 address and a port"));
        }
        match self.vendor {
            Vendor::Solidfire => self.check_solidfire(field),
            Vendor::Xiv => xiv::check(self, field),
        }
    }

    fn check_solidfire(&self, field: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        if let Some(position) = self.fc.iter().position(|wwpn| !is_wwpn(wwpn)) {
            return Err(wrong(
                field(&format!("fc[{position}]")),
                "must be eight octets such as 5f:47:ac:c0:00:00:00:01",
            ));
        }
        if self.pools.len() > 1 {
            return Err(wrong(field("pools"), "a SolidFire cluster is one pool"));
        }
        if self.pools.iter().any(|pool| pool.capacity < 10_000_000_000) {
            return Err(wrong(field("pools[0].capacity"), "must be at least 10000000000 bytes"));
        }
        if self.serial.as_ref().is_some_and(|serial| uuid::Uuid::parse_str(serial).is_err()) {
            return Err(wrong(field("serial"), "must be a UUID"));
        }
        let four =
            |id: &String| id.len() == 4 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if self.unique_id.as_ref().is_some_and(|id| !four(id)) {
            return Err(wrong(field("unique_id"), "must be four lower-case letters or digits"));
        }
        match self.limits.keys().find(|name| !limits::is_known(name)) {
            Some(name) => Err(wrong(field(&format!("limits.{name}")), "is no limit of a SolidFire")),
            None => Ok(()),
        }
    }
}

impl Default for LioConfig {
    fn default() -> Self {
        Self { directory: defaults::lio_directory(), chap: Chap::OneWay }
    }
}

pub(crate) fn wrong(field: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError::Field { field: field.into(), problem: problem.into() }
}

fn is_v6_or_any(ip: IpAddr) -> bool {
    ip.is_ipv6() || ip.is_unspecified()
}

fn is_wwpn(text: &str) -> bool {
    let octet = |part: &str| {
        part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    text.split(':').count() == 8 && text.split(':').all(octet)
}

/// `20ms`, `1s`, `500us`, `8h`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(DurationText)
}

/// A visitor, because only an error that arises within one is told with its field.
struct DurationText;

impl serde::de::Visitor<'_> for DurationText {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number and one of us, ms, s, m, h, such as 20ms")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "us" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    })
}

/// Values of an array that the file leaves out.
mod defaults {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::Vendor;

    pub(super) fn model(vendor: Vendor) -> String {
        match vendor {
            Vendor::Solidfire => "SF19210".to_owned(),
            Vendor::Xiv => "A9000".to_owned(),
        }
    }

    pub(super) fn firmware(vendor: Vendor, model: &str) -> String {
        let version = match (vendor, model) {
            (Vendor::Solidfire, _) => "12.3.0.958",
            (Vendor::Xiv, "Gen3") => "11.6.2.a",
            (Vendor::Xiv, "SpectrumAccelerate") => "11.5.3",
            (Vendor::Xiv, _) => "12.3.2.a",
        };
        version.to_owned()
    }

    pub(super) fn clone_delay() -> Duration {
        Duration::from_millis(200)
    }

    pub(super) fn lio_directory() -> PathBuf {
        PathBuf::from("/run/perilune-simulator")
    }
}

#[cfg(test)]
mod tests;
