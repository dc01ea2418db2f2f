//! A volume is made: placed, intended, converged, completed; or its intent is taken back.

use std::time::Duration;

use perilune_array::{Error, ErrorKind, QosWish, Size, Source, Volume};
use tokio::time::Instant;

use super::act::{Making, converge};
use super::check::with_source_size;
use super::{source_of, source_text};
use crate::engine::{settled, within};
use crate::ledger::{Entry, LedgerError, Phase};
use crate::placement::{self, Place};
use crate::{ContentSource, Engine, UseCase, VolumeRequest, naming, qos};

/// After an intent was written, or renewed, requests to make something are sent for so long and no longer.
pub(crate) const MAKING: Duration = Duration::from_secs(60);

/// While an unconfirmed attempt is younger than this, the array may still carry it out: a request is sent within [`MAKING`], and an
/// array has begun with it two minutes later, or never will.
pub(crate) const LATE_EXECUTION: Duration = Duration::from_secs(180);

impl Engine {
    /// Chooses a place and writes the intent. `true`: this call wrote it, so nothing was tried yet.
    pub(super) async fn intend(
        &self,
        request: &VolumeRequest,
        deadline: Instant,
    ) -> Result<(Entry, bool), Error> {
        let origin = self.origin(request, deadline).await?;
        let only = origin.as_ref().map(|entry| entry.backend.as_str());
        let sized = with_source_size(request, origin.as_ref())?;
        let place = placement::choose(&self.fleet.views(), &sized, only)?;
        let entry = self.new_entry(request, place)?;
        let entry = self.write_intent(&entry, deadline).await?;
        // a backend that was taken out of use meanwhile has counted its volumes, perhaps without this one
        match self.still_takes(&entry.backend) {
            Ok(()) => Ok((entry, true)),
            Err(error) => Err(self.take_back(&entry, error, deadline).await),
        }
    }

