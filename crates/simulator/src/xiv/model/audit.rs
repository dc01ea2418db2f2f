//! Looking at the system from outside: counts, and whether everything refers to something that is there.

use std::collections::BTreeSet;

use super::mapping::Owner;
use super::mirrors::Thing;
use super::{Net, System};
use crate::control::Statistics;

impl System {
    pub(crate) fn statistics(&self, mirrors: usize) -> Statistics {
        let (images, exports) = self.fabric.inventory();
        let masters = self.volumes.values().filter(|volume| volume.master.is_none());
        let provisioned = masters.clone().map(|volume| self.taken(volume.bytes)).sum();
        let volumes = masters.count();
        Statistics {
            volumes,
            snapshots: self.volumes.len() - volumes,
            group_snapshots: self.snapshot_groups.len(),
            provisioned_bytes: provisioned,
            used_bytes: self.fabric.used(),
            images: images.len(),
            exports: exports.len(),
            hosts: self.hosts.len(),
            mappings: self.mapped.values().map(std::collections::BTreeMap::len).sum(),
            groups: self.groups.len(),
            mirrors,
            ..Statistics::default()
        }
    }

    /// Names each thing that refers to something gone.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut claim = |holds: bool, what: String| {
            if !holds {
                found.push(what);
            }
        };
        for volume in self.volumes.values() {
            let name = &volume.name;
            claim(
                self.names.get(name) == Some(&volume.number),
                format!("volume {name} is not found by its name"),
            );
            claim(self.pools.contains_key(&volume.pool), format!("volume {name} is in no pool"));
            let master = volume.master.is_none_or(|master| self.volumes.contains_key(&master));
            claim(master, format!("snapshot {name} has no master"));
            let group = volume.group.as_ref().is_none_or(|group| self.groups.contains_key(group));
            claim(group, format!("volume {name} is in a group that is gone"));
            let taken =
                volume.snapshot_group.as_ref().is_none_or(|taken| self.snapshot_groups.contains_key(taken));
            claim(taken, format!("snapshot {name} is in a snapshot group that is gone"));
            let class = volume.class.as_ref().is_none_or(|class| self.classes.contains_key(class));
            claim(class, format!("volume {name} is in a performance class that is gone"));
        }
        claim(self.names.len() == self.volumes.len(), "a name leads to no volume".to_owned());
        for (owner, mapped) in &self.mapped {
            let there = match owner {
                Owner::Host(name) => self.hosts.contains_key(name),
                Owner::Cluster(name) => self.clusters.contains_key(name),
            };
            claim(there, format!("{owner:?} has mappings and is gone"));
            let volumes = mapped.values().all(|number| self.volumes.contains_key(number));
            claim(volumes, format!("{owner:?} sees a volume that is gone"));
        }
        let of_volume = |(kind, number): &(&str, u64)| *kind != "volume" || self.volumes.contains_key(number);
        claim(self.metadata.keys().all(of_volume), "metadata hangs on a volume that is gone".to_owned());
        let images: BTreeSet<_> = self.fabric.inventory().0.into_iter().collect();
        let wanted: BTreeSet<_> = self.volumes.values().map(|volume| volume.image).collect();
        claim(images == wanted, format!("images {images:?} stand behind volumes {wanted:?}"));
        found
    }
}

impl Net {
    pub(crate) fn audit(&self, at: usize) -> Vec<String> {
        let mut found = self.systems[at].audit();
        for (mine, _) in self.couplings.iter().filter_map(|coupling| coupling.seen_from(at)) {
            let there = match &mine.thing {
                Thing::Volume(number) => self.systems[at].volumes.contains_key(number),
                Thing::Group(name) => self.systems[at].groups.contains_key(name),
            };
            if !there {
                found.push(format!("a mirror relates {:?}, which is gone", mine.thing));
            }
        }
        found
    }

    pub(crate) fn mirrors(&self, at: usize) -> usize {
        self.couplings.iter().filter(|coupling| coupling.seen_from(at).is_some()).count()
    }
}
