//! The results of jobs, kept until they are read once.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes;
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use crate::kernel::clock;

/// A clone on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) clone: u64,
    pub(super) source: u64,
    pub(super) volume: u64,
    pub(super) ready: Timestamp,
}

#[derive(Debug)]
pub(super) struct AsyncResult {
    handle: u64,
    job: Job,
    created: Timestamp,
    updated: Timestamp,
    complete: bool,
}

impl AsyncResult {
    pub(super) fn new(handle: u64, job: Job, now: Timestamp) -> Self {
        Self { handle, job, created: now, updated: now, complete: false }
    }

    pub(super) fn running(&self) -> Option<&Job> {
        (!self.complete).then_some(&self.job)
    }

    /// Marks the job as done and tells the volume it made.
    pub(super) fn complete(&mut self, time: Timestamp) -> u64 {
        self.complete = true;
        self.updated = time;
        self.job.volume
    }

    pub(super) fn volume(&self) -> u64 {
        self.job.volume
    }

    fn outcome(&self) -> Value {
        json!({"cloneID": self.job.clone, "message": "Clone complete.", "volumeID": self.job.volume})
    }

    fn details(&self) -> Value {
        json!({"cloneID": self.job.clone, "volumeID": self.job.volume})
    }

    fn show(&self) -> Value {
        let mut shown = json!({
            "status": if self.complete { "complete" } else { "running" },
            "resultType": "Clone",
            "createTime": clock::seconds(self.created),
            "lastUpdateTime": clock::seconds(self.updated),
        });
        if self.complete {
            shown["result"] = self.outcome();
        } else {
            shown["details"] = self.details();
        }
        shown
    }

    fn show_in_list(&self) -> Value {
        json!({
            "asyncResultID": self.handle,
            "completed": self.complete,
            "success": self.complete,
            "resultType": "Clone",
            "createTime": clock::seconds(self.created),
            "lastUpdateTime": clock::seconds(self.updated),
            "data": self.details(),
        })
    }
}

impl Cluster {
    /// A finished result is forgotten by reading it, unless the caller asks to keep it.
    pub(crate) fn get_async_result(&mut self, params: &mut Params) -> Answer {
        let handle = params.needed_number("asyncHandle")?;
        let keep = params.flag("keepResult")?.unwrap_or(false);
        let result = self.async_results.get(&handle).ok_or_else(|| codes::no_async_result(handle))?;
        let shown = result.show();
        if result.complete && !keep {
            self.async_results.remove(&handle);
        }
        Ok(shown)
    }

    pub(crate) fn list_async_results(&mut self, params: &mut Params) -> Answer {
        let types = params.list("asyncResultTypes")?;
        let wanted = types.is_none_or(|types| types.is_empty() || types.iter().any(|name| name == "Clone"));
        let results = self.async_results.values().filter(|_| wanted);
        Ok(json!({"asyncHandles": results.map(AsyncResult::show_in_list).collect::<Vec<_>>()}))
    }
}
