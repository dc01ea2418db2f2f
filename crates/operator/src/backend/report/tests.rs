//! What the status says after a round.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use perilune_api::backend::{
    AdministrativeState, CredentialState, FrozenBy, OrphanPolicy, Ownership, RotationResult,
};
use perilune_api::conditions::{ConditionType, find};
use perilune_api::{ArrayBackend, ArrayBackendStatus};
use perilune_engine::{
    Applied, ArrayId, BackendReport, BackendSpec, Capabilities, ConnectFault, ConnectSpec, Credentials,
    FaultReason, Health, Pool, PoolId, Protocol, Requeue, Secret, Settings, Size, SizeRules, SystemReport,
    TargetPort, Trust, Vendor,
};
use serde_json::json;

use super::super::describe::Unresolved;
use super::super::scan::{Counted, Scanned};
use super::super::{OnRecord, Outcome};
use super::{report, scanned};
use perilune_api::conditions::Reason;

fn object(status: Option<ArrayBackendStatus>) -> ArrayBackend {
    let mut object: ArrayBackend = serde_json::from_value(json!({
        "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend",
        "metadata": {"name": "gold", "generation": 4},
        "spec": {"type": "SolidFire", "endpoints": [{"address": "a"}], "credentialsSecretRef": {"name": "s"},
            "solidFire": {"tenant": "t"}},
    }))
    .unwrap();
    object.status = status;
    object
}

fn spec(trust: Trust) -> Box<BackendSpec> {
    let connect = ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: Vec::new(),
        credentials: Credentials { username: "u".to_owned(), password: Secret::new("p") },
        trust,
        server_name: None,
        chap: None,
        timeout: Duration::from_secs(1),
        settings: Settings::default(),
    };
    Box::new(BackendSpec::new("gold", connect))
}

fn seen() -> BackendReport {
    let pool = Pool {
        id: PoolId::new("1"),
        name: "fast".to_owned(),
        total: Size::gib(100),
        free: Size::bytes((60 << 30) + 12_345),
        provisioned: Size::gib(50),
        provisionable: Size::gib(300),
    };
    let port =
        |address: &str| TargetPort { protocol: Protocol::Iscsi, address: address.to_owned(), up: true };
    BackendReport {
        system: SystemReport {
            id: ArrayId::new("abc"),
            name: "cluster".to_owned(),
            model: "SF".to_owned(),
            firmware: "12".to_owned(),
            api_version: "12.0".to_owned(),
            health: Health::Good,
            pools: vec![pool],
        },
        capabilities: Capabilities { snapshots: true, ..Capabilities::default() },
        sizes: SizeRules { min: Size::gib(1), max: Size::gib(1024), step: Size::bytes(1 << 20) },
        protocols: vec![Protocol::Iscsi],
        qos: None,
        qos_tiers: Vec::new(),
        ports: vec![port("192.0.2.2:3260"), port("192.0.2.1:3260")],
    }
}

fn used(applied: Applied, version: &str, trust: Trust) -> Outcome {
    Outcome::Used {
        applied: Box::new(applied),
        spec: spec(trust),
        secret_version: Some(version.to_owned()),
        on_record: OnRecord { volumes: 2, ..OnRecord::default() },
        scanned: None,
        probed: None,
    }
}

fn fault(reason: FaultReason) -> ConnectFault {
    ConnectFault { reason, message: "what was found".to_owned() }
}

fn at(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(second).unwrap())
}

/// Status and reason of a condition.
fn told(status: &ArrayBackendStatus, about: ConditionType) -> (&str, &str) {
    let condition = find(&status.conditions, about).unwrap();
    assert_eq!(condition.observed_generation, Some(4), "{about}");
    (&condition.status, &condition.reason)
}

