//! Attach, mount, grow and detach SAN volumes on Linux.
//!
//! Knows identities of devices, iSCSI, multipath, ext4 and XFS; knows nothing of CSI, Kubernetes or arrays. Callers
//! see [`Host`]; [`LinuxHost`] is the real one. Nothing is written to, formatted, mounted, flushed or removed
//! unless its identity was read from the device itself in the same call.

mod error;
mod host;
mod identity;
mod request;
mod target;
mod volume;

pub use error::{Error, ErrorKind, Result};
pub use host::Host;
pub use identity::{ExpectedWwid, LiveWwid, Wwid};
pub use request::{
    Amount, Attachment, Check, FsType, GrowRequest, Grown, Identity, PublishRequest, Reconciled,
    StageRequest, Staged, Stats, StatsRequest, UnpublishRequest, UnstageRequest, Usage, Verdict,
};
pub use target::{Chap, ChapAccount, Iqn, Lun, Portal, Protocol, TargetPath};
pub use volume::VolumeKey;
