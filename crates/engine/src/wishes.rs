//! The port to what a claim says beside its request: for now, the volume of an array that it is to adopt.

use std::fmt;

use perilune_array::VolumeId;

use crate::request::Claim;

/// A volume that is on an array already and that a claim is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportWish {
    pub backend: String,
    pub native: VolumeId,
    /// Give it the name that a volume made for the claim would have.
    pub rename: bool,
}

/// Why a claim's wishes are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WishError {
    /// They cannot be read: what is wrong, and where.
    Malformed(String),
    /// Nobody answered.
    Unavailable(String),
}

impl fmt::Display for WishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::Unavailable(why) => write!(f, "the claim cannot be read: {why}"),
        }
    }
}

impl std::error::Error for WishError {}

/// Reads claims. `operator` implements it over PersistentVolumeClaims.
#[async_trait::async_trait]
pub trait Wishes: Send + Sync + fmt::Debug {
    /// The volume that the claim is to adopt; `None`: a new one is to be made, or there is no such claim.
    async fn import(&self, claim: &Claim) -> Result<Option<ImportWish>, WishError>;
}

/// Nobody wishes anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWishes;

#[async_trait::async_trait]
impl Wishes for NoWishes {
    async fn import(&self, _: &Claim) -> Result<Option<ImportWish>, WishError> {
        Ok(None)
    }
}

/// Wishes in memory, for tests.
#[cfg(any(test, feature = "fake"))]
pub mod memory {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use super::{Claim, ImportWish, WishError, Wishes};

    #[derive(Debug, Default)]
    pub struct MemoryWishes(Mutex<BTreeMap<(String, String), Result<ImportWish, WishError>>>);

    impl MemoryWishes {
        /// The claim says this from now on.
        pub fn put(&self, claim: &Claim, says: Result<ImportWish, WishError>) {
            let key = (claim.namespace.clone(), claim.name.clone());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, says);
        }
    }

    #[async_trait::async_trait]
    impl Wishes for MemoryWishes {
        async fn import(&self, claim: &Claim) -> Result<Option<ImportWish>, WishError> {
            let key = (claim.namespace.clone(), claim.name.clone());
            let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            said.transpose()
        }
    }
}