#[test]
fn an_array_that_works_is_ready_and_a_second_look_says_nothing_new() {
    let working = || used(Applied::Working(seen()), "5", Trust::System);
    let first = report(&object(None), working(), &at(1));
    assert_eq!(told(&first.status, ConditionType::Ready), ("True", "Ready"));
    assert_eq!(told(&first.status, ConditionType::IdentityMatches), ("True", "NotChecked"));
    assert_eq!(first.requeue, Requeue::After(Duration::from_secs(60)));
    assert_eq!(first.status.capacity.as_ref().unwrap().free.as_deref(), Some("60Gi"));
    assert_eq!(first.status.ports[0].address, "192.0.2.1:3260", "in an order of its own");
    let second = report(&object(Some(first.status.clone())), working(), &at(100));
    assert_eq!(second.status, first.status);
}

#[test]
fn each_fault_says_how_far_it_got() {
    use ConditionType::{CertificateValid, CredentialsValid, IdentityMatches, Reachable, Ready};
    let cases = [
        (FaultReason::Unreachable, "Unreachable", ["False", "Unknown", "Unknown", "Unknown"]),
        (FaultReason::Untrusted, "Untrusted", ["True", "False", "Unknown", "Unknown"]),
        (FaultReason::InvalidCredentials, "InvalidCredentials", ["True", "True", "False", "Unknown"]),
        (FaultReason::IdentityMismatch, "IdentityMismatch", ["True", "True", "True", "False"]),
        (FaultReason::InvalidSpec, "InvalidSpec", ["Unknown"; 4]),
    ];
    for (reason, word, expected) in cases {
        let verdict = report(&object(None), used(Applied::Broken(fault(reason)), "5", Trust::System), &at(1));
        assert_eq!(told(&verdict.status, Ready), ("False", word));
        let steps = [Reachable, CertificateValid, CredentialsValid, IdentityMatches];
        assert_eq!(steps.map(|about| told(&verdict.status, about).0), expected, "{word}");
        let soon = reason == FaultReason::Unreachable;
        assert_eq!(
            verdict.requeue == Requeue::Soon,
            soon,
            "{word}: an account that fails is not tried again soon"
        );
    }
}

#[test]
fn a_refused_new_secret_keeps_the_array_ready_and_says_so_once() {
    let in_use =
        CredentialState { secret_resource_version: Some("5".to_owned()), ..CredentialState::default() };
    let before = ArrayBackendStatus { credentials: Some(in_use), ..ArrayBackendStatus::default() };
    let rejected = || {
        let applied =
            Applied::KeptOld { report: Box::new(seen()), fault: fault(FaultReason::InvalidCredentials) };
        used(applied, "6", Trust::System)
    };
    let first = report(&object(Some(before)), rejected(), &at(10)).status;
    assert_eq!(told(&first, ConditionType::Ready), ("True", "Ready"));
    assert_eq!(told(&first, ConditionType::CredentialsValid), ("False", "NewSecretRejected"));
    let state = first.credentials.clone().unwrap();
    assert_eq!(state.secret_resource_version.as_deref(), Some("5"), "the one in use");
    assert_eq!(state.last_rotation_result, Some(RotationResult::Rejected));
    assert_eq!(report(&object(Some(first.clone())), rejected(), &at(400)).status, first);
    let mended =
        report(&object(Some(first)), used(Applied::Working(seen()), "7", Trust::System), &at(500)).status;
    let state = mended.credentials.clone().unwrap();
    assert_eq!(
        (state.secret_resource_version.as_deref(), state.last_rotation_time),
        (Some("7"), Some(at(500)))
    );
    assert_eq!(state.last_rotation_result, Some(RotationResult::Succeeded));
    assert_eq!(told(&mended, ConditionType::CredentialsValid), ("True", "Accepted"));
}

#[test]
fn settings_that_do_not_work_make_it_not_ready_although_the_old_session_goes_on() {
    let applied = Applied::KeptOld { report: Box::new(seen()), fault: fault(FaultReason::Untrusted) };
    let status = report(&object(None), used(applied, "5", Trust::System), &at(1)).status;
    assert_eq!(told(&status, ConditionType::Ready), ("False", "Untrusted"));
    assert_eq!(told(&status, ConditionType::CertificateValid), ("False", "Untrusted"));
}

#[test]
fn an_unchecked_certificate_is_said_all_the_time() {
    let working = used(Applied::Working(seen()), "5", Trust::Nothing);
    let status = report(&object(None), working, &at(1)).status;
    assert_eq!(told(&status, ConditionType::CertificateValid), ("False", "InsecureSkipVerify"));
    assert_eq!(told(&status, ConditionType::Ready).0, "True");
}

