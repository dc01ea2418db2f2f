//! Keys and values that clients hang on objects. They go with the object and follow it when it is renamed.

use super::System;
use crate::xiv::arguments::Arguments;
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

/// Kind and number of the object.
pub(crate) type Key = (&'static str, u64);

/// What metadata can hang on.
const KINDS: &[&str] =
    &["cg", "cluster", "host", "perf_class", "pool", "schedule", "snapshot_group", "volume"];
/// The array keeps no longer values.
const LONGEST: usize = 1023;

impl System {
    fn kind(arguments: &Arguments) -> Result<Option<&'static str>, Refusal> {
        let Some(given) = arguments.text("object_type") else { return Ok(None) };
        let known = KINDS.iter().find(|kind| **kind == given.to_ascii_lowercase());
        known.copied().map(Some).ok_or_else(|| codes::bad_value("object_type", given))
    }

    fn object(&self, kind: &'static str, name: &str) -> Result<Key, Refusal> {
        let number = match kind {
            "volume" => self.names.get(name).copied(),
            "cg" => self.groups.get(name).map(|group| group.id),
            "cluster" => self.clusters.get(name).map(|cluster| cluster.id),
            "host" => self.hosts.get(name).map(|host| host.id),
            "pool" => self.pools.get(name).map(|pool| pool.id),
            "schedule" => self.schedules.get(name).map(|schedule| schedule.id),
            "snapshot_group" => self.snapshot_groups.get(name).map(|taken| taken.id),
            _ => None,
        };
        number
            .map(|number| (kind, number))
            .ok_or_else(|| Refusal::new("OBJECT_BAD_NAME", "The referenced object does not exist"))
    }

    fn object_name(&self, key: &Key) -> String {
        fn named<'a, T: 'a>(
            mut all: impl Iterator<Item = (&'a String, &'a T)>,
            is: impl Fn(&T) -> bool,
        ) -> String {
            all.find(|(_, object)| is(object)).map(|(name, _)| name.clone()).unwrap_or_default()
        }
        let (kind, number) = *key;
        match kind {
            "volume" => self.volumes.get(&number).map(|volume| volume.name.clone()).unwrap_or_default(),
            "cg" => named(self.groups.iter(), |group| group.id == number),
            "cluster" => named(self.clusters.iter(), |cluster| cluster.id == number),
            "host" => named(self.hosts.iter(), |host| host.id == number),
            "pool" => named(self.pools.iter(), |pool| pool.id == number),
            "schedule" => named(self.schedules.iter(), |schedule| schedule.id == number),
            _ => named(self.snapshot_groups.iter(), |taken| taken.id == number),
        }
    }

    fn named_object(&self, arguments: &Arguments) -> Result<Key, Refusal> {
        let kind =
            Self::kind(arguments)?.ok_or_else(|| codes::bad_arguments("Missing argument 'object_type'"))?;
        self.object(kind, arguments.needed("name")?)
    }

    pub(crate) fn metadata_set(&mut self, arguments: &Arguments) -> Answer {
        let object = self.named_object(arguments)?;
        let (key, value) = (arguments.needed("key")?.to_owned(), arguments.needed("value")?.to_owned());
        if key.is_empty() || key.len() > 63 || value.len() > LONGEST {
            return Err(codes::bad_value("value", "too long"));
        }
        self.metadata.entry(object).or_default().insert(key, value);
        Ok(Vec::new())
    }

    pub(crate) fn metadata_delete(&mut self, arguments: &Arguments) -> Answer {
        let object = self.named_object(arguments)?;
        let key = arguments.needed("key")?;
        let there = self.metadata.get_mut(&object).and_then(|values| values.remove(key));
        if self.metadata.get(&object).is_some_and(std::collections::BTreeMap::is_empty) {
            self.metadata.remove(&object);
        }
        match there {
            Some(_) => Ok(Vec::new()),
            None => Err(Refusal::new("KEY_DOES_NOT_EXIST", "The key does not exist")),
        }
    }

    pub(crate) fn metadata_list(&mut self, arguments: &Arguments) -> Answer {
        let kind = Self::kind(arguments)?;
        let one = match (kind, arguments.text("name")) {
            (Some(kind), Some(name)) => Some(self.object(kind, name)?),
            (None, Some(_)) => return Err(codes::bad_arguments("Missing argument 'object_type'")),
            _ => None,
        };
        let (key, value) = (arguments.text("key"), arguments.text("value"));
        let mut rows = Vec::new();
        let range = one.map_or(("", 0)..=("~", u64::MAX), |one| one..=one);
        for (object, values) in
            self.metadata.range(range).filter(|(object, _)| kind.is_none_or(|kind| kind == object.0))
        {
            let wanted = values
                .iter()
                .filter(|(k, v)| key.is_none_or(|key| key == *k) && value.is_none_or(|value| value == *v));
            let mut wanted = wanted.peekable();
            if wanted.peek().is_none() {
                continue;
            }
            let name = self.object_name(object);
            for (key, value) in wanted {
                let row = Row::new("metadata", rows.len()).with("object_type", object.0).with("name", &name);
                rows.push(row.with("key", key).with("value", value));
            }
        }
        Ok(rows)
    }

    pub(crate) fn forget_metadata(&mut self, kind: &'static str, number: u64) {
        self.metadata.remove(&(kind, number));
    }
}
