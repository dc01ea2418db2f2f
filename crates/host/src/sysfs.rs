//! What sysfs tells about sessions, SCSI devices and block devices. Candidates only: who a device is, it is asked itself.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    fabric::Nexus,
    os::{DevNum, Os},
    target::{Iqn, IscsiPath, Lun, Portal},
};

/// Host, channel, target, LUN: the address of a SCSI device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Address {
    pub(crate) host: u32,
    pub(crate) channel: u32,
    pub(crate) target: u32,
    pub(crate) lun: Lun,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.host, self.channel, self.target, self.lun)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not a SCSI address");
        let parts: Vec<&str> = text.split(':').collect();
        let [host, channel, target, lun] = parts[..] else { return Err(bad()) };
        let part = |text: &str| text.parse::<u32>().map_err(|_| bad());
        let lun = Lun::kernel(lun.parse().map_err(|_| bad())?);
        Ok(Self { host: part(host)?, channel: part(channel)?, target: part(target)?, lun })
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// One iSCSI session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) iqn: Iqn,
    /// The address logged in to first; a redirect does not change it.
    pub(crate) portal: Portal,
    pub(crate) interface: String,
    pub(crate) state: String,
    pub(crate) host: u32,
    pub(crate) target: u32,
}

impl Session {
    pub(crate) fn logged_in(&self) -> bool {
        self.state == "LOGGED_IN"
    }

    /// Whether it is the session for this path, over the path's own transport.
    pub(crate) fn serves(&self, path: &IscsiPath) -> bool {
        self.iqn == path.iqn && self.portal == path.portal && self.interface == path.interface()
    }

    pub(crate) fn nexus(&self) -> Nexus {
        Nexus { host: self.host, channel: 0, target: self.target, ready: self.logged_in() }
    }
}

pub(crate) fn text(os: &dyn Os, path: &Path) -> Option<String> {
    os.read(path).ok().map(|text| text.trim().to_owned())
}

/// All sessions that can be read in full; one that is just coming or going is left out.
pub(crate) fn sessions(os: &dyn Os) -> Vec<Session> {
    let names = os.list(Path::new("/sys/class/iscsi_session")).unwrap_or_default();
    names.iter().filter_map(|name| session(os, name)).collect()
}

fn session(os: &dyn Os, name: &str) -> Option<Session> {
    let dir = Path::new("/sys/class/iscsi_session").join(name);
    let connection = format!("/sys/class/iscsi_connection/connection{}:0", name.strip_prefix("session")?);
    let connection = Path::new(&connection);
    let real = os.resolve(&dir).ok()?;
    let host = real.iter().filter_map(|part| part.to_str()?.strip_prefix("host")?.parse().ok()).next()?;
    let address = text(os, &connection.join("persistent_address"))?.parse().ok()?;
    let port = text(os, &connection.join("persistent_port"))?.parse().ok()?;
    Some(Session {
        iqn: Iqn::new(text(os, &dir.join("targetname"))?).ok()?,
        portal: Portal::new(std::net::SocketAddr::new(address, port)),
        interface: text(os, &dir.join("ifacename")).unwrap_or_else(|| "default".to_owned()),
        state: text(os, &dir.join("state"))?,
        host,
        target: text(os, &dir.join("target_id")).and_then(|id| id.parse().ok()).unwrap_or(0),
    })
}

/// The directory of a SCSI device's attributes.
pub(crate) fn scsi_dir(address: Address) -> PathBuf {
    PathBuf::from(format!("/sys/class/scsi_device/{address}/device"))
}

