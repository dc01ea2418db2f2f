//! Volume access groups: initiators that reach volumes by their names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::{Cluster, next};

#[derive(Debug)]
pub(super) struct AccessGroup {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) initiators: BTreeSet<u64>,
    pub(super) volumes: BTreeSet<u64>,
    /// Members that are deleted and not yet purged.
    pub(super) deleted_volumes: BTreeSet<u64>,
    /// LUN of each volume, the deleted ones included.
    pub(super) luns: BTreeMap<u64, u64>,
    pub(super) attributes: Map<String, Value>,
}

impl Cluster {
    fn show_access_group(&self, group: &AccessGroup) -> Value {
        let initiators = group.initiators.iter().filter_map(|id| self.initiators.get(id));
        json!({
            "volumeAccessGroupID": group.id,
            "name": group.name,
            "initiators": initiators.map(|initiator| initiator.name.as_str()).collect::<Vec<_>>(),
            "initiatorIDs": group.initiators,
            "volumes": group.volumes,
            "deletedVolumes": group.deleted_volumes,
            "attributes": group.attributes,
        })
    }

    pub(super) fn access_group(&self, id: u64) -> Result<&AccessGroup, Refusal> {
        self.access_groups.get(&id).ok_or_else(|| codes::no_access_group(id))
    }

    fn answer_access_group(&self, id: u64) -> Answer {
        Ok(json!({"volumeAccessGroup": self.show_access_group(self.access_group(id)?)}))
    }

    fn access_group_name(&self, params: &mut Params) -> Result<String, Refusal> {
        let name = params.needed_text("name")?;
        let max = self.limits.get("volumeAccessGroupNameLengthMax");
        let length = name.chars().count() as u64;
        if length == 0 || length > max {
            return Err(codes::invalid(format!("name must be 1 to {max} characters long.")));
        }
        Ok(name)
    }

    fn check_members(&self, group: Option<u64>, volumes: &[u64]) -> Result<(), Refusal> {
        for volume in volumes {
            let groups = &self.usable_volume(*volume)?.access_groups;
            let others = groups.iter().filter(|id| Some(**id) != group).count();
            if self.limits.reached("volumeAccessGroupsPerVolumeCountMax", others) {
                return Err(codes::exceeded("Exceeded maximum number of VolumeAccessGroups per Volume"));
            }
        }
        Ok(())
    }

    fn check_sizes(&self, volumes: usize, initiators: usize) -> Result<(), Refusal> {
        if volumes as u64 > self.limits.get("volumesPerVolumeAccessGroupCountMax") {
            return Err(codes::exceeded("Exceeded maximum number of Volumes per VolumeAccessGroup"));
        }
        if initiators as u64 > self.limits.get("initiatorsPerVolumeAccessGroupCountMax") {
            return Err(codes::exceeded("Exceeded maximum number of Initiators per VolumeAccessGroup"));
        }
        Ok(())
    }

    pub(crate) fn create_access_group(&mut self, params: &mut Params) -> Answer {
        let name = self.access_group_name(params)?;
        let initiators = params.list("initiators")?.unwrap_or_default();
        let volumes: BTreeSet<u64> = params.numbers("volumes")?.unwrap_or_default().into_iter().collect();
        let attributes = params.attributes()?.unwrap_or_default();
        params.ignore(&["virtualNetworkID", "virtualNetworkTags"]);
        if self.limits.reached("volumeAccessGroupCountMax", self.access_groups.len()) {
            return Err(codes::exceeded("Exceeded maximum number of VolumeAccessGroups"));
        }
        self.check_members(None, &volumes.iter().copied().collect::<Vec<_>>())?;
        self.check_sizes(volumes.len(), initiators.len())?;
        let wanted = self.wanted_initiators(&initiators, None)?;
        let id = next(&mut self.counters.access_group);
        let group = AccessGroup {
            id,
            name,
            initiators: BTreeSet::new(),
            volumes: BTreeSet::new(),
            deleted_volumes: BTreeSet::new(),
            luns: BTreeMap::new(),
            attributes,
        };
        self.access_groups.insert(id, group);
        let initiators = self.resolve_initiators(wanted);
        self.set_members(id, Some(volumes), Some(initiators))?;
        let mut answer = self.answer_access_group(id)?;
        answer["volumeAccessGroupID"] = json!(id);
        Ok(answer)
    }

