//! Jobs that run for a while: how many may at once, when one is done, and what that brings about.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes::Refusal;
use super::super::methods::Answer;
use super::super::params::Params;
use super::async_results::{AsyncResult, Job, Work};
use super::nodes::node_of;
use super::volumes::Status;
use super::{Cluster, Due, next};
use crate::config::CloneOverflow;
use crate::kernel::clock;

impl Cluster {
    pub(super) fn running_jobs(&self) -> impl Iterator<Item = (&u64, &Job)> {
        let results =
            self.running.iter().filter_map(|handle| self.async_results.get(handle).map(|r| (handle, r)));
        results.map(|(handle, result)| (handle, &result.job))
    }

    /// When a job that copies these volumes and is asked for now will be done, if it may run at all.
    pub(super) fn job_slot(&self, sources: &[u64]) -> Result<Timestamp, Refusal> {
        let ends = |wanted: &dyn Fn(u64) -> bool| -> Vec<Timestamp> {
            let jobs = self.running_jobs().flat_map(|(_, job)| job.sources().map(move |s| (s, job.ready)));
            jobs.filter(|(source, _)| wanted(*source)).map(|(_, ready)| ready).collect()
        };
        let mut start = self.clock.now();
        for source in sources {
            let of_volume = ends(&|other| other == *source);
            let of_node = ends(&|other| node_of(other) == node_of(*source));
            let beside = sources.iter().filter(|other| *other == source).count();
            let near = sources.iter().filter(|other| node_of(**other) == node_of(*source)).count();
            start = start
                .max(self.slot_start(
                    of_volume,
                    beside,
                    "cloneJobsPerVolumeMax",
                    "xMaxClonesPerVolumeExceeded",
                )?)
                .max(self.slot_start(of_node, near, "cloneJobsPerNodeMax", "xMaxClonesPerNodeExceeded")?);
        }
        Ok(clock::after(start, self.clone_delay))
    }

    /// When so many more jobs can begin beside those that end at the given times.
    fn slot_start(
        &self,
        mut ends: Vec<Timestamp>,
        more: usize,
        limit: &str,
        error: &str,
    ) -> Result<Timestamp, Refusal> {
        let allowed = usize::try_from(self.limits.get(limit)).unwrap_or(usize::MAX);
        if ends.len() + more <= allowed {
            return Ok(self.clock.now());
        }
        if self.clone_overflow == CloneOverflow::Refuse || more > allowed {
            return Err(Refusal::new(error, format!("Maximum clone jobs is {allowed}")));
        }
        ends.sort_unstable();
        Ok(ends[ends.len() + more - allowed - 1])
    }

    pub(super) fn start_job(&mut self, job: Job) -> u64 {
        let handle = next(&mut self.counters.async_result);
        self.due.insert((job.ready, Due::JobComplete { handle }));
        self.running.insert(handle);
        self.async_results.insert(handle, AsyncResult::new(handle, job, self.clock.now()));
        handle
    }

    /// Marks a job as done or called off.
    pub(super) fn end_job(&mut self, handle: u64, cancelled: bool) {
        let now = self.clock.now();
        self.running.remove(&handle);
        if let Some(result) = self.async_results.get_mut(&handle) {
            result.end(now, cancelled);
        }
    }

    pub(super) fn complete_job(&mut self, handle: u64, time: Timestamp) -> Result<(), Refusal> {
        if !self.running.remove(&handle) {
            return Ok(());
        }
        let Some(result) = self.async_results.get_mut(&handle) else { return Ok(()) };
        result.end(time, false);
        match result.job.work.clone() {
            Work::Copy { target, image, .. } => self.complete_copy(target, image),
            Work::Clone { members, .. } => {
                for (_, id) in members {
                    self.volumes.get_mut(&id).into_iter().for_each(|volume| volume.status = Status::Active);
                    self.publish(id)?;
                }
                Ok(())
            }
        }
    }

    /// Clones and copies on their way, and pairs that catch up.
    pub(crate) fn list_sync_jobs(&mut self, _params: &mut Params) -> Answer {
        let now = self.clock.now();
        let mut jobs: Vec<Value> = Vec::new();
        for (handle, job) in self.running_jobs() {
            let began = self.async_results.get(handle).map_or(now, |result| result.created);
            let percent = percent(began, job.ready, now);
            for (source, target) in job.pairs() {
                jobs.push(json!({
                    "type": "clone",
                    "cloneID": job.clone,
                    "srcVolumeID": source,
                    "dstVolumeID": target,
                    "percentComplete": percent,
                    "elapsedTime": now.duration_since(began).as_secs(),
                    "nodeID": node_of(source),
                    "stage": if percent < 10 { "metadata" } else { "data" },
                }));
            }
        }
        jobs.extend(self.remote_jobs());
        Ok(json!({"syncJobs": jobs}))
    }
}

/// How far `now` is on the way between two times.
pub(super) fn percent(from: Timestamp, to: Timestamp, now: Timestamp) -> u64 {
    let whole = to.duration_since(from).as_micros().max(1);
    let part = now.duration_since(from).as_micros().clamp(0, whole);
    u64::try_from(part * 100 / whole).unwrap_or(0)
}