#[test]
fn a_backend_that_cannot_be_described_keeps_what_was_seen_of_it() {
    let before = report(&object(None), used(Applied::Working(seen()), "5", Trust::System), &at(1)).status;
    let why = Unresolved {
        about: ConditionType::CredentialsValid,
        reason: Reason::SecretMissing,
        message: "no Secret".to_owned(),
    };
    let status = report(
        &object(Some(before.clone())),
        Outcome::Waiting { why, on_record: OnRecord::default() },
        &at(2),
    )
    .status;
    assert_eq!(told(&status, ConditionType::Ready), ("False", "SecretMissing"));
    assert_eq!(told(&status, ConditionType::Reachable), ("Unknown", "NotTried"));
    assert_eq!(status.array, before.array);
}

#[test]
fn a_deleted_backend_says_what_holds_it() {
    let mut deleted = object(None);
    deleted.metadata.deletion_timestamp = Some(at(1));
    let verdict = report(&deleted, used(Applied::Working(seen()), "5", Trust::System), &at(2));
    assert_eq!(told(&verdict.status, ConditionType::DeletionBlocked), ("True", "VolumesExist"));
    assert!(!verdict.released);
    assert!(report(&deleted, Outcome::Released, &at(3)).released);
}

#[test]
fn orphans_are_told_by_a_condition_unless_they_are_to_be_ignored() {
    let found = Scanned(Ok(Counted { manageable: 3, orphans: 2, missing: 0, pages: 1 }));
    let mut status = ArrayBackendStatus::default();
    scanned(&mut status, &object(None), &found, &at(5));
    assert_eq!(told(&status, ConditionType::OrphansFound), ("True", "UnknownVolumes"));
    assert_eq!(status.counts.as_ref().unwrap().manageable, Some(3));
    let mut ignoring = object(None);
    ignoring.spec.ownership = Some(Ownership { orphan_policy: Some(OrphanPolicy::Ignore) });
    scanned(&mut status, &ignoring, &found, &at(6));
    assert_eq!(told(&status, ConditionType::OrphansFound), ("False", "NotChecked"));
    assert_eq!(status.counts.unwrap().orphans, Some(2), "counted all the same");
}

#[test]
fn a_scan_that_failed_says_why_and_keeps_what_was_found_before() {
    let mut status = ArrayBackendStatus::default();
    let found = Scanned(Ok(Counted { manageable: 0, orphans: 1, missing: 0, pages: 4 }));
    scanned(&mut status, &object(None), &found, &at(5));
    scanned(&mut status, &object(None), &Scanned(Err("the array hung up".to_owned())), &at(90));
    let scan = status.scan.unwrap();
    assert_eq!((scan.time, scan.pages, scan.tried), (Some(at(5)), Some(4), at(90)));
    assert_eq!(scan.error.as_deref(), Some("the array hung up"));
    assert_eq!(status.counts.unwrap().orphans, Some(1));
}

#[test]
fn a_frozen_backend_says_since_when_and_by_whom() {
    let mut frozen = object(None);
    let annotations = [("perilune.dev/freeze".to_owned(), "upgrade".to_owned())];
    frozen.metadata.annotations = Some(annotations.into());
    let first = report(&frozen, used(Applied::Working(seen()), "5", Trust::System), &at(1)).status;
    let state = first.frozen.clone().unwrap();
    assert_eq!((state.requested_by, state.since), (FrozenBy::Annotation, at(1)));
    assert!(state.reason.contains("upgrade"), "{}", state.reason);
    frozen.status = Some(first);
    let later = report(&frozen, used(Applied::Working(seen()), "5", Trust::System), &at(9)).status;
    assert_eq!(later.frozen.unwrap().since, at(1), "since when does not move");
    frozen.metadata.annotations = None;
    let thawed = report(&frozen, used(Applied::Working(seen()), "5", Trust::System), &at(20)).status;
    assert_eq!((thawed.frozen, thawed.administrative_state), (None, Some(AdministrativeState::Active)));
}
