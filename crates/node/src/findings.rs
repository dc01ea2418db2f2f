//! From what the host says of itself to the status of the node's record, and to log lines. Pure but for the logging.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use perilune_api::ArrayNodeStatus;
use perilune_api::conditions::{Claim, ConditionType, Reason, updated};
use perilune_api::node::{Check, Initiator, Protocol, StagedVolume};
use perilune_host::{Check as HostCheck, Identity, StagedVolume as HostVolume, Verdict};

/// What the record's schema takes.
const MAX_CHECKS: usize = 32;
const MAX_INITIATORS: usize = 32;
const MAX_MESSAGE: usize = 1024;
const MAX_VOLUMES: usize = 512;
const MAX_MISSING: usize = 16;

/// The record's status but for its times: equal if nothing worth telling has changed.
pub(crate) fn facts(identity: &Identity, staged: &[HostVolume], version: &str) -> ArrayNodeStatus {
    let by_name = |name: String, protocol| Initiator { name, protocol };
    let iscsi = identity.initiator.iter().map(|iqn| by_name(iqn.to_string(), Protocol::Iscsi));
    let fc = identity.ports.iter().map(|port| by_name(port.to_string(), Protocol::Fc));
    let initiators: Vec<_> = iscsi.chain(fc).take(MAX_INITIATORS).collect();
    let usable = !initiators.is_empty() && faults(identity).next().is_none();
    let has = |protocol: &Protocol| initiators.iter().any(|initiator| initiator.protocol == *protocol);
    let protocols = [Protocol::Iscsi, Protocol::Fc].into_iter().filter(has).filter(|_| usable).collect();
    ArrayNodeStatus {
        initiators,
        protocols,
        checks: identity.checks.iter().take(MAX_CHECKS).map(check).collect(),
        volumes: Some(whole(staged.len())),
        paths: Some(sum(staged)),
        staged_volumes: staged.iter().take(MAX_VOLUMES).map(volume).collect(),
        plugin_version: Some(version.to_owned()),
        ..ArrayNodeStatus::default()
    }
}

