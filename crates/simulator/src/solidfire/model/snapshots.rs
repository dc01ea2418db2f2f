//! Snapshots of single volumes.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::identity::fresh_uuid;
use super::retention::Retention;
use super::{Cluster, Due, next};
use crate::kernel::clock;
use crate::kernel::fabric::Image;

#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) id: u64,
    pub(super) volume: u64,
    pub(super) name: String,
    pub(super) created: Timestamp,
    /// When it came to be on this cluster; later than `created` if it was made on another.
    pub(super) instance_created: Timestamp,
    pub(super) total_size: u64,
    pub(super) group: Option<u64>,
    pub(super) uuid: String,
    pub(super) instance_uuid: String,
    pub(super) traits: Traits,
    pub(super) image: Image,
}

/// What a caller says about a snapshot besides its name.
#[derive(Clone, Debug)]
pub(super) struct Traits {
    pub(super) attributes: Map<String, Value>,
    pub(super) remote_replication: bool,
    pub(super) retention: Retention,
    pub(super) mirror_label: Option<String>,
}

/// What is to be otherwise; the rest stays.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) name: Option<String>,
    retention: Option<Retention>,
    pub(super) remote_replication: Option<bool>,
    mirror_label: Option<String>,
}

impl Cluster {
    pub(super) fn show_snapshot(&self, snapshot: &Snapshot) -> Value {
        let volume = self.volumes.get(&snapshot.volume).map(|volume| volume.name.as_str());
        let group = snapshot.group.and_then(|group| self.group_snapshots.get(&group));
        let created = clock::seconds(snapshot.created);
        let mut shown = json!({
            "snapshotID": snapshot.id,
            "volumeID": snapshot.volume,
            "volumeName": volume,
            "name": snapshot.name,
            "checksum": "0x0",
            "createTime": created,
            "instanceCreateTime": clock::seconds(snapshot.instance_created),
            "status": "done",
            "totalSize": snapshot.total_size,
            "groupID": snapshot.group.unwrap_or(0),
            "groupSnapshotUUID": group.map_or_else(|| Uuid::nil().to_string(), |group| group.uuid.clone()),
            "snapshotUUID": snapshot.uuid,
            "instanceSnapshotUUID": snapshot.instance_uuid,
            "enableRemoteReplication": snapshot.traits.remote_replication,
            "expirationReason": snapshot.traits.retention.reason(),
            "expirationTime": snapshot.traits.retention.show(),
            "attributes": snapshot.traits.attributes,
            "snapMirrorLabel": snapshot.traits.mirror_label,
            "virtualVolumeID": null,
        });
        if snapshot.traits.remote_replication {
            shown["remoteStatuses"] = self.remote_statuses(snapshot);
        }
        shown
    }

    pub(super) fn snapshot(&self, id: u64) -> Result<&Snapshot, Refusal> {
        self.snapshots.get(&id).ok_or_else(|| codes::no_snapshot(id))
    }

    /// The name asked for, or the time as one.
    pub(super) fn snapshot_name(&self, params: &mut Params) -> Result<Option<String>, Refusal> {
        let name = params.text("name")?;
        let max = self.limits.get("snapshotNameLengthMax");
        if name.as_ref().is_some_and(|name| name.chars().count() as u64 > max) {
            return Err(codes::invalid(format!("name must be at most {max} characters long.")));
        }
        Ok(name)
    }

    pub(super) fn snapshot_traits(&self, params: &mut Params) -> Result<Traits, Refusal> {
        params.ignore(&["ensureSerialCreation"]);
        Ok(Traits {
            attributes: params.attributes()?.unwrap_or_default(),
            remote_replication: params.flag("enableRemoteReplication")?.unwrap_or(false),
            retention: Retention::read(params, self.clock.now())?,
            mirror_label: params.text("snapMirrorLabel")?,
        })
    }

    pub(super) fn check_snapshot_room(&self, volume: u64) -> Result<(), Refusal> {
        let volume = self.active_volume(volume)?;
        self.check_fullness()?;
        if self.limits.reached("snapshotsPerVolumeMax", volume.snapshots.len()) {
            let max = self.limits.get("snapshotsPerVolumeMax");
            let message = format!("Maximum snapshots per volume is {max}");
            return Err(Refusal::new("xMaxSnapshotsPerVolumeExceeded", message));
        }
        Ok(())
    }

    /// Takes a snapshot for which there is room, of the volume's data or of another snapshot's.
    pub(super) fn take_snapshot(
        &mut self,
        volume: u64,
        name: String,
        traits: Traits,
        of: Option<u64>,
    ) -> Result<u64, Refusal> {
        let (source, total_size) = match of {
            None => self.active_volume(volume).map(|volume| (volume.image, volume.total_size))?,
            Some(id) => self.snapshot(id).map(|snapshot| (snapshot.image, snapshot.total_size))?,
        };
        let image = self.next_image();
        self.fabric.copy(source, image, total_size)?;
        let id = next(&mut self.counters.snapshot);
        if let Some(time) = traits.retention.ends() {
            self.due.insert((time, Due::Expire { snapshot: id }));
        }
        let (created, uuid) = (self.clock.now(), fresh_uuid());
        let snapshot = Snapshot {
            id,
            volume,
            name,
            created,
            instance_created: created,
            total_size,
            group: None,
            instance_uuid: uuid.clone(),
            uuid,
            traits,
            image,
        };
        self.snapshots.insert(id, snapshot);
        if let Some(volume) = self.volumes.get_mut(&volume) {
            volume.snapshots.insert(id);
        }
        self.trim_fifo(volume)?;
        Ok(id)
    }

