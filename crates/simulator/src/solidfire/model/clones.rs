//! Clones: a copy that exists at once in state `init` and becomes usable later, with a job to follow it by.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::async_results::{AsyncResult, Job};
use super::identity::fresh_uuid;
use super::nodes::node_of;
use super::qos::curve;
use super::volumes::{Access, Status, Volume};
use super::{Cluster, Due, next};
use crate::config::CloneOverflow;
use crate::kernel::clock;
use crate::kernel::fabric::Image;

/// What is copied: the image, its size there, and the snapshot if it is one.
struct Source {
    image: Image,
    bytes: u64,
}

impl Cluster {
    pub(crate) fn clone_volume(&mut self, params: &mut Params) -> Answer {
        let source = params.needed_number("volumeID")?;
        let original = self.active_volume(source)?.clone();
        let name = self.volume_name(params)?;
        let from = self.clone_source(params, &original)?;
        let account = params.id("newAccountID")?.unwrap_or(original.account);
        self.account(account)?;
        let total_size = params.id("newSize")?.map_or(Ok(from.bytes), |bytes| self.rounded_size(bytes))?;
        let access = Access::read(params)?.unwrap_or(original.access);
        let attributes = params.attributes()?.unwrap_or_else(|| original.attributes.clone());
        let enable512e = params.flag("enable512e")?.unwrap_or(original.enable512e);
        let snap_mirror = params.flag("enableSnapMirrorReplication")?.unwrap_or(false);
        self.check_room(account, total_size)?;
        let ready = self.clone_slot(source)?;
        let image = self.next_image();
        self.fabric.copy(from.image, image, total_size)?;
        let id = next(&mut self.counters.volume);
        self.insert_volume(Volume {
            id,
            name,
            account,
            status: Status::Init,
            access,
            total_size,
            enable512e,
            attributes,
            created: self.clock.now(),
            deleted: None,
            access_groups: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            uuid: fresh_uuid(),
            consistency_group_uuid: fresh_uuid(),
            snap_mirror,
            image,
            ..original
        });
        let clone = next(&mut self.counters.clone);
        let handle = self.start_job(Job { clone, source, volume: id, ready });
        let volume = self.show_volume(&self.volumes[&id]);
        Ok(
            json!({"volumeID": id, "cloneID": clone, "asyncHandle": handle, "volume": volume, "curve": curve()}),
        )
    }

    fn clone_source(&self, params: &mut Params, volume: &Volume) -> Result<Source, Refusal> {
        match params.id("snapshotID")? {
            None => Ok(Source { image: volume.image, bytes: volume.total_size }),
            Some(id) => {
                let snapshot = self.snapshots.get(&id).filter(|snapshot| snapshot.volume == volume.id);
                let snapshot = snapshot.ok_or_else(|| codes::no_snapshot(id))?;
                Ok(Source { image: snapshot.image, bytes: snapshot.total_size })
            }
        }
    }

    /// When a clone job that is asked for now will be done, if it may run at all.
    fn clone_slot(&self, source: u64) -> Result<Timestamp, Refusal> {
        let running = || self.async_results.values().filter_map(AsyncResult::running);
        let of_volume = running().filter(|job| job.source == source).map(|job| job.ready);
        let of_node = running().filter(|job| node_of(job.source) == node_of(source)).map(|job| job.ready);
        let volume =
            self.slot_start(of_volume.collect(), "cloneJobsPerVolumeMax", "xMaxClonesPerVolumeExceeded")?;
        let node = self.slot_start(of_node.collect(), "cloneJobsPerNodeMax", "xMaxClonesPerNodeExceeded")?;
        Ok(clock::after(volume.max(node), self.clone_delay))
    }

    /// When one more job can begin beside those that end at the given times.
    fn slot_start(&self, mut ends: Vec<Timestamp>, limit: &str, error: &str) -> Result<Timestamp, Refusal> {
        let allowed = self.limits.get(limit) as usize;
        if ends.len() < allowed {
            return Ok(self.clock.now());
        }
        if self.clone_overflow == CloneOverflow::Refuse || allowed == 0 {
            return Err(Refusal::new(error, format!("Maximum clone jobs is {allowed}")));
        }
        ends.sort_unstable();
        Ok(ends[ends.len() - allowed])
    }

    fn start_job(&mut self, job: Job) -> u64 {
        let handle = next(&mut self.counters.async_result);
        self.due.insert((job.ready, Due::CloneComplete { handle }));
        self.async_results.insert(handle, AsyncResult::new(handle, job, self.clock.now()));
        handle
    }

    pub(super) fn complete_clone(&mut self, handle: u64, time: Timestamp) -> Result<(), Refusal> {
        let Some(result) = self.async_results.get_mut(&handle) else { return Ok(()) };
        let volume = result.complete(time);
        if let Some(volume) = self.volumes.get_mut(&volume) {
            volume.status = Status::Active;
        }
        self.publish(volume)
    }
}
