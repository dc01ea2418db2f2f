//! How many of each object a system holds.

use std::collections::BTreeMap;

/// Names that the configuration may set, with what holds otherwise.
const KNOWN: &[(&str, u64)] = &[
    ("clusters", 100),
    ("groups", 256),
    ("hosts", 4000),
    ("luns", 512),
    ("mirrors", 512),
    ("pools", 256),
    ("portsPerHost", 32),
    ("volumeGiB", 1 << 20),
    ("volumes", 12_000),
    ("volumesPerGroup", 128),
];

#[derive(Debug)]
pub(crate) struct Limits(BTreeMap<&'static str, u64>);

impl Limits {
    pub(crate) fn new(set: &BTreeMap<String, u64>) -> Self {
        let value = |(name, usual): &(&'static str, u64)| (*name, set.get(*name).copied().unwrap_or(*usual));
        Self(KNOWN.iter().map(value).collect())
    }

    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(u64::MAX)
    }

    pub(crate) fn reached(&self, name: &str, count: usize) -> bool {
        count as u64 >= self.get(name)
    }
}

pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}