    /// Lets the group hold exactly these, on both sides of each membership.
    pub(super) fn set_members(
        &mut self,
        id: u64,
        volumes: Option<BTreeSet<u64>>,
        initiators: Option<BTreeSet<u64>>,
    ) -> Result<(), Refusal> {
        let Some(group) = self.access_groups.get_mut(&id) else { return Err(codes::no_access_group(id)) };
        let mut touched = BTreeSet::new();
        if let Some(volumes) = volumes {
            touched.extend(group.volumes.symmetric_difference(&volumes).copied());
            for volume in &touched {
                let Some(record) = self.volumes.get_mut(volume) else { continue };
                if volumes.contains(volume) {
                    record.access_groups.insert(id)
                } else {
                    record.access_groups.remove(&id)
                };
            }
            group.volumes = volumes;
            group.number_volumes();
        }
        if let Some(initiators) = initiators.filter(|initiators| *initiators != group.initiators) {
            touched.extend(&group.volumes);
            for gone in group.initiators.difference(&initiators) {
                self.initiators.get_mut(gone).into_iter().for_each(|initiator| initiator.group = None);
            }
            for member in &initiators {
                self.initiators.get_mut(member).into_iter().for_each(|initiator| initiator.group = Some(id));
            }
            group.initiators = initiators;
        }
        touched.into_iter().try_for_each(|volume| self.publish(volume))
    }

    pub(crate) fn list_access_groups(&mut self, params: &mut Params) -> Answer {
        let start = params.number("startVolumeAccessGroupID")?.unwrap_or(0);
        let limit = params.id("limit")?.map_or(usize::MAX, |limit| limit as usize);
        let Some(ids) = params.numbers("volumeAccessGroups")?.filter(|ids| !ids.is_empty()) else {
            let groups = self.access_groups.range(start..).take(limit);
            let shown: Vec<Value> = groups.map(|(_, group)| self.show_access_group(group)).collect();
            return Ok(json!({"volumeAccessGroups": shown}));
        };
        let found = ids.iter().filter_map(|id| self.access_groups.get(id));
        let shown: Vec<Value> = found.map(|group| self.show_access_group(group)).collect();
        let missing: Vec<u64> =
            ids.iter().copied().filter(|id| !self.access_groups.contains_key(id)).collect();
        Ok(json!({"volumeAccessGroups": shown, "volumeAccessGroupsNotFound": missing}))
    }

