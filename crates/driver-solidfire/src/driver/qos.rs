//! Throughput limits: of a volume's own, or those of a policy that the cluster keeps under a name.

use perilune_array::{Error, ErrorKind, Limit, Qos, QosLimits, QosWish, Result, Throughput, VolumeId};

use super::{Solidfire, volumes};
use crate::fault;
use crate::protocol::NoParams;
use crate::protocol::volume::{Limits, ModifyVolume, PoliciesAnswer, Policy, QosParams, VolumeAnswer};

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

fn check(what: &str, value: Option<u32>, limit: Option<Limit>) -> Result<()> {
    match (value, limit) {
        (Some(value), Some(limit)) if value < limit.min || value > limit.max => {
            let text = format!("{what} {value} is not between {} and {}", limit.min, limit.max);
            Err(Error::new(ErrorKind::OutOfRange, text))
        }
        _ => Ok(()),
    }
}

/// What is wrong with limits that somebody asks for, whatever the defaults are.
fn check_all(wanted: &Throughput, range: QosLimits) -> Result<()> {
    check("min IOPS", wanted.min_iops, range.min_iops)?;
    check("max IOPS", wanted.max_iops, range.max_iops)?;
    check("burst IOPS", wanted.burst_iops, range.burst_iops)?;
    let given: Vec<_> = [wanted.min_iops, wanted.max_iops, wanted.burst_iops].into_iter().flatten().collect();
    if given.is_sorted() {
        return Ok(());
    }
    Err(invalid("min IOPS must not be over max IOPS, nor max IOPS over burst IOPS"))
}

/// All three: those that were not asked for are the defaults, moved as far as the others force them.
fn filled(wanted: &Throughput, default: Limits) -> Limits {
    let max_of = |a: Option<u32>, b: Option<u32>| a.max(b);
    let min_of = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let burst = wanted.burst_iops.or_else(|| max_of(default.burst, max_of(wanted.max_iops, wanted.min_iops)));
    let max = wanted.max_iops.or_else(|| min_of(max_of(default.max, wanted.min_iops), wanted.burst_iops));
    let min = wanted.min_iops.or_else(|| min_of(default.min, max));
    Limits { min, max, burst: max_of(burst, max) }
}

impl Solidfire {
    /// What to send for a wish. Nothing is asked for where the wish says it all.
    pub(super) async fn qos_params(&self, wish: &QosWish) -> Result<QosParams> {
        let wanted = match wish {
            QosWish::Limits(wanted) => wanted,
            QosWish::Tier(name) => {
                let policy = Some(self.policy(name).await?);
                return Ok(QosParams { qos: None, policy, associate: Some(true) });
            }
        };
        self.profile.qos.map_or(Ok(()), |range| check_all(wanted, range))?;
        let limits = match *wanted {
            Throughput { min_iops: min @ Some(_), max_iops: max @ Some(_), burst_iops: burst @ Some(_) } => {
                Limits { min, max, burst }
            }
            _ => filled(wanted, self.default_limits().await?),
        };
        Ok(QosParams { qos: Some(limits), ..QosParams::default() })
    }

    async fn default_limits(&self) -> Result<Limits> {
        if let Some(known) = self.known().default_limits.get() {
            return Ok(known);
        }
        let limits: Limits = self.session.call("GetDefaultQoS", NoParams {}).await?;
        if limits.min.is_none() || limits.max.is_none() || limits.burst.is_none() {
            return Err(fault::garbled("GetDefaultQoS", "a limit is missing"));
        }
        self.known().default_limits.put(limits);
        Ok(limits)
    }

    async fn policies(&self) -> Result<Vec<Policy>> {
        if let Some(known) = self.known().policies.get() {
            return Ok(known);
        }
        let answer: PoliciesAnswer = self.session.call("ListQoSPolicies", NoParams {}).await?;
        self.known().policies.put(answer.qos_policies.clone());
        Ok(answer.qos_policies)
    }

    /// The names that stand for one policy each.
    pub(super) async fn policy_names(&self) -> Result<Vec<String>> {
        let policies = match self.policies().await {
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
            answered => answered?,
        };
        let once = |name: &String| policies.iter().filter(|policy| policy.name == *name).count() == 1;
        Ok(policies.iter().map(|policy| policy.name.clone()).filter(once).collect())
    }

    async fn policy(&self, name: &str) -> Result<u64> {
        let policies = self.policies().await?;
        match policies.iter().filter(|policy| policy.name == name).collect::<Vec<_>>().as_slice() {
            [policy] => Ok(policy.id),
            [] => Err(invalid(format!("the cluster has no QoS policy {name}"))),
            _ => Err(invalid(format!(
                "the cluster has several QoS policies {name}; give them names of their own"
            ))),
        }
    }
}

#[async_trait::async_trait]
impl Qos for Solidfire {
    async fn get(&self, volume: &VolumeId) -> Result<Throughput> {
        let found = self.read_volume(volume).await?;
        let limits = found.qos.ok_or_else(|| fault::garbled("ListVolumes", "the volume has no qos"))?;
        Ok(Throughput { min_iops: limits.min, max_iops: limits.max, burst_iops: limits.burst })
    }

    async fn set(&self, volume: &VolumeId, wanted: &QosWish) -> Result<()> {
        let volume = volumes::number(volume)?;
        let params = ModifyVolume { volume, qos: self.qos_params(wanted).await?, ..ModifyVolume::default() };
        self.session.call::<VolumeAnswer>("ModifyVolume", params).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use perilune_array::Throughput;
    use proptest::prelude::{any, proptest};

    use super::{Limits, filled};

    const DEFAULT: Limits = Limits { min: Some(50), max: Some(15_000), burst: Some(15_000) };

    #[test]
    fn what_is_not_asked_for_makes_room() {
        let of =
            |min_iops, max_iops, burst_iops| filled(&Throughput { min_iops, max_iops, burst_iops }, DEFAULT);
        assert_eq!(of(None, None, None), DEFAULT);
        assert_eq!(
            of(None, Some(20_000), None),
            Limits { min: Some(50), max: Some(20_000), burst: Some(20_000) }
        );
        assert_eq!(
            of(None, None, Some(1_000)),
            Limits { min: Some(50), max: Some(1_000), burst: Some(1_000) }
        );
        assert_eq!(
            of(Some(100), Some(100), None),
            Limits { min: Some(100), max: Some(100), burst: Some(15_000) }
        );
    }

    proptest! {
        #[test]
        fn what_is_asked_for_in_order_is_sent_in_order(min: Option<u16>, more: Option<u16>, most: Option<u16>, default in any::<[u16; 3]>()) {
            let mut default = default.map(u32::from);
            default.sort_unstable();
            let default = Limits { min: Some(default[0]), max: Some(default[1]), burst: Some(default[2]) };
            let mut sum = 0;
            let mut next = |step: Option<u16>| step.map(|step| { sum += u32::from(step); sum });
            let wanted = Throughput { min_iops: next(min), max_iops: next(more), burst_iops: next(most) };
            let sent = filled(&wanted, default);
            assert!(sent.min.is_some() && sent.min <= sent.max && sent.max <= sent.burst, "{sent:?}");
            for (asked, sent) in [(wanted.min_iops, sent.min), (wanted.max_iops, sent.max), (wanted.burst_iops, sent.burst)] {
                assert!(asked.is_none() || asked == sent);
            }
        }
    }
}
