//! Quality of service: minimum, maximum and burst IOPS, their bounds, and how a change merges into what is set.

use serde_json::{Map, Value, json};

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::{self, Params};
use super::Cluster;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Qos {
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) burst: u64,
}

impl Qos {
    /// What a new cluster gives a volume that asks for nothing.
    pub(super) const DEFAULT: Self = Self { min: 50, max: 15_000, burst: 15_000 };

    pub(super) fn show(self) -> Value {
        json!({
            "minIOPS": self.min,
            "maxIOPS": self.max,
            "burstIOPS": self.burst,
            "burstTime": 60,
            "curve": curve(),
        })
    }
}

/// Cost of an operation by its size, as a percentage of one of 4096 bytes. Computed by the cluster, not settable.
pub(super) fn curve() -> Value {
    json!({
        "4096": 100, "8192": 160, "16384": 270, "32768": 500, "65536": 1000, "131072": 1950, "262144": 3900,
        "524288": 7600, "1048576": 15000,
    })
}

impl Cluster {
    /// What a call says about quality of service, on top of what a volume has: the values, and the policy it is in.
    ///
    /// Values of its own end a volume's membership in a policy; an empty `qos` says nothing.
    pub(super) fn chosen_qos(
        &self,
        params: &mut Params,
        base: Qos,
        member: Option<u64>,
    ) -> Result<(Qos, Option<u64>), Refusal> {
        let given = params.object("qos")?.unwrap_or_default();
        let policy = params.id("qosPolicyID")?;
        let associate = params.flag("associateWithQoSPolicy")?;
        match policy {
            Some(_) if !given.is_empty() => Err(codes::combination("qosPolicyID excludes qos.")),
            Some(id) => {
                let qos = self.qos_policy(id)?.qos;
                Ok((qos, (associate != Some(false)).then_some(id)))
            }
            None if given.is_empty() => Ok((base, member.filter(|_| associate != Some(false)))),
            None => Ok((self.merged_qos(&given, base)?, None)),
        }
    }

    /// Given members in the place of those of `base`.
    pub(super) fn merged_qos(&self, given: &Map<String, Value>, base: Qos) -> Result<Qos, Refusal> {
        let merged = Qos {
            min: self.iops(given, "minIOPS", ("volumeMinIOPSMin", "volumeMinIOPSMax"))?.unwrap_or(base.min),
            max: self.iops(given, "maxIOPS", ("volumeMaxIOPSMin", "volumeMaxIOPSMax"))?.unwrap_or(base.max),
            burst: self
                .iops(given, "burstIOPS", ("volumeBurstIOPSMin", "volumeBurstIOPSMax"))?
                .unwrap_or(base.burst),
        };
        if merged.min > merged.max || merged.max > merged.burst {
            return Err(codes::invalid(format!(
                "minIOPS {} <= maxIOPS {} <= burstIOPS {} does not hold.",
                merged.min, merged.max, merged.burst
            )));
        }
        Ok(merged)
    }

    fn iops(
        &self,
        given: &Map<String, Value>,
        name: &str,
        bounds: (&str, &str),
    ) -> Result<Option<u64>, Refusal> {
        let Some(value) = given.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let value = params::number(name, value)?;
        let (min, max) = (self.limits.get(bounds.0), self.limits.get(bounds.1));
        if !(min..=max).contains(&value) {
            return Err(codes::invalid(format!("{name} must be between {min} and {max}.")));
        }
        Ok(Some(value))
    }

    pub(crate) fn get_default_qos(&mut self, _params: &mut Params) -> Answer {
        Ok(self.default_qos.show())
    }

    /// Volumes that exist keep what they have.
    pub(crate) fn set_default_qos(&mut self, params: &mut Params) -> Answer {
        let mut given = Map::new();
        for name in ["minIOPS", "maxIOPS", "burstIOPS"] {
            if let Some(value) = params.number(name)? {
                given.insert(name.to_owned(), Value::from(value));
            }
        }
        let Qos { min, max, burst } = self.merged_qos(&given, self.default_qos)?;
        self.default_qos = Qos { min, max, burst };
        Ok(json!({"minIOPS": min, "maxIOPS": max, "burstIOPS": burst}))
    }
}
