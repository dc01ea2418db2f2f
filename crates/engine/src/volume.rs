//! Volumes come, grow, change and go.
//!
//! A new volume's life: intent in the ledger (backend, pool and name chosen) → made on the array, bearing our mark →
//! completed in the ledger. Whoever finds an intent looks at the array first and goes on from what is there.

mod act;
mod check;
mod decide;
mod make;
mod modify;
mod remove;

use perilune_array::{Error, ErrorKind, Size};
use tokio::time::Instant;

use crate::guard::Op;
use crate::import::adopts;
use crate::ledger::{Entry, Phase};
use crate::topology::Segments;
use crate::{ContentSource, Engine, Failure, SizeRange, UseCase, VolumeHandle, VolumeRequest};

pub use check::VolumeQuestion;
pub(crate) use check::unused;
pub(crate) use make::{LATE_EXECUTION, MAKING};
pub(crate) use modify::set_once;

use act::grow_once;
use check::same_request;

/// A volume as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeView {
    pub handle: VolumeHandle,
    pub csi_name: String,
    pub size: Size,
    pub source: Option<ContentSource>,
    /// Nothing was ever written to it before its first use.
    pub born_empty: bool,
    pub backend: String,
    pub pool: String,
    /// From where it can be reached; a node needs all of one of these.
    pub topology: Vec<Segments>,
    /// The nodes that were given access, by their CSI node ids.
    pub nodes: Vec<String>,
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
        let known = self.named(&request.csi_name, deadline).await.map_err(fail)?;
        let (entry, fresh) = match known {
            Some(entry) => (entry, false),
            None => match self.wish(request, deadline).await.map_err(fail)? {
                Some(wish) => (self.adopt(request, &wish, deadline).await.map_err(fail)?, false),
                None => self.intend(request, deadline).await.map_err(fail)?,
            },
        };
        same_request(&entry, request).map_err(fail)?;
        match entry.phase {
            Phase::Ready => Ok(view(&entry)),
            Phase::Released => {
                Err(fail(Error::new(ErrorKind::Exists, "a volume of this name was left to its array")))
            }
            Phase::Pending if adopts(&entry) => {
                let adopted = self.finish_adoption(entry, false, deadline).await;
                adopted.map(|entry| view(&entry)).map_err(fail)
            }
            Phase::Pending => {
                let made = self.make(entry, fresh, request.size.limit, deadline).await;
                made.map(|entry| view(&entry)).map_err(fail)
            }
            Phase::Deleting => {
                Err(fail(Error::new(ErrorKind::Busy, "a volume of this name is being deleted")))
            }
        }
    }

    /// The record of a name. Where the ledger's memory has none the store is not asked: writing the intent there will tell.
    async fn named(&self, csi_name: &str, deadline: Instant) -> Result<Option<Entry>, Error> {
        let id = self.record_of(csi_name);
        match self.index().get(&id) {
            Ok(None) => Ok(None),
            Ok(Some(_)) | Err(_) => self.recorded(&id, deadline).await,
        }
    }

    /// What the ledger says of a volume.
    pub async fn volume(&self, handle: &VolumeHandle, deadline: Instant) -> Result<VolumeView, Failure> {
        self.known(UseCase::Inspect, handle, deadline).await.map(|entry| view(&entry))
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
        usable(&entry).map_err(fail)?;
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
        self.note(&entry, deadline).await.map_err(fail)?;
        Ok(grown.size)
    }

    pub(crate) fn volume_op(
        &self,
        use_case: UseCase,
        entry: &Entry,
        in_doubt: bool,
        deadline: Instant,
    ) -> Op {
        Op {
            use_case,
            backend: entry.backend.clone(),
            subject: format!("volume {}", entry.csi_name),
            deadline,
            in_doubt,
        }
    }
}

/// Only a volume that was made and is not being deleted can be worked on.
pub(crate) fn usable(entry: &Entry) -> Result<(), Error> {
    match entry.phase {
        Phase::Ready => Ok(()),
        Phase::Pending => Err(Error::new(ErrorKind::WrongState, "the volume is still being created")),
        Phase::Deleting => Err(Error::new(ErrorKind::WrongState, "the volume is being deleted")),
        Phase::Released => Err(Error::new(
            ErrorKind::WrongState,
            "the volume was left to its array; import it to use it again",
        )),
    }
}

pub(crate) fn source_text(source: &ContentSource) -> String {
    match source {
        ContentSource::Volume(handle) => format!("volume {handle}"),
        ContentSource::Snapshot(handle) => format!("snapshot {handle}"),
    }
}

pub(crate) fn source_of(text: &str) -> Option<ContentSource> {
    let (kind, handle) = text.split_once(' ')?;
    match kind {
        "volume" => handle.parse().ok().map(ContentSource::Volume),
        "snapshot" => handle.parse().ok().map(ContentSource::Snapshot),
        _ => None,
    }
}

pub(crate) fn view(entry: &Entry) -> VolumeView {
    VolumeView {
        handle: VolumeHandle::of(&entry.id),
        csi_name: entry.csi_name.clone(),
        size: entry.size,
        source: entry.source.as_deref().and_then(source_of),
        born_empty: entry.born_empty,
        backend: entry.backend.clone(),
        pool: entry.pool_name.clone(),
        topology: entry.topology.clone(),
        nodes: entry.attachments.iter().map(|attached| attached.node.clone()).collect(),
    }
}
