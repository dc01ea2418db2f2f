//! Who the system is: model, version, serial number, addresses; and what follows from them.

use std::net::{IpAddr, SocketAddr};

use super::System;
use crate::config::ArrayConfig;
use crate::xiv::arguments::Arguments;
use crate::xiv::document::{Answer, Row};

/// The vendor's OUI.
pub(super) const COMPANY: u32 = 0x00_17_38;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    Gen3,
    SpectrumAccelerate,
    A9000,
    A9000R,
}

impl Model {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "Gen3" => Self::Gen3,
            "SpectrumAccelerate" => Self::SpectrumAccelerate,
            "A9000" => Self::A9000,
            "A9000R" => Self::A9000R,
            _ => return None,
        })
    }

    /// The flash systems: other fields, other WWNs, no 17 GB.
    pub(crate) fn flash(self) -> bool {
        matches!(self, Self::A9000 | Self::A9000R)
    }

    /// Room is taken from pools in whole units of this.
    pub(crate) fn unit(self) -> u64 {
        if self.flash() { 1 } else { 16 << 30 }
    }

    fn machine(self) -> (&'static str, &'static str) {
        match self {
            Self::Gen3 => ("2810", "114"),
            Self::SpectrumAccelerate => ("2810", "999"),
            Self::A9000 => ("9837", "415"),
            Self::A9000R => ("9838", "425"),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) model: Model,
    pub(crate) version: String,
    /// Seven digits.
    pub(crate) serial: u64,
    pub(crate) management: IpAddr,
    pub(crate) portals: Vec<SocketAddr>,
    /// World-wide names of Fibre Channel ports, upper case.
    pub(crate) fibre_channel: Vec<String>,
}

impl Facts {
    pub(crate) fn new(config: &ArrayConfig, model: Model, management: IpAddr) -> Self {
        let derived = digits(&config.name);
        let serial = config.serial.as_ref().and_then(|serial| serial.parse().ok()).unwrap_or(derived);
        let portals = if config.iscsi.is_empty() {
            vec![SocketAddr::new(management, 3260)]
        } else {
            config.iscsi.clone()
        };
        let port =
            |module: u64, port: u64| format!("5001738{:06X}{:X}{:X}{port:X}", serial % (1 << 24), 1, module);
        let fibre_channel = [(4, 0), (4, 1), (5, 0), (5, 1)].map(|(module, at)| port(module, at)).to_vec();
        let version = config.firmware.clone();
        Self { name: config.name.clone(), model, version, serial, management, portals, fibre_channel }
    }

    pub(crate) fn serial_text(&self) -> String {
        format!("{:07}", self.serial)
    }

    pub(crate) fn system_id(&self) -> u64 {
        self.serial % 100_000
    }

    pub(crate) fn iqn(&self) -> String {
        format!("iqn.2005-10.com.xivstorage:{:06}", self.system_id())
    }

    /// What a volume's disk answers to an identity inquiry.
    pub(crate) fn wwn(&self, volume: u64) -> String {
        if self.model.flash() {
            format!("6{COMPANY:06x}{}", self.naa_serial(volume)).to_uppercase()
        } else {
            format!("{COMPANY:06X}{:06X}{:04X}", self.serial % (1 << 24), volume % (1 << 16))
        }
    }

    /// What follows the vendor in the identity of a flash system's disk.
    pub(super) fn naa_serial(&self, volume: u64) -> String {
        format!("{:09x}{volume:016x}", 0xcfc_000_000_u64 + self.serial % (1 << 24))
    }
}

/// Seven digits that stay the same for a name, the first not zero.
fn digits(name: &str) -> u64 {
    let sum = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    1_000_000 + sum % 9_000_000
}

impl System {
    pub(crate) fn version_get(&mut self, _: &Arguments) -> Answer {
        Ok(vec![Row::new("version", 1).with("system_version", &self.facts.version)])
    }

    pub(crate) fn config_get(&mut self, arguments: &Arguments) -> Answer {
        let facts = &self.facts;
        let (machine_type, machine_model) = facts.model.machine();
        let settings = [
            ("dns_primary", String::new()),
            ("dns_secondary", String::new()),
            ("iscsi_name", facts.iqn()),
            ("machine_model", machine_model.to_owned()),
            ("machine_serial_number", facts.serial_text()),
            ("machine_type", machine_type.to_owned()),
            ("system_id", facts.system_id().to_string()),
            ("system_name", facts.name.clone()),
            ("timezone", "0".to_owned()),
        ];
        let wanted = arguments.text("name");
        let rows =
            settings.into_iter().enumerate().filter(|(_, (name, _))| wanted.is_none_or(|w| w == *name));
        Ok(rows
            .map(|(at, (name, value))| Row::new("setting", at).with("name", name).with("value", value))
            .collect())
    }
}
