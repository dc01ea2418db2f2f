//! A claim adopts a volume that is on an array already: ours by the ledger first, then by its mark.
//!
//! Nothing but the named volume is looked at closely, and nothing of it is altered but mark and, if wished, name. What anybody
//! uses, or what bears somebody's mark, is refused before anything is written.

use perilune_array::{Error, ErrorKind, Owner, Volume, VolumeId, VolumeState};
use tokio::time::Instant;

use crate::engine::{settled, within};
use crate::guard::{Op, Step};
use crate::ledger::{Entry, LedgerError, Phase};
use crate::placement::{chosen, reachable};
use crate::wishes::{ImportWish, WishError};
use crate::{Engine, UseCase, VolumeRequest, naming};

impl Engine {
    /// What the claim wishes to adopt, if it wishes so.
    pub(crate) async fn wish(
        &self,
        request: &VolumeRequest,
        deadline: Instant,
    ) -> Result<Option<ImportWish>, Error> {
        let (Some(wishes), Some(claim)) = (&self.wishes, &request.claim) else { return Ok(None) };
        match tokio::time::timeout_at(deadline, wishes.import(claim)).await {
            Ok(Ok(wish)) => Ok(wish),
            Ok(Err(WishError::Malformed(why))) => Err(Error::new(ErrorKind::Invalid, why)),
            // nothing was tried, and another volume must not be made in its place
            Ok(Err(WishError::Unavailable(why))) => {
                Err(Error::new(ErrorKind::NoAnswer, why).into_unsettled())
            }
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "the claim could not be read in time")),
        }
    }

    /// Adopts the volume. Called again, it goes on from what is written and marked.
    pub(crate) async fn adopt(
        &self,
        request: &VolumeRequest,
        wish: &ImportWish,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        let doing =
            |error: Error| error.context(format!("adopt volume {} of backend {}", wish.native, wish.backend));
        if request.source.is_some() {
            let text = "a claim that adopts a volume cannot have a data source too";
            return Err(doing(Error::new(ErrorKind::Invalid, text)));
        }
        let volume = self.look_over(request, wish, deadline).await.map_err(doing)?;
        let entry = self.intent_to_adopt(request, wish, &volume).map_err(doing)?;
        let entry = match within_exists(deadline, self.ledger.create(&entry)).await.map_err(doing)? {
            Some(entry) => entry,
            None => return Err(doing(Error::new(ErrorKind::Busy, "another replica just began it"))),
        };
        self.finish_adoption(entry, true, deadline).await.map_err(doing)
    }

    /// Marks what an intent names; a settled refusal takes the intent back.
    pub(crate) async fn finish_adoption(
        &self,
        entry: Entry,
        fresh: bool,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        let op = self.volume_op(UseCase::CreateVolume, &entry, !fresh, deadline);
        let owner = self.owner_of(&entry);
        match self.guard.run(&op, |step| adopt_once(step, entry.clone(), owner.clone())).await {
            Ok(volume) => {
                let mut entry = entry;
                (entry.phase, entry.size, entry.attempted) = (Phase::Ready, volume.size, None);
                (entry.wwid, entry.wwid_alt) = (Some(volume.wwid), volume.wwid_alt);
                self.note(&entry, deadline).await
            }
            Err(error) if settled(UseCase::CreateVolume, &error) => {
                match within(deadline, self.ledger.delete(&entry)).await {
                    Ok(()) => Err(error),
                    Err(ledger) => Err(error.context(format!("{ledger}, after")).into_unsettled()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Everything that speaks against it, before a word is written.
    async fn look_over(
        &self,
        request: &VolumeRequest,
        wish: &ImportWish,
        deadline: Instant,
    ) -> Result<Volume, Error> {
        let (_, view) = self.fleet.session(&wish.backend)?;
        if !chosen(&view, &request.backend) {
            let text = format!(
                "the claim's StorageClass does not choose backend {}; use a class that does",
                wish.backend
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let known = self.index().with_volume(&wish.backend, &wish.native);
        let known = known.map_err(|error| crate::failure::of_ledger("look the volume up", error))?;
        if let Some(other) = known.filter(|entry| entry.phase != Phase::Released) {
            let text =
                format!("it is volume {} of this cluster already (record {})", other.csi_name, other.id);
            return Err(Error::new(ErrorKind::InUse, text));
        }
        let op = Op {
            use_case: UseCase::Inspect,
            backend: wish.backend.clone(),
            subject: format!("volume {}", wish.native),
            deadline,
            in_doubt: false,
        };
        let owner = self.owner(&self.record_of(&request.csi_name));
        let volume = self.guard.run(&op, |step| free_once(step, wish.native.clone(), owner.clone())).await?;
        fits(request, &volume)?;
        Ok(volume)
    }

    fn intent_to_adopt(
        &self,
        request: &VolumeRequest,
        wish: &ImportWish,
        volume: &Volume,
    ) -> Result<Entry, Error> {
        let id = self.record_of(&request.csi_name);
        let (session, view) = self.fleet.session(&wish.backend)?;
        let name = match wish.rename && session.array.rename().is_some() {
            true => naming::fit(&session.array.profile().volume_names, &request.csi_name, &id),
            false => volume.name.clone(),
        };
        let (pool_name, topology) = match &view.report {
            Some(report) => {
                let pool = report.system.pools.iter().find(|pool| pool.id == volume.pool);
                let named = pool.map(|pool| pool.name.clone());
                let spec =
                    named.as_ref().and_then(|name| view.spec.pools.iter().find(|pool| pool.name == *name));
                (named, reachable(&view, report, spec))
            }
            None => (None, Vec::new()),
        };
        Ok(Entry {
            id,
            csi_name: request.csi_name.clone(),
            claim: request.claim.clone(),
            backend: wish.backend.clone(),
            pool: volume.pool.clone(),
            pool_name: pool_name.unwrap_or_else(|| volume.pool.to_string()),
            name,
            size: volume.size,
            parameters: request.parameters.clone(),
            mutable: request.mutable.clone(),
            topology,
            source: None,
            born_empty: false,
            generation: 1,
            // an intent that names its volume is one to adopt it
            native: Some(volume.id.clone()),
            wwid: Some(volume.wwid.clone()),
            wwid_alt: volume.wwid_alt.clone(),
            phase: Phase::Pending,
            attempted: Some(self.clock.now()),
            attachments: Vec::new(),
            departed: Vec::new(),
            snapshots: Vec::new(),
            version: None,
        })
    }
}

/// Is this an intent to adopt, rather than to make?
pub(crate) fn adopts(entry: &Entry) -> bool {
    entry.phase == Phase::Pending && entry.native.is_some()
}

/// `None`: the record is there already.
async fn within_exists(
    deadline: Instant,
    call: impl Future<Output = Result<Entry, LedgerError>>,
) -> Result<Option<Entry>, Error> {
    match tokio::time::timeout_at(deadline, call).await {
        Ok(Ok(entry)) => Ok(Some(entry)),
        Ok(Err(LedgerError::Exists)) => Ok(None),
        Ok(Err(error)) => Err(crate::failure::of_ledger("write the intent", error)),
        Err(_) => Err(Error::new(ErrorKind::TimedOut, "the ledger did not take the intent in time")),
    }
}

/// The volume, if it is nobody's and nobody uses it.
async fn free_once(step: Step, native: VolumeId, owner: Owner) -> Result<Volume, Error> {
    let volume = step.array.volumes().get(&native).await?;
    if let Some(other) = volume.owner.as_ref().filter(|other| **other != owner) {
        let text = format!("it bears the mark of cluster {} (record {})", other.cluster, other.record);
        return Err(Error::new(ErrorKind::InUse, text));
    }
    if volume.state != VolumeState::Ready {
        return Err(Error::new(ErrorKind::WrongState, "the array does not show it ready for use"));
    }
    let holders = step.array.access().mappings(&native).await?;
    if holders.is_empty() {
        return Ok(volume);
    }
    let names: Vec<&str> = holders.iter().map(|host| host.name.as_str()).take(8).collect();
    let text = format!("hosts have it: {}; take it away from them at the array first", names.join(", "));
    Err(Error::new(ErrorKind::InUse, text))
}

fn fits(request: &VolumeRequest, volume: &Volume) -> Result<(), Error> {
    let (size, range) = (volume.size, &request.size);
    if size < range.required {
        let text =
            format!("it has {size}, less than the {} that the claim asks for; ask for less", range.required);
        return Err(Error::new(ErrorKind::OutOfRange, text));
    }
    match range.limit {
        Some(limit) if size > limit => {
            Err(Error::new(ErrorKind::OutOfRange, format!("it has {size}, more than the limit of {limit}")))
        }
        _ => Ok(()),
    }
}

/// Marks it, and names it if wished; what is done already is not done again.
async fn adopt_once(step: Step, entry: Entry, owner: Owner) -> Result<Volume, Error> {
    let native =
        entry.native.clone().ok_or_else(|| Error::new(ErrorKind::Bug, "the intent names no volume"))?;
    let mut volume = step.array.volumes().get(&native).await?;
    match &volume.owner {
        Some(mark) if *mark == owner => step.altered(),
        _ => {
            volume = free_once(step.clone(), native.clone(), owner.clone()).await?;
            step.change(step.array.volumes().mark(&native, Some(&owner))).await?;
            volume.owner = Some(owner);
        }
    }
    if volume.name != entry.name
        && let Some(names) = step.array.rename()
    {
        match step.change(names.rename(&native, &entry.name)).await {
            Ok(renamed) => volume = renamed,
            // the old name does as well: the mark tells whose it is
            Err(error) if matches!(error.kind(), ErrorKind::Exists | ErrorKind::Invalid) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(volume)
}
