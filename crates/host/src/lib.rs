//! Attach, mount, grow and detach SAN volumes on Linux.
//!
//! Knows identities of devices, iSCSI, multipath, ext4 and XFS; knows nothing of CSI, Kubernetes or arrays. Callers
//! see [`Host`]; [`LinuxHost`] is the real one. Nothing is written to, formatted, mounted, flushed or removed
//! unless its identity was read from the device itself in the same call.

mod attach;
mod checks;
mod detach;
mod error;
mod fabric;
#[cfg(test)]
mod faults;
mod filesystem;
mod format;
mod grow;
mod health;
mod host;
mod identity;
mod keeper;
mod leave;
mod linux;
mod lock;
mod login;
mod mount;
mod options;
mod os;
mod probe;
mod publish;
mod reach;
mod rebuild;
mod reconcile;
mod record;
mod removal;
mod request;
mod stage;
mod stats;
mod survey;
mod sysfs;
mod target;
mod tools;
mod usage;
mod verify;
mod volume;
mod work;

pub use error::{Error, ErrorKind, Result};
pub use host::Host;
pub use identity::{ExpectedWwid, LiveWwid, Wwid};
pub use linux::{LinuxHost, Settings};
pub use request::{
    Ailment, Amount, Attachment, Check, FsType, GrowRequest, Grown, Harm, Identity, PublishRequest,
    Reconciled, StageRequest, Staged, StagedVolume, Stats, StatsRequest, UnpublishRequest, UnstageRequest,
    Usage, Verdict,
};
pub use target::{Chap, ChapAccount, FcPath, Iqn, IscsiPath, Lun, Portal, Protocol, TargetPath, Wwpn};
pub use volume::VolumeKey;