    pub(crate) fn add_volumes_to_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let added = params.needed_numbers("volumes")?;
        let group = self.access_group(id)?;
        if let Some(member) = added.iter().find(|volume| group.volumes.contains(volume)) {
            let message = format!("VolumeID {member} is already in VolumeAccessGroupID {id}.");
            return Err(Refusal::new("xAlreadyInVolumeAccessGroup", message));
        }
        let volumes: BTreeSet<u64> = group.volumes.iter().copied().chain(added.iter().copied()).collect();
        self.check_sizes(volumes.len(), group.initiators.len())?;
        self.check_members(Some(id), &added)?;
        self.set_members(id, Some(volumes), None)?;
        self.answer_access_group(id)
    }

    pub(crate) fn remove_volumes_from_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let removed: BTreeSet<u64> = params.needed_numbers("volumes")?.into_iter().collect();
        let group = self.access_group(id)?;
        let stranger =
            |volume: &&u64| !group.volumes.contains(volume) && !group.deleted_volumes.contains(volume);
        if let Some(volume) = removed.iter().find(stranger) {
            return Err(codes::not_in_access_group(*volume, id));
        }
        let left: BTreeSet<u64> = group.volumes.difference(&removed).copied().collect();
        let deleted: Vec<u64> = group.deleted_volumes.intersection(&removed).copied().collect();
        for volume in deleted {
            self.volumes.get_mut(&volume).into_iter().for_each(|volume| {
                volume.access_groups.remove(&id);
            });
        }
        if let Some(group) = self.access_groups.get_mut(&id) {
            group.deleted_volumes.retain(|volume| !removed.contains(volume));
        }
        self.set_members(id, Some(left), None)?;
        self.answer_access_group(id)
    }

    pub(crate) fn add_initiators_to_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let given = params.list("initiators")?.unwrap_or_default();
        self.access_group(id)?;
        let wanted = self.wanted_initiators(&given, Some(id))?;
        let group = self.access_group(id)?;
        let member =
            |name: &str| self.initiator_names.get(name).is_some_and(|i| group.initiators.contains(i));
        if let Some(name) = wanted.iter().find(|name| member(name)) {
            let message = format!("Initiator {name} is already in VolumeAccessGroupID {id}.");
            return Err(Refusal::new("xAlreadyInVolumeAccessGroup", message));
        }
        self.check_sizes(group.volumes.len(), group.initiators.len() + wanted.len())?;
        let mut initiators = group.initiators.clone();
        initiators.extend(self.resolve_initiators(wanted));
        self.set_members(id, None, Some(initiators))?;
        self.answer_access_group(id)
    }

    pub(crate) fn remove_initiators_from_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let given = params.list("initiators")?.unwrap_or_default();
        let orphans = params.flag("deleteOrphanInitiators")?.unwrap_or(false);
        self.access_group(id)?;
        let removed = self.known_initiators(&given)?;
        let left = self.access_group(id)?.initiators.difference(&removed).copied().collect();
        self.set_members(id, None, Some(left))?;
        if orphans {
            self.forget_orphans(&removed);
        }
        self.answer_access_group(id)
    }

    pub(crate) fn modify_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let before = self.access_group(id)?.initiators.clone();
        let name = if params.has("name") { Some(self.access_group_name(params)?) } else { None };
        let volumes = params.numbers("volumes")?;
        self.check_members(Some(id), volumes.as_deref().unwrap_or_default())?;
        let given = params.list("initiators")?;
        self.check_sizes(volumes.as_ref().map_or(0, Vec::len), given.as_ref().map_or(0, Vec::len))?;
        let wanted = given.map(|given| self.wanted_initiators(&given, Some(id))).transpose()?;
        let (attributes, orphans) =
            (params.attributes()?, params.flag("deleteOrphanInitiators")?.unwrap_or(false));
        let initiators = wanted.map(|wanted| self.resolve_initiators(wanted));
        self.set_members(id, volumes.map(|volumes| volumes.into_iter().collect()), initiators)?;
        if let Some(group) = self.access_groups.get_mut(&id) {
            name.into_iter().for_each(|name| group.name = name);
            attributes.into_iter().for_each(|attributes| group.attributes = attributes);
        }
        if orphans {
            self.forget_orphans(&before);
        }
        self.answer_access_group(id)
    }

    pub(crate) fn delete_access_group(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let group = self.access_group(id)?;
        let (initiators, deleted) = (group.initiators.clone(), group.deleted_volumes.clone());
        let orphans = params.flag("deleteOrphanInitiators")?.unwrap_or(false);
        params.ignore(&["force"]);
        self.set_members(id, Some(BTreeSet::new()), Some(BTreeSet::new()))?;
        for volume in deleted {
            self.volumes.get_mut(&volume).into_iter().for_each(|volume| {
                volume.access_groups.remove(&id);
            });
        }
        self.access_groups.remove(&id);
        if orphans {
            self.forget_orphans(&initiators);
        }
        Ok(json!({}))
    }
}
