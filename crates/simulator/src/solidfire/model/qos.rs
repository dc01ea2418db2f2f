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
    /// The call's `qos` merged into `base`: only given members change.
    pub(super) fn merged_qos(&self, params: &mut Params, base: Qos) -> Result<Qos, Refusal> {
        let given = params.object("qos")?.unwrap_or_default();
        if params.id("qosPolicyID")?.is_some() {
            return Err(Refusal::new("xQoSPolicyDoesNotExist", "The cluster has no QoS policies."));
        }
        params.ignore(&["associateWithQoSPolicy"]);
        let merged = Qos {
            min: self.iops(&given, "minIOPS", ("volumeMinIOPSMin", "volumeMinIOPSMax"))?.unwrap_or(base.min),
            max: self.iops(&given, "maxIOPS", ("volumeMaxIOPSMin", "volumeMaxIOPSMax"))?.unwrap_or(base.max),
            burst: self
                .iops(&given, "burstIOPS", ("volumeBurstIOPSMin", "volumeBurstIOPSMax"))?
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
        Ok(Qos::DEFAULT.show())
    }
}
