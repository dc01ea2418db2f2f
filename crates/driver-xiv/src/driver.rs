//! The connected system: how it is connected, what it accepts, how it is.

mod access;
mod copies;
mod facts;
mod group_snapshots;
mod groups;
mod halves;
mod hosts;
mod mark;
mod mirrored_groups;
mod mirrors;
mod ports;
mod qos;
mod snapshots;
mod volumes;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use perilune_array::{
    Access, AccessModel, Array, ConnectSpec, Error, ErrorKind, GroupSnapshots, Groups, Limit, Mirrors,
    NameRules, Owner, Profile, Protocol, Qos, QosLimits, Rename, Result, RoleSwap, Size, SizeRules,
    Snapshots, SystemReport, Vendor, Volumes,
};

use crate::client::Session;
use crate::config::Config;
use crate::protocol::{Command, Row};

use facts::{Facts, Look};
use hosts::SeenHost;
use mirrors::Peer;
use ports::Ports;

/// The array's block.
const BLOCK: u64 = 512;
/// LUN 0 is left alone, as other software of this family does.
const LUNS: u32 = 511;

/// One connected system.
#[derive(Debug)]
pub struct Xiv {
    session: Session,
    config: Config,
    facts: Facts,
    profile: Profile,
    known: Mutex<Known>,
}

/// What was read about the system and is used again, where being stale is harmless or is found out.
#[derive(Debug, Default)]
struct Known {
    look: Option<Look>,
    ports: Option<Ports>,
    hosts: Vec<SeenHost>,
    /// Performance classes of ours that are there.
    classes: Vec<String>,
    /// Marks as last seen, by WWN: for answers only, never for decisions.
    marks: HashMap<String, Owner>,
    /// Systems that this one mirrors to.
    peers: Vec<Peer>,
}

impl Xiv {
    /// Proves the credentials and learns which system of the family this is.
    pub async fn connect(spec: &ConnectSpec) -> Result<Self> {
        let config = Config::read(spec)?;
        let session = Session::new(spec)?;
        let facts = Facts::read(&session).await?;
        let mut profile = profile(facts.is_flash());
        if facts.is_flash() {
            let classes = session.call(Command::new("perf_class_list")).await?;
            profile.qos_tiers = qos::tiers(&classes);
        }
        Ok(Self { session, config, facts, profile, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(&self, command: Command) -> Result<Vec<Row>> {
        self.session.call(command).await
    }

    async fn act(&self, command: Command) -> Result<()> {
        self.session.act(command).await
    }

    /// Has a command done; that it is done already is as good.
    async fn act_unless(&self, command: Command, done: &str) -> Result<()> {
        match self.session.act(command).await {
            Err(error) if crate::fault::is(&error, done) => Ok(()),
            answer => answer,
        }
    }
}

#[async_trait::async_trait]
impl Array for Xiv {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn inspect(&self) -> Result<SystemReport> {
        self.report().await
    }

    fn volumes(&self) -> &dyn Volumes {
        self
    }

    fn access(&self) -> &dyn Access {
        self
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        Some(self)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        Some(self)
    }

    fn mirrors(&self) -> Option<&dyn Mirrors> {
        Some(self)
    }

    fn role_swap(&self) -> Option<&dyn RoleSwap> {
        Some(self)
    }

    /// Limits for each volume by itself came with the flash systems.
    fn qos(&self) -> Option<&dyn Qos> {
        self.facts.is_flash().then_some(self)
    }

    fn rename(&self) -> Option<&dyn Rename> {
        Some(self)
    }
}

fn profile(flash: bool) -> Profile {
    let names = NameRules {
        max_chars: mark::LONGEST_NAME,
        allows: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
    };
    let iops = Limit { min: 1, max: 1_000_000 };
    Profile {
        vendor: Vendor::Xiv,
        volume_names: names,
        snapshot_names: names,
        sizes: SizeRules { min: Size::gib(1), max: Size::gib(1 << 20), step: Size::bytes(BLOCK) },
        copy_may_grow: true,
        copy_takes_qos: flash,
        snapshots_per_volume: None,
        snapshots_outlive_volume: false,
        snapshot_retention: false,
        volumes_per_host: Some(LUNS),
        access: AccessModel::Mapping,
        protocols: vec![Protocol::Iscsi, Protocol::Fc],
        ad_hoc_group_snapshots: false,
        volumes_per_group: Some(128),
        qos: flash.then_some(QosLimits { min_iops: None, max_iops: Some(iops), burst_iops: None }),
        qos_tiers: Vec::new(),
        mirror_makes_peer: true,
    }
}

fn not_found(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} is not there"))
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

/// An altering call failed after another one of the same verb was done.
fn halfway(error: Error) -> Error {
    error.into_unsettled()
}
