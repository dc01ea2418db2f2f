//! Listings, page by page, from memory: complete over all backends, or refused.

use perilune_array::{Error, ErrorKind, RecordId};
use tokio::time::Instant;

use crate::failure::of_ledger;
use crate::health::VolumeHealth;
use crate::ledger::{Entry, LedgerError, Phase};
use crate::request::SnapshotFilter;
use crate::snapshot::{self, SnapshotView};
use crate::volume::{self, VolumeView};
use crate::{Engine, Failure, UseCase, VolumeHandle};

/// What a page holds where nobody says.
const PAGE: usize = 500;

/// A volume, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeStatus {
    pub view: VolumeView,
    pub health: VolumeHealth,
}

/// One page, and where the next one begins; `None`: this was the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl Engine {
    /// At most `max` volumes (zero: as many as suit us) from `token` on, in an order that never changes. Volumes that
    /// come or go between two pages move nobody to another page. `Aborted` for a token that is not of ours.
    pub fn volumes_page(&self, token: Option<&str>, max: usize) -> Result<Paged<VolumeStatus>, Failure> {
        let after = token.map(volume_token).transpose()?;
        // what is only intended was never answered for; what is being deleted may still be attached
        let shown = |entry: &Entry| entry.phase != Phase::Pending;
        let (entries, more) = self.index().page(after.as_ref(), page_size(max), shown).map_err(unreadable)?;
        let next = entries.last().filter(|_| more).map(|entry| format!("v1:{}", entry.id));
        let views = self.fleet.views();
        let status = |entry: &Entry| {
            let backend = views.iter().find(|view| view.spec.name == entry.backend);
            VolumeStatus { view: volume::view(entry), health: self.health_on(entry, backend) }
        };
        Ok(Paged { items: entries.iter().map(|entry| status(entry)).collect(), next })
    }

    /// At most `max` snapshots that fit the filter, from `token` on. What is only intended is not shown.
    pub fn snapshots_page(
        &self,
        filter: &SnapshotFilter,
        token: Option<&str>,
        max: usize,
    ) -> Result<Paged<SnapshotView>, Failure> {
        let after = token.map(snapshot_token).transpose()?;
        let entries = self.entries_with(filter, after.as_ref()).map_err(unreadable)?;
        let (max, mut items, mut next) = (page_size(max), Vec::new(), None);
        'page: for entry in &entries {
            for (own, view) in self.numbered(entry) {
                let seen = after.as_ref().is_some_and(|last| (&entry.id, &own) <= (&last.0, &last.1));
                if seen || !fits(filter, &view) {
                    continue;
                }
                if items.len() == max {
                    next = items.last().map(|(_, place): &(SnapshotView, String)| place.clone());
                    break 'page;
                }
                items.push((view, format!("v1:{}:{own}", entry.id)));
            }
        }
        Ok(Paged { items: items.into_iter().map(|(view, _)| view).collect(), next })
    }

    /// A volume with its condition; the array is asked for this one.
    pub async fn volume_status(
        &self,
        handle: &VolumeHandle,
        deadline: Instant,
    ) -> Result<VolumeStatus, Failure> {
        let entry = self.known(UseCase::Inspect, handle, deadline).await?;
        self.look_at(&entry, deadline).await;
        Ok(VolumeStatus { view: volume::view(&entry), health: self.health_of(&entry) })
    }

    /// The snapshots of one volume in the order of numbers made from their names: the names themselves would make tokens
    /// longer than callers take.
    fn numbered(&self, entry: &Entry) -> Vec<(RecordId, SnapshotView)> {
        let mut all: Vec<_> =
            snapshot::views(entry).map(|(view, name)| (self.record_of(name), view)).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    fn entries_with(
        &self,
        filter: &SnapshotFilter,
        after: Option<&(RecordId, RecordId)>,
    ) -> Result<Vec<std::sync::Arc<Entry>>, LedgerError> {
        match filter {
            SnapshotFilter::All => {
                let mut all = self.index().entries()?;
                all.retain(|entry| after.is_none_or(|(id, _)| entry.id >= *id));
                Ok(all)
            }
            SnapshotFilter::Id(handle) => Ok(self.index().with_snapshot(handle)?.into_iter().collect()),
            SnapshotFilter::Of(volume) => Ok(self.index().get(volume.record())?.into_iter().collect()),
        }
    }
}

fn fits(filter: &SnapshotFilter, view: &SnapshotView) -> bool {
    match filter {
        SnapshotFilter::All => true,
        SnapshotFilter::Id(handle) => view.handle == *handle,
        SnapshotFilter::Of(volume) => view.source == *volume,
    }
}

const fn page_size(max: usize) -> usize {
    if max == 0 { PAGE } else { max }
}

fn volume_token(token: &str) -> Result<RecordId, Failure> {
    token.parse::<VolumeHandle>().map(|handle| handle.record().clone()).map_err(|_| foreign(token))
}

fn snapshot_token(token: &str) -> Result<(RecordId, RecordId), Failure> {
    let parts = token.strip_prefix("v1:").and_then(|rest| rest.split_once(':'));
    let (volume, own) = parts.ok_or_else(|| foreign(token))?;
    Ok((volume_token(&format!("v1:{volume}"))?, volume_token(&format!("v1:{own}"))?))
}

fn foreign(token: &str) -> Failure {
    let shown: String = token.chars().take(64).collect();
    let text =
        format!("starting_token {shown:?} was not given out by this plugin; list again from the start");
    Failure::of(UseCase::List, &Error::new(ErrorKind::Invalid, text))
}

fn unreadable(error: LedgerError) -> Failure {
    Failure::of(UseCase::List, &of_ledger("list the records", error))
}
