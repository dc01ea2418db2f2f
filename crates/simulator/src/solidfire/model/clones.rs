//! Clones: copies that exist at once in state `init` and become usable later, alone or several of one moment.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::async_results::{Job, Work};
use super::identity::fresh_uuid;
use super::qos::curve;
use super::volumes::{Access, Status, Volume};
use super::{Cluster, next};
use crate::kernel::fabric::Image;

/// What is copied: the image and its size there, a volume's or a snapshot's.
struct Source {
    image: Image,
    bytes: u64,
}

/// A clone that nothing stands against, without its image and number.
struct Draft {
    from: Image,
    source: u64,
    volume: Volume,
}

impl Cluster {
    pub(crate) fn clone_volume(&mut self, params: &mut Params) -> Answer {
        let source = params.needed_number("volumeID")?;
        let original = self.active_volume(source)?.clone();
        let name = self.volume_name(params)?;
        let from = self.clone_source(params.id("snapshotID")?, &original)?;
        let draft = self.draft_clone(params, &original, name, &from)?;
        self.check_room(draft.volume.account, draft.volume.total_size)?;
        let ready = self.job_slot(&[source])?;
        let clone = next(&mut self.counters.clone);
        let id = self.make_clone(draft)?;
        let work = Work::Clone { members: vec![(source, id)], group: false };
        let handle = self.start_job(Job { clone, work, ready });
        let volume = self.show_volume(&self.volumes[&id]);
        Ok(
            json!({"volumeID": id, "cloneID": clone, "asyncHandle": handle, "volume": volume, "curve": curve()}),
        )
    }

    /// All or none, and all of one moment: each volume as it is, or as the group snapshot has it.
    pub(crate) fn clone_multiple_volumes(&mut self, params: &mut Params) -> Answer {
        let given = params.list("volumes")?.ok_or_else(|| codes::missing("volumes"))?;
        if given.is_empty() {
            return Err(codes::invalid("volumes must name at least one volume."));
        }
        let group = params.id("groupSnapshotID")?;
        let common = (params.id("newAccountID")?, Access::read(params)?);
        let mut drafts = Vec::with_capacity(given.len());
        for value in given {
            let Value::Object(members) = value else { return Err(codes::wrong_type("volumes", "objects")) };
            drafts.push(self.draft_member(&mut Params::new(members), group, common)?);
        }
        let total = drafts.iter().map(|draft| draft.volume.total_size).sum();
        self.check_rooms(&drafts, total)?;
        let sources: Vec<u64> = drafts.iter().map(|draft| draft.source).collect();
        let ready = self.job_slot(&sources)?;
        let clone = next(&mut self.counters.clone);
        let made: Vec<u64> =
            drafts.into_iter().map(|draft| self.make_clone(draft)).collect::<Result<_, _>>()?;
        let members: Vec<(u64, u64)> = sources.into_iter().zip(made).collect();
        let shown: Vec<Value> =
            members.iter().map(|(source, id)| json!({"srcVolumeID": source, "volumeID": id})).collect();
        let handle = self.start_job(Job { clone, work: Work::Clone { members, group: true }, ready });
        Ok(json!({"asyncHandle": handle, "groupCloneID": clone, "members": shown}))
    }

    fn draft_member(
        &self,
        params: &mut Params,
        group: Option<u64>,
        (account, access): (Option<u64>, Option<Access>),
    ) -> Result<Draft, Refusal> {
        let original = self.active_volume(params.needed_number("volumeID")?)?.clone();
        let name = if params.has("name") { self.volume_name(params)? } else { original.name.clone() };
        let snapshot = group.map(|group| self.member_snapshot(group, original.id)).transpose()?;
        let from = self.clone_source(snapshot, &original)?;
        let inherited = (original.account, original.access);
        let mut draft = self.draft_clone(params, &original, name, &from)?;
        if let Some(account) = account.filter(|_| draft.volume.account == inherited.0) {
            self.account(account)?;
            draft.volume.account = account;
        }
        draft.volume.access =
            access.filter(|_| draft.volume.access == inherited.1).unwrap_or(draft.volume.access);
        Ok(draft)
    }

    /// The member of a group snapshot that is of this volume.
    fn member_snapshot(&self, group: u64, volume: u64) -> Result<u64, Refusal> {
        let found = self.group_snapshots.get(&group).ok_or_else(|| codes::no_group_snapshot(group))?;
        let of_volume = |id: &&u64| self.snapshots.get(id).is_some_and(|snapshot| snapshot.volume == volume);
        let message = format!("GroupSnapshotID {group} has no snapshot of VolumeID {volume}.");
        found.members.iter().find(of_volume).copied().ok_or_else(|| codes::invalid(message))
    }

    fn clone_source(&self, snapshot: Option<u64>, volume: &Volume) -> Result<Source, Refusal> {
        match snapshot {
            None => Ok(Source { image: volume.image, bytes: volume.total_size }),
            Some(id) => {
                let snapshot = self.snapshot_of(volume.id, id)?;
                Ok(Source { image: snapshot.image, bytes: snapshot.total_size })
            }
        }
    }

    /// Access groups, policy and pairs are not inherited; the values of quality of service are.
    fn draft_clone(
        &self,
        params: &mut Params,
        original: &Volume,
        name: String,
        from: &Source,
    ) -> Result<Draft, Refusal> {
        let account = params.id("newAccountID")?.unwrap_or(original.account);
        self.account(account)?;
        let total_size = params.id("newSize")?.map_or(Ok(from.bytes), |bytes| self.rounded_size(bytes))?;
        let volume = Volume {
            id: 0,
            name,
            account,
            status: Status::Init,
            access: Access::read(params)?.unwrap_or(original.access),
            total_size,
            enable512e: params.flag("enable512e")?.unwrap_or(original.enable512e),
            attributes: params.attributes()?.unwrap_or_else(|| original.attributes.clone()),
            qos_policy: None,
            created: self.clock.now(),
            deleted: None,
            access_groups: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            uuid: fresh_uuid(),
            consistency_group_uuid: fresh_uuid(),
            snap_mirror: params.flag("enableSnapMirrorReplication")?.unwrap_or(false),
            ..original.clone()
        };
        Ok(Draft { from: from.image, source: original.id, volume })
    }

    fn check_rooms(&self, drafts: &[Draft], total: u64) -> Result<(), Refusal> {
        if (self.volumes.len() + drafts.len()) as u64 > self.limits.get("volumeCountMax") {
            return Err(codes::too_many_volumes());
        }
        for draft in drafts {
            let account = draft.volume.account;
            let coming = drafts.iter().filter(|other| other.volume.account == account).count();
            if (self.account(account)?.volumes.len() + coming) as u64
                > self.limits.get("volumesPerAccountCountMax")
            {
                return Err(codes::exceeded("Exceeded maximum number of volumes per account"));
            }
        }
        self.check_capacity(total)
    }

    fn make_clone(&mut self, draft: Draft) -> Result<u64, Refusal> {
        let image = self.next_image();
        self.fabric.copy(draft.from, image, draft.volume.total_size)?;
        let id = next(&mut self.counters.volume);
        self.insert_volume(Volume { id, image, ..draft.volume });
        Ok(id)
    }
}
