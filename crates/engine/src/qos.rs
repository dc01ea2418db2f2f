//! What a volume may draw, as a class asks for it: the keys of mutable parameters, and what becomes of them.
//!
//! A wish is read once and judged whole before anything is altered, so that a refusal means that nothing was.

use std::collections::BTreeMap;

use perilune_array::{Error, ErrorKind, Limit, QosLimits, QosWish, Throughput};

use crate::fleet::BackendSpec;

/// Operations a second that the volume is assured of.
pub const MIN_IOPS: &str = "perilune.dev/min-iops";
/// Operations a second that it may draw.
pub const MAX_IOPS: &str = "perilune.dev/max-iops";
/// Operations a second that it may draw for a while, after it drew less.
pub const BURST_IOPS: &str = "perilune.dev/burst-iops";
/// A set of these under a name that the backend's administrator gave.
pub const TIER: &str = "perilune.dev/qos-tier";

/// All keys of mutable parameters.
pub const KEYS: [&str; 4] = [MIN_IOPS, MAX_IOPS, BURST_IOPS, TIER];

/// What a class asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Tier(String),
    /// Only what is listed changes.
    Limits(Throughput),
}

/// What a backend makes of wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// `None`: it has no such thing.
    pub(crate) limits: Option<QosLimits>,
    /// Tiers that the array knows by name.
    pub(crate) named: Vec<String>,
    /// Tiers that the administrator spelled out.
    pub(crate) spelled: BTreeMap<String, Throughput>,
    /// What holds where nobody wishes anything.
    pub(crate) default: Option<Throughput>,
}

impl Offer {
    pub(crate) fn of(spec: &BackendSpec, limits: Option<QosLimits>, named: &[String]) -> Self {
        Self { limits, named: named.to_vec(), spelled: spec.qos_tiers.clone(), default: spec.default_qos }
    }

