//! Volume access groups: one for each node, whose initiators reach its volumes without a secret.
//!
//! An initiator is in one group only. Groups that we made bear our mark and are kept as the node is; those of an
//! administrator are used as they are.

use perilune_array::{Error, ErrorKind, Host, HostId, HostSpec, Initiator, Name, Result};

use super::known::KnownHost;
use super::{Solidfire, mark, not_found, ports};
use crate::config::Reach;
use crate::fault;
use crate::protocol::access::{
    CreateGroup, DeleteGroup, Group, GroupAnswer, GroupVolumes, GroupsAnswer, ListGroups, ModifyGroup,
};

/// Groups in one answer; each names all its volumes.
const PAGE: usize = 200;
const LONGEST_NAME: usize = 64;

fn number(id: &HostId) -> Result<u64> {
    id.as_str().parse().map_err(|_| not_found(format_args!("volume access group {id}")))
}

fn initiator(text: &str) -> Initiator {
    ports::wwpn(text).map_or_else(|| Initiator::Iqn(text.to_ascii_lowercase()), Initiator::Wwpn)
}

/// Names as the array writes them: a WWPN in pairs of digits.
fn words(initiators: &[Initiator]) -> Vec<String> {
    let word = |initiator: &Initiator| match initiator {
        Initiator::Iqn(iqn) => iqn.to_ascii_lowercase(),
        Initiator::Wwpn(wwpn) => {
            let digits: Vec<char> = wwpn.to_ascii_lowercase().chars().collect();
            let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
            pairs.join(":")
        }
    };
    initiators.iter().map(word).collect()
}

fn sorted(mut initiators: Vec<Initiator>) -> Vec<Initiator> {
    initiators.sort();
    initiators.dedup();
    initiators
}

fn host(group: &Group) -> KnownHost {
    let initiators = group.initiators.iter().map(|text| initiator(text)).collect();
    KnownHost { name: group.name.clone(), initiators: sorted(initiators) }
}

fn shown(id: u64, host: KnownHost) -> Host {
    Host { id: HostId::new(id.to_string()), name: Name::new(host.name), initiators: host.initiators }
}

/// Marked for a node by us, or the administrator's.
fn is_ours(group: &Group) -> bool {
    mark::is_our_group(&group.attributes)
}

impl Solidfire {
    fn existing_groups(&self) -> &[String] {
        match &self.config.reach {
            Reach::Groups { existing } => existing,
            Reach::Chap(_) => &[],
        }
    }

    /// All groups that may be used, by their number.
    async fn usable_groups(&self) -> Result<Vec<Group>> {
        let only = self.existing_groups();
        let (mut all, mut start) = (Vec::new(), None);
        loop {
            let query = ListGroups { start, limit: Some(PAGE), ids: None };
            let page: GroupsAnswer = self.session.call("ListVolumeAccessGroups", query).await?;
            let (count, last) =
                (page.volume_access_groups.len(), page.volume_access_groups.last().map(|g| g.id));
            all.extend(page.volume_access_groups);
            match last.filter(|_| count >= PAGE).and_then(|last| last.checked_add(1)) {
                // An array that goes backwards would keep us here for ever.
                Some(next) if start.is_none_or(|start| next > start) => start = Some(next),
                _ => break,
            }
        }
        all.retain(|group| only.is_empty() || only.contains(&group.name));
        Ok(all)
    }

    pub(super) async fn groups_of(&self, ids: &[u64]) -> Result<Vec<Group>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = ListGroups { ids: Some(ids), ..ListGroups::default() };
        match self.session.call::<GroupsAnswer>("ListVolumeAccessGroups", query).await {
            Ok(answer) => Ok(answer.volume_access_groups),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn group(&self, id: &HostId) -> Result<Group> {
        let wanted = number(id)?;
        let found = self.groups_of(&[wanted]).await?.into_iter().find(|group| group.id == wanted);
        found.ok_or_else(|| not_found(format_args!("volume access group {id}")))
    }

    fn remember(&self, group: &Group) -> Host {
        let host = host(group);
        self.known().hosts.insert(group.id, host.clone());
        shown(group.id, host)
    }

    /// The group that holds any of the node's initiators: the one that is known, else as the array shows it.
    pub(super) async fn group_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        let wanted = sorted(spec.initiators.clone());
        let known = {
            let known = self.known();
            let same = known.hosts.iter().find(|(_, host)| host.initiators == wanted);
            same.map(|(id, host)| shown(*id, host.clone()))
        };
        if known.is_some() {
            return Ok(known);
        }
        let holds = |group: &Group| host(group).initiators.iter().any(|i| wanted.contains(i));
        let found: Vec<_> = self.usable_groups().await?.into_iter().filter(holds).collect();
        match found.as_slice() {
            [] => Ok(None),
            [group] => Ok(Some(self.remember(group))),
            many => {
                let names: Vec<_> = many.iter().map(|group| self.session.clean(&group.name)).collect();
                let text = format!(
                    "the node's initiators are spread over the volume access groups {}; take all but one of them apart at the array",
                    names.join(", ")
                );
                Err(Error::new(ErrorKind::WrongState, text))
            }
        }
    }

