//! Changing volumes, one or many: checked as a whole first, then done.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::qos::curve;
use super::volumes::{Access, MIB, Volume};

/// More than this many at once are refused.
const BATCH: usize = 500;

impl Cluster {
    pub(crate) fn modify_volume(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        let changed = self.changed_volume(id, params)?;
        self.check_change(std::slice::from_ref(&changed))?;
        self.change_volume(changed)?;
        Ok(json!({"volume": self.show_volume(&self.volumes[&id]), "curve": curve()}))
    }

    /// All or none.
    pub(crate) fn modify_volumes(&mut self, params: &mut Params) -> Answer {
        let ids: BTreeSet<u64> = params.needed_numbers("volumeIDs")?.into_iter().collect();
        if ids.is_empty() || ids.len() > BATCH {
            return Err(codes::invalid(format!("volumeIDs must name 1 to {BATCH} volumes.")));
        }
        let changed: Vec<Volume> =
            ids.iter().map(|id| self.changed_volume(*id, params)).collect::<Result<_, _>>()?;
        self.check_change(&changed)?;
        changed.into_iter().try_for_each(|volume| self.change_volume(volume))?;
        let shown: Vec<Value> = ids.iter().map(|id| self.show_volume(&self.volumes[id])).collect();
        Ok(json!({"volumes": shown, "qos": shown.first().map(|volume| volume["qos"].clone())}))
    }

    /// The volume as the call wants it.
    fn changed_volume(&self, id: u64, params: &mut Params) -> Result<Volume, Refusal> {
        let mut changed = self.usable_volume(id)?.clone();
        if let Some(account) = params.id("accountID")? {
            self.account(account)?;
            changed.account = account;
        }
        if let Some(access) = Access::read(params)? {
            changed.access = access;
        }
        if let Some(bytes) = params.id("totalSize")? {
            changed.total_size = self.grown(&changed, bytes)?;
        }
        (changed.qos, changed.qos_policy) = self.chosen_qos(params, changed.qos, changed.qos_policy)?;
        if let Some(attributes) = params.attributes()? {
            changed.attributes = attributes;
        }
        changed.fifo = (
            params.id("fifoSize")?.unwrap_or(changed.fifo.0),
            params.number("minFifoSize")?.unwrap_or(changed.fifo.1),
        );
        changed.snap_mirror = params.flag("enableSnapMirrorReplication")?.unwrap_or(changed.snap_mirror);
        if params.flag("setCreateTime")?.unwrap_or(false) {
            let time = params.needed_text("createTime")?;
            changed.created =
                time.parse().map_err(|_| codes::invalid(format!("createTime {time} is no time.")))?;
        }
        params.ignore(&["mode", "createTime"]);
        Ok(changed)
    }

    fn grown(&self, volume: &Volume, bytes: u64) -> Result<u64, Refusal> {
        if bytes < volume.total_size && bytes.div_ceil(MIB) * MIB != volume.total_size {
            return Err(Refusal::new("xVolumeShrinkProhibited", "Lowering a volume size is not allowed."));
        }
        self.rounded_size(bytes)
    }

    /// Refuses what is too much for the cluster or for an account.
    fn check_change(&self, changed: &[Volume]) -> Result<(), Refusal> {
        let before = |volume: &Volume| self.volumes.get(&volume.id);
        let growth: u64 =
            changed.iter().map(|v| v.total_size - before(v).map_or(v.total_size, |b| b.total_size)).sum();
        if growth > 0 {
            self.check_capacity(growth)?;
        }
        let moves = |volume: &&Volume| before(volume).is_some_and(|before| before.account != volume.account);
        let coming = changed.iter().filter(moves).count();
        if let Some(first) = changed.iter().find(|volume| moves(volume)) {
            let owned = self.account(first.account)?.volumes.len();
            if (owned + coming) as u64 > self.limits.get("volumesPerAccountCountMax") {
                return Err(codes::exceeded("Exceeded maximum number of volumes per account"));
            }
        }
        Ok(())
    }

    fn change_volume(&mut self, changed: Volume) -> Result<(), Refusal> {
        let id = changed.id;
        let Some(before) = self.volumes.get(&id).cloned() else { return Err(codes::no_volume(id)) };
        if changed.total_size != before.total_size {
            self.fabric.grow(changed.image, changed.total_size)?;
            self.capacity.provisioned += changed.total_size - before.total_size;
        }
        self.move_between_accounts(id, before.account, changed.account);
        self.move_between_policies(id, before.qos_policy, changed.qos_policy);
        self.volumes.insert(id, changed);
        self.publish(id)
    }

    fn move_between_accounts(&mut self, volume: u64, from: u64, to: u64) {
        if let Some(account) = self.accounts.get_mut(&from) {
            account.volumes.remove(&volume);
        }
        if let Some(account) = self.accounts.get_mut(&to) {
            account.volumes.insert(volume);
        }
    }
}
