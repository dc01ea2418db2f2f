//! LUN numbers of volumes in their access groups, which initiators over Fibre Channel see. Over iSCSI it is always 0.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::access_groups::AccessGroup;

impl AccessGroup {
    /// Lets exactly the group's volumes have a number: new ones get the lowest that is free.
    pub(super) fn number_volumes(&mut self) {
        let (volumes, deleted) = (&self.volumes, &self.deleted_volumes);
        self.luns.retain(|volume, _| volumes.contains(volume) || deleted.contains(volume));
        let mut taken: BTreeSet<u64> = self.luns.values().copied().collect();
        let mut free = 0;
        for volume in volumes.iter().chain(deleted) {
            if !self.luns.contains_key(volume) {
                while !taken.insert(free) {
                    free += 1;
                }
                self.luns.insert(*volume, free);
            }
        }
    }

    fn show_luns(&self) -> Value {
        let among = |members: &BTreeSet<u64>| -> Vec<Value> {
            let luns = self.luns.iter().filter(|(volume, _)| members.contains(volume));
            luns.map(|(volume, lun)| json!({"volumeID": volume, "lun": lun})).collect()
        };
        json!({"volumeAccessGroupLunAssignments": {
            "volumeAccessGroupID": self.id,
            "lunAssignments": among(&self.volumes),
            "deletedLunAssignments": among(&self.deleted_volumes),
        }})
    }
}

impl Cluster {
    pub(crate) fn get_lun_assignments(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        Ok(self.access_group(id)?.show_luns())
    }

    /// All or none; volumes that are not named keep their number.
    pub(crate) fn modify_lun_assignments(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeAccessGroupID")?;
        let group = self.access_group(id)?;
        let mut luns = group.luns.clone();
        for (volume, lun) in self.wanted_luns(params, group)? {
            luns.insert(volume, lun);
        }
        let distinct: BTreeSet<u64> = luns.values().copied().collect();
        if distinct.len() != luns.len() {
            return Err(codes::invalid("Two volumes of the group would have the same LUN."));
        }
        let Some(group) = self.access_groups.get_mut(&id) else { return Err(codes::no_access_group(id)) };
        group.luns = luns;
        Ok(group.show_luns())
    }

    fn wanted_luns(&self, params: &mut Params, group: &AccessGroup) -> Result<BTreeMap<u64, u64>, Refusal> {
        let given = params.list("lunAssignments")?.ok_or_else(|| codes::missing("lunAssignments"))?;
        let max = self.limits.get("volumeAccessGroupLunMax");
        let mut wanted = BTreeMap::new();
        for value in given {
            let Value::Object(members) = value else {
                return Err(codes::wrong_type("lunAssignments", "objects"));
            };
            let mut params = Params::new(members);
            let (volume, lun) = (params.needed_number("volumeID")?, params.needed_number("lun")?);
            if !group.volumes.contains(&volume) {
                return Err(codes::not_in_access_group(volume, group.id));
            }
            if lun > max {
                return Err(codes::invalid(format!("lun {lun} must be between 0 and {max}.")));
            }
            if wanted.insert(volume, lun).is_some() {
                return Err(codes::invalid(format!("VolumeID {volume} is given twice.")));
            }
        }
        Ok(wanted)
    }
}
