//! Where a volume is to be found on the fabric: IQN, portal, LUN, and the credentials for it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A logical unit number in the kernel's numbering, as in the last part of `H:C:T:L`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lun(u64);

impl Lun {
    /// Takes the kernel's number.
    pub const fn kernel(number: u64) -> Self {
        Self(number)
    }

    /// The kernel's number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Lun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An iSCSI name (`iqn.`, `eui.` or `naa.`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Iqn(String);

impl Iqn {
    /// Checks the form: it becomes an argument and a file name of another tool.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let kind = ["iqn.", "eui.", "naa."].iter().any(|prefix| text.starts_with(prefix));
        let clean = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_' | b'+' | b'@'));
        if !kind || !clean || text.len() > 223 || text.contains("..") {
            return Err(Error::new(ErrorKind::Invalid, format!("{text:?} is not an iSCSI name")));
        }
        Ok(Self(text))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Iqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Iqn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Iqn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Iqn> for String {
    fn from(iqn: Iqn) -> Self {
        iqn.0
    }
}

/// Address and port of an iSCSI portal; text without a port means 3260.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Portal(SocketAddr);

impl Portal {
    /// The port that RFC 7143 assigns.
    pub const PORT: u16 = 3260;

    /// A portal at this address.
    pub const fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address alone.
    pub fn address(&self) -> IpAddr {
        self.0.ip()
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.0.port()
    }
}

impl fmt::Display for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Portal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let whole = text.parse::<SocketAddr>().ok();
        let bare = || text.trim_matches(['[', ']']).parse().ok().map(|ip| SocketAddr::new(ip, Self::PORT));
        whole.or_else(bare).map(Self).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("{text:?} is not a portal address such as 10.0.0.1:3260"))
        })
    }
}

/// One way to the volume.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetPath {
    /// The target's name.
    pub iqn: Iqn,
    /// The portal to log in to.
    pub portal: Portal,
    /// The volume's number behind this target.
    pub lun: Lun,
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} lun {}", self.iqn, self.portal, self.lun)
    }
}

/// How the node reaches the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// iSCSI over TCP by open-iscsi.
    Iscsi,
}

/// A name and secret of CHAP. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ChapAccount {
    /// The user name.
    pub name: String,
    /// The secret.
    pub secret: String,
}

impl fmt::Debug for ChapAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChapAccount").field("name", &self.name).field("secret", &"<hidden>").finish()
    }
}

/// CHAP credentials of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chap {
    /// What we prove to the target.
    pub outgoing: ChapAccount,
    /// What the target proves to us (mutual CHAP).
    pub incoming: Option<ChapAccount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_without_port_means_3260() {
        assert_eq!("10.0.0.1".parse::<Portal>().unwrap().to_string(), "10.0.0.1:3260");
        assert_eq!("fd00::1".parse::<Portal>().unwrap().to_string(), "[fd00::1]:3260");
        assert_eq!("[fd00::1]:3261".parse::<Portal>().unwrap().port(), 3261);
        assert!("array.example".parse::<Portal>().is_err());
    }

    #[test]
    fn a_name_that_would_climb_out_of_the_database_is_no_iqn() {
        assert!(Iqn::new("iqn.2010-01.com.solidfire:5vkj.pvc1.42").is_ok());
        assert!(Iqn::new("iqn.x/../../etc").is_err());
        assert!(Iqn::new("-T").is_err());
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let chap =
            Chap { outgoing: ChapAccount { name: "u".into(), secret: "topsecret".into() }, incoming: None };
        assert!(!format!("{chap:?}").contains("topsecret"));
    }
}
