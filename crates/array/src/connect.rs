//! How the engine gets from a description of an array to a connected one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Array, Result, Secret};

/// The families of arrays. A tag, nothing more: what a family can do is read off its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vendor {
    Xiv,
    Ds8k,
    Solidfire,
    Storagecenter,
}

impl Vendor {
    /// Where the family's management listens unless somebody moved it.
    pub fn management_port(self) -> u16 {
        match self {
            Self::Xiv => 7778,
            Self::Ds8k => 8452,
            Self::Solidfire => 443,
            Self::Storagecenter => 3033,
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xiv => "xiv",
            Self::Ds8k => "ds8k",
            Self::Solidfire => "solidfire",
            Self::Storagecenter => "storagecenter",
        })
    }
}

/// A management address. Without a port the driver takes its vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub address: String,
    pub port: Option<u16>,
}

/// How the array's certificate is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// By the authorities that the machine trusts.
    System,
    /// By these authorities only (PEM).
    Bundle(String),
    /// Not at all. An administrator asked for it and is told so all the time.
    Nothing,
}

/// A management login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: Secret,
}

/// What hosts prove themselves with over iSCSI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chap {
    pub username: String,
    pub password: Secret,
    /// What the array proves itself with, where both sides do.
    pub mutual: Option<Credentials>,
}

/// A vendor's own block, still unread: key and value as the administrator wrote them. The driver's `config.rs` parses
/// it at connect and refuses what it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings(pub Vec<(String, String)>);

impl Settings {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// Everything a driver needs to reach an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectSpec {
    pub vendor: Vendor,
    /// Tried in order.
    pub endpoints: Vec<Endpoint>,
    pub credentials: Credentials,
    pub trust: Trust,
    /// The name to ask the certificate for, where it is not the address.
    pub server_name: Option<String>,
    pub chap: Option<Chap>,
    /// The longest wait for one answer.
    pub timeout: Duration,
    pub settings: Settings,
}

/// Makes connected arrays. The `drivers` crate implements it over the real drivers, tests over fakes.
#[async_trait::async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    /// Opens a session and proves the credentials with one call. A second call opens a second session.
    /// `Invalid` (settings), `Unsupported` (vendor), `Unauthenticated`, `Untrusted` or a transport kind.
    async fn connect(&self, spec: &ConnectSpec) -> Result<Arc<dyn Array>>;
}
