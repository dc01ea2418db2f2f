//! The array as a whole and the pools that volumes are cut from.

use std::fmt;

use crate::{ArrayId, Size};

/// A pool's native id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(String);

impl PoolId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Room to put volumes in. An array without pools of its own shows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub id: PoolId,
    pub name: String,
    /// Physical room.
    pub total: Size,
    /// Physical room left.
    pub free: Size,
    /// What has been promised to volumes; may exceed `total` where provisioning is thin.
    pub provisioned: Size,
    /// How much may be promised in all; equals `total` where provisioning is thick.
    pub provisionable: Size,
}

/// How the array itself says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Good,
    /// Works, and wants attention; the array's words.
    Degraded(String),
}

/// One look at an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemReport {
    pub id: ArrayId,
    pub name: String,
    pub model: String,
    pub firmware: String,
    pub api_version: String,
    pub health: Health,
    pub pools: Vec<Pool>,
}
