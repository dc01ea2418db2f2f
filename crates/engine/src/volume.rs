//! Volumes come, grow and go.
//!
//! A new volume's life: intent in the ledger (backend, pool and name chosen) → made on the array, bearing our mark →
//! completed in the ledger. Whoever finds an intent looks at the array first and goes on from what is there.

mod act;
mod decide;

use std::time::Duration;

use perilune_array::{Error, ErrorKind, Size, Source, Volume};
use tokio::time::Instant;

use crate::attach::holders;
use crate::engine::{settled, within};
use crate::guard::Op;
use crate::ledger::{Entry, LedgerError, Phase};
use crate::placement::{self, Place};
use crate::{ContentSource, Engine, Failure, SizeRange, UseCase, VolumeHandle, VolumeRequest, naming};

use act::{Making, converge, delete_once, grow_once};

/// While an unconfirmed attempt is younger than this, the array may still carry it out.
const LATE_EXECUTION: Duration = Duration::from_secs(120);

/// A volume as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeView {
    pub handle: VolumeHandle,
    pub size: Size,
    pub source: Option<ContentSource>,
    /// Nothing was ever written to it before its first use.
    pub born_empty: bool,
    pub backend: String,
}

impl Engine {
    /// Makes the volume, or finds it made. The same request again answers the same.
    pub async fn ensure_volume(
        &self,
        request: &VolumeRequest,
        deadline: Instant,
    ) -> Result<VolumeView, Failure> {
        let doing = UseCase::CreateVolume;
        let _held = self.guard.hold(doing, &format!("volume {}", request.csi_name))?;
        let fail =
            |error: Error| Failure::of(doing, &error.context(format!("create volume {}", request.csi_name)));
        let known =
            within(deadline, self.ledger.get(&self.record_of(&request.csi_name))).await.map_err(fail)?;
        let (entry, fresh) = match known {
            Some(entry) => (entry, false),
            None => self.intend(request, deadline).await.map_err(fail)?,
        };
        same_request(&entry, request).map_err(fail)?;
        match entry.phase {
            Phase::Ready => Ok(view(&entry)),
            Phase::Pending => self.make(entry, fresh, deadline).await.map(|entry| view(&entry)).map_err(fail),
            Phase::Deleting => {
                Err(fail(Error::new(ErrorKind::Busy, "a volume of this name is being deleted")))
            }
        }
    }

    /// What the ledger says of a volume.
    pub async fn volume(&self, handle: &VolumeHandle, deadline: Instant) -> Result<VolumeView, Failure> {
        self.known(UseCase::Inspect, handle, deadline).await.map(|entry| view(&entry))
    }

    /// Ends the volume and its record. A second call does nothing.
    pub async fn remove_volume(&self, handle: &VolumeHandle, deadline: Instant) -> Result<(), Failure> {
        let doing = UseCase::DeleteVolume;
        let _held = self.guard.hold(doing, &handle.to_string())?;
        let Some(entry) = self.entry(doing, handle, deadline).await? else { return Ok(()) };
        let _named = self.guard.hold(doing, &format!("volume {}", entry.csi_name))?;
        let fail = |error: Error| {
            Failure::of(doing, &error.context(format!("delete volume {} ({handle})", entry.csi_name)))
        };
        unused(&entry).map_err(fail)?;
        let op = self.volume_op(doing, &entry, false, deadline);
        self.guard.admit(&op).map_err(fail)?;
        let mut leaving = entry.clone();
        if leaving.phase != Phase::Deleting {
            leaving.phase = Phase::Deleting;
            leaving = within(deadline, self.ledger.update(&leaving)).await.map_err(fail)?;
        }
        let owner = self.owner(&leaving.id);
        self.guard.run(&op, |step| delete_once(step, leaving.clone(), owner.clone())).await.map_err(fail)?;
        within(deadline, self.ledger.delete(&leaving)).await.map_err(fail)
    }

