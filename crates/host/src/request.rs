//! What callers ask for and what they get back.

use std::{path::PathBuf, time::Instant};

use serde::{Deserialize, Serialize};

use crate::{
    identity::ExpectedWwid,
    target::{Chap, Iqn, Protocol, TargetPath, Wwpn},
    volume::VolumeKey,
};

/// Where the volume is and how to know it: what the controller published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// How the node reaches it.
    pub protocol: Protocol,
    /// Who it must answer to be.
    pub wwid: ExpectedWwid,
    /// Its size in bytes; a device may be larger, never smaller.
    pub size: u64,
    /// 1 to 16 ways to it.
    pub paths: Vec<TargetPath>,
    /// How many verified paths are enough to go on (at least 1).
    pub min_paths: usize,
    /// Changes whenever the same volume id means another device (failover, retype, revert).
    pub generation: u64,
    /// The array mapped it write-protected.
    pub read_only: bool,
}

/// A file system that can be made and mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FsType {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

impl FsType {
    /// The kernel's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// What the volume is used as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// A raw block device: attach only.
    Block,
    /// A file system on the whole device.
    Filesystem {
        /// Its type.
        fs: FsType,
        /// Mount options as in fstab, `context=` among them.
        options: Vec<String>,
    },
}

/// Attach, and for a file system mount at `staging_path`.
#[derive(Clone, Debug)]
pub struct StageRequest {
    /// The volume.
    pub volume: VolumeKey,
    /// Where it is.
    pub attachment: Attachment,
    /// Credentials, if the target asks for them.
    pub chap: Option<Chap>,
    /// Where the file system is mounted (the directory is made). For raw block only remembered.
    pub staging_path: PathBuf,
    /// What it is used as.
    pub usage: Usage,
    /// Mount read-only, without replaying a journal.
    pub read_only: bool,
    /// The volume was created without a source and not imported: the only case in which it may be formatted.
    pub born_empty: bool,
    /// When to give up.
    pub deadline: Instant,
}

/// The outcome of staging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Verified paths that the device has now.
    pub paths: usize,
    /// Paths asked for that are missing; retried in the background.
    pub missing: Vec<TargetPath>,
    /// This call made the file system.
    pub formatted: bool,
    /// It was staged before and nothing had to be done.
    pub already: bool,
}

/// How a staged volume is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedVolume {
    /// The volume.
    pub volume: VolumeKey,
    /// Paths that can carry its IO, as far as kernel and multipathd know.
    pub found: usize,
    /// Paths that it should have: all that were published, or one on a host without multipath.
    pub expected: usize,
    /// Published paths that are not found; empty if as many are found as are expected.
    pub missing: Vec<TargetPath>,
}

/// Undo a staging. Needs neither the attachment nor secrets: the record knows.
#[derive(Clone, Debug)]
pub struct UnstageRequest {
    /// The volume.
    pub volume: VolumeKey,
    /// Where it was staged.
    pub staging_path: PathBuf,
    /// When to give up.
    pub deadline: Instant,
}

/// Show a staged volume at a second place.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// The volume.
    pub volume: VolumeKey,
    /// Where it is staged.
    pub staging_path: PathBuf,
    /// The directory (file system) or file (raw block) to make and bind onto.
    pub target_path: PathBuf,
    /// Raw block instead of the mounted file system; must agree with how it was staged.
    pub block: bool,
    /// Not writable here. For raw block refused unless the whole volume is read-only.
    pub read_only: bool,
    /// Refuse if it is published at any other place on this node (single writer).
    pub exclusive: bool,
    /// When to give up.
    pub deadline: Instant,
}

/// Take a publication away and remove the target path.
#[derive(Clone, Debug)]
pub struct UnpublishRequest {
    /// The volume.
    pub volume: VolumeKey,
    /// Where it is published.
    pub target_path: PathBuf,
    /// When to give up.
    pub deadline: Instant,
}

/// Make paths, map and file system as large as the array's volume is by now.
#[derive(Clone, Debug)]
pub struct GrowRequest {
    /// The volume, which must be staged.
    pub volume: VolumeKey,
    /// The size it must reach; none: whatever the paths report.
    pub size: Option<u64>,
    /// When to give up.
    pub deadline: Instant,
}

/// The outcome of growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// The device's size in bytes now.
    pub size: u64,
}

/// Ask how full or how well a volume is.
#[derive(Clone, Debug)]
pub struct StatsRequest {
    /// The volume.
    pub volume: VolumeKey,
    /// The staging or target path to look at.
    pub volume_path: PathBuf,
    /// When to give up.
    pub deadline: Instant,
}

/// Used and free amounts of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// All of it.
    pub total: u64,
    /// Taken.
    pub used: u64,
    /// Left for ordinary users.
    pub available: u64,
}

/// How full and how well a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes. For raw block only the total means something.
    pub bytes: Amount,
    /// Inodes; none for raw block.
    pub inodes: Option<Amount>,
    /// What is wrong with it; empty when all is well.
    pub abnormal: Vec<Ailment>,
}

/// How bad it is for a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// It works, but not as it should.
    Degraded,
    /// Its data cannot be reached.
    Inaccessible,
    /// Data are gone.
    DataLoss,
}

/// One thing that is wrong with a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// How bad it is.
    pub harm: Harm,
    /// A short stable name, such as `PathsMissing`.
    pub reason: &'static str,
    /// In words for a person.
    pub message: String,
}

impl Ailment {
    /// From its parts.
    pub fn new(harm: Harm, reason: &'static str, message: impl Into<String>) -> Self {
        Self { harm, reason, message: message.into() }
    }
}

/// What the node is to an array, and whether it is fit for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name in `/etc/iscsi/initiatorname.iscsi`.
    pub initiator: Option<Iqn>,
    /// The names of its Fibre Channel ports, whether a cable is in or not.
    pub ports: Vec<Wwpn>,
    /// How many volumes it can take.
    pub room: u32,
    /// Findings about the host, good ones included.
    pub checks: Vec<Check>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, could be better.
    Advice,
    /// Volumes cannot be used, or not safely.
    Fault,
}

/// One finding about the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A short stable name, such as `iscsid`.
    pub name: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub finding: String,
    /// What a person should do; empty when good.
    pub remedy: String,
}

/// What a look around at start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Volumes with a record.
    pub volumes: Vec<VolumeKey>,
    /// Records that could not be read, newer ones among them, with the reason.
    pub unreadable: Vec<String>,
    /// Sessions, maps and devices that no record owns; left alone.
    pub foreign: Vec<String>,
}