    async fn write_intent(&self, entry: &Entry, deadline: Instant) -> Result<Entry, Error> {
        match tokio::time::timeout_at(deadline, self.ledger.create(entry)).await {
            Ok(Ok(entry)) => Ok(entry),
            Ok(Err(LedgerError::Exists)) => Err(Error::new(ErrorKind::Busy, "another replica just began it")),
            Ok(Err(error)) => Err(crate::failure::of_ledger("write the intent", error)),
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "the ledger did not take the intent in time")),
        }
    }

    fn still_takes(&self, backend: &str) -> Result<(), Error> {
        match self.fleet.view(backend) {
            Some(view) => placement::usable(&view).map(|_| ()),
            None => Err(Error::new(
                ErrorKind::Unreachable,
                format!("backend {backend}: it was taken out of use a moment ago"),
            )),
        }
    }

    fn new_entry(&self, request: &VolumeRequest, place: Place) -> Result<Entry, Error> {
        let id = self.record_of(&request.csi_name);
        let (session, _) = self.fleet.session(&place.backend)?;
        Ok(Entry {
            name: naming::fit(&session.array.profile().volume_names, &request.csi_name, &id),
            id,
            csi_name: request.csi_name.clone(),
            claim: request.claim.clone(),
            backend: place.backend,
            pool: place.pool.id,
            pool_name: place.pool.name,
            size: place.size,
            parameters: request.parameters.clone(),
            mutable: request.mutable.clone(),
            topology: place.topology,
            source: request.source.as_ref().map(source_text),
            born_empty: request.source.is_none(),
            generation: 1,
            native: None,
            wwid: None,
            wwid_alt: None,
            phase: Phase::Pending,
            attempted: Some(self.clock.now()),
            attachments: Vec::new(),
            departed: Vec::new(),
            snapshots: Vec::new(),
            version: None,
        })
    }

    /// Brings an intent to its end; a settled refusal takes the intent back.
    pub(super) async fn make(
        &self,
        entry: Entry,
        fresh: bool,
        limit: Option<Size>,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        let late = entry.attempted.is_some_and(|at| self.clock.since(at) < LATE_EXECUTION);
        let entry = if fresh { entry } else { self.renew(entry, deadline).await? };
        let op = self.volume_op(UseCase::CreateVolume, &entry, !fresh, deadline);
        let source = self.native_source(&entry, deadline).await;
        let making = Making {
            owner: self.owner_of(&entry),
            source: source.map_err(|error| (error.kind(), error.to_string())),
            qos: self.qos_at_birth(&entry),
            entry: entry.clone(),
            limit,
            fresh,
            late,
            until: Instant::now() + MAKING,
        };
        match self.guard.run(&op, |step| converge(step, making.clone())).await {
            Ok((volume, in_doubt)) => self.complete(entry, volume, in_doubt, deadline).await,
            Err(error) if settled(UseCase::CreateVolume, &error) => {
                Err(self.take_back(&entry, error, deadline).await)
            }
            Err(error) => Err(error),
        }
    }

    /// What the volume may draw from its first moment, by what its backend makes of the class today.
    fn qos_at_birth(&self, entry: &Entry) -> Result<Option<QosWish>, (ErrorKind, String)> {
        let wish = qos::wish(&entry.mutable);
        let Some(view) = self.fleet.view(&entry.backend) else { return Ok(None) };
        let Some(offer) = view.offer() else { return Ok(None) };
        wish.and_then(|wish| offer.at_birth(&wish)).map_err(|error| (error.kind(), error.to_string()))
    }

    /// An old intent is about to be tried again: the doubt that this may cause counts from now.
    async fn renew(&self, mut entry: Entry, deadline: Instant) -> Result<Entry, Error> {
        entry.attempted = Some(self.clock.now());
        self.note(&entry, deadline).await
    }

    async fn complete(
        &self,
        mut entry: Entry,
        volume: Volume,
        in_doubt: bool,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        entry.phase = Phase::Ready;
        entry.native = Some(volume.id);
        entry.size = volume.size;
        entry.wwid = Some(volume.wwid);
        entry.wwid_alt = volume.wwid_alt;
        // a request that was given up may yet make a second one; `tend` will look
        entry.attempted = in_doubt.then(|| self.clock.now());
        self.note(&entry, deadline).await
    }

    /// Nothing was made, so nothing is to be remembered; if even that cannot be written, the caller must come back.
    async fn take_back(&self, entry: &Entry, error: Error, deadline: Instant) -> Error {
        match within(deadline, self.ledger.delete(entry)).await {
            Ok(()) => error,
            Err(ledger) => error.context(format!("{ledger}, after")).into_unsettled(),
        }
    }

    /// The ledger entry of the volume that the content comes from.
    async fn origin(&self, request: &VolumeRequest, deadline: Instant) -> Result<Option<Entry>, Error> {
        match &request.source {
            None => Ok(None),
            Some(source) => self.source_entry(source, deadline).await.map(Some),
        }
    }

    async fn source_entry(&self, source: &ContentSource, deadline: Instant) -> Result<Entry, Error> {
        let found = match source {
            ContentSource::Volume(handle) => self.recorded(handle.record(), deadline).await?,
            ContentSource::Snapshot(handle) => self.holder_of(handle, deadline).await?,
        };
        found.filter(|entry| entry.phase == Phase::Ready).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("its source {} is not there", source_text(source)))
        })
    }

    async fn native_source(&self, entry: &Entry, deadline: Instant) -> Result<Option<Source>, Error> {
        let Some(source) = entry.source.as_deref().and_then(source_of) else { return Ok(None) };
        let origin = self.source_entry(&source, deadline).await?;
        let native = origin
            .native
            .ok_or_else(|| Error::new(ErrorKind::Bug, "the source's record has no native id"))?;
        Ok(Some(match source {
            ContentSource::Volume(_) => Source::Volume(native),
            ContentSource::Snapshot(handle) => Source::Snapshot(handle.native, native),
        }))
    }
}