    /// Grows the volume to at least the range's lower end; answers its size. Never shrinks.
    pub async fn grow(
        &self,
        handle: &VolumeHandle,
        range: SizeRange,
        deadline: Instant,
    ) -> Result<Size, Failure> {
        let doing = UseCase::Expand;
        let _held = self.guard.hold(doing, &handle.to_string())?;
        let mut entry = self.known(doing, handle, deadline).await?;
        let name = entry.csi_name.clone();
        let fail =
            |error: Error| Failure::of(doing, &error.context(format!("grow volume {name} ({handle})")));
        if entry.phase != Phase::Ready {
            return Err(fail(Error::new(ErrorKind::WrongState, "it is being created or deleted")));
        }
        if range.limit.is_some_and(|limit| limit < entry.size) {
            return Err(fail(Error::new(
                ErrorKind::OutOfRange,
                format!("it has {} already, over the limit asked for", entry.size),
            )));
        }
        if entry.size >= range.required {
            return Ok(entry.size);
        }
        let op = self.volume_op(doing, &entry, false, deadline);
        let grown = self.guard.run(&op, |step| grow_once(step, entry.clone(), range)).await.map_err(fail)?;
        entry.size = grown.size;
        within(deadline, self.ledger.update(&entry)).await.map_err(fail)?;
        Ok(grown.size)
    }

    /// Chooses a place and writes the intent. `true`: this call wrote it, so nothing was tried yet.
    async fn intend(&self, request: &VolumeRequest, deadline: Instant) -> Result<(Entry, bool), Error> {
        let origin = self.origin(request, deadline).await?;
        let only = origin.as_ref().map(|entry| entry.backend.as_str());
        let place =
            placement::choose(&self.fleet.views(), &with_source_size(request, origin.as_ref())?, only)?;
        let entry = self.new_entry(request, place)?;
        match self.ledger.create(&entry).await {
            Ok(entry) => Ok((entry, true)),
            Err(LedgerError::Exists) => Err(Error::new(ErrorKind::Busy, "another replica just began it")),
            Err(error) => Err(crate::failure::of_ledger("write the intent", error)),
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
            source: request.source.as_ref().map(source_text),
            native: None,
            wwid: None,
            wwid_alt: None,
            phase: Phase::Pending,
            attempted: Some(self.clock.now()),
            attachments: Vec::new(),
            snapshots: Vec::new(),
            version: None,
        })
    }

    /// Brings an intent to its end; a settled refusal takes the intent back.
    async fn make(&self, entry: Entry, fresh: bool, deadline: Instant) -> Result<Entry, Error> {
        let late = entry.attempted.is_some_and(|at| self.clock.since(at) < LATE_EXECUTION);
        let entry = if fresh || late { entry } else { self.renew(entry, deadline).await? };
        let op = self.volume_op(UseCase::CreateVolume, &entry, !fresh, deadline);
        let source = self.native_source(&entry, deadline).await;
        let making = Making {
            owner: self.owner(&entry.id),
            source: source.map_err(|error| (error.kind(), error.to_string())),
            entry: entry.clone(),
            fresh,
            late,
        };
        match self.guard.run(&op, |step| converge(step, making.clone())).await {
            Ok(volume) => self.complete(entry, volume, deadline).await,
            Err(error) if settled(UseCase::CreateVolume, &error) => {
                Err(self.take_back(&entry, error, deadline).await)
            }
            Err(error) => Err(error),
        }
    }

    /// An old intent is about to be tried again: the doubt that this may cause counts from now.
    async fn renew(&self, mut entry: Entry, deadline: Instant) -> Result<Entry, Error> {
        entry.attempted = Some(self.clock.now());
        within(deadline, self.ledger.update(&entry)).await.map_err(Error::into_unsettled)
    }

    async fn complete(&self, mut entry: Entry, volume: Volume, deadline: Instant) -> Result<Entry, Error> {
        entry.phase = Phase::Ready;
        entry.native = Some(volume.id);
        entry.size = volume.size;
        entry.wwid = Some(volume.wwid);
        entry.wwid_alt = volume.wwid_alt;
        entry.attempted = None;
        within(deadline, self.ledger.update(&entry)).await.map_err(Error::into_unsettled)
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
            ContentSource::Volume(handle) => within(deadline, self.ledger.get(handle.record())).await?,
            ContentSource::Snapshot(handle) => self.holder_of(handle, deadline).await?,
        };
        found.filter(|entry| entry.phase == Phase::Ready).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("its source {} is not there", source_text(source)))
        })
    }

    async fn native_source(&self, entry: &Entry, deadline: Instant) -> Result<Option<Source>, Error> {
        let Some(source) = view(entry).source else { return Ok(None) };
        let origin = self.source_entry(&source, deadline).await?;
        let native = origin
            .native
            .ok_or_else(|| Error::new(ErrorKind::Bug, "the source's record has no native id"))?;
        Ok(Some(match source {
            ContentSource::Volume(_) => Source::Volume(native),
            ContentSource::Snapshot(handle) => Source::Snapshot(handle.native, native),
        }))
    }

    fn volume_op(&self, use_case: UseCase, entry: &Entry, in_doubt: bool, deadline: Instant) -> Op {
        Op {
            use_case,
            backend: entry.backend.clone(),
            subject: format!("volume {}", entry.csi_name),
            deadline,
            in_doubt,
        }
    }
}

