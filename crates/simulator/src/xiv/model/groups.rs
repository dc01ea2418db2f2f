//! Consistency groups: volumes of one pool that are snapshot and mirrored together.

use super::{Net, System};
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) pool: String,
}

impl System {
    pub(crate) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        self.groups.get(name).ok_or_else(codes::no_group)
    }

    /// Numbers of the group's volumes.
    pub(crate) fn members(&self, group: &str) -> Vec<u64> {
        let members = self.volumes.values().filter(|volume| volume.group.as_deref() == Some(group));
        members.map(|volume| volume.number).collect()
    }

    pub(crate) fn cg_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("cg")?)?;
        let pool = arguments.text("pool").or(arguments.text("gp"));
        let pool = pool.ok_or_else(|| codes::bad_arguments("Missing argument 'pool'"))?.to_owned();
        self.pool(&pool)?;
        if self.groups.contains_key(&name) {
            return Err(Refusal::new("CONS_GROUP_NAME_EXISTS", "Consistency Group name already exists"));
        }
        if self.limits.reached("groups", self.groups.len()) {
            return Err(Refusal::new(
                "MAX_CONS_GROUPS_REACHED",
                "Maximum number of Consistency Groups already defined",
            ));
        }
        let id = self.fresh_object();
        self.groups.insert(name, Group { id, pool });
        Ok(Vec::new())
    }

    fn show_group(&self, name: &str, group: &Group, mirrored: bool) -> Row {
        let domain = self.pools.get(&group.pool).and_then(|pool| pool.domain.as_deref());
        Row::new("cg", group.id)
            .with("id", group.id)
            .with("name", name)
            .with("pool", &group.pool)
            .with("pool_name", &group.pool)
            .flag("mirrored", mirrored)
            .with("domain", domain.unwrap_or_default())
    }
}

impl Net {
    pub(crate) fn cg_list(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (system, wanted) = (&self.systems[at], arguments.text("cg"));
        let found = system.groups.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let show = |(name, group): (&String, &Group)| {
            system.show_group(name, group, self.group_coupling(at, name).is_some())
        };
        Ok(found.map(show).collect())
    }

    pub(crate) fn cg_delete(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let name = arguments.needed("cg")?;
        let system = &self.systems[at];
        let id = system.group(name)?.id;
        if self.group_coupling(at, name).is_some() {
            return Err(Refusal::new("CONS_GROUP_HAS_MIRROR", "Mirror is defined for Consistency Group"));
        }
        if !system.members(name).is_empty() {
            return Err(Refusal::new("CONS_GROUP_NOT_EMPTY", "Consistency Group is not empty"));
        }
        let system = &mut self.systems[at];
        system.groups.remove(name);
        system.forget_metadata("cg", id);
        Ok(Vec::new())
    }

    pub(crate) fn cg_add_vol(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let (name, volume) = (arguments.needed("cg")?.to_owned(), arguments.needed("vol")?);
        let refused = |code, text| Err(Refusal::new(code, text));
        let system = &self.systems[at];
        let pool = system.group(&name)?.pool.clone();
        let volume = system.volume(volume)?.clone();
        if volume.master.is_some() {
            return refused("VOLUME_IS_SNAPSHOT", "Operation is not permitted on snapshot volume");
        }
        if volume.group.is_some() {
            return refused("VOLUME_BELONGS_TO_CG", "Volume is part of a Consistency Group");
        }
        if volume.pool != pool {
            return refused("VOLUME_BAD_POOL", "Volume belongs to a different pool");
        }
        if system.limits.reached("volumesPerGroup", system.members(&name).len()) {
            return refused(
                "MAX_VOLUMES_IN_CONS_GROUP_REACHED",
                "Maximum number of volumes in the Consistency Group reached",
            );
        }
        self.join_mirrored(at, &name, volume.number)?;
        if let Some(volume) = self.systems[at].volumes.get_mut(&volume.number) {
            volume.group = Some(name);
        }
        Ok(Vec::new())
    }

    pub(crate) fn cg_remove_vol(&mut self, at: usize, arguments: &Arguments) -> Answer {
        let volume = self.systems[at].volume(arguments.needed("vol")?)?.clone();
        let Some(group) = &volume.group else {
            return Err(Refusal::new(
                "VOLUME_NOT_IN_CONS_GROUP",
                "Volume does not belong to a Consistency Group",
            ));
        };
        self.leave_mirrored(at, group, volume.number)?;
        if let Some(volume) = self.systems[at].volumes.get_mut(&volume.number) {
            volume.group = None;
        }
        Ok(Vec::new())
    }
}