/// The facts with their times: conditions follow on from those that the record has.
pub(crate) fn dated(
    facts: ArrayNodeStatus,
    old: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> ArrayNodeStatus {
    let wrong: Vec<_> =
        facts.checks.iter().filter(|check| !check.ok).filter_map(|check| check.message.clone()).collect();
    let ready = if !wrong.is_empty() {
        Claim::no(ConditionType::Ready, Reason::Failed, cut(wrong.join("; ")))
    } else if facts.initiators.is_empty() {
        let remedy = "install open-iscsi on the node, which makes /etc/iscsi/initiatorname.iscsi";
        let message =
            format!("the node has neither an iSCSI initiator name nor a Fibre Channel port; {remedy}");
        Claim::no(ConditionType::Ready, Reason::Failed, message)
    } else {
        Claim::yes(ConditionType::Ready, Reason::Ready, "volumes can be attached")
    };
    let now = Time(now);
    let conditions = updated(old, &[ready], generation, &now);
    ArrayNodeStatus { conditions, heartbeat_time: Some(now), ..facts }
}

/// Tells the administrator what differs from the last look.
pub(crate) fn tell(identity: &Identity, before: Option<&Identity>) {
    let known = |check: &&HostCheck| before.is_some_and(|before| before.checks.contains(check));
    for check in identity.checks.iter().filter(|check| !known(check)) {
        match check.verdict {
            Verdict::Good => tracing::info!("{}: {}", check.name, check.finding),
            Verdict::Advice => tracing::warn!("{}: {}; {}", check.name, check.finding, check.remedy),
            Verdict::Fault => tracing::error!("{}: {}; {}", check.name, check.finding, check.remedy),
        }
    }
}

fn faults(identity: &Identity) -> impl Iterator<Item = &HostCheck> {
    identity.checks.iter().filter(|check| check.verdict == Verdict::Fault)
}

fn check(check: &HostCheck) -> Check {
    let parts = [check.finding.as_str(), check.remedy.as_str()];
    let words: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Check {
        name: check.name.to_owned(),
        ok: check.verdict != Verdict::Fault,
        message: (!words.is_empty()).then(|| cut(words.join("; "))),
    }
}

/// Over all volumes, those included that the list has no room for.
fn sum(staged: &[HostVolume]) -> String {
    let add = |part: fn(&HostVolume) -> usize| staged.iter().map(part).sum::<usize>();
    format!("{}/{}", add(|volume| volume.found), add(|volume| volume.expected))
}

fn volume(staged: &HostVolume) -> StagedVolume {
    StagedVolume {
        volume: staged.volume.to_string(),
        found: whole(staged.found),
        expected: whole(staged.expected),
        missing: staged.missing.iter().take(MAX_MISSING).map(ToString::to_string).collect(),
    }
}

fn whole(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn cut(text: String) -> String {
    if text.chars().count() <= MAX_MESSAGE {
        return text;
    }
    text.chars().take(MAX_MESSAGE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(verdict: Verdict) -> Identity {
        let remedy = if verdict == Verdict::Good { "" } else { "systemctl start iscsid" };
        let check = HostCheck { name: "iscsid", verdict, finding: "looked".into(), remedy: remedy.into() };
        Identity {
            initiator: Some("iqn.1993-08.org.debian:01:abc".parse().unwrap()),
            ports: vec![],
            room: 512,
            checks: vec![check],
        }
    }

    fn ready(identity: &Identity) -> Condition {
        dated(facts(identity, &[], "1"), &[], Some(1), Timestamp::UNIX_EPOCH).conditions.remove(0)
    }

    #[test]
    fn a_node_is_ready_with_an_initiator_and_without_a_fault() {
        assert_eq!(ready(&identity(Verdict::Good)).status, "True");
        assert_eq!(ready(&identity(Verdict::Advice)).status, "True");
        let faulty = ready(&identity(Verdict::Fault));
        assert_eq!(
            (faulty.status.as_str(), faulty.message.as_str()),
            ("False", "looked; systemctl start iscsid")
        );
        let nameless = Identity { initiator: None, ..identity(Verdict::Good) };
        assert_eq!(ready(&nameless).status, "False");
        assert!(facts(&nameless, &[], "1").protocols.is_empty());
        let wired = Identity { ports: vec!["500507630a001234".parse().unwrap()], ..nameless };
        let status = facts(&Identity { checks: vec![], ..wired }, &[], "1");
        assert_eq!(status.protocols, [Protocol::Fc]);
        assert_eq!(status.initiators[0].name, "50:05:07:63:0a:00:12:34");
    }

    #[test]
    fn the_time_is_no_fact() {
        let one = facts(&identity(Verdict::Good), &[], "1");
        assert_eq!(one, facts(&identity(Verdict::Good), &[], "1"));
        assert_ne!(one, facts(&identity(Verdict::Fault), &[], "1"));
        let dated = dated(one.clone(), &[], None, Timestamp::UNIX_EPOCH);
        assert_eq!(dated.heartbeat_time, Some(Time(Timestamp::UNIX_EPOCH)));
        assert_eq!(one.heartbeat_time, None);
    }

    #[test]
    fn the_sum_counts_every_volume_and_the_list_has_its_limit() {
        let path = |portal: &str| {
            perilune_host::TargetPath::iscsi(
                "iqn.2026-01.test:a".parse().unwrap(),
                portal.parse().unwrap(),
                perilune_host::Lun::kernel(4),
            )
        };
        let staged = |index: usize| HostVolume {
            volume: perilune_host::VolumeKey::new(format!("v1:{index}")).unwrap(),
            found: 1,
            expected: 2,
            missing: vec![path("10.0.0.2")],
        };
        let all: Vec<_> = (0..600).map(staged).collect();
        let status = facts(&identity(Verdict::Good), &all, "1");
        assert_eq!((status.volumes, status.paths.as_deref()), (Some(600), Some("600/1200")));
        assert_eq!(status.staged_volumes.len(), MAX_VOLUMES);
        assert_eq!(status.staged_volumes[0].missing, ["iqn.2026-01.test:a at 10.0.0.2:3260 lun 4"]);
        let none = facts(&identity(Verdict::Good), &[], "1");
        assert_eq!((none.volumes, none.paths.as_deref()), (Some(0), Some("0/0")));
    }

    #[test]
    fn long_findings_are_cut_to_what_the_record_takes() {
        let mut long = identity(Verdict::Fault);
        long.checks[0].finding = "ü".repeat(2000);
        let status = facts(&long, &[], "1");
        assert_eq!(status.checks[0].message.as_ref().unwrap().chars().count(), MAX_MESSAGE);
    }
}
