//! The flow between paired volumes: what this cluster lets the other end know, and what has arrived from there.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::codes::Refusal;
use super::super::links::{Arrival, Facts, GroupMark, Presence, RemoteSnapshot, Role};
use super::group_snapshots::GroupSnapshot;
use super::identity::fresh_uuid;
use super::jobs::percent;
use super::retention::Retention;
use super::snapshots::{Snapshot, Traits};
use super::volumes::{Access, Status, Volume};
use super::{Cluster, Due, next};

impl Cluster {
    pub(super) fn facts(&self, volume: &Volume) -> Facts {
        let role = match volume.access {
            Access::ReadWrite => Role::Source,
            Access::ReplicationTarget => Role::Target,
            Access::ReadOnly | Access::Locked => Role::Neither,
        };
        Facts {
            name: volume.name.clone(),
            role,
            bytes: volume.total_size,
            deleted: volume.status == Status::Deleted,
        }
    }

    /// Lets the other end know what a volume is like and what it holds.
    pub(super) fn post(&self, id: u64) {
        let Some(volume) = self.volumes.get(&id).filter(|_| self.is_paired(id)) else { return };
        let content = self.fabric.content(volume.image);
        self.links.board().post(self.seat, id, self.facts(volume), content, self.clock.now());
    }

    /// Takes in what has arrived from other clusters.
    pub(super) fn take_in(&mut self) -> Result<(), Refusal> {
        let arrived = self.links.board().collect(self.seat, self.clock.now());
        for (id, arrival) in arrived {
            let target = self.volumes.get(&id).filter(|volume| volume.access == Access::ReplicationTarget);
            let Some(image) = target.map(|volume| volume.image) else { continue };
            match arrival {
                Arrival::Data(content) => self.fabric.absorb(image, &content)?,
                Arrival::Snapshot(snapshot) => self.take_in_snapshot(id, *snapshot)?,
            }
        }
        Ok(())
    }

    fn take_in_snapshot(&mut self, volume: u64, remote: RemoteSnapshot) -> Result<(), Refusal> {
        let room = self.check_snapshot_room(volume).is_ok();
        if room {
            let image = self.next_image();
            self.fabric.create(image, remote.bytes)?;
            self.fabric.absorb(image, &remote.content)?;
            let id = next(&mut self.counters.snapshot);
            if let Some(time) = remote.expires {
                self.due.insert((time, Due::Expire { snapshot: id }));
            }
            let group = remote.group.as_ref().map(|mark| self.join_group(mark, id, &remote));
            let traits = Traits {
                attributes: remote.attributes.clone(),
                remote_replication: true,
                retention: remote.expires.map_or(Retention::Forever, Retention::Until),
                mirror_label: remote.mirror_label.clone(),
            };
            let snapshot = Snapshot {
                id,
                volume,
                name: remote.name.clone(),
                created: remote.created,
                instance_created: self.clock.now(),
                total_size: remote.bytes,
                group,
                uuid: remote.uuid.clone(),
                instance_uuid: fresh_uuid(),
                traits,
                image,
            };
            self.snapshots.insert(id, snapshot);
            self.volumes.get_mut(&volume).into_iter().for_each(|volume| {
                volume.snapshots.insert(id);
            });
        }
        self.links.board().taken((self.seat, volume), remote, room, self.clock.now());
        Ok(())
    }

    /// Puts a snapshot that arrived into its group, which comes to be with its first member.
    fn join_group(&mut self, mark: &GroupMark, snapshot: u64, remote: &RemoteSnapshot) -> u64 {
        if let Some(group) = self.group_snapshots.values_mut().find(|group| group.uuid == mark.uuid) {
            group.members.push(snapshot);
            return group.id;
        }
        let id = next(&mut self.counters.group_snapshot);
        let group = GroupSnapshot {
            id,
            uuid: mark.uuid.clone(),
            name: mark.name.clone(),
            created: remote.created,
            attributes: mark.attributes.clone(),
            remote_replication: true,
            members: vec![snapshot],
        };
        self.group_snapshots.insert(id, group);
        id
    }

    /// Sends a snapshot to the other end if it is meant for it.
    pub(super) fn send_snapshot(&self, id: u64) {
        let Some(snapshot) = self.snapshots.get(&id).filter(|s| s.traits.remote_replication) else { return };
        if !self.is_paired(snapshot.volume) {
            return;
        }
        let Some(content) = self.fabric.content(snapshot.image) else { return };
        let group = snapshot.group.and_then(|group| self.group_snapshots.get(&group));
        let remote = RemoteSnapshot {
            uuid: snapshot.uuid.clone(),
            name: snapshot.name.clone(),
            created: snapshot.created,
            bytes: snapshot.total_size,
            attributes: snapshot.traits.attributes.clone(),
            expires: snapshot.traits.retention.ends(),
            mirror_label: snapshot.traits.mirror_label.clone(),
            group: group.map(|group| GroupMark {
                uuid: group.uuid.clone(),
                name: group.name.clone(),
                attributes: group.attributes.clone(),
            }),
            content,
        };
        self.links.board().send_snapshot(self.seat, snapshot.volume, remote, self.clock.now());
    }

    /// Where a snapshot that is meant for the other end is.
    pub(super) fn remote_statuses(&self, snapshot: &Snapshot) -> Value {
        let board = self.links.board();
        let pair = board.volume_pair(self.seat, snapshot.volume);
        let status = pair.and_then(|pair| Some((pair, pair.presence(self.seat, &snapshot.uuid)?)));
        let Some((pair, presence)) = status else { return json!([]) };
        let name = match presence {
            Presence::NotPresent => "Not Present",
            Presence::Present => "Present",
            Presence::Deleted => "Deleted",
        };
        json!([{"remoteStatus": name, "volumePairUUID": pair.uuid.to_string()}])
    }

    /// How long ago the other end last had all that was written here: nought for one that is up to date.
    pub(super) fn async_delay(&self, volume: u64) -> Option<String> {
        let board = self.links.board();
        let pair = board.volume_pair(self.seat, volume)?;
        let behind = pair.behind_since(self.seat).map(|time| self.clock.now().duration_since(time));
        let behind = behind.and_then(|span| Duration::try_from(span).ok()).unwrap_or_default();
        let (seconds, micros) = (behind.as_secs(), behind.subsec_micros());
        Some(format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60))
    }

    /// Pairs that catch up, as jobs.
    pub(super) fn remote_jobs(&self) -> Vec<Value> {
        let (board, now) = (self.links.board(), self.clock.now());
        let job = |id: u64| {
            let pair = board.volume_pair(self.seat, id)?;
            let (since, synced) = pair.catching_up(now)?;
            let (mine, across) = pair.ends(self.seat);
            Some(json!({
                "type": "remote",
                "srcVolumeID": if mine.facts.role == Role::Source { id } else { across?.volume },
                "dstVolumeID": if mine.facts.role == Role::Source { across?.volume } else { id },
                "percentComplete": percent(since, synced, now),
                "elapsedTime": now.duration_since(since).as_secs(),
                "stage": "data",
            }))
        };
        board.paired_volumes(self.seat).into_iter().filter_map(job).collect()
    }
}
