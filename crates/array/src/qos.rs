//! Limits on what hosts may draw from a volume.

use crate::{Result, VolumeId};

/// What a volume may and should get, in operations a second. `None`: the array's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throughput {
    pub min_iops: Option<u32>,
    pub max_iops: Option<u32>,
    pub burst_iops: Option<u32>,
}

/// The range of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub min: u32,
    pub max: u32,
}

/// Which settings an array takes. `None`: it has no such setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QosLimits {
    pub min_iops: Option<Limit>,
    pub max_iops: Option<Limit>,
    pub burst_iops: Option<Limit>,
}

/// What somebody wants a volume to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QosWish {
    Limits(Throughput),
    /// One of the profile's `qos_tiers`: limits that an administrator put together under a name.
    Tier(String),
}

#[async_trait::async_trait]
pub trait Qos: Send + Sync {
    /// What holds now.
    /// A second call reads again. `NotFound`.
    async fn get(&self, volume: &VolumeId) -> Result<Throughput>;

    /// Sets all three; `None` goes back to the default, as far as the given ones leave it room. All or nothing.
    /// A second call does nothing. `NotFound`, `OutOfRange`, `Invalid` (min over max over burst, a setting or tier the array lacks).
    async fn set(&self, volume: &VolumeId, wanted: &QosWish) -> Result<()>;
}
