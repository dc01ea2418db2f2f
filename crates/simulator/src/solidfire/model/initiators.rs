//! Initiators: the names hosts log in with, known to the cluster by being put into an access group or by themselves.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::{self, Params};
use super::accounts::random_secret;
use super::{Cluster, next};
use crate::kernel::fabric::Login;

#[derive(Clone)]
pub(super) struct Initiator {
    id: u64,
    pub(super) name: String,
    alias: String,
    attributes: Map<String, Value>,
    /// The one group it may be in.
    pub(super) group: Option<u64>,
    require_chap: bool,
    chap_username: String,
    initiator_secret: String,
    target_secret: String,
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initiator").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Initiator {
    fn new(id: u64, name: String) -> Self {
        Self {
            id,
            chap_username: name.clone(),
            name,
            alias: String::new(),
            attributes: Map::new(),
            group: None,
            require_chap: false,
            initiator_secret: random_secret(),
            target_secret: random_secret(),
        }
    }

    /// The proof it must give, if any.
    pub(super) fn login(&self) -> Option<Login> {
        self.require_chap.then(|| Login {
            username: self.chap_username.clone(),
            secret: self.initiator_secret.clone(),
            target_secret: self.target_secret.clone(),
        })
    }

    fn show(&self) -> Value {
        json!({
            "initiatorID": self.id,
            "initiatorName": self.name,
            "alias": self.alias,
            "attributes": self.attributes,
            "volumeAccessGroups": self.group.into_iter().collect::<Vec<_>>(),
            "requireChap": self.require_chap,
            "chapUsername": self.chap_username,
            "initiatorSecret": self.initiator_secret,
            "targetSecret": self.target_secret,
            "virtualNetworkIDs": [],
        })
    }
}