    pub(crate) fn create_snapshot(&mut self, params: &mut Params) -> Answer {
        let volume = params.needed_number("volumeID")?;
        self.active_volume(volume)?;
        let name = self.snapshot_name(params)?.unwrap_or_else(|| clock::seconds(self.clock.now()));
        let of = params.id("snapshotID")?;
        if let Some(of) = of {
            self.snapshot_of(volume, of)?;
        }
        let traits = self.snapshot_traits(params)?;
        self.check_snapshot_room(volume)?;
        let id = self.take_snapshot(volume, name, traits, of)?;
        self.send_snapshot(id);
        let shown = self.show_snapshot(self.snapshot(id)?);
        Ok(json!({"snapshotID": id, "checksum": "0x0", "snapshot": shown}))
    }

    /// A snapshot of this volume and no other.
    pub(super) fn snapshot_of(&self, volume: u64, id: u64) -> Result<&Snapshot, Refusal> {
        let snapshot = self.snapshot(id)?;
        if snapshot.volume == volume { Ok(snapshot) } else { Err(codes::no_snapshot(id)) }
    }

    pub(crate) fn list_snapshots(&mut self, params: &mut Params) -> Answer {
        let (volume, id) = (params.id("volumeID")?, params.id("snapshotID")?);
        let snapshots: Vec<Value> = match (volume, id) {
            (_, Some(id)) => {
                let snapshot = self.snapshot(id)?;
                if volume.is_some_and(|volume| volume != snapshot.volume) {
                    return Err(codes::no_snapshot(id));
                }
                vec![self.show_snapshot(snapshot)]
            }
            (Some(volume), None) => {
                let volume = self.volumes.get(&volume).ok_or_else(|| codes::no_volume(volume))?;
                let snapshots = volume.snapshots.iter().filter_map(|id| self.snapshots.get(id));
                snapshots.map(|snapshot| self.show_snapshot(snapshot)).collect()
            }
            (None, None) => self.snapshots.values().map(|snapshot| self.show_snapshot(snapshot)).collect(),
        };
        Ok(json!({"snapshots": snapshots}))
    }

    pub(crate) fn modify_snapshot(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("snapshotID")?;
        self.snapshot(id)?;
        let change = self.snapshot_change(params)?;
        self.change_snapshot(id, &change)?;
        Ok(json!({"snapshot": self.show_snapshot(self.snapshot(id)?)}))
    }

    pub(super) fn snapshot_change(&self, params: &mut Params) -> Result<Change, Refusal> {
        let ends = params.has("expirationTime") || params.has("retention");
        Ok(Change {
            name: self.snapshot_name(params)?,
            retention: if ends { Some(Retention::read(params, self.clock.now())?) } else { None },
            remote_replication: params.flag("enableRemoteReplication")?,
            mirror_label: params.text("snapMirrorLabel")?,
        })
    }

    pub(super) fn change_snapshot(&mut self, id: u64, change: &Change) -> Result<(), Refusal> {
        let Some(snapshot) = self.snapshots.get_mut(&id) else { return Err(codes::no_snapshot(id)) };
        let (volume, sent) = (snapshot.volume, snapshot.traits.remote_replication);
        change.name.iter().for_each(|name| snapshot.name.clone_from(name));
        let traits = &mut snapshot.traits;
        traits.retention = change.retention.unwrap_or(traits.retention);
        traits.remote_replication = change.remote_replication.unwrap_or(traits.remote_replication);
        change.mirror_label.iter().for_each(|label| traits.mirror_label = Some(label.clone()));
        if let Some(time) = traits.retention.ends() {
            self.due.insert((time, Due::Expire { snapshot: id }));
        }
        if !sent {
            self.send_snapshot(id);
        }
        self.trim_fifo(volume)
    }

    pub(crate) fn delete_snapshot(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("snapshotID")?;
        params.ignore(&["overrideSnapMirrorHold"]);
        self.snapshot(id)?;
        self.forget_snapshot(id)?;
        Ok(json!({}))
    }

    /// Removes a snapshot from its volume, its group and the disks below.
    pub(super) fn forget_snapshot(&mut self, id: u64) -> Result<(), Refusal> {
        let image = self.snapshot(id)?.image;
        self.fabric.delete(image)?;
        if let Some(snapshot) = self.snapshots.remove(&id) {
            if let Some(volume) = self.volumes.get_mut(&snapshot.volume) {
                volume.snapshots.remove(&id);
            }
            self.links.board().snapshot_gone(self.seat, snapshot.volume, &snapshot.uuid);
            if let Some(group) = snapshot.group {
                self.leave_group(group, id);
            }
        }
        Ok(())
    }
}
