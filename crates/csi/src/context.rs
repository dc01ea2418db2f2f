//! The one codec of what the controller tells the node: the publish context of an attached volume, and the volume
//! context that goes with it for life. Both sides use the same types, so keys and forms are written here only.
//!
//! Unknown keys are passed over, because sidecars add their own; a change that an older node must not ignore needs a
//! new version. Neither context ever carries a secret: both can be read in the Kubernetes API.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::MAP_LIMIT;
use crate::status::Failure;

/// The form written now, and the only one read.
const VERSION: &str = "1";

/// The most paths that a context carries.
pub const MAX_PATHS: usize = 16;

/// Where an attached volume is, and how the node knows that it has the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishContext {
    /// How the node reaches it.
    pub protocol: Protocol,
    /// The identity it must answer with, in the kernel's form (`naa.…`, `eui.…`, `t10.…`).
    pub wwid: String,
    /// A second identity of the same volume.
    pub wwid_alt: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// 1 to [`MAX_PATHS`] ways to it, all of the protocol's kind.
    pub paths: Vec<Path>,
    /// How many of them must work before the volume is used.
    pub min_paths: usize,
    /// The array does not let this node write.
    pub read_only: bool,
    /// Changes whenever the volume id comes to mean another device.
    pub generation: u64,
    /// Freed blocks should be told to the array.
    pub discard: bool,
}

/// How a node reaches a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// iSCSI over TCP.
    Iscsi,
    /// iSCSI over RDMA.
    Iser,
    /// Fibre Channel.
    Fc,
}

/// One way to a volume. The LUN is in the kernel's numbering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Path {
    /// By a portal of an iSCSI target.
    Iscsi {
        /// Address and port.
        portal: String,
        /// The target's name.
        iqn: String,
        /// The volume's number there.
        lun: u64,
    },
    /// By a Fibre Channel target port.
    Fc {
        /// The port's name, 16 hex digits.
        wwpn: String,
        /// The volume's number there.
        lun: u64,
    },
}

/// A context that cannot be read or written; names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextError {
    /// The key in question.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl std::error::Error for ContextError {}

impl ContextError {
    fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, problem: problem.into() }
    }

    /// As the failure of a request whose `field` carries the context.
    pub fn in_field(&self, field: &str) -> Failure {
        Failure::field(&format!("{field}.{}", self.key), &self.problem)
    }
}

impl Protocol {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iscsi => "iscsi",
            Self::Iser => "iser",
            Self::Fc => "fc",
        }
    }

    fn reaches_by(self, path: &Path) -> bool {
        matches!(path, Path::Fc { .. }) == matches!(self, Self::Fc)
    }
}

impl FromStr for Protocol {
    type Err = ContextError;

    fn from_str(text: &str) -> Result<Self, ContextError> {
        [Self::Iscsi, Self::Iser, Self::Fc]
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| ContextError::new("protocol", format!("{text:?} is none of iscsi, iser and fc")))
    }
}

impl PublishContext {
    /// The map for `ControllerPublishVolumeResponse`. Fails on what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<HashMap<String, String>, ContextError> {
        self.check()?;
        let paths = serde_json::to_string(&self.paths)
            .map_err(|error| ContextError::new("paths", format!("cannot be written: {error}")))?;
        let mut map: HashMap<String, String> = [
            ("v", VERSION.to_owned()),
            ("protocol", self.protocol.as_str().to_owned()),
            ("wwid", self.wwid.clone()),
            ("size", self.size.to_string()),
            ("paths", paths),
            ("minPaths", self.min_paths.to_string()),
            ("readOnly", self.read_only.to_string()),
            ("generation", self.generation.to_string()),
            ("discard", self.discard.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        map.extend(self.wwid_alt.clone().map(|wwid| ("wwidAlt".to_owned(), wwid)));
        let bytes: usize = map.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > MAP_LIMIT {
            return Err(ContextError::new(
                "paths",
                format!("make the context {bytes} bytes, CSI allows {MAP_LIMIT}"),
            ));
        }
        Ok(map)
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(map: &HashMap<String, String>) -> Result<Self, ContextError> {
        let version = get(map, "v")?;
        if version != VERSION {
            let problem = format!(
                "is {version:?}, this plugin reads {VERSION}; bring controller and node to one release"
            );
            return Err(ContextError::new("v", problem));
        }
        let paths = serde_json::from_str(get(map, "paths")?)
            .map_err(|error| ContextError::new("paths", format!("is no list of paths: {error}")))?;
        let context = Self {
            protocol: get(map, "protocol")?.parse()?,
            wwid: get(map, "wwid")?.to_owned(),
            wwid_alt: map.get("wwidAlt").cloned(),
            size: read(map, "size")?,
            paths,
            min_paths: read(map, "minPaths")?,
            read_only: read(map, "readOnly")?,
            generation: read(map, "generation")?,
            discard: read(map, "discard")?,
        };
        context.check()?;
        Ok(context)
    }

    fn check(&self) -> Result<(), ContextError> {
        if self.wwid.is_empty() {
            return Err(ContextError::new("wwid", "is empty"));
        }
        if self.size == 0 {
            return Err(ContextError::new("size", "is 0"));
        }
        let count = self.paths.len();
        if count == 0 || count > MAX_PATHS {
            return Err(ContextError::new(
                "paths",
                format!("has {count} entries, 1 to {MAX_PATHS} are allowed"),
            ));
        }
        if let Some(odd) = self.paths.iter().position(|path| !self.protocol.reaches_by(path)) {
            let problem = format!("entry {odd} is not a path of protocol {}", self.protocol.as_str());
            return Err(ContextError::new("paths", problem));
        }
        if self.min_paths == 0 || self.min_paths > count {
            let problem = format!("is {}, it must be 1 to the number of paths, {count}", self.min_paths);
            return Err(ContextError::new("minPaths", problem));
        }
        Ok(())
    }
}

/// What the node must know about a volume for life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeContext {
    /// It was created without a source and not imported: the only kind of volume that may ever be formatted.
    pub born_empty: bool,
}

impl VolumeContext {
    /// The map for `Volume.volume_context`.
    pub fn encode(self) -> HashMap<String, String> {
        HashMap::from([(BORN_EMPTY.to_owned(), self.born_empty.to_string())])
    }

    /// Reads what [`Self::encode`] wrote. Without the key the volume counts as not born empty: it is not formatted.
    pub fn decode(map: &HashMap<String, String>) -> Result<Self, ContextError> {
        let born_empty = if map.contains_key(BORN_EMPTY) { read(map, BORN_EMPTY)? } else { false };
        Ok(Self { born_empty })
    }
}

const BORN_EMPTY: &str = "bornEmpty";

fn get<'a>(map: &'a HashMap<String, String>, key: &'static str) -> Result<&'a str, ContextError> {
    map.get(key).map(String::as_str).ok_or_else(|| ContextError::new(key, "is missing"))
}

fn read<T: FromStr<Err: fmt::Display>>(
    map: &HashMap<String, String>,
    key: &'static str,
) -> Result<T, ContextError> {
    let text = get(map, key)?;
    text.parse().map_err(|error| ContextError::new(key, format!("{text:?} cannot be read: {error}")))
}

#[cfg(test)]
mod tests;
