//! Follows the `ArrayVolume` objects of the cluster with the ledger's index.

use futures::{StreamExt, pin_mut};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt};
use perilune_api::ArrayVolume;
use perilune_engine::RecordId;
use perilune_engine::ledger::{Entry, Index};
use tokio::sync::watch;

use super::convert::entry_of;

/// Goes on until it is dropped; what breaks off is begun anew.
pub(super) async fn follow(api: &Api<ArrayVolume>, index: &Index, filled: &watch::Sender<bool>) {
    let news = watcher(api.clone(), watcher::Config::default()).default_backoff();
    pin_mut!(news);
    // a new beginning takes effect when it is complete: until then the old state is better than a part of the new one
    let mut fresh = Vec::new();
    while let Some(event) = news.next().await {
        match event {
            Ok(event) => {
                let complete = matches!(event, Event::InitDone);
                take(event, &mut fresh, index);
                if complete {
                    filled.send_replace(true);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot follow the ArrayVolume records; listings may be old until this works again");
            }
        }
    }
}

fn take(event: Event<ArrayVolume>, fresh: &mut Vec<Entry>, index: &Index) {
    match event {
        Event::Init => fresh.clear(),
        Event::InitApply(object) => fresh.extend(readable(object)),
        Event::InitDone => {
            tracing::debug!(records = fresh.len(), "the ArrayVolume records are read");
            index.fill(std::mem::take(fresh));
        }
        Event::Apply(object) => {
            if let Some(entry) = readable(object) {
                index.put(entry);
            }
        }
        Event::Delete(object) => gone(&object, index),
    }
}

/// A record that went may have been made again before we heard of it.
fn gone(object: &ArrayVolume, index: &Index) {
    let id = RecordId::new(object.name_any());
    let number = |version: Option<&str>| version.and_then(|version| version.parse::<u128>().ok());
    let last = object.resource_version();
    let known = index.get(&id).ok().flatten();
    let newer = known.is_some_and(|known| number(known.version.as_deref()) > number(last.as_deref()));
    if !newer {
        index.remove(&id);
    }
}

fn readable(object: ArrayVolume) -> Option<Entry> {
    entry_of(object)
        .inspect_err(|error| tracing::error!(%error, "a record cannot be read and is passed over"))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::runtime::watcher::Event;
    use perilune_api::{ArrayVolume, ArrayVolumeSpec, ArrayVolumeStatus};
    use perilune_engine::ledger::Index;

    use super::take;

    fn record(name: &str, version: &str) -> ArrayVolume {
        let spec = ArrayVolumeSpec {
            csi_name: format!("pvc-{name}"),
            backend: "gold".to_owned(),
            parameters: BTreeMap::new(),
            ..ArrayVolumeSpec::default()
        };
        let mut object = ArrayVolume::new(name, spec);
        object.metadata.resource_version = Some(version.to_owned());
        object.status = Some(ArrayVolumeStatus::default());
        object
    }

    #[test]
    fn a_new_beginning_takes_effect_when_it_is_complete() {
        let (index, mut fresh) = (Index::default(), Vec::new());
        take(Event::Init, &mut fresh, &index);
        take(Event::InitApply(record("a", "5")), &mut fresh, &index);
        assert!(index.entries().is_err(), "nothing is known yet");
        take(Event::InitDone, &mut fresh, &index);
        assert_eq!(index.count("gold").unwrap(), 1);
        take(Event::Init, &mut fresh, &index);
        assert_eq!(index.count("gold").unwrap(), 1, "the old state holds until the new one is whole");
        take(Event::InitApply(record("b", "9")), &mut fresh, &index);
        take(Event::InitApply(record("c", "9")), &mut fresh, &index);
        take(Event::InitDone, &mut fresh, &index);
        assert_eq!(index.count("gold").unwrap(), 2);
    }

    #[test]
    fn late_news_of_an_end_do_not_take_away_what_was_made_again() {
        let (index, mut fresh) = (Index::default(), Vec::new());
        take(Event::InitDone, &mut fresh, &index);
        take(Event::Apply(record("a", "20")), &mut fresh, &index);
        take(Event::Delete(record("a", "15")), &mut fresh, &index);
        assert_eq!(index.count("gold").unwrap(), 1);
        take(Event::Delete(record("a", "21")), &mut fresh, &index);
        assert_eq!(index.count("gold").unwrap(), 0);
    }

    #[test]
    fn a_record_that_nobody_of_ours_wrote_is_passed_over() {
        let (index, mut fresh) = (Index::default(), Vec::new());
        let mut foreign = record("a", "1");
        foreign.status = None;
        take(Event::InitApply(foreign), &mut fresh, &index);
        take(Event::InitDone, &mut fresh, &index);
        assert!(index.entries().unwrap().is_empty());
    }
}
