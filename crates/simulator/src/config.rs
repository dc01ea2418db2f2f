//! The configuration file: what may be set, its defaults, and errors that name the field. The only user of YAML.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::solidfire::limits;

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
    /// Node type as the hardware lists show it.
    #[serde(default = "defaults::model")]
    pub model: String,
    /// Element software version.
    #[serde(default = "defaults::firmware")]
    pub firmware: String,
    /// The cluster's UUID; derived from the name when absent.
    pub serial: Option<String>,
    /// The four letters that go into IQNs and SCSI identifiers; derived from the name when absent.
    pub unique_id: Option<String>,
    /// A SolidFire cluster is one pool, so at most one entry.
    #[serde(default)]
    pub pools: Vec<PoolConfig>,
    /// iSCSI portals. The first is the cluster's SVIP, the others its VLAN SVIPs.
    #[serde(default)]
    pub iscsi: Vec<SocketAddr>,
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
    pub lio: LioConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Solidfire,
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

/// Sources disagree whether a real cluster refuses or queues clone jobs beyond its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloneOverflow {
    #[default]
    Refuse,
    Queue,
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
        let config: Self = serde_yaml::from_str(yaml)?;
        config.check()?;
        Ok(config)
    }

    /// One usable SolidFire in memory on a free port of 127.0.0.1; fields can be changed before the start.
    pub fn solidfire(name: &str) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { control: None, tls: TlsConfig::default(), arrays: vec![ArrayConfig::solidfire(name, listen)] }
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
            model: defaults::model(),
            firmware: defaults::firmware(),
            serial: None,
            unique_id: None,
            pools: Vec::new(),
            iscsi: Vec::new(),
            limits: BTreeMap::new(),
            latency: Duration::ZERO,
            clone_delay: defaults::clone_delay(),
            clone_overflow: CloneOverflow::Refuse,
            lio: LioConfig::default(),
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

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError::Field { field: field.into(), problem: problem.into() }
}

fn is_v6_or_any(ip: IpAddr) -> bool {
    ip.is_ipv6() || ip.is_unspecified()
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

    pub(super) fn model() -> String {
        "SF19210".to_owned()
    }

    pub(super) fn firmware() -> String {
        "12.3.0.958".to_owned()
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
