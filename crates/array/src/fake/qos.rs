//! Throughput limits of the in-memory array.

use super::FakeArray;
use super::state::State;
use crate::{Error, ErrorKind, Limit, Qos, QosWish, Result, Throughput, VolumeId};

/// The tier that every in-memory array has.
pub(super) const TIER: (&str, Throughput) =
    ("gold", Throughput { min_iops: Some(1000), max_iops: Some(2000), burst_iops: Some(4000) });

impl State {
    /// The limits that a wish stands for, if this array can give them.
    pub(super) fn throughput(&self, wish: &QosWish) -> Result<Throughput> {
        let wanted = match wish {
            QosWish::Limits(wanted) => *wanted,
            QosWish::Tier(name) if self.profile.qos_tiers.contains(name) => TIER.1,
            QosWish::Tier(name) => {
                return Err(Error::new(ErrorKind::Invalid, format!("there is no tier {name}")));
            }
        };
        self.check_throughput(&wanted)?;
        Ok(wanted)
    }

    fn check_throughput(&self, wanted: &Throughput) -> Result<()> {
        let limits = self.profile.qos;
        check_one("min_iops", wanted.min_iops, limits.and_then(|l| l.min_iops))?;
        check_one("max_iops", wanted.max_iops, limits.and_then(|l| l.max_iops))?;
        check_one("burst_iops", wanted.burst_iops, limits.and_then(|l| l.burst_iops))?;
        let given: Vec<_> =
            [wanted.min_iops, wanted.max_iops, wanted.burst_iops].into_iter().flatten().collect();
        if !given.is_sorted() {
            return Err(Error::new(ErrorKind::Invalid, "min_iops, max_iops and burst_iops must not descend"));
        }
        Ok(())
    }
}

fn check_one(what: &str, value: Option<u32>, limit: Option<Limit>) -> Result<()> {
    match (value, limit) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Error::new(ErrorKind::Invalid, format!("this array has no {what}"))),
        (Some(value), Some(limit)) if value < limit.min || value > limit.max => {
            let text = format!("{what} {value} is not between {} and {}", limit.min, limit.max);
            Err(Error::new(ErrorKind::OutOfRange, text))
        }
        _ => Ok(()),
    }
}

#[async_trait::async_trait]
impl Qos for FakeArray {
    async fn get(&self, volume: &VolumeId) -> Result<Throughput> {
        self.call("qos.get", |state| {
            state.volume(volume)?;
            Ok(state.qos.get(volume).copied().unwrap_or_default())
        })
        .await
    }

    async fn set(&self, volume: &VolumeId, wanted: &QosWish) -> Result<()> {
        self.call("qos.set", |state| {
            state.volume(volume)?;
            let limits = state.throughput(wanted)?;
            state.qos.insert(volume.clone(), limits);
            Ok(())
        })
        .await
    }
}
