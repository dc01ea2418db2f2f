//! Volumes: what they are, how they come to be, and how one looks in an answer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::identity::fresh_uuid;
use super::qos::{Qos, curve};
use super::{Cluster, next};
use crate::kernel::clock;
use crate::kernel::fabric::Image;

pub(super) const MIB: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Volume {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) account: u64,
    pub(super) status: Status,
    pub(super) access: Access,
    pub(super) total_size: u64,
    pub(super) enable512e: bool,
    pub(super) qos: Qos,
    pub(super) qos_policy: Option<u64>,
    pub(super) attributes: Map<String, Value>,
    pub(super) created: Timestamp,
    /// When it was deleted and when it will be purged.
    pub(super) deleted: Option<(Timestamp, Timestamp)>,
    pub(super) access_groups: BTreeSet<u64>,
    pub(super) snapshots: BTreeSet<u64>,
    pub(super) uuid: String,
    pub(super) consistency_group_uuid: String,
    pub(super) fifo: (u64, u64),
    pub(super) snap_mirror: bool,
    pub(super) image: Image,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Init,
    Active,
    Deleted,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
    Locked,
    ReplicationTarget,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Self::ReadWrite => "readWrite",
            Self::ReadOnly => "readOnly",
            Self::Locked => "locked",
            Self::ReplicationTarget => "replicationTarget",
        }
    }

    pub(super) fn read(params: &mut Params) -> Result<Option<Self>, Refusal> {
        Ok(match params.text("access")?.as_deref() {
            None => None,
            Some("readWrite") => Some(Self::ReadWrite),
            Some("readOnly") => Some(Self::ReadOnly),
            Some("locked") => Some(Self::Locked),
            Some("replicationTarget") => Some(Self::ReplicationTarget),
            Some(other) => return Err(codes::enumeration(other)),
        })
    }
}

impl Cluster {
    pub(super) fn show_volume(&self, volume: &Volume) -> Value {
        let stamp = |time: Option<Timestamp>| time.map_or(String::new(), clock::seconds);
        json!({
            "volumeID": volume.id,
            "name": volume.name,
            "accountID": volume.account,
            "createTime": clock::seconds(volume.created),
            "deleteTime": stamp(volume.deleted.map(|(deleted, _)| deleted)),
            "purgeTime": stamp(volume.deleted.map(|(_, purge)| purge)),
            "status": volume.status.name(),
            "access": volume.access.name(),
            "enable512e": volume.enable512e,
            "blockSize": 4096,
            "totalSize": volume.total_size,
            "iqn": self.identity.iqn(volume),
            "scsiEUIDeviceID": self.identity.eui(volume.id),
            "scsiNAADeviceID": self.identity.naa(volume.id),
            "qos": volume.qos.show(),
            "qosPolicyID": volume.qos_policy,
            "volumeAccessGroups": volume.access_groups,
            "volumePairs": self.show_volume_pairs(volume),
            "attributes": volume.attributes,
            "sliceCount": u8::from(volume.status != Status::Init),
            "virtualVolumeID": null,
            "volumeUUID": volume.uuid,
            "volumeConsistencyGroupUUID": volume.consistency_group_uuid,
            "currentProtectionScheme": "doubleHelix",
            "previousProtectionScheme": null,
            "enableSnapMirrorReplication": volume.snap_mirror,
            "lastAccessTime": null,
            "lastAccessTimeIO": null,
            "fifoSize": volume.fifo.0,
            "minFifoSize": volume.fifo.1,
        })
    }

    /// A volume that is not deleted.
    pub(super) fn usable_volume(&self, id: u64) -> Result<&Volume, Refusal> {
        let volume = self.volumes.get(&id).filter(|volume| volume.status != Status::Deleted);
        volume.ok_or_else(|| codes::no_volume(id))
    }

    /// A volume whose data is all there.
    pub(super) fn active_volume(&self, id: u64) -> Result<&Volume, Refusal> {
        let volume = self.usable_volume(id)?;
        if volume.status == Status::Init { Err(codes::not_ready(id)) } else { Ok(volume) }
    }

    pub(super) fn volume_name(&self, params: &mut Params) -> Result<String, Refusal> {
        let name = params.needed_text("name")?;
        let range = self.limits.get("volumeNameLengthMin")..=self.limits.get("volumeNameLengthMax");
        if !range.contains(&(name.chars().count() as u64)) {
            return Err(codes::invalid(format!(
                "name must be {} to {} characters long.",
                range.start(),
                range.end()
            )));
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(codes::invalid(format!("name {name} may only have letters, digits and -.")));
        }
        Ok(name)
    }

    /// A size as the cluster makes it: within the limits, rounded up to whole MiB.
    pub(super) fn rounded_size(&self, bytes: u64) -> Result<u64, Refusal> {
        let (min, max) = (self.limits.get("volumeSizeMin"), self.limits.get("volumeSizeMax"));
        if !(min..=max).contains(&bytes) {
            return Err(codes::invalid(format!("totalSize {bytes} must be between {min} and {max}.")));
        }
        Ok(bytes.div_ceil(MIB) * MIB)
    }

    /// Refuses one more volume of this size for this account where a limit stands against it.
    pub(super) fn check_room(&self, account: u64, bytes: u64) -> Result<(), Refusal> {
        self.check_capacity(bytes)?;
        if self.limits.reached("volumeCountMax", self.volumes.len()) {
            return Err(codes::too_many_volumes());
        }
        if self.limits.reached("volumesPerAccountCountMax", self.account(account)?.volumes.len()) {
            return Err(codes::exceeded("Exceeded maximum number of volumes per account"));
        }
        Ok(())
    }

    pub(super) fn insert_volume(&mut self, volume: Volume) {
        self.capacity.provisioned += volume.total_size;
        if let Some(account) = self.accounts.get_mut(&volume.account) {
            account.volumes.insert(volume.id);
        }
        self.move_between_policies(volume.id, None, volume.qos_policy);
        self.volumes.insert(volume.id, volume);
    }

    pub(crate) fn create_volume(&mut self, params: &mut Params) -> Answer {
        let name = self.volume_name(params)?;
        let account = params.needed_number("accountID")?;
        self.account(account)?;
        let total_size = self.rounded_size(params.needed_number("totalSize")?)?;
        let (qos, qos_policy) = self.chosen_qos(params, self.default_qos, None)?;
        if let Some(access) = params.text("access")? {
            return Err(codes::enumeration(&access));
        }
        let attributes = params.attributes()?.unwrap_or_default();
        let enable512e = params.flag("enable512e")?.unwrap_or(false);
        let fifo = (params.id("fifoSize")?.unwrap_or(24), params.number("minFifoSize")?.unwrap_or(0));
        let snap_mirror = params.flag("enableSnapMirrorReplication")?.unwrap_or(false);
        params.ignore(&["protectionScheme", "dontMoveForIopsRebalance"]);
        self.check_room(account, total_size)?;
        let image = self.next_image();
        self.fabric.create(image, total_size)?;
        let id = next(&mut self.counters.volume);
        self.insert_volume(Volume {
            id,
            name,
            account,
            status: Status::Active,
            access: Access::ReadWrite,
            total_size,
            enable512e,
            qos,
            qos_policy,
            attributes,
            created: self.clock.now(),
            deleted: None,
            access_groups: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            uuid: fresh_uuid(),
            consistency_group_uuid: fresh_uuid(),
            fifo,
            snap_mirror,
            image,
        });
        self.publish(id)?;
        Ok(json!({"volumeID": id, "volume": self.show_volume(&self.volumes[&id]), "curve": curve()}))
    }
}