    pub(super) async fn add_group_host(&self, spec: &HostSpec) -> Result<Host> {
        let only = self.existing_groups();
        if !only.is_empty() {
            let text = format!(
                "no volume access group of {} holds an initiator of node {}; put them into one of its own at the array",
                only.join(", "),
                spec.name
            );
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        let name: String = spec.name.as_str().chars().take(LONGEST_NAME).collect();
        let (initiators, attributes) = (words(&spec.initiators), mark::group(spec.name.as_str()));
        let params = CreateGroup { name: &name, initiators: &initiators, attributes };
        match self.session.call::<GroupAnswer>("CreateVolumeAccessGroup", params).await {
            Ok(made) => Ok(self.remember(&made.volume_access_group)),
            Err(error) => Err(self.taken(spec, error).await),
        }
    }

    /// The array has one name for all limits; an initiator that is in another group is one of them.
    async fn taken(&self, spec: &HostSpec, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::LimitReached | ErrorKind::Exists) {
            return error;
        }
        let Ok(groups) = self.usable_groups().await else { return error };
        let holds = |group: &&Group| host(group).initiators.iter().any(|i| spec.initiators.contains(i));
        match groups.iter().find(holds) {
            Some(group) if group.name == spec.name.as_str() => {
                Error::new(ErrorKind::Exists, format!("volume access group {} is there", group.name))
                    .with_source(error)
            }
            Some(group) => {
                let text = format!("an initiator of {} is in volume access group {}", spec.name, group.name);
                Error::new(ErrorKind::InUse, text).with_source(error)
            }
            None => error,
        }
    }

    pub(super) async fn set_group_initiators(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        let group = self.group(id).await?;
        if host(&group).initiators == sorted(initiators.to_vec()) {
            return Ok(self.remember(&group));
        }
        if !is_ours(&group) {
            let text = format!(
                "volume access group {} was not made by this driver and holds other initiators than the node has; give it {} \
                 at the array",
                group.name,
                words(initiators).join(", ")
            );
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        let wanted = words(initiators);
        let params = ModifyGroup { id: group.id, initiators: &wanted, delete_orphan_initiators: true };
        match self.session.call::<GroupAnswer>("ModifyVolumeAccessGroup", params).await {
            Ok(changed) => Ok(self.remember(&changed.volume_access_group)),
            Err(error) => {
                let mine = host(&group).initiators;
                let strange = initiators.iter().filter(|i| !mine.contains(i)).cloned().collect();
                let spec = HostSpec { name: Name::new(""), initiators: strange };
                Err(self.taken(&spec, error).await)
            }
        }
    }

    pub(super) async fn remove_group_host(&self, id: &HostId) -> Result<()> {
        let group = self.group(id).await?;
        if !is_ours(&group) {
            let text = format!("volume access group {} was not made by this driver", group.name);
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        if !group.volumes.is_empty() {
            let text = format!("volume access group {} holds {} volumes", group.name, group.volumes.len());
            return Err(Error::new(ErrorKind::InUse, text));
        }
        self.known().hosts.remove(&group.id);
        let params = DeleteGroup { id: group.id, delete_orphan_initiators: true };
        self.session.act("DeleteVolumeAccessGroup", params).await
    }

    /// Puts the volume into the group. The array's answer shows who reaches it now, and so whether the group is still
    /// what was known of it.
    pub(super) async fn join_group(
        &self,
        id: &HostId,
        volume: u64,
        is_member: bool,
    ) -> Result<Vec<Initiator>> {
        let known = self.known().hosts.get(&number(id)?).cloned();
        let group = if is_member { self.group(id).await } else { self.add_to_group(id, volume).await };
        let group = match group {
            Err(error) if error.kind() == ErrorKind::NotFound && known.is_some() && !is_of_volume(&error) => {
                self.known().hosts.remove(&number(id)?);
                let text =
                    format!("volume access group {id} was removed meanwhile; it must be looked for again");
                return Err(Error::new(ErrorKind::Busy, text).with_source(error));
            }
            answered => answered?,
        };
        let now = self.remember(&group).initiators;
        if known.is_some_and(|known| known.initiators != now) {
            let text = format!("volume access group {id} was altered meanwhile; it must be looked at again");
            return Err(Error::new(ErrorKind::Busy, text));
        }
        Ok(now)
    }

    async fn add_to_group(&self, id: &HostId, volume: u64) -> Result<Group> {
        let params = GroupVolumes { id: number(id)?, volumes: [volume] };
        match self.session.call::<GroupAnswer>("AddVolumesToVolumeAccessGroup", params).await {
            Ok(answer) => Ok(answer.volume_access_group),
            Err(error) if error.kind() == ErrorKind::Exists => self.group(id).await,
            Err(error) => Err(error),
        }
    }

    pub(super) async fn leave_group(&self, id: &HostId, volume: u64) -> Result<()> {
        let Ok(group) = number(id) else { return Ok(()) };
        let params = GroupVolumes { id: group, volumes: [volume] };
        match self.session.call::<GroupAnswer>("RemoveVolumesFromVolumeAccessGroup", params).await {
            Ok(answer) => {
                self.remember(&answer.volume_access_group);
                Ok(())
            }
            // No member, no group or no volume any more.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn hosts_of(&self, groups: &[u64]) -> Result<Vec<Host>> {
        Ok(self.groups_of(groups).await?.iter().map(|group| shown(group.id, host(group))).collect())
    }
}

fn is_of_volume(error: &Error) -> bool {
    fault::is(error, "xVolumeIDDoesNotExist")
}

#[cfg(test)]
mod tests {
    use perilune_array::Initiator;

    use super::{initiator, words};

    #[test]
    fn initiators_are_written_as_the_array_does_and_read_back() {
        let both = [
            Initiator::Iqn("iqn.1993-08.org.debian:01:a".into()),
            Initiator::Wwpn("5f47acc03ce4950a".into()),
        ];
        let written = words(&both);
        assert_eq!(written, ["iqn.1993-08.org.debian:01:a", "5f:47:ac:c0:3c:e4:95:0a"]);
        assert_eq!(written.iter().map(|text| initiator(text)).collect::<Vec<_>>(), both);
    }
}