    fn tiers(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.named.iter().chain(self.spelled.keys()).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What to ask of the array for a volume that is to be born; `None`: nothing.
    pub(crate) fn at_birth(&self, wish: &Wish) -> Result<Option<QosWish>, Error> {
        match wish {
            Wish::Nothing => match self.default {
                Some(default) if self.limits.is_some() && default != Throughput::default() => {
                    let judged = self.judged(default).map(|limits| Some(QosWish::Limits(limits)));
                    // the user asked for none of it
                    judged.map_err(|error| error.context("the backend's spec.defaults.qos"))
                }
                _ => Ok(None),
            },
            Wish::Limits(asked) => {
                let base = self.default.unwrap_or_default();
                self.judged(onto(base, asked)).map(|limits| Some(QosWish::Limits(limits)))
            }
            Wish::Tier(name) => self.tier(name).map(Some),
        }
    }

    /// What to ask of the array for a volume that draws `have` now; `None`: it has it all.
    pub(crate) fn change(&self, wish: &Wish, have: Throughput) -> Result<Option<QosWish>, Error> {
        match wish {
            Wish::Nothing => Ok(None),
            Wish::Limits(asked) => {
                let wanted = self.judged(onto(have, asked))?;
                Ok((wanted != have).then_some(QosWish::Limits(wanted)))
            }
            // what stands behind a tier's name is the array's to say
            Wish::Tier(name) => match self.tier(name)? {
                QosWish::Limits(limits) if covers(&have, &limits) => Ok(None),
                wanted => Ok(Some(wanted)),
            },
        }
    }

    fn tier(&self, name: &str) -> Result<QosWish, Error> {
        if self.limits.is_none() && self.tiers().is_empty() {
            return Err(self.lacks_all());
        }
        if let Some(limits) = self.spelled.get(name) {
            return self.judged(*limits).map(QosWish::Limits);
        }
        if self.named.iter().any(|known| known == name) {
            return Ok(QosWish::Tier(name.to_owned()));
        }
        let known = self.tiers();
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        Err(Error::new(ErrorKind::Invalid, format!("{TIER}: the backend has no tier {name}; {known}")))
    }

    /// Holds the limits against what the array takes and against each other.
    fn judged(&self, wanted: Throughput) -> Result<Throughput, Error> {
        let Some(limits) = &self.limits else { return Err(self.lacks_all()) };
        in_range(MIN_IOPS, wanted.min_iops, limits.min_iops)?;
        in_range(MAX_IOPS, wanted.max_iops, limits.max_iops)?;
        in_range(BURST_IOPS, wanted.burst_iops, limits.burst_iops)?;
        in_order((MIN_IOPS, wanted.min_iops), (MAX_IOPS, wanted.max_iops))?;
        in_order((MAX_IOPS, wanted.max_iops), (BURST_IOPS, wanted.burst_iops))?;
        in_order((MIN_IOPS, wanted.min_iops), (BURST_IOPS, wanted.burst_iops))?;
        Ok(wanted)
    }

    fn lacks_all(&self) -> Error {
        Error::new(
            ErrorKind::Invalid,
            "the array sets no limits on volumes; leave the VolumeAttributesClass out",
        )
    }
}

/// Reads the parameters. Keys that are not known and values that are no numbers are refused by name.
pub(crate) fn wish(mutable: &BTreeMap<String, String>) -> Result<Wish, Error> {
    let odd: Vec<&str> = mutable.keys().map(String::as_str).filter(|key| !KEYS.contains(key)).collect();
    if !odd.is_empty() {
        let text = format!("{} cannot be set; what can be is {}", odd.join(", "), KEYS.join(", "));
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    let limits = Throughput {
        min_iops: number(mutable, MIN_IOPS)?,
        max_iops: number(mutable, MAX_IOPS)?,
        burst_iops: number(mutable, BURST_IOPS)?,
    };
    match mutable.get(TIER) {
        None if limits == Throughput::default() => Ok(Wish::Nothing),
        None => Ok(Wish::Limits(limits)),
        Some(_) if limits != Throughput::default() => Err(Error::new(
            ErrorKind::Invalid,
            format!("{TIER} already says what the other keys say; keep either it or them"),
        )),
        Some(name) => Ok(Wish::Tier(name.clone())),
    }
}

fn number(mutable: &BTreeMap<String, String>, key: &str) -> Result<Option<u32>, Error> {
    let Some(text) = mutable.get(key) else { return Ok(None) };
    // no sign, no blank, no leading zero: one spelling of one number
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(32).collect();
        Error::new(
            ErrorKind::Invalid,
            format!("{key}: {shown:?} is not a whole number from 1 to {}", u32::MAX),
        )
    })
}

/// What is asked, and what was there where nothing is.
fn onto(base: Throughput, asked: &Throughput) -> Throughput {
    Throughput {
        min_iops: asked.min_iops.or(base.min_iops),
        max_iops: asked.max_iops.or(base.max_iops),
        burst_iops: asked.burst_iops.or(base.burst_iops),
    }
}

/// Does `have` keep all that `wanted` names?
pub(crate) fn covers(have: &Throughput, wanted: &Throughput) -> bool {
    onto(*have, wanted) == *have
}

fn in_range(key: &str, value: Option<u32>, limit: Option<Limit>) -> Result<(), Error> {
    let Some(value) = value else { return Ok(()) };
    let Some(limit) = limit else {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{key}: the array has no such limit; leave it out"),
        ));
    };
    if (limit.min..=limit.max).contains(&value) {
        return Ok(());
    }
    let text =
        format!("{key}: {value} is not from {} to {}, which is what the array takes", limit.min, limit.max);
    Err(Error::new(ErrorKind::Invalid, text))
}

fn in_order(lower: (&str, Option<u32>), upper: (&str, Option<u32>)) -> Result<(), Error> {
    match (lower, upper) {
        ((low, Some(less)), (high, Some(more))) if less > more => Err(Error::new(
            ErrorKind::Invalid,
            format!("{low} would be {less}, over {high}, which would be {more}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
