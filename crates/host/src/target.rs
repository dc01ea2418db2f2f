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

/// The world-wide name of a Fibre Channel port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Wwpn(u64);

impl fmt::Display for Wwpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.to_be_bytes().map(|byte| format!("{byte:02x}"));
        f.write_str(&bytes.join(":"))
    }
}

impl FromStr for Wwpn {
    type Err = Error;

    /// Takes 16 hex digits, plain, with `0x` before or with colons between.
    fn from_str(text: &str) -> Result<Self> {
        let digits: String = text.strip_prefix("0x").unwrap_or(text).split(':').collect();
        let good = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).ok().filter(|number| good && *number != 0);
        number.map(Self).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("{text:?} is not a WWPN such as 50:05:07:63:0a:00:12:34"))
        })
    }
}

impl TryFrom<String> for Wwpn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Wwpn> for String {
    fn from(wwpn: Wwpn) -> Self {
        wwpn.to_string()
    }
}

/// A way by an iSCSI portal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IscsiPath {
    /// The target's name.
    pub iqn: Iqn,
    /// The portal to log in to.
    pub portal: Portal,
    /// The volume's number behind this target.
    pub lun: Lun,
    /// Over RDMA instead of TCP.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub iser: bool,
}

impl IscsiPath {
    /// What open-iscsi calls the transport.
    pub(crate) const fn interface(&self) -> &'static str {
        if self.iser { "iser" } else { "default" }
    }
}

/// A way by a Fibre Channel target port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FcPath {
    /// The target port's name.
    pub wwpn: Wwpn,
    /// The volume's number behind this port.
    pub lun: Lun,
}

/// One way to the volume.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetPath {
    /// By an iSCSI portal.
    Iscsi(IscsiPath),
    /// By a Fibre Channel port.
    Fc(FcPath),
}

/// What sessions and ports belong to: the target behind a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum TargetName {
    Iqn(Iqn),
    Port(Wwpn),
}

impl TargetPath {
    /// By iSCSI over TCP.
    pub const fn iscsi(iqn: Iqn, portal: Portal, lun: Lun) -> Self {
        Self::Iscsi(IscsiPath { iqn, portal, lun, iser: false })
    }

    /// By Fibre Channel.
    pub const fn fc(wwpn: Wwpn, lun: Lun) -> Self {
        Self::Fc(FcPath { wwpn, lun })
    }

    /// The volume's number behind the target.
    pub const fn lun(&self) -> Lun {
        match self {
            Self::Iscsi(path) => path.lun,
            Self::Fc(path) => path.lun,
        }
    }

    pub(crate) const fn by_iscsi(&self) -> Option<&IscsiPath> {
        match self {
            Self::Iscsi(path) => Some(path),
            Self::Fc(_) => None,
        }
    }

    pub(crate) fn target(&self) -> TargetName {
        match self {
            Self::Iscsi(path) => TargetName::Iqn(path.iqn.clone()),
            Self::Fc(path) => TargetName::Port(path.wwpn),
        }
    }
}

impl fmt::Display for IscsiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} lun {}", self.iqn, self.portal, self.lun)
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iscsi(path) => path.fmt(f),
            Self::Fc(path) => write!(f, "{} lun {}", path.wwpn, path.lun),
        }
    }
}

/// How the node reaches the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// iSCSI over TCP by open-iscsi.
    Iscsi,
    /// iSCSI over RDMA by open-iscsi.
    Iser,
    /// Fibre Channel.
    Fc,
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
    fn port_names_are_read_in_every_usual_form_and_written_in_one() {
        for text in ["0x500507630A001234", "50:05:07:63:0a:00:12:34", "500507630a001234"] {
            assert_eq!(text.parse::<Wwpn>().unwrap().to_string(), "50:05:07:63:0a:00:12:34");
        }
        for bad in ["", "0x0", "50:05:07:63:0a:00:12", "0000000000000000", "+00507630a001234x"] {
            assert!(bad.parse::<Wwpn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_written_before_there_was_fibre_channel_is_read() {
        let old = r#"{"iqn":"iqn.2026-01.test:a","portal":"10.0.0.1:3260","lun":3}"#;
        let path: TargetPath = serde_json::from_str(old).unwrap();
        let portal = "10.0.0.1".parse().unwrap();
        assert_eq!(path, TargetPath::iscsi(Iqn::new("iqn.2026-01.test:a").unwrap(), portal, Lun::kernel(3)));
        assert_eq!(serde_json::to_string(&path).unwrap(), old);
        let fc = TargetPath::fc("500507630a001234".parse().unwrap(), Lun::kernel(256));
        let text = serde_json::to_string(&fc).unwrap();
        assert_eq!(serde_json::from_str::<TargetPath>(&text).unwrap(), fc);
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let chap =
            Chap { outgoing: ChapAccount { name: "u".into(), secret: "topsecret".into() }, incoming: None };
        assert!(!format!("{chap:?}").contains("topsecret"));
    }
}
