//! From what came of a round to the status of an `ArrayBackend`: pure.

mod facts;

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use perilune_api::backend::{CredentialState, OrphanPolicy, RotationResult, ScanState};
use perilune_api::conditions::{Claim, ConditionType, Reason, updated};
use perilune_api::{ArrayBackend, ArrayBackendStatus};
use perilune_engine::{
    AdministrativeState, Applied, BackendReport, BackendSpec, ConnectFault, FaultReason, Health, Requeue,
    Trust,
};

use super::describe::Unresolved;
use super::scan::Scanned;
use super::{Outcome, endpoints};
use crate::runner::Verdict;

/// How often an array that works is looked at.
const RESYNC: Duration = Duration::from_secs(60);
/// How often one that somebody must mend is tried again: rarely, because arrays lock accounts that fail too often.
const RETRY: Duration = Duration::from_secs(300);
/// What the schema takes as an error of a scan.
const LONGEST_ERROR: usize = 1024;
/// How often an object that waits to be deleted is looked at.
const BLOCKED: Duration = Duration::from_secs(10);

pub(super) fn report(object: &ArrayBackend, outcome: Outcome, now: &Time) -> Verdict<ArrayBackendStatus> {
    let mut status = object.status.clone().unwrap_or_default();
    let (claims, on_record, requeue) = match outcome {
        Outcome::Released => return Verdict { status, requeue: Requeue::OnChange, released: true },
        Outcome::Waiting { why, on_record } => (waiting(&why), on_record, Requeue::After(RETRY)),
        Outcome::Used { applied, spec, secret_version, on_record, scanned, probed } => {
            facts::record(&mut status, &applied);
            if let Some(probed) = probed {
                status.endpoints = endpoints::told(probed, now);
            }
            if let Some(scanned) = scanned {
                self::scanned(&mut status, object, &scanned, now);
            }
            status.credentials = Some(credentials(status.credentials.take(), &applied, secret_version, now));
            (used(&applied, &spec), on_record, requeue(&applied))
        }
    };
    let deleted = object.metadata.deletion_timestamp.is_some();
    let claims: Vec<Claim> = claims.into_iter().chain(deleted.then(|| blocked(on_record.volumes))).collect();
    status.counts = Some(facts::counts(status.counts.take(), on_record));
    facts::administrative(&mut status, object, now);
    status.observed_generation = object.metadata.generation;
    status.conditions = updated(&status.conditions, &claims, object.metadata.generation, now);
    let requeue = if deleted {
        Requeue::After(if on_record.volumes == 0 { Duration::from_secs(1) } else { BLOCKED })
    } else {
        requeue
    };
    Verdict { status, requeue, released: false }
}

/// What a look through the whole array came to.
pub(super) fn scanned(status: &mut ArrayBackendStatus, object: &ArrayBackend, scanned: &Scanned, now: &Time) {
    let last = status.scan.take();
    let counted = match &scanned.0 {
        Ok(counted) => counted,
        Err(why) => {
            let mut error = why.clone();
            error.truncate(error.floor_char_boundary(LONGEST_ERROR));
            let (time, pages) = last.map_or((None, None), |last| (last.time, last.pages));
            status.scan = Some(ScanState { time, pages, error: Some(error), tried: now.clone() });
            return;
        }
    };
    let pages = i32::try_from(counted.pages).ok();
    status.scan = Some(ScanState { time: Some(now.clone()), pages, error: None, tried: now.clone() });
    let number = |count: usize| Some(i64::try_from(count).unwrap_or(i64::MAX));
    let counts = status.counts.get_or_insert_default();
    counts.orphans = number(counted.orphans);
    counts.missing = number(counted.missing);
    counts.manageable = number(counted.manageable);
    let claim = orphans(object, counted.orphans);
    status.conditions = updated(&status.conditions, &[claim], object.metadata.generation, now);
}

fn orphans(object: &ArrayBackend, count: usize) -> Claim {
    let policy =
        object.spec.ownership.as_ref().and_then(|ownership| ownership.orphan_policy).unwrap_or_default();
    let about = ConditionType::OrphansFound;
    match (policy, count) {
        (OrphanPolicy::Ignore, _) => Claim::no(
            about,
            Reason::NotChecked,
            "spec.ownership.orphanPolicy is Ignore; `kubectl perilune orphans` lists them",
        ),
        (OrphanPolicy::Report, 0) => {
            Claim::no(about, Reason::NoneFound, "every volume that bears our mark has its record")
        }
        (OrphanPolicy::Report, _) => Claim::yes(
            about,
            Reason::UnknownVolumes,
            format!(
                "volumes that bear our mark and that no record knows: {count}; nothing deletes them, `kubectl perilune orphans {}` \
                 lists them",
                object.name_any()
            ),
        ),
    }
}

