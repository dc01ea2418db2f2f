//! How volumes fare, as CSI 1.12 tells it (a condition) and as 1.13 does (statuses): two forms of one finding.

use perilune_csi::proto::csi::v1;
use perilune_engine::{HealthKind, VolumeHandle, VolumeHealth};
use v1::VolumeHealthErrorType as Harm;
use v1::volume_health::VolumeHealthEntry;

/// The form of 1.12.
pub(crate) fn condition(health: &VolumeHealth) -> v1::VolumeCondition {
    v1::VolumeCondition { abnormal: health.abnormal, message: health.message.clone() }
}

/// The form of 1.13: a volume that is well has no status.
pub(crate) fn statuses(volume: &VolumeHandle, health: &VolumeHealth) -> v1::VolumeHealth {
    let entry = |(harm, reason): (Harm, &str)| VolumeHealthEntry {
        status: harm.into(),
        reason: reason.to_owned(),
        message: health.message.clone(),
    };
    v1::VolumeHealth {
        volume_id: volume.to_string(),
        health_statuses: harm(health.kind).map(entry).into_iter().collect(),
    }
}

const fn harm(kind: HealthKind) -> Option<(Harm, &'static str)> {
    match kind {
        HealthKind::Good => None,
        HealthKind::Degraded => Some((Harm::Degraded, "Degraded")),
        HealthKind::Inaccessible => Some((Harm::Inaccessible, "Inaccessible")),
        HealthKind::DataLoss => Some((Harm::DataLoss, "MissingOnArray")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let volume: VolumeHandle = "v1:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa".parse().unwrap();
        for (kind, harm) in [
            (HealthKind::Good, None),
            (HealthKind::Degraded, Some(Harm::Degraded)),
            (HealthKind::Inaccessible, Some(Harm::Inaccessible)),
            (HealthKind::DataLoss, Some(Harm::DataLoss)),
        ] {
            let health = VolumeHealth { abnormal: harm.is_some(), kind, message: "why".into() };
            let (old, new) = (condition(&health), statuses(&volume, &health));
            assert_eq!((old.abnormal, old.message.as_str()), (harm.is_some(), "why"));
            let told: Vec<Harm> = new.health_statuses.iter().map(VolumeHealthEntry::status).collect();
            assert_eq!(told, Vec::from_iter(harm), "{kind:?}");
            assert!(
                new.health_statuses.iter().all(|entry| entry.message == "why" && !entry.reason.is_empty())
            );
            assert_eq!(new.volume_id, volume.to_string());
        }
    }
}
