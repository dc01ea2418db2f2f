//! QoS policies: values that several volumes share and follow.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::qos::Qos;
use super::{Cluster, next};

#[derive(Debug)]
pub(super) struct QosPolicy {
    id: u64,
    name: String,
    pub(super) qos: Qos,
    /// Its members, the deleted but not yet purged ones included.
    pub(super) volumes: BTreeSet<u64>,
}

impl QosPolicy {
    fn show(&self) -> Value {
        json!({
            "qosPolicyID": self.id,
            "name": self.name,
            "qos": self.qos.show(),
            "volumeIDs": self.volumes,
        })
    }
}

impl Cluster {
    pub(super) fn qos_policy(&self, id: u64) -> Result<&QosPolicy, Refusal> {
        self.qos_policies.get(&id).ok_or_else(|| codes::no_qos_policy(id))
    }

    fn qos_policy_name(&self, params: &mut Params) -> Result<String, Refusal> {
        let name = params.needed_text("name")?;
        let range = self.limits.get("qosPolicyNameLengthMin")..=self.limits.get("qosPolicyNameLengthMax");
        if range.contains(&(name.chars().count() as u64)) {
            return Ok(name);
        }
        let (min, max) = range.into_inner();
        Err(codes::invalid(format!("name must be {min} to {max} characters long.")))
    }

    /// Moves a volume between policies, on the policies' side.
    pub(super) fn move_between_policies(&mut self, volume: u64, from: Option<u64>, to: Option<u64>) {
        if let Some(policy) = from.and_then(|id| self.qos_policies.get_mut(&id)) {
            policy.volumes.remove(&volume);
        }
        if let Some(policy) = to.and_then(|id| self.qos_policies.get_mut(&id)) {
            policy.volumes.insert(volume);
        }
    }

    pub(crate) fn create_qos_policy(&mut self, params: &mut Params) -> Answer {
        let name = self.qos_policy_name(params)?;
        let given = params.object("qos")?.ok_or_else(|| codes::missing("qos"))?;
        let qos = self.merged_qos(&given, self.default_qos)?;
        if self.limits.reached("qosPolicyCountMax", self.qos_policies.len()) {
            return Err(codes::exceeded("Exceeded maximum number of QoS policies"));
        }
        let id = next(&mut self.counters.qos_policy);
        let policy = QosPolicy { id, name, qos, volumes: BTreeSet::new() };
        let shown = policy.show();
        self.qos_policies.insert(id, policy);
        Ok(json!({"qosPolicy": shown}))
    }

    /// Members get the new values at once.
    pub(crate) fn modify_qos_policy(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("qosPolicyID")?;
        let before = self.qos_policy(id)?.qos;
        let name = if params.has("name") { Some(self.qos_policy_name(params)?) } else { None };
        let qos = self.merged_qos(&params.object("qos")?.unwrap_or_default(), before)?;
        let Some(policy) = self.qos_policies.get_mut(&id) else { return Err(codes::no_qos_policy(id)) };
        policy.qos = qos;
        name.into_iter().for_each(|name| policy.name = name);
        for volume in &policy.volumes {
            self.volumes.get_mut(volume).into_iter().for_each(|volume| volume.qos = qos);
        }
        Ok(json!({"qosPolicy": policy.show()}))
    }

    /// Members keep their values.
    pub(crate) fn delete_qos_policy(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("qosPolicyID")?;
        let policy = self.qos_policies.remove(&id).ok_or_else(|| codes::no_qos_policy(id))?;
        for volume in policy.volumes {
            self.volumes.get_mut(&volume).into_iter().for_each(|volume| volume.qos_policy = None);
        }
        Ok(json!({}))
    }

    pub(crate) fn get_qos_policy(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("qosPolicyID")?;
        Ok(json!({"qosPolicy": self.qos_policy(id)?.show()}))
    }

    pub(crate) fn list_qos_policies(&mut self, _params: &mut Params) -> Answer {
        Ok(json!({"qosPolicies": self.qos_policies.values().map(QosPolicy::show).collect::<Vec<_>>()}))
    }
}