fn requeue(applied: &Applied) -> Requeue {
    match applied {
        Applied::Working(_) => Requeue::After(RESYNC),
        Applied::KeptOld { fault, .. } | Applied::Broken(fault) => match fault.reason {
            FaultReason::Unreachable => Requeue::Soon,
            FaultReason::Untrusted
            | FaultReason::InvalidCredentials
            | FaultReason::IdentityMismatch
            | FaultReason::InvalidSpec
            | FaultReason::Faulty => Requeue::After(RETRY),
        },
    }
}

/// The object cannot be described, so the array was not tried.
fn waiting(why: &Unresolved) -> Vec<Claim> {
    let mut claims = untried(&[why.about, ConditionType::Ready]);
    claims.push(Claim::no(why.about, why.reason, why.message.clone()));
    claims.push(Claim::no(ConditionType::Ready, why.reason, why.message.clone()));
    claims
}

fn used(applied: &Applied, spec: &BackendSpec) -> Vec<Claim> {
    let mut claims = match applied {
        Applied::Working(report) => working(report, spec),
        Applied::KeptOld { report, fault } => kept_old(report, fault, spec),
        Applied::Broken(fault) => broken(fault, spec),
    };
    claims.push(frozen(&spec.state));
    claims
}

fn working(report: &BackendReport, spec: &BackendSpec) -> Vec<Claim> {
    let name = &report.system.name;
    let mut claims = vec![
        Claim::yes(ConditionType::Ready, Reason::Ready, format!("{name} is in use")),
        Claim::yes(ConditionType::Reachable, Reason::Connected, "the array answers"),
        Claim::yes(ConditionType::CredentialsValid, Reason::Accepted, "the array accepts the account"),
        certificate(&spec.connect.trust),
        identity(report, spec),
    ];
    claims.extend(seen(report));
    claims
}

/// What was seen of an array, whatever became of the description.
fn seen(report: &BackendReport) -> [Claim; 2] {
    let health = match &report.system.health {
        Health::Good => Claim::no(ConditionType::Degraded, Reason::Good, "the array reports no trouble"),
        Health::Degraded(words) => {
            Claim::yes(ConditionType::Degraded, Reason::ArrayReports, format!("the array reports: {words}"))
        }
    };
    [Claim::yes(ConditionType::CapabilitiesDetected, Reason::Detected, "see status.capabilities"), health]
}

/// What the object says now does not work, what it said before does.
fn kept_old(report: &BackendReport, fault: &ConnectFault, spec: &BackendSpec) -> Vec<Claim> {
    let mut claims = working(report, spec);
    if fault.reason == FaultReason::InvalidCredentials {
        let message = format!(
            "the array refused the changed account, so the session with the former one goes on: {fault}; correct the Secret"
        );
        replace(&mut claims, Claim::no(ConditionType::CredentialsValid, Reason::NewSecretRejected, message));
        return claims;
    }
    let message =
        format!("the changed settings do not work, so the session with the former ones goes on: {fault}");
    if let Some(about) = concerned(fault.reason) {
        replace(&mut claims, Claim::no(about, reason(fault.reason), message.clone()));
    }
    replace(&mut claims, Claim::no(ConditionType::Ready, reason(fault.reason), message));
    claims
}

fn broken(fault: &ConnectFault, spec: &BackendSpec) -> Vec<Claim> {
    let why = reason(fault.reason);
    let message = format!("{fault}{}", advice(fault.reason));
    let about = concerned(fault.reason);
    let mut claims = untried(&[ConditionType::Ready]);
    claims.push(Claim::no(ConditionType::Ready, why, message.clone()));
    // a session is built up in this order: what comes before the fault went well
    let order = [
        (ConditionType::Reachable, Reason::Connected, "the array answers"),
        (ConditionType::CertificateValid, Reason::Verified, "the certificate is trusted"),
        (ConditionType::CredentialsValid, Reason::Accepted, "the array accepts the account"),
        (ConditionType::IdentityMatches, Reason::Matches, "the array is the expected one"),
    ];
    if let Some(at) = order.iter().position(|(step, ..)| Some(*step) == about) {
        for (step, reason, message) in order.into_iter().take(at) {
            replace(&mut claims, Claim::yes(step, reason, message));
        }
        if at > 1 {
            replace(&mut claims, certificate(&spec.connect.trust));
        }
        replace(&mut claims, Claim::no(order[at].0, why, message));
    }
    claims
}

/// Nobody knows, because something before it failed.
fn untried(but: &[ConditionType]) -> Vec<Claim> {
    [
        ConditionType::Reachable,
        ConditionType::CertificateValid,
        ConditionType::CredentialsValid,
        ConditionType::IdentityMatches,
    ]
    .into_iter()
    .filter(|about| !but.contains(about))
    .map(|about| {
        Claim::unknown(about, Reason::NotTried, "not tried, because something before it failed; see Ready")
    })
    .collect()
}

