//! Copying one volume's data over another's, and calling off copies and clones that still run.

use serde_json::json;

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::async_results::{Job, Work};
use super::{Cluster, next};

impl Cluster {
    /// The data is that of the moment of the call; the target shows it when the job is done.
    pub(crate) fn copy_volume(&mut self, params: &mut Params) -> Answer {
        let source = params.needed_number("volumeID")?;
        let target = params.needed_number("dstVolumeID")?;
        let (from, to) = (self.active_volume(source)?, self.active_volume(target)?);
        let (image, bytes) = match params.id("snapshotID")? {
            None => (from.image, from.total_size),
            Some(id) => self.snapshot_of(source, id).map(|snapshot| (snapshot.image, snapshot.total_size))?,
        };
        if source == target || bytes != to.total_size {
            let message = format!("VolumeID {target} must be another volume of {bytes} bytes.");
            return Err(codes::invalid(message));
        }
        self.check_fullness()?;
        let ready = self.job_slot(&[source])?;
        let held = self.next_image();
        self.fabric.copy(image, held, bytes)?;
        let clone = next(&mut self.counters.clone);
        let handle = self.start_job(Job { clone, work: Work::Copy { source, target, image: held }, ready });
        Ok(json!({"asyncHandle": handle, "cloneID": clone}))
    }

    pub(super) fn complete_copy(&mut self, target: u64, held: super::Image) -> Result<(), Refusal> {
        if let Some((image, bytes)) =
            self.volumes.get(&target).map(|volume| (volume.image, volume.total_size))
        {
            self.fabric.revert(image, held, bytes)?;
            self.post(target);
        }
        self.fabric.delete(held).map_err(Refusal::from)
    }

    pub(crate) fn cancel_clone(&mut self, params: &mut Params) -> Answer {
        let clone = params.needed_number("cloneID")?;
        self.cancel(clone, false)
    }

    pub(crate) fn cancel_group_clone(&mut self, params: &mut Params) -> Answer {
        let clone = params.needed_number("groupCloneID")?;
        self.cancel(clone, true)
    }

    fn cancel(&mut self, clone: u64, group: bool) -> Answer {
        let running = self.running_jobs().find(|(_, job)| job.clone == clone && job.is_group() == group);
        let (handle, job) = running.ok_or_else(|| codes::no_clone(clone))?;
        let (handle, work) = (*handle, job.work.clone());
        match work {
            Work::Clone { members, .. } => {
                members.into_iter().try_for_each(|(_, volume)| self.purge(volume))?;
            }
            Work::Copy { image, .. } => self.fabric.delete(image)?,
        }
        self.end_job(handle, true);
        Ok(json!({}))
    }
}