/// All SCSI devices.
pub(crate) fn scsi_devices(os: &dyn Os) -> Vec<Address> {
    let names = os.list(Path::new("/sys/class/scsi_device")).unwrap_or_default();
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

pub(crate) fn scsi_exists(os: &dyn Os, address: Address) -> bool {
    scsi_state(os, address).is_some()
}

/// The kernel's state of a SCSI device: `running`, `blocked`, `offline`, …
pub(crate) fn scsi_state(os: &dyn Os, address: Address) -> Option<String> {
    text(os, &scsi_dir(address).join("state"))
}

/// The identity that the kernel remembers of a SCSI device: good for finding candidates, never for decisions.
pub(crate) fn cached_wwid(os: &dyn Os, address: Address) -> Option<String> {
    text(os, &scsi_dir(address).join("wwid")).map(|wwid| wwid.to_ascii_lowercase())
}

/// The block device of a SCSI device, once there is one.
pub(crate) fn scsi_block(os: &dyn Os, address: Address) -> Option<Block> {
    let names = os.list(&scsi_dir(address).join("block")).ok()?;
    block(os, names.first()?)
}

/// The SCSI address of a block device, if it is a SCSI disk.
pub(crate) fn address_of(os: &dyn Os, name: &str) -> Option<Address> {
    let dir = os.resolve(&block_dir(name).join("device")).ok()?;
    dir.file_name()?.to_str()?.parse().ok()
}

/// A block device by the name it has at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) number: DevNum,
}

fn block_dir(name: &str) -> PathBuf {
    Path::new("/sys/class/block").join(name)
}

/// The block device of this name.
pub(crate) fn block(os: &dyn Os, name: &str) -> Option<Block> {
    let number = text(os, &block_dir(name).join("dev"))?.parse().ok()?;
    Some(Block { name: name.to_owned(), number })
}

/// The block device of this number.
pub(crate) fn block_of(os: &dyn Os, number: DevNum) -> Option<Block> {
    let dir = os.resolve(Path::new(&format!("/sys/dev/block/{number}"))).ok()?;
    block(os, dir.file_name()?.to_str()?)
}

/// Devices that stand on this one (maps, RAID, partitions in use by them).
pub(crate) fn holders(os: &dyn Os, name: &str) -> Vec<String> {
    os.list(&block_dir(name).join("holders")).unwrap_or_default()
}

/// Devices this one stands on.
pub(crate) fn slaves(os: &dyn Os, name: &str) -> Vec<String> {
    os.list(&block_dir(name).join("slaves")).unwrap_or_default()
}

/// Partitions that the kernel found on it.
pub(crate) fn partitions(os: &dyn Os, name: &str) -> Vec<String> {
    let names = os.list(&block_dir(name)).unwrap_or_default();
    names
        .into_iter()
        .filter(|part| {
            part.starts_with(name) && os.read(&block_dir(name).join(part).join("partition")).is_ok()
        })
        .collect()
}

/// Size in bytes.
pub(crate) fn size(os: &dyn Os, name: &str) -> Option<u64> {
    text(os, &block_dir(name).join("size"))?.parse::<u64>().ok()?.checked_mul(512)
}

/// Whether the device refuses writes.
pub(crate) fn write_protected(os: &dyn Os, name: &str) -> bool {
    text(os, &block_dir(name).join("ro")).is_some_and(|ro| ro == "1")
}

/// A device-mapper device of multipath.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) block: Block,
    /// The name in device mapper: WWID or alias.
    pub(crate) name: String,
    /// The multipath WWID of its uuid.
    pub(crate) wwid: String,
    pub(crate) suspended: bool,
    pub(crate) slaves: Vec<String>,
}

/// The multipath map that this block device is, if it is one.
pub(crate) fn map(os: &dyn Os, name: &str) -> Option<Map> {
    let dm = block_dir(name).join("dm");
    let uuid = text(os, &dm.join("uuid"))?;
    Some(Map {
        block: block(os, name)?,
        name: text(os, &dm.join("name"))?,
        wwid: uuid.strip_prefix("mpath-")?.to_owned(),
        suspended: text(os, &dm.join("suspended")).is_some_and(|value| value == "1"),
        slaves: slaves(os, name),
    })
}

/// All multipath maps.
pub(crate) fn maps(os: &dyn Os) -> Vec<Map> {
    let names = os.list(Path::new("/sys/class/block")).unwrap_or_default();
    names.iter().filter(|name| name.starts_with("dm-")).filter_map(|name| map(os, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways_with_large_luns() {
        let address: Address = "3:0:1:16640".parse().unwrap();
        assert_eq!(address.lun, Lun::kernel(16640));
        assert_eq!(address.to_string(), "3:0:1:16640");
        assert!("3:0:1".parse::<Address>().is_err());
        assert!("host3".parse::<Address>().is_err());
    }
}
