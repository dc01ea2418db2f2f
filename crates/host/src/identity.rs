//! Who a device is: the identity that was promised and the one it answers with.
//!
//! [`ExpectedWwid`] comes from the caller, [`LiveWwid`] only from a Device Identification page (INQUIRY 0x83) read
//! from the device itself. Tools rank the designators of that page differently, so the two are compared as a member
//! and a set, never as two strings of two tools.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A designator in the kernel's text form: `naa.<16|32 hex>`, `eui.<16|24|32 hex>`, `t10.…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Wwid(String);

impl Wwid {
    /// Takes the kernel's form in any case.
    pub fn new(text: &str) -> Result<Self> {
        let lower = if text.starts_with("t10.") { text.to_owned() } else { text.to_ascii_lowercase() };
        let hex = |body: &str, sizes: &[usize]| {
            sizes.contains(&body.len()) && body.bytes().all(|b| b.is_ascii_hexdigit())
        };
        let good = match lower.split_once('.') {
            Some(("naa", body)) => hex(body, &[16, 32]),
            Some(("eui", body)) => hex(body, &[16, 24, 32]),
            Some(("t10", body)) => {
                !body.is_empty() && body.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
            }
            _ => false,
        };
        if !good {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{text:?} is not a WWID such as naa.6f47acc1…"),
            ));
        }
        Ok(Self(lower))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that multipath-tools give a map with this identity: type digit and body.
    pub fn multipath(&self) -> String {
        let (kind, body) = self.0.split_once('.').unwrap_or(("", &self.0));
        let digit = match kind {
            "naa" => '3',
            "eui" => '2',
            _ => '1',
        };
        // udev replaces blanks in identifiers, and multipath-tools take udev's word
        format!("{digit}{}", body.split_whitespace().collect::<Vec<_>>().join("_"))
    }

    /// The identity behind a multipath name; none for forms that are no hex.
    pub(crate) fn from_multipath(name: &str) -> Option<Self> {
        let kind = match name.get(..1)? {
            "3" => "naa",
            "2" => "eui",
            _ => return None,
        };
        Self::new(&format!("{kind}.{}", name.get(1..)?)).ok()
    }
}

impl fmt::Display for Wwid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Wwid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Wwid {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<Wwid> for String {
    fn from(wwid: Wwid) -> Self {
        wwid.0
    }
}

/// The identity the array gave for the volume, and the second one it may bear.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExpectedWwid {
    main: Wwid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alternative: Option<Wwid>,
}

impl ExpectedWwid {
    /// An expected identity; `alternative` is another designator of the same volume.
    pub fn new(main: Wwid, alternative: Option<Wwid>) -> Self {
        Self { main, alternative }
    }

    /// The designator the array names first.
    pub fn main(&self) -> &Wwid {
        &self.main
    }

    /// Whether a device that answered `live` is this volume.
    pub fn matches(&self, live: &LiveWwid) -> bool {
        self.all().any(|wwid| live.0.contains(wwid))
    }

    /// Whether a remembered designator is certainly another volume's: of a kind we know ours in, and not ours.
    pub(crate) fn contradicts(&self, remembered: &Wwid) -> bool {
        let kind = |wwid: &Wwid| wwid.0.split_once('.').map(|(kind, _)| kind.to_owned());
        self.all().any(|wwid| kind(wwid) == kind(remembered)) && !self.all().any(|wwid| wwid == remembered)
    }

    /// The names a multipath map of this volume can have.
    pub(crate) fn multipath_names(&self) -> Vec<String> {
        self.all().map(Wwid::multipath).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Wwid> {
        std::iter::once(&self.main).chain(&self.alternative)
    }
}

impl fmt::Display for ExpectedWwid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.main.fmt(f)
    }
}

/// All designators of the logical unit that a device answered with just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveWwid(BTreeSet<Wwid>);

