//! Volumes of a cluster, told in the port's words.

use std::collections::BTreeMap;

use perilune_array::{
    Error, ErrorKind, Name, NewVolume, Owner, Page, PageToken, PoolId, Result, Size, Source, Tie, Volume,
    VolumeId, VolumeState, Volumes, Wwid,
};
use serde_json::Map;

use super::{Solidfire, mark, not_found, snapshots};
use crate::protocol;
use crate::protocol::volume::{
    ByVolume, CloneAnswer, CloneVolume, CreateVolume, ListVolumes, ModifyVolume, QosParams, VolumeAnswer,
    VolumesAnswer,
};

/// Volumes in one answer of a listing; about 1.3 kB each.
const PAGE: usize = 500;

/// An id as the array writes it; anything else is no volume of this array.
pub(super) fn number(id: &VolumeId) -> Result<u64> {
    id.as_str().parse().map_err(|_| not_found(format_args!("volume {id}")))
}

fn is_deleted(volume: &protocol::volume::Volume) -> bool {
    volume.status == "deleted"
}

impl Solidfire {
    async fn listed(&self, query: ListVolumes<'_>) -> Result<Vec<protocol::volume::Volume>> {
        match self.session.call::<VolumesAnswer>("ListVolumes", query).await {
            Ok(answer) => Ok(answer.volumes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The volume in any state, deleted too.
    async fn any_volume(&self, id: &VolumeId) -> Result<protocol::volume::Volume> {
        let wanted = number(id)?;
        let found = self.listed(ListVolumes { ids: Some(&[wanted]), ..ListVolumes::default() }).await?;
        found
            .into_iter()
            .find(|volume| volume.id == wanted)
            .ok_or_else(|| not_found(format_args!("volume {id}")))
    }

    pub(super) async fn read_volume(&self, id: &VolumeId) -> Result<protocol::volume::Volume> {
        let found = self.any_volume(id).await?;
        if is_deleted(&found) { Err(not_found(format_args!("volume {id}"))) } else { Ok(found) }
    }

    /// These volumes as far as they are there.
    pub(super) async fn read_volumes(&self, ids: &[u64]) -> Result<Vec<protocol::volume::Volume>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.listed(ListVolumes { ids: Some(ids), ..ListVolumes::default() }).await?;
        found.retain(|volume| ids.contains(&volume.id) && !is_deleted(volume));
        Ok(found)
    }

    /// What is wrong with a request before the array sees it; gives the size as the array will make it.
    fn admit(&self, new: &NewVolume) -> Result<Size> {
        if !self.profile.volume_names.accepts(new.name.as_str()) {
            let text = format!("volume name {} may have 1 to 64 letters, digits and hyphens", new.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        self.own_pool(&new.pool)?;
        self.fit(new.size)
    }

    fn own_pool(&self, pool: &PoolId) -> Result<()> {
        if *pool == self.pool() { Ok(()) } else { Err(not_found(format_args!("pool {pool}"))) }
    }

    fn fit(&self, size: Size) -> Result<Size> {
        let rules = self.profile.sizes;
        let rounded = size.round_up(rules.step).filter(|rounded| size >= rules.min && *rounded <= rules.max);
        rounded.ok_or_else(|| {
            let text = format!("size {size} is not between {} and {}", rules.min, rules.max);
            Error::new(ErrorKind::OutOfRange, text)
        })
    }

    fn shown_volume(&self, volume: protocol::volume::Volume) -> Volume {
        let ties = ties(&volume);
        Volume {
            id: VolumeId::new(volume.id.to_string()),
            name: Name::new(volume.name),
            pool: self.pool(),
            size: Size::bytes(volume.total_size),
            wwid: Wwid::new(&format!("naa.{}", volume.naa)),
            wwid_alt: Some(Wwid::new(&format!("eui.{}", volume.eui))),
            state: if self.known().clones.has_failed(volume.id) {
                VolumeState::Torn
            } else {
                state(&volume.status, &volume.access)
            },
            owner: mark::of(&volume.attributes),
            ties,
        }
    }

    /// Who is logged in where, read once for all pages of a listing.
    async fn listed_sessions(&self, first: bool) -> Result<BTreeMap<u64, String>> {
        if let Some(known) = self.known().sessions.get().filter(|_| !first) {
            return Ok(known);
        }
        let sessions = self.sessions().await?.into_iter();
        let by_volume: BTreeMap<_, _> =
            sessions.map(|session| (session.volume, session.initiator_name.unwrap_or_default())).collect();
        self.known().sessions.put(by_volume.clone());
        Ok(by_volume)
    }

    /// Deletes and purges; the volume must have been proved ours.
    async fn end(&self, volume: u64, deleted: bool) -> Result<()> {
        if !deleted {
            let _: VolumeAnswer = self.session.call("DeleteVolume", ByVolume { volume }).await?;
        }
        match self.session.act("PurgeDeletedVolume", ByVolume { volume }).await {
            // The array, or another replica, was quicker.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            ended => ended,
        }
    }
}

/// A volume that takes snapshots or feeds a clone stays usable; a locked one refuses every login.
fn state(status: &str, access: &str) -> VolumeState {
    match (status, access) {
        ("init" | "creating", _) => VolumeState::Copying,
        ("active" | "snapshotting", access) if access != "locked" => VolumeState::Ready,
        _ => VolumeState::Faulted,
    }
}

/// What holds the volume beside us, as far as its own record tells.
fn ties(volume: &protocol::volume::Volume) -> Vec<Tie> {
    let groups = volume.volume_access_groups.iter();
    let mut ties: Vec<_> = groups.map(|group| Tie::Mapped(format!("volume access group {group}"))).collect();
    if !volume.volume_pairs.is_empty() {
        ties.push(Tie::Mirrored);
    }
    if volume.access != "readWrite" {
        ties.push(Tie::Shut(volume.access.clone()));
    }
    ties.extend(mark::foreign(&volume.attributes).map(|who| Tie::Foreign(who.to_owned())));
    ties
}

/// Who uses the volume beside us, or nobody.
fn user(volume: &protocol::volume::Volume) -> Option<String> {
    if !volume.volume_pairs.is_empty() {
        return Some("mirrored".to_owned());
    }
    volume.volume_access_groups.first().map(|group| format!("in volume access group {group}"))
}

#[async_trait::async_trait]
impl Volumes for Solidfire {
    async fn find(&self, name: &Name) -> Result<Vec<Volume>> {
        let query = ListVolumes { volume_name: Some(name.as_str()), ..ListVolumes::default() };
        let found = self.listed(query).await?.into_iter();
        let named = found.filter(|volume| volume.name == name.as_str() && !is_deleted(volume));
        Ok(named.map(|volume| self.shown_volume(volume)).collect())
    }

    async fn get(&self, id: &VolumeId) -> Result<Volume> {
        if let Some(cloned) = self.cloned(number(id)?).await? {
            return Ok(self.shown_volume(cloned));
        }
        Ok(self.shown_volume(self.read_volume(id).await?))
    }

    async fn list(&self, from: Option<&PageToken>) -> Result<Page<Volume>> {
        let prefix = format!("{}/", self.known().cluster.uuid);
        let start = from.map(|token| token.0.strip_prefix(&prefix).and_then(|rest| rest.parse::<u64>().ok()));
        if start == Some(None) {
            return Err(Error::new(ErrorKind::Invalid, "the page token is not of this array"));
        }
        let query = ListVolumes { start: start.flatten(), limit: Some(PAGE), ..ListVolumes::default() };
        let found = self.listed(query).await?;
        let next = found.last().filter(|_| found.len() >= PAGE).map(|last| last.id.saturating_add(1));
        let sessions = self.listed_sessions(from.is_none()).await?;
        let items = found.into_iter().filter(|volume| !is_deleted(volume)).map(|volume| {
            let user =
                sessions.get(&volume.id).map(|initiator| Tie::Mapped(format!("a session of {initiator}")));
            let mut shown = self.shown_volume(volume);
            shown.ties.extend(user);
            shown
        });
        Ok(Page { items: items.collect(), next: next.map(|id| PageToken(format!("{prefix}{id}"))) })
    }

    async fn create(&self, new: &NewVolume) -> Result<Volume> {
        let size = self.admit(new)?;
        let qos = match &new.qos {
            Some(wish) => self.qos_params(wish).await?,
            None => QosParams::default(),
        };
        let params = CreateVolume {
            name: new.name.as_str(),
            account: self.owner_account()?,
            total_size: size.get(),
            enable512e: true,
            attributes: mark::set(Map::new(), Some(&new.owner))?,
            qos,
        };
        let made: Result<VolumeAnswer> = self.session.call("CreateVolume", params).await;
        Ok(self.shown_volume(made.map_err(|error| self.without_account(error))?.volume))
    }

    async fn copy(&self, new: &NewVolume, source: &Source) -> Result<Volume> {
        self.admit(new)?;
        let (volume, snapshot) = match source {
            Source::Volume(id) => (number(id)?, None),
            Source::Snapshot(id, volume) => (number(volume)?, Some(snapshots::number(id)?)),
        };
        let params = CloneVolume {
            volume,
            snapshot,
            name: new.name.as_str(),
            account: self.owner_account()?,
            access: "readWrite",
            attributes: mark::set(Map::new(), Some(&new.owner))?,
        };
        let made: Result<CloneAnswer> = self.session.call("CloneVolume", params).await;
        let made = made.map_err(|error| self.without_account(error))?;
        self.known().clones.begin(made.async_handle, &made.volume);
        Ok(self.shown_volume(made.volume))
    }

    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume> {
        let total_size = Some(self.fit(size)?.get());
        let params = ModifyVolume { volume: number(id)?, total_size, ..ModifyVolume::default() };
        let grown: VolumeAnswer = self.session.call("ModifyVolume", params).await?;
        Ok(self.shown_volume(grown.volume))
    }

    async fn delete(&self, id: &VolumeId, owner: &Owner) -> Result<()> {
        let found = self.any_volume(id).await?;
        // One that was deleted and not purged is ours to finish, or gone for all we care.
        if is_deleted(&found) && mark::of(&found.attributes).as_ref() != Some(owner) {
            return Err(not_found(format_args!("volume {id}")));
        }
        mark::check(format_args!("volume {id}"), &found.attributes, owner)?;
        if let Some(user) = user(&found) {
            return Err(Error::new(ErrorKind::InUse, format!("volume {id} is {user}")));
        }
        self.end(found.id, is_deleted(&found)).await?;
        self.known().clones.forget(found.id);
        Ok(())
    }

    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()> {
        let found = self.read_volume(id).await?;
        let attributes = mark::set(found.attributes.clone(), owner)?;
        // A volume that is to be ours must be of the account whose secret our hosts have.
        let account = match owner {
            Some(_) if self.by_account() => Some(self.owner_account()?),
            _ => None,
        };
        let account = account.filter(|account| *account != found.account);
        if attributes == found.attributes && account.is_none() {
            return Ok(());
        }
        let params = ModifyVolume {
            volume: found.id,
            account,
            attributes: Some(attributes),
            ..ModifyVolume::default()
        };
        self.session.call::<VolumeAnswer>("ModifyVolume", params).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use perilune_array::VolumeState;

    use super::state;

    #[test]
    fn only_an_active_volume_that_is_not_locked_is_ready() {
        assert_eq!(state("init", "readWrite"), VolumeState::Copying);
        assert_eq!(state("active", "readWrite"), VolumeState::Ready);
        assert_eq!(state("active", "replicationTarget"), VolumeState::Ready);
        assert_eq!(state("active", "locked"), VolumeState::Faulted);
        assert_eq!(state("brand-new-status", "readWrite"), VolumeState::Faulted);
    }
}
