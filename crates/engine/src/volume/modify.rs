//! A volume's mutable parameters change: all or none, only those that are listed, and the ledger remembers them.

use std::collections::BTreeMap;

use perilune_array::{Error, ErrorKind};
use tokio::time::Instant;

use super::usable;
use crate::guard::Step;
use crate::ledger::Entry;
use crate::qos::{self, Wish};
use crate::{Engine, Failure, UseCase, VolumeHandle};

impl Engine {
    /// Sets the listed mutable parameters and leaves the others as they are; see [`crate::qos`] for the keys. A refusal
    /// with `InvalidArgument` means that nothing was altered. A second call does nothing.
    pub async fn modify(
        &self,
        handle: &VolumeHandle,
        wanted: &BTreeMap<String, String>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let doing = UseCase::Modify;
        let _held = self.guard.hold(doing, &handle.to_string())?;
        let mut entry = self.known(doing, handle, deadline).await?;
        let name = entry.csi_name.clone();
        let fail =
            |error: Error| Failure::of(doing, &error.context(format!("modify volume {name} ({handle})")));
        let wish = qos::wish(wanted).map_err(fail)?;
        usable(&entry).map_err(fail)?;
        if wish == Wish::Nothing {
            return Ok(());
        }
        let op = self.volume_op(doing, &entry, false, deadline);
        self.guard.run(&op, |step| set_once(step, entry.clone(), wish.clone())).await.map_err(fail)?;
        if remember(&mut entry.mutable, wanted) {
            self.note(&entry, deadline).await.map_err(fail)?;
        }
        Ok(())
    }
}

/// Observe, judge all of it, and only then alter, in the one call that sets all or none.
async fn set_once(step: Step, entry: Entry, wish: Wish) -> Result<(), Error> {
    let native = entry.native.ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let offer = step.view.offer().ok_or_else(|| Error::new(ErrorKind::Bug, "the backend has no report"))?;
    let Some(array) = step.array.qos() else {
        // the offer of such an array refuses every wish, by its own words
        return offer.at_birth(&wish).map(|_| ());
    };
    let have = array.get(&native).await?;
    match offer.change(&wish, have)? {
        None => Ok(()),
        Some(wanted) => step.change(array.set(&native, &wanted)).await,
    }
}

/// A tier says what the single limits say, and they what it says: the later word replaces the earlier one.
fn remember(known: &mut BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    let before = known.clone();
    if wanted.contains_key(qos::TIER) {
        known.retain(|key, _| !qos::KEYS.contains(&key.as_str()));
    } else {
        known.remove(qos::TIER);
    }
    known.extend(wanted.iter().map(|(key, value)| (key.clone(), value.clone())));
    *known != before
}

#[cfg(test)]
mod tests {
    use super::remember;
    use std::collections::BTreeMap;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| (format!("perilune.dev/{k}"), (*v).to_owned())).collect()
    }

    #[test]
    fn listed_keys_replace_and_others_stay_but_a_tier_and_limits_replace_each_other() {
        let mut known = map(&[("min-iops", "100"), ("max-iops", "500")]);
        assert!(remember(&mut known, &map(&[("max-iops", "600")])));
        assert_eq!(known, map(&[("min-iops", "100"), ("max-iops", "600")]));
        assert!(!remember(&mut known, &map(&[("max-iops", "600")])));
        assert!(remember(&mut known, &map(&[("qos-tier", "gold")])));
        assert_eq!(known, map(&[("qos-tier", "gold")]));
        assert!(remember(&mut known, &map(&[("max-iops", "600")])));
        assert_eq!(known, map(&[("max-iops", "600")]));
    }
}