impl Cluster {
    /// Lower-case names of a list that gives names or ids; refused if one is in a group other than `group`.
    pub(super) fn wanted_initiators(
        &self,
        given: &[Value],
        group: Option<u64>,
    ) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::with_capacity(given.len());
        for value in given {
            let name = self.initiator_name(value)?;
            let elsewhere = self.initiator_names.get(&name).and_then(|id| self.initiators.get(id)?.group);
            if elsewhere.is_some_and(|other| Some(other) != group) {
                let message = format!("Exceeded maximum number of VolumeAccessGroups per Initiator {name}");
                return Err(codes::exceeded(message));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn initiator_name(&self, value: &Value) -> Result<String, Refusal> {
        let Value::String(name) = value else {
            let id = params::number("initiators", value)?;
            return self.initiators.get(&id).map(|i| i.name.clone()).ok_or_else(|| codes::no_initiator(id));
        };
        let max = self.limits.get("initiatorNameLengthMax");
        if name.is_empty() || name.len() as u64 > max {
            return Err(codes::invalid(format!("an initiator's name must be 1 to {max} characters long.")));
        }
        Ok(name.to_lowercase())
    }

    /// Ids of these initiators; unknown ones come to be.
    pub(super) fn resolve_initiators(&mut self, names: Vec<String>) -> BTreeSet<u64> {
        names.into_iter().map(|name| self.ensure_initiator(name)).collect()
    }

    fn ensure_initiator(&mut self, name: String) -> u64 {
        if let Some(id) = self.initiator_names.get(&name) {
            return *id;
        }
        let id = next(&mut self.counters.initiator);
        self.initiator_names.insert(name.clone(), id);
        self.initiators.insert(id, Initiator::new(id, name));
        id
    }

    pub(super) fn known_initiators(&self, given: &[Value]) -> Result<BTreeSet<u64>, Refusal> {
        let unknown =
            |name: &str| Refusal::new("xInitiatorDoesNotExist", format!("Initiator {name} does not exist."));
        let id = |value| {
            let name = self.initiator_name(value)?;
            self.initiator_names.get(&name).copied().ok_or_else(|| unknown(&name))
        };
        given.iter().map(id).collect()
    }

    /// Forgets those of these initiators that are in no group.
    pub(super) fn forget_orphans(&mut self, ids: &BTreeSet<u64>) {
        for id in ids {
            if self.initiators.get(id).is_some_and(|initiator| initiator.group.is_none()) {
                self.initiators.remove(id).into_iter().for_each(|gone| {
                    self.initiator_names.remove(&gone.name);
                });
            }
        }
    }

    /// All or none.
    pub(crate) fn create_initiators(&mut self, params: &mut Params) -> Answer {
        let given = params.list("initiators")?.ok_or_else(|| codes::missing("initiators"))?;
        let mut drafts: Vec<(Initiator, Option<u64>)> = Vec::with_capacity(given.len());
        for value in given {
            let Value::Object(members) = value else {
                return Err(codes::wrong_type("initiators", "objects"));
            };
            let draft = self.draft_initiator(&mut Params::new(members))?;
            if drafts.iter().any(|(other, _)| other.name == draft.0.name) {
                return Err(Refusal::new("xInitiatorExists", format!("Initiator {} exists.", draft.0.name)));
            }
            drafts.push(draft);
        }
        if (self.initiators.len() + drafts.len()) as u64 > self.limits.get("initiatorCountMax") {
            return Err(codes::exceeded("Exceeded maximum number of Initiators"));
        }
        let mut made = Vec::with_capacity(drafts.len());
        for (draft, group) in drafts {
            let id = next(&mut self.counters.initiator);
            self.initiator_names.insert(draft.name.clone(), id);
            self.initiators.insert(id, Initiator { id, ..draft });
            self.move_between_groups(id, None, group)?;
            made.push(id);
        }
        let shown: Vec<Value> =
            made.iter().filter_map(|id| self.initiators.get(id)).map(Initiator::show).collect();
        Ok(json!({"initiators": shown}))
    }

    fn draft_initiator(&self, params: &mut Params) -> Result<(Initiator, Option<u64>), Refusal> {
        let name = self.initiator_name(&Value::String(params.needed_text("name")?))?;
        if self.initiator_names.contains_key(&name) {
            return Err(Refusal::new("xInitiatorExists", format!("Initiator {name} exists.")));
        }
        let group = params.id("volumeAccessGroupID")?;
        if let Some(group) = group.filter(|group| !self.access_groups.contains_key(group)) {
            return Err(codes::no_access_group(group));
        }
        let mut draft = Initiator::new(0, name);
        self.read_initiator(params, &mut draft)?;
        Ok((draft, group))
    }

    /// What a call says about an initiator besides name and group.
    fn read_initiator(&self, params: &mut Params, draft: &mut Initiator) -> Result<(), Refusal> {
        if let Some(alias) = params.text("alias")? {
            let max = self.limits.get("initiatorAliasLengthMax");
            if alias.chars().count() as u64 > max {
                return Err(codes::invalid(format!("alias must be at most {max} characters long.")));
            }
            draft.alias = alias;
        }
        params.attributes()?.into_iter().for_each(|attributes| draft.attributes = attributes);
        draft.require_chap = params.flag("requireChap")?.unwrap_or(draft.require_chap);
        params.text("chapUsername")?.into_iter().for_each(|username| draft.chap_username = username);
        if let Some(secret) = self.secret(params, "initiatorSecret")? {
            draft.initiator_secret = secret;
        }
        if let Some(secret) = self.secret(params, "targetSecret")? {
            draft.target_secret = secret;
        }
        params.ignore(&["virtualNetworkIDs", "forceDuringUpgrade"]);
        Ok(())
    }

    pub(crate) fn list_initiators(&mut self, params: &mut Params) -> Answer {
        let start = params.number("startInitiatorID")?.unwrap_or(0);
        let limit = params.id("limit")?.map_or(usize::MAX, |limit| limit as usize);
        let ids = params.numbers("initiators")?.filter(|ids| !ids.is_empty());
        let wanted = |id: u64| ids.as_ref().is_none_or(|ids| ids.contains(&id));
        let initiators = self.initiators.range(start..).filter(|(id, _)| wanted(**id)).take(limit);
        Ok(json!({"initiators": initiators.map(|(_, initiator)| initiator.show()).collect::<Vec<_>>()}))
    }

    /// All or none. An initiator may be moved between groups, and taken out of its own with group 0.
    pub(crate) fn modify_initiators(&mut self, params: &mut Params) -> Answer {
        let given = params.list("initiators")?.ok_or_else(|| codes::missing("initiators"))?;
        let mut changes = Vec::with_capacity(given.len());
        for value in given {
            let Value::Object(members) = value else {
                return Err(codes::wrong_type("initiators", "objects"));
            };
            changes.push(self.draft_change(&mut Params::new(members))?);
        }
        let ids: Vec<u64> = changes.iter().map(|change| change.id).collect();
        for change in changes {
            self.change_initiator(change)?;
        }
        let shown: Vec<Value> =
            ids.iter().filter_map(|id| self.initiators.get(id)).map(Initiator::show).collect();
        Ok(json!({"initiators": shown}))
    }

    /// The initiator as the call wants it.
    fn draft_change(&self, params: &mut Params) -> Result<Initiator, Refusal> {
        let id = params.needed_number("initiatorID")?;
        let mut changed = self.initiators.get(&id).cloned().ok_or_else(|| codes::no_initiator(id))?;
        if params.has("volumeAccessGroupID") {
            changed.group = params.id("volumeAccessGroupID")?;
            if let Some(group) = changed.group.filter(|group| !self.access_groups.contains_key(group)) {
                return Err(codes::no_access_group(group));
            }
        }
        self.read_initiator(params, &mut changed)?;
        Ok(changed)
    }

    fn change_initiator(&mut self, changed: Initiator) -> Result<(), Refusal> {
        let (id, to) = (changed.id, changed.group);
        let Some(from) = self.initiators.get(&id).map(|initiator| initiator.group) else {
            return Err(codes::no_initiator(id));
        };
        if from != to {
            self.move_between_groups(id, from, to)?;
        }
        self.initiators.insert(id, changed);
        let volumes = to.and_then(|group| self.access_groups.get(&group)).map(|group| group.volumes.clone());
        volumes.into_iter().flatten().try_for_each(|volume| self.publish(volume))
    }

    fn move_between_groups(&mut self, id: u64, from: Option<u64>, to: Option<u64>) -> Result<(), Refusal> {
        let members = |cluster: &Self, group| {
            cluster.access_groups.get(&group).map(|g| g.initiators.clone()).unwrap_or_default()
        };
        if let Some(group) = from {
            let mut left = members(self, group);
            left.remove(&id);
            self.set_members(group, None, Some(left))?;
        }
        if let Some(group) = to {
            let mut joined = members(self, group);
            joined.insert(id);
            self.set_members(group, None, Some(joined))?;
        }
        Ok(())
    }

    /// All or none. A deleted initiator leaves its group.
    pub(crate) fn delete_initiators(&mut self, params: &mut Params) -> Answer {
        let ids = params.needed_numbers("initiators")?;
        if let Some(id) = ids.iter().find(|id| !self.initiators.contains_key(id)) {
            return Err(codes::no_initiator(*id));
        }
        for id in &ids {
            let group = self.initiators.get(id).and_then(|initiator| initiator.group);
            self.move_between_groups(*id, group, None)?;
        }
        self.forget_orphans(&ids.into_iter().collect());
        Ok(json!({}))
    }
}
