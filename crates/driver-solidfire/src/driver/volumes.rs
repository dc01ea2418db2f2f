//! Volumes of a cluster, told in the port's words.

use perilune_array::{
    Error, ErrorKind, Name, NewVolume, Owner, Page, PageToken, PoolId, Result, Size, Source, Volume,
    VolumeId, VolumeState, Volumes, Wwid,
};
use serde_json::Map;

use super::{Solidfire, mark, not_found, snapshots};
use crate::protocol::{
    self, ByVolume, CloneVolume, CreateVolume, ListVolumes, ModifyVolume, VolumeAnswer, VolumesAnswer,
};

/// Volumes in one answer of a listing; about 1.3 kB each.
const PAGE: usize = 500;

/// An id as the array writes it; anything else is no volume of this array.
pub(super) fn number(id: &VolumeId) -> Result<u64> {
    id.as_str().parse().map_err(|_| not_found(format_args!("volume {id}")))
}

fn is_deleted(volume: &protocol::Volume) -> bool {
    volume.status == "deleted"
}

impl Solidfire {
    async fn listed(&self, query: ListVolumes<'_>) -> Result<Vec<protocol::Volume>> {
        match self.session.call::<VolumesAnswer>("ListVolumes", query).await {
            Ok(answer) => Ok(answer.volumes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The volume in any state, deleted too.
    async fn any_volume(&self, id: &VolumeId) -> Result<protocol::Volume> {
        let wanted = number(id)?;
        let found = self.listed(ListVolumes { ids: Some([wanted]), ..ListVolumes::default() }).await?;
        found
            .into_iter()
            .find(|volume| volume.id == wanted)
            .ok_or_else(|| not_found(format_args!("volume {id}")))
    }

    pub(super) async fn read_volume(&self, id: &VolumeId) -> Result<protocol::Volume> {
        let found = self.any_volume(id).await?;
        if is_deleted(&found) { Err(not_found(format_args!("volume {id}"))) } else { Ok(found) }
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

    fn shown_volume(&self, volume: protocol::Volume) -> Volume {
        Volume {
            id: VolumeId::new(volume.id.to_string()),
            name: Name::new(volume.name),
            pool: self.pool(),
            size: Size::bytes(volume.total_size),
            wwid: Wwid::new(&format!("naa.{}", volume.naa)),
            wwid_alt: Some(Wwid::new(&format!("eui.{}", volume.eui))),
            state: state(&volume.status, &volume.access),
            owner: mark::of(&volume.attributes),
            ties: Vec::new(),
        }
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

/// Who uses the volume beside us, or nobody.
fn user(volume: &protocol::Volume) -> Option<String> {
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
        let items =
            found.into_iter().filter(|volume| !is_deleted(volume)).map(|volume| self.shown_volume(volume));
        Ok(Page { items: items.collect(), next: next.map(|id| PageToken(format!("{prefix}{id}"))) })
    }

    async fn create(&self, new: &NewVolume) -> Result<Volume> {
        let size = self.admit(new)?;
        let params = CreateVolume {
            name: new.name.as_str(),
            account: self.owner_account()?,
            total_size: size.get(),
            enable512e: true,
            attributes: mark::set(Map::new(), Some(&new.owner))?,
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
        let made: Result<VolumeAnswer> = self.session.call("CloneVolume", params).await;
        Ok(self.shown_volume(made.map_err(|error| self.without_account(error))?.volume))
    }

    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume> {
        let total_size = Some(self.fit(size)?.get());
        let params = ModifyVolume { volume: number(id)?, total_size, attributes: None };
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
        self.end(found.id, is_deleted(&found)).await
    }

    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()> {
        let found = self.read_volume(id).await?;
        let attributes = mark::set(found.attributes.clone(), owner)?;
        if attributes == found.attributes {
            return Ok(());
        }
        let params = ModifyVolume { volume: found.id, total_size: None, attributes: Some(attributes) };
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
