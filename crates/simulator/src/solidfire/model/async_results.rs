//! The results of jobs, kept until they are read once.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes;
use super::super::methods::Answer;
use super::super::params::Params;
use super::{Cluster, Image};
use crate::kernel::clock;

/// A clone or copy on its way.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) clone: u64,
    pub(super) work: Work,
    pub(super) ready: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Volumes that become usable together, each after its source.
    Clone { members: Vec<(u64, u64)>, group: bool },
    /// Data on its way into a volume, held in an image of its own until then.
    Copy { source: u64, target: u64, image: Image },
}

impl Job {
    /// Source and target of each volume that is copied.
    pub(super) fn pairs(&self) -> Vec<(u64, u64)> {
        match &self.work {
            Work::Clone { members, .. } => members.clone(),
            Work::Copy { source, target, .. } => vec![(*source, *target)],
        }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = u64> + use<> {
        self.pairs().into_iter().map(|(source, _)| source)
    }

    pub(super) fn is_group(&self) -> bool {
        matches!(self.work, Work::Clone { group: true, .. })
    }

    fn identity(&self) -> Value {
        if self.is_group() {
            return json!({"groupCloneID": self.clone});
        }
        let target = self.pairs().first().map(|(_, target)| *target);
        json!({"cloneID": self.clone, "volumeID": target})
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Complete,
    Cancelled,
}

#[derive(Debug)]
pub(super) struct AsyncResult {
    handle: u64,
    pub(super) job: Job,
    pub(super) created: Timestamp,
    updated: Timestamp,
    state: State,
}

impl AsyncResult {
    pub(super) fn new(handle: u64, job: Job, now: Timestamp) -> Self {
        Self { handle, job, created: now, updated: now, state: State::Running }
    }

    pub(super) fn end(&mut self, time: Timestamp, cancelled: bool) {
        self.state = if cancelled { State::Cancelled } else { State::Complete };
        self.updated = time;
    }

    fn show(&self) -> Value {
        let mut shown = json!({
            "status": if self.state == State::Running { "running" } else { "complete" },
            "resultType": "Clone",
            "createTime": clock::seconds(self.created),
            "lastUpdateTime": clock::seconds(self.updated),
        });
        match self.state {
            State::Running => shown["details"] = self.job.identity(),
            State::Complete => {
                shown["result"] = self.job.identity();
                shown["result"]["message"] = json!("Clone complete.");
            }
            State::Cancelled => {
                shown["error"] = json!({"name": "xCloneCancelled", "message": "The clone was cancelled."});
            }
        }
        shown
    }

    fn show_in_list(&self) -> Value {
        json!({
            "asyncResultID": self.handle,
            "completed": self.state != State::Running,
            "success": self.state == State::Complete,
            "resultType": "Clone",
            "createTime": clock::seconds(self.created),
            "lastUpdateTime": clock::seconds(self.updated),
            "data": self.job.identity(),
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
        if result.state != State::Running && !keep {
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
