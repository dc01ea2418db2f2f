//! The opaque, versioned ids that Kubernetes keeps for us.

use std::fmt;
use std::str::FromStr;

use perilune_array::{RecordId, SnapshotId};

/// The longest handle that Kubernetes keeps.
const MAX_BYTES: usize = 128;

/// A CSI volume id: `v1:<uuid of the ledger record>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeHandle(RecordId);

impl VolumeHandle {
    pub fn of(record: &RecordId) -> Self {
        Self(record.clone())
    }

    pub fn record(&self) -> &RecordId {
        &self.0
    }
}

impl fmt::Display for VolumeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1:{}", self.0)
    }
}

impl FromStr for VolumeHandle {
    type Err = Foreign;

    fn from_str(text: &str) -> Result<Self, Foreign> {
        let uuid = text.strip_prefix("v1:").ok_or(Foreign)?;
        let parsed = uuid::Uuid::try_parse(uuid).map_err(|_| Foreign)?;
        // one spelling only, or two locks could stand for one volume
        if parsed.hyphenated().to_string() == uuid { Ok(Self(RecordId::new(uuid))) } else { Err(Foreign) }
    }
}

/// A CSI snapshot id: `v1:<backend>:<native snapshot id>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SnapshotHandle {
    pub backend: String,
    pub native: SnapshotId,
}

impl fmt::Display for SnapshotHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1:{}:{}", self.backend, self.native)
    }
}

impl FromStr for SnapshotHandle {
    type Err = Foreign;

    fn from_str(text: &str) -> Result<Self, Foreign> {
        let (backend, native) =
            text.strip_prefix("v1:").and_then(|rest| rest.split_once(':')).ok_or(Foreign)?;
        if text.len() > MAX_BYTES || backend.is_empty() || native.is_empty() {
            return Err(Foreign);
        }
        Ok(Self { backend: backend.to_owned(), native: SnapshotId::new(native) })
    }
}

/// A handle that this driver, or this version of it, did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign;

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id was not made by this driver, or by a newer version of it")
    }
}

impl std::error::Error for Foreign {}

#[cfg(test)]
mod tests {
    use super::{Foreign, SnapshotHandle, VolumeHandle};

    #[test]
    fn a_volume_handle_survives_the_round_trip_in_one_spelling_only() {
        let text = "v1:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa";
        assert_eq!(text.parse::<VolumeHandle>().map(|h| h.to_string()), Ok(text.to_owned()));
        for other in [
            "",
            "v1:",
            "v2:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa",
            "v1:5A0C1F9E-8A3E-5B56-9D6C-0F3A57E1C9AA",
            "vol-1",
        ] {
            assert_eq!(other.parse::<VolumeHandle>(), Err(Foreign), "{other}");
        }
    }

    #[test]
    fn a_snapshot_handle_keeps_colons_of_the_native_id() {
        let handle: SnapshotHandle = "v1:sf1:a:b".parse().expect("parses");
        assert_eq!((handle.backend.as_str(), handle.native.as_str()), ("sf1", "a:b"));
        assert_eq!(handle.to_string(), "v1:sf1:a:b");
        assert_eq!("v1:sf1".parse::<SnapshotHandle>(), Err(Foreign));
    }
}