fn replace(claims: &mut Vec<Claim>, claim: Claim) {
    claims.retain(|c| c.about != claim.about);
    claims.push(claim);
}

fn reason(fault: FaultReason) -> Reason {
    match fault {
        FaultReason::Unreachable => Reason::Unreachable,
        FaultReason::Untrusted => Reason::Untrusted,
        FaultReason::InvalidCredentials => Reason::InvalidCredentials,
        FaultReason::IdentityMismatch => Reason::IdentityMismatch,
        FaultReason::InvalidSpec => Reason::InvalidSpec,
        FaultReason::Faulty => Reason::Failed,
    }
}

/// The condition that a fault is about, besides `Ready`.
fn concerned(fault: FaultReason) -> Option<ConditionType> {
    match fault {
        FaultReason::Unreachable => Some(ConditionType::Reachable),
        FaultReason::Untrusted => Some(ConditionType::CertificateValid),
        FaultReason::InvalidCredentials => Some(ConditionType::CredentialsValid),
        FaultReason::IdentityMismatch => Some(ConditionType::IdentityMatches),
        FaultReason::InvalidSpec | FaultReason::Faulty => None,
    }
}

/// What to do next, where the fault itself does not say it.
fn advice(fault: FaultReason) -> &'static str {
    match fault {
        FaultReason::Unreachable => {
            "; check spec.endpoints and the network between the controller and the array"
        }
        FaultReason::Untrusted => {
            "; put the authority that signed the array's certificate into spec.tls.caBundle"
        }
        FaultReason::InvalidCredentials => "; correct the Secret that spec.credentialsSecretRef names",
        FaultReason::Faulty => "; look at the array",
        FaultReason::IdentityMismatch | FaultReason::InvalidSpec => "",
    }
}

fn certificate(trust: &Trust) -> Claim {
    match trust {
        Trust::System | Trust::Bundle(_) => {
            Claim::yes(ConditionType::CertificateValid, Reason::Verified, "the certificate is trusted")
        }
        Trust::Nothing => Claim::no(
            ConditionType::CertificateValid,
            Reason::InsecureSkipVerify,
            "spec.tls.insecureSkipVerify accepts any certificate; whoever stands between can read the array's password. \
             Set spec.tls.caBundle instead",
        ),
    }
}

fn identity(report: &BackendReport, spec: &BackendSpec) -> Claim {
    let id = &report.system.id;
    match &spec.expected {
        Some(_) => Claim::yes(
            ConditionType::IdentityMatches,
            Reason::Matches,
            format!("the array is {id}, as expected"),
        ),
        None => Claim::yes(
            ConditionType::IdentityMatches,
            Reason::NotChecked,
            format!("any array is accepted; set spec.arrayID to {id} to accept this one only"),
        ),
    }
}

fn frozen(state: &AdministrativeState) -> Claim {
    match state {
        AdministrativeState::Frozen { reason } => {
            Claim::yes(ConditionType::Frozen, Reason::Frozen, reason.clone())
        }
        AdministrativeState::Active | AdministrativeState::Draining => {
            Claim::no(ConditionType::Frozen, Reason::NotFrozen, "changes are allowed")
        }
    }
}

fn blocked(volumes: usize) -> Claim {
    if volumes == 0 {
        return Claim::no(ConditionType::DeletionBlocked, Reason::Released, "no volumes are left");
    }
    Claim::yes(
        ConditionType::DeletionBlocked,
        Reason::VolumesExist,
        format!(
            "volumes of ours on this array: {volumes}; `kubectl get avol` lists them. Delete their claims and snapshots, or set \
             spec.deletionPolicy to Retain to leave them there unmanaged"
        ),
    )
}

/// Which Secret is in use, and what became of the last change of it.
fn credentials(
    old: Option<CredentialState>,
    applied: &Applied,
    version: Option<String>,
    now: &Time,
) -> CredentialState {
    let old = old.unwrap_or_default();
    let changed = old.secret_resource_version.is_some() && old.secret_resource_version != version;
    match applied {
        Applied::Working(_) if changed => CredentialState {
            secret_resource_version: version,
            last_rotation_time: Some(now.clone()),
            last_rotation_result: Some(RotationResult::Succeeded),
        },
        Applied::Working(_) => CredentialState { secret_resource_version: version, ..old },
        Applied::KeptOld { fault, .. } if changed && fault.reason == FaultReason::InvalidCredentials => {
            let known = old.last_rotation_result == Some(RotationResult::Rejected);
            CredentialState {
                last_rotation_time: old.last_rotation_time.filter(|_| known).or_else(|| Some(now.clone())),
                last_rotation_result: Some(RotationResult::Rejected),
                ..old
            }
        }
        Applied::KeptOld { .. } | Applied::Broken(_) => old,
    }
}

#[cfg(test)]
mod tests;
