//! A volume's mutable parameters change: all or none, only those that are listed, and the ledger remembers them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use perilune_array::{Error, ErrorKind};
use tokio::time::Instant;

use super::{LATE_EXECUTION, usable};
use crate::engine::{settled, within};
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
        let news = remember(&mut entry.mutable.clone(), wanted);
        let before = entry.attempted;
        let late = before.is_some_and(|at| self.clock.since(at) < LATE_EXECUTION);
        let op = self.volume_op(doing, &entry, late, deadline);
        if news {
            self.guard.admit(&op).map_err(fail)?;
            entry.attempted = Some(self.clock.now());
            entry = within(deadline, self.ledger.update(&entry)).await.map_err(fail)?;
        }
        let outcome = self.guard.run(&op, |step| set_once(step, entry.clone(), wish.clone())).await;
        let in_doubt = match outcome {
            Ok(in_doubt) => in_doubt,
            Err(error) => return Err(fail(self.nothing_set(entry, before, error, news, deadline).await)),
        };
        // a request that was given up may yet set what it was to set; `tend` will look
        entry.attempted = if in_doubt || late { Some(self.clock.now()) } else { before };
        if remember(&mut entry.mutable, wanted) || in_doubt {
            self.note(&entry, deadline).await.map_err(fail)?;
        }
        Ok(())
    }

    /// A settled refusal takes the intent back.
    async fn nothing_set(
        &self,
        mut entry: Entry,
        before: Option<SystemTime>,
        error: Error,
        news: bool,
        deadline: Instant,
    ) -> Error {
        if !news || !settled(UseCase::Modify, &error) {
            return error;
        }
        entry.attempted = before;
        match within(deadline, self.ledger.update(&entry)).await {
            Ok(_) => error,
            Err(ledger) => error.context(format!("{ledger}, after")).into_unsettled(),
        }
    }
}

/// Observe, judge all of it, and only then alter, in the one call that sets all or none.
///
/// `true`: a request that nobody heard the answer of may still set what it was to set.
pub(crate) async fn set_once(step: Step, entry: Entry, wish: Wish) -> Result<bool, Error> {
    let native = entry.native.ok_or_else(|| Error::new(ErrorKind::Bug, "its record has no native id"))?;
    let offer = step.view.offer().ok_or_else(|| Error::new(ErrorKind::Bug, "the backend has no report"))?;
    let Some(array) = step.array.qos() else {
        // the offer of such an array refuses every wish, by its own words
        return offer.at_birth(&wish).map(|_| false);
    };
    let have = array.get(&native).await?;
    if let Some(wanted) = offer.change(&wish, have)? {
        step.change(array.set(&native, &wanted)).await?;
    }
    Ok(step.in_doubt())
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
