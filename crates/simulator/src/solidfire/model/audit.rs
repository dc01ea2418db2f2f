//! Whether everything adds up, for tests after any interleaving of calls; and the view of the data that tests have.

use std::collections::BTreeSet;

use super::Cluster;
use super::async_results::Work;
use super::volumes::{Status, Volume};
use crate::control::Statistics;
use crate::kernel::fabric::Image;

impl Cluster {
    /// One line for each sum that does not add up and each reference to what is gone.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut found = Vec::new();
        let sum: u64 = self.volumes.values().map(|volume| volume.total_size).sum();
        if sum != self.capacity.provisioned {
            found.push(format!("provisioned {} but the volumes sum up to {sum}", self.capacity.provisioned));
        }
        self.volumes.values().for_each(|volume| self.audit_volume(volume, &mut found));
        self.audit_owners(&mut found);
        self.audit_members(&mut found);
        self.audit_images(&mut found);
        let strange = |id: &u64| !self.volumes.contains_key(id);
        let paired = self.links.board().paired_volumes(self.seat).into_iter().filter(strange);
        found.extend(paired.map(|id| format!("a pair names volume {id}")));
        found
    }

    fn audit_volume(&self, volume: &Volume, found: &mut Vec<String>) {
        let id = volume.id;
        if !self.accounts.get(&volume.account).is_some_and(|account| account.volumes.contains(&id)) {
            found.push(format!("volume {id} is not known to its account {}", volume.account));
        }
        for snapshot in &volume.snapshots {
            if self.snapshots.get(snapshot).is_none_or(|snapshot| snapshot.volume != id) {
                found.push(format!("volume {id} lists snapshot {snapshot} that is not its own"));
            }
        }
        for group in &volume.access_groups {
            let deleted = volume.status == Status::Deleted;
            let member = self.access_groups.get(group).is_some_and(|group| {
                if deleted { group.deleted_volumes.contains(&id) } else { group.volumes.contains(&id) }
            });
            if !member {
                found.push(format!("volume {id} names access group {group} that does not hold it"));
            }
        }
    }

    fn audit_owners(&self, found: &mut Vec<String>) {
        for account in self.accounts.values() {
            let strange = |id: &&u64| self.volumes.get(id).is_none_or(|volume| volume.account != account.id);
            let ids = account.volumes.iter().filter(strange);
            found.extend(ids.map(|id| format!("account {} lists volume {id}", account.id)));
        }
        for snapshot in self.snapshots.values() {
            let of_volume =
                self.volumes.get(&snapshot.volume).is_some_and(|v| v.snapshots.contains(&snapshot.id));
            let of_group = snapshot.group.is_none_or(|group| {
                self.group_snapshots.get(&group).is_some_and(|group| group.members.contains(&snapshot.id))
            });
            if !of_volume || !of_group {
                found.push(format!("snapshot {} is not known to its volume or group", snapshot.id));
            }
        }
        for group in self.group_snapshots.values() {
            let strange =
                |id: &&u64| self.snapshots.get(id).is_none_or(|snapshot| snapshot.group != Some(group.id));
            let ids = group.members.iter().filter(strange);
            found.extend(ids.map(|id| format!("group snapshot {} lists snapshot {id}", group.id)));
        }
        for group in self.access_groups.values() {
            let strange =
                |id: &&u64| self.volumes.get(id).is_none_or(|v| !v.access_groups.contains(&group.id));
            let ids = group.volumes.iter().chain(&group.deleted_volumes).filter(strange);
            found.extend(ids.map(|id| format!("access group {} lists volume {id}", group.id)));
            let strange = |id: &&u64| self.initiators.get(id).is_none_or(|i| i.group != Some(group.id));
            let ids = group.initiators.iter().filter(strange);
            found.extend(ids.map(|id| format!("access group {} lists initiator {id}", group.id)));
        }
    }

    /// Policies and LUNs name members and only those.
    fn audit_members(&self, found: &mut Vec<String>) {
        for (id, policy) in &self.qos_policies {
            let strange = |v: &&u64| {
                self.volumes.get(v).is_none_or(|v| v.qos_policy != Some(*id) || v.qos != policy.qos)
            };
            let ids = policy.volumes.iter().filter(strange);
            found.extend(ids.map(|volume| format!("QoS policy {id} lists volume {volume}")));
        }
        for volume in self.volumes.values() {
            let policy = volume.qos_policy.map(|id| self.qos_policies.get(&id));
            if policy.is_some_and(|policy| policy.is_none_or(|policy| !policy.volumes.contains(&volume.id))) {
                found.push(format!("volume {} is not known to its QoS policy", volume.id));
            }
        }
        for group in self.access_groups.values() {
            let members: BTreeSet<u64> = group.volumes.union(&group.deleted_volumes).copied().collect();
            let numbered: BTreeSet<u64> = group.luns.keys().copied().collect();
            let distinct: BTreeSet<u64> = group.luns.values().copied().collect();
            if members != numbered || distinct.len() != numbered.len() {
                found.push(format!("access group {} has LUNs {:?} for {members:?}", group.id, group.luns));
            }
        }
    }

    fn audit_images(&self, found: &mut Vec<String>) {
        let volumes = self.volumes.values().map(|volume| volume.image);
        let held = self.running_jobs().filter_map(|(_, job)| match job.work {
            Work::Copy { image, .. } => Some(image),
            Work::Clone { .. } => None,
        });
        let snapshots = self.snapshots.values().map(|snapshot| snapshot.image);
        let wanted: BTreeSet<Image> = volumes.chain(snapshots).chain(held).collect();
        let (images, exports) = self.fabric.inventory();
        let images: BTreeSet<Image> = images.into_iter().collect();
        if images != wanted {
            found.push(format!("images {images:?} exist where {wanted:?} are used"));
        }
        let exports: BTreeSet<Image> = exports.into_iter().collect();
        for volume in self.volumes.values().filter(|volume| volume.status != Status::Active) {
            if exports.contains(&volume.image) {
                found.push(format!("volume {} is {} and still exported", volume.id, volume.status.name()));
            }
        }
        for (_, job) in self.running_jobs().filter(|(_, job)| matches!(job.work, Work::Clone { .. })) {
            let initial = |id: &u64| self.volumes.get(id).is_some_and(|v| v.status == Status::Init);
            let strange = job.pairs().into_iter().filter(|(_, id)| !initial(id));
            found.extend(strange.map(|(_, id)| format!("a clone job runs for volume {id}")));
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let (images, exports) = self.fabric.inventory();
        Statistics {
            connections: 0,
            accounts: self.accounts.len(),
            volumes: self.volumes.len(),
            deleted_volumes: self.volumes.values().filter(|volume| volume.status == Status::Deleted).count(),
            snapshots: self.snapshots.len(),
            group_snapshots: self.group_snapshots.len(),
            access_groups: self.access_groups.len(),
            provisioned_bytes: self.capacity.provisioned,
            used_bytes: self.fabric.used(),
            images: images.len(),
            exports: exports.len(),
            mirrors: self.links.board().paired_volumes(self.seat).len(),
            ..Statistics::default()
        }
    }

    fn image(&self, volume: u64) -> Result<Image, String> {
        self.volumes
            .get(&volume)
            .map(|volume| volume.image)
            .ok_or_else(|| format!("volume {volume} does not exist"))
    }

    pub(crate) fn read(&self, volume: u64, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.fabric.read(self.image(volume)?, offset, length).map_err(|error| error.to_string())
    }

    pub(crate) fn write(&mut self, volume: u64, offset: u64, data: &[u8]) -> Result<(), String> {
        self.fabric.write(self.image(volume)?, offset, data).map_err(|error| error.to_string())?;
        self.post(volume);
        Ok(())
    }
}
