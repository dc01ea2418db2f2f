//! The end of volumes: deleted at once, restorable for eight hours, then purged with their snapshots.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::volumes::Status;
use super::{Cluster, Due};
use crate::kernel::clock;

const RESTORABLE: Duration = Duration::from_secs(8 * 3600);

/// More than this many at once are refused.
const BATCH: usize = 500;

impl Cluster {
    pub(crate) fn delete_volume(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        self.active_volume(id)?;
        self.delete(id)?;
        Ok(json!({"volume": self.show_volume(&self.volumes[&id])}))
    }

    pub(crate) fn delete_volumes(&mut self, params: &mut Params) -> Answer {
        let ids = self.batch(params, Status::Active)?;
        ids.iter().try_for_each(|id| self.active_volume(*id).map(|_| ()))?;
        ids.iter().try_for_each(|id| self.delete(*id))?;
        let volumes: Vec<Value> = ids.iter().map(|id| self.show_volume(&self.volumes[id])).collect();
        Ok(json!({"volumes": volumes}))
    }

    pub(crate) fn purge_deleted_volume(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        self.deleted_volume(id)?;
        self.purge(id)?;
        Ok(json!({}))
    }

    pub(crate) fn purge_deleted_volumes(&mut self, params: &mut Params) -> Answer {
        let ids = self.batch(params, Status::Deleted)?;
        ids.iter().try_for_each(|id| self.deleted_volume(*id))?;
        ids.iter().try_for_each(|id| self.purge(*id))?;
        Ok(json!({}))
    }

    pub(crate) fn restore_deleted_volume(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        self.deleted_volume(id)?;
        let Some(volume) = self.volumes.get_mut(&id) else { return Err(codes::no_volume(id)) };
        (volume.status, volume.deleted) = (Status::Active, None);
        for group in &volume.access_groups {
            if let Some(group) = self.access_groups.get_mut(group) {
                group.deleted_volumes.remove(&id);
                group.volumes.insert(id);
            }
        }
        self.publish(id)?;
        Ok(json!({}))
    }

    fn deleted_volume(&self, id: u64) -> Result<(), Refusal> {
        let volume = self.volumes.get(&id).filter(|volume| volume.status == Status::Deleted);
        volume.map(|_| ()).ok_or_else(|| codes::no_volume(id))
    }

    /// The volumes of a call that names them, their accounts or their access groups.
    fn batch(&self, params: &mut Params, status: Status) -> Result<Vec<u64>, Refusal> {
        let lists = (
            params.numbers("volumeIDs")?,
            params.numbers("accountIDs")?,
            params.numbers("volumeAccessGroupIDs")?,
        );
        let ids: Vec<u64> = match lists {
            (Some(mut ids), None, None) => {
                ids.sort_unstable();
                ids.dedup();
                ids
            }
            (None, Some(accounts), None) => self.matching(status, |v| accounts.contains(&v.account)),
            (None, None, Some(groups)) => {
                self.matching(status, |v| v.access_groups.iter().any(|group| groups.contains(group)))
            }
            _ => {
                return Err(codes::invalid("Give one of volumeIDs, accountIDs and volumeAccessGroupIDs."));
            }
        };
        if ids.len() > BATCH {
            return Err(Refusal::new(
                "xDBConnectionLoss",
                format!("{} volumes are too many at once.", ids.len()),
            ));
        }
        Ok(ids)
    }

    fn matching(&self, status: Status, wanted: impl Fn(&super::Volume) -> bool) -> Vec<u64> {
        let volumes = self.volumes.values().filter(|volume| volume.status == status && wanted(volume));
        volumes.map(|volume| volume.id).collect()
    }

    fn delete(&mut self, id: u64) -> Result<(), Refusal> {
        let now = self.clock.now();
        let Some(volume) = self.volumes.get_mut(&id) else { return Err(codes::no_volume(id)) };
        let purge = clock::after(now, RESTORABLE);
        (volume.status, volume.deleted) = (Status::Deleted, Some((now, purge)));
        for group in &volume.access_groups {
            if let Some(group) = self.access_groups.get_mut(group) {
                group.volumes.remove(&id);
                group.deleted_volumes.insert(id);
            }
        }
        self.due.insert((purge, Due::Purge { volume: id }));
        self.publish(id)
    }

    /// A volume restored and deleted again waits for its later time.
    pub(super) fn purge_if_due(&mut self, id: u64, time: Timestamp) -> Result<(), Refusal> {
        let due =
            self.volumes.get(&id).and_then(|volume| volume.deleted).is_some_and(|(_, purge)| purge <= time);
        if due { self.purge(id) } else { Ok(()) }
    }

    pub(super) fn purge(&mut self, id: u64) -> Result<(), Refusal> {
        let Some(volume) = self.volumes.get(&id) else { return Err(codes::no_volume(id)) };
        let (image, snapshots) = (volume.image, volume.snapshots.clone());
        snapshots.into_iter().try_for_each(|snapshot| self.forget_snapshot(snapshot))?;
        self.fabric.delete(image)?;
        self.links.board().leave_volume_pair(self.seat, id, self.clock.now());
        if let Some(volume) = self.volumes.remove(&id) {
            self.capacity.provisioned -= volume.total_size;
            if let Some(account) = self.accounts.get_mut(&volume.account) {
                account.volumes.remove(&id);
            }
            for group in volume.access_groups {
                if let Some(group) = self.access_groups.get_mut(&group) {
                    group.deleted_volumes.remove(&id);
                    group.luns.remove(&id);
                }
            }
            self.move_between_policies(id, volume.qos_policy, None);
        }
        Ok(())
    }
}