impl LiveWwid {
    /// Reads page 0x83 as the device sent it; none if it is not that page or names no logical unit.
    pub(crate) fn parse(page: &[u8]) -> Option<Self> {
        let (header, rest) = page.split_at_checked(4)?;
        if header[1] != 0x83 {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut rest = &rest[..length.min(rest.len())];
        let mut found = BTreeSet::new();
        while let Some((head, tail)) = rest.split_at_checked(4) {
            let (body, next) = tail.split_at_checked(usize::from(head[3]))?;
            rest = next;
            let unit = (head[1] >> 4) & 3 == 0;
            if unit {
                found.extend(designator(head[1] & 0x0f, body));
            }
        }
        (!found.is_empty()).then_some(Self(found))
    }
}

/// The kernel's text of one designator; kinds that do not identify a volume world-wide give none.
fn designator(kind: u8, body: &[u8]) -> Option<Wwid> {
    let text = match kind {
        1 => format!("t10.{}", String::from_utf8_lossy(body).trim_end_matches([' ', '\0'])),
        2 => format!("eui.{}", hex::encode(body)),
        3 => format!("naa.{}", hex::encode(body)),
        _ => return None,
    };
    Wwid::new(&text).ok()
}

impl fmt::Display for LiveWwid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, wwid) in self.0.iter().enumerate() {
            write!(f, "{}{wwid}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(designators: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (association, kind, bytes) in designators {
            body.extend([1, association << 4 | kind, 0, bytes.len() as u8]);
            body.extend_from_slice(bytes);
        }
        let mut page = vec![0, 0x83, 0, body.len() as u8];
        page.extend(body);
        page
    }

    const NAA: [u8; 16] = [0x6f, 0x47, 0xac, 0xc1, 0, 0, 0, 0, 0x35, 0x64, 0xb6, 0xa0, 0, 0, 0, 2];

    #[test]
    fn the_expected_designator_is_found_wherever_it_stands_in_the_page() {
        let expected = ExpectedWwid::new("naa.6F47ACC1000000003564b6a000000002".parse().unwrap(), None);
        let bytes = page(&[(0, 1, b"SolidFir SSD SAN"), (0, 2, &[1; 8]), (0, 3, &NAA)]);
        assert!(expected.matches(&LiveWwid::parse(&bytes).unwrap()));
        let other = page(&[(0, 3, &[0x60; 16])]);
        assert!(!expected.matches(&LiveWwid::parse(&other).unwrap()));
    }

    #[test]
    fn a_remembered_designator_contradicts_only_within_its_kind() {
        let naa = |text: &str| Wwid::new(text).unwrap();
        let expected = ExpectedWwid::new(naa("naa.6f47acc100000001"), None);
        assert!(expected.contradicts(&naa("naa.6f47acc100000002")));
        assert!(!expected.contradicts(&naa("naa.6f47acc100000001")));
        assert!(!expected.contradicts(&naa("eui.6f47acc100000002")));
    }

    #[test]
    fn designators_of_the_target_port_are_no_identity_of_the_volume() {
        assert_eq!(LiveWwid::parse(&page(&[(1, 3, &NAA), (0, 4, &[0; 4])])), None);
    }

    #[test]
    fn a_page_cut_short_or_of_another_number_is_no_identity() {
        let mut bytes = page(&[(0, 3, &NAA)]);
        bytes.truncate(12);
        assert_eq!(LiveWwid::parse(&bytes), None);
        assert_eq!(LiveWwid::parse(&[0, 0x80, 0, 1, 1]), None);
        assert_eq!(LiveWwid::parse(&[]), None);
    }

    #[test]
    fn multipath_names_go_both_ways() {
        let wwid = Wwid::new("naa.6f47acc1000000003564b6a000000002").unwrap();
        assert_eq!(wwid.multipath(), "36f47acc1000000003564b6a000000002");
        assert_eq!(Wwid::from_multipath(&wwid.multipath()), Some(wwid));
        assert_eq!(Wwid::new("eui.0017380000010002").unwrap().multipath(), "20017380000010002");
        assert!(Wwid::new("naa.zz").is_err());
        assert!(Wwid::new("6f47acc1").is_err());
    }
}
