//! The name under which a caller knows a volume, and the file name made of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// The caller's opaque handle of a volume. Locks and records hang on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeKey(String);

impl VolumeKey {
    /// Takes any text of 1 to 1024 bytes.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.is_empty() || text.len() > 1024 {
            return Err(Error::new(ErrorKind::Invalid, "a volume id must have 1 to 1024 bytes"));
        }
        Ok(Self(text))
    }

    /// The handle as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A file name that no other key has: readable where the handle allows it, else a digest.
    pub(crate) fn file_stem(&self) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if self.0.len() <= 128 && !self.0.starts_with('.') && self.0.bytes().all(plain) {
            return format!("v-{}", self.0);
        }
        format!("h-{}", hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Display for VolumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_that_differ_only_in_odd_bytes_get_different_files() {
        let stem = |text: &str| VolumeKey::new(text).unwrap().file_stem();
        assert_eq!(stem("pvc-1"), "v-pvc-1");
        assert_ne!(stem("a/b"), stem("a:b"));
        assert!(!stem("../../etc").contains('/'));
        assert!(stem("..").starts_with("h-"));
    }
}
