//! What the cluster calls itself, and the names and identifiers it derives for volumes.

use std::net::{IpAddr, SocketAddr};

use uuid::Uuid;

use super::Cluster;
use super::volumes::Volume;
use crate::config::ArrayConfig;
use crate::kernel::fabric;

/// What every volume's IQN begins with.
pub(crate) const IQN_PREFIX: &str = "iqn.2010-01.com.solidfire";

/// The OUI of SolidFire in NAA and EUI identifiers.
const OUI: u32 = 0x00f4_7acc;

#[derive(Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) pool: String,
    pub(super) unique_id: String,
    pub(super) uuid: String,
    pub(super) mvip: IpAddr,
    pub(super) portals: Vec<SocketAddr>,
    /// World-wide names of the Fibre Channel ports, if there are any.
    pub(super) fibre_channel: Vec<String>,
    pub(super) model: String,
    pub(super) firmware: String,
}

impl Identity {
    pub(super) fn new(config: &ArrayConfig, mvip: IpAddr) -> Self {
        let portals =
            if config.iscsi.is_empty() { vec![SocketAddr::new(mvip, 3260)] } else { config.iscsi.clone() };
        let pool = config.pools.first().and_then(|pool| pool.name.clone());
        Self {
            name: config.name.clone(),
            pool: pool.unwrap_or_else(|| config.name.clone()),
            unique_id: config.unique_id.clone().unwrap_or_else(|| four_letters(&config.name)),
            uuid: config.serial.clone().unwrap_or_else(|| uuid_of(&config.name)).to_lowercase(),
            mvip,
            portals,
            fibre_channel: config.fc.clone(),
            model: config.model.clone(),
            firmware: config.firmware.clone(),
        }
    }

    /// Where initiators log in: the first portal's address.
    pub(super) fn svip(&self) -> IpAddr {
        self.portals.first().map_or(self.mvip, SocketAddr::ip)
    }

    fn unique_hex(&self) -> String {
        self.unique_id.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn iqn(&self, volume: &Volume) -> String {
        format!("{IQN_PREFIX}:{}.{}.{}", self.unique_id, volume.name.to_lowercase(), volume.id)
    }

    pub(super) fn naa(&self, volume: u64) -> String {
        format!("6{OUI:06x}100000000{}{volume:08x}", self.unique_hex())
    }

    pub(super) fn eui(&self, volume: u64) -> String {
        format!("{}{volume:08x}{OUI:06x}0100000000", self.unique_hex())
    }
}

impl Cluster {
    /// The identity that the volume's disk shows to an initiator.
    pub(super) fn disk_identity(&self, volume: u64) -> fabric::Identity {
        let serial = self.identity.naa(volume).split_off(7);
        fabric::Identity { company: OUI, serial, vendor: "SolidFir", product: "SSD SAN" }
    }
}

/// A stable 128-bit digest of a name; nothing depends on its quality, only on its being the same in every run.
fn digest(name: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

fn uuid_of(name: &str) -> String {
    uuid::Builder::from_random_bytes(digest(name).to_be_bytes()).into_uuid().to_string()
}

fn four_letters(name: &str) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = digest(name) >> 64;
    (0..4).map(|place| char::from(LETTERS[((digest >> (place * 8)) % 36) as usize])).collect()
}

pub(super) fn fresh_uuid() -> String {
    Uuid::new_v4().to_string()
}