/// Is a record what this request asks for?
fn same_request(entry: &Entry, request: &VolumeRequest) -> Result<(), Error> {
    let differs = |what: &str| {
        Err(Error::new(
            ErrorKind::Exists,
            format!("a volume of this name exists with another {what} (record {})", entry.id),
        ))
    };
    if entry.size < request.size.required || request.size.limit.is_some_and(|limit| entry.size > limit) {
        return differs("size");
    }
    if entry.source != request.source.as_ref().map(source_text) {
        return differs("content source");
    }
    if entry.parameters != request.parameters {
        return differs("set of parameters");
    }
    Ok(())
}

/// May the volume go?
fn unused(entry: &Entry) -> Result<(), Error> {
    let holders = holders(entry);
    if !holders.is_empty() {
        return Err(Error::new(
            ErrorKind::InUse,
            format!("it is published to {}; detach it there first", holders.join(", ")),
        ));
    }
    if !entry.snapshots.is_empty() {
        let names: Vec<&str> = entry.snapshots.iter().map(|s| s.csi_name.as_str()).collect();
        return Err(Error::new(
            ErrorKind::InUse,
            format!("its snapshots would go with it; delete them first: {}", names.join(", ")),
        ));
    }
    Ok(())
}

/// A copy without a size of its own gets its source's; a smaller one is refused.
fn with_source_size(request: &VolumeRequest, origin: Option<&Entry>) -> Result<VolumeRequest, Error> {
    let mut request = request.clone();
    let Some(origin) = origin else { return Ok(request) };
    let needed = match &request.source {
        Some(ContentSource::Snapshot(handle)) => origin
            .snapshots
            .iter()
            .find(|s| s.native.as_ref() == Some(&handle.native))
            .map_or(origin.size, |s| s.size),
        _ => origin.size,
    };
    if request.size.required == Size::default() {
        request.size.required = needed;
    }
    if request.size.required < needed {
        let asked = request.size.required;
        return Err(Error::new(ErrorKind::OutOfRange, format!("{asked} is less than its source's {needed}")));
    }
    Ok(request)
}

fn source_text(source: &ContentSource) -> String {
    match source {
        ContentSource::Volume(handle) => format!("volume {handle}"),
        ContentSource::Snapshot(handle) => format!("snapshot {handle}"),
    }
}

fn source_of(text: &str) -> Option<ContentSource> {
    let (kind, handle) = text.split_once(' ')?;
    match kind {
        "volume" => handle.parse().ok().map(ContentSource::Volume),
        "snapshot" => handle.parse().ok().map(ContentSource::Snapshot),
        _ => None,
    }
}

fn view(entry: &Entry) -> VolumeView {
    VolumeView {
        handle: VolumeHandle::of(&entry.id),
        size: entry.size,
        source: entry.source.as_deref().and_then(source_of),
        born_empty: entry.source.is_none(),
        backend: entry.backend.clone(),
    }
}
