//! From an `ArrayBackend` and its Secrets to the engine's description of it: pure.

use std::time::Duration;

use kube::ResourceExt;
use perilune_api::backend::{self, ArrayType, ChapMode, FrozenBy};
use perilune_api::conditions::{ConditionType, Reason};
use perilune_api::names::{ANNOTATION_FREEZE, secret};
use perilune_api::{ArrayBackend, ArrayBackendSpec};
use perilune_engine::{
    AdministrativeState, ArrayId, BackendSpec, Chap, ConnectSpec, Credentials, Endpoint, Secret, Settings,
    Trust, Vendor,
};

use super::resolve::{Bundle, Resolved, SecretData};
use super::{Plan, placing};

/// The longest wait for one answer of the array, where the object says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the schema takes as the reason of a freeze.
const LONGEST_REASON: usize = 256;

/// Why an object cannot be described: what is missing, and the condition that it concerns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unresolved {
    pub(super) about: ConditionType,
    pub(super) reason: Reason,
    pub(super) message: String,
}

/// What to do about an object.
pub(super) fn decide(object: &ArrayBackend, inputs: Resolved) -> Plan {
    let deleted = object.metadata.deletion_timestamp.is_some();
    let on_record = inputs.on_record;
    let free = on_record.volumes == 0 || object.spec.deletion_policy() == backend::DeletionPolicy::Retain;
    let secret_version = inputs.account.as_ref().and_then(|account| account.version.clone());
    let (draining, scan, probe) = (inputs.draining, inputs.scan_due, inputs.probe_due);
    match description(object, inputs) {
        // a volume may just have been placed there: first stop that, then count
        Ok(_) if deleted && free && draining => Plan::Release { name: object.name_any() },
        Err(_) if deleted && free => Plan::Release { name: object.name_any() },
        Ok(spec) => {
            Plan::Use { spec: Box::new(spec), secret_version, on_record, scan: scan && !deleted, probe }
        }
        Err(why) => Plan::Wait { why, on_record },
    }
}

/// Does the backend get no new volumes in this state?
pub(super) fn takes_no_volumes(state: &AdministrativeState) -> bool {
    !matches!(state, AdministrativeState::Active)
}

/// The engine's description of an object.
pub(super) fn description(object: &ArrayBackend, inputs: Resolved) -> Result<BackendSpec, Unresolved> {
    let spec = &object.spec;
    Ok(BackendSpec {
        labels: object.labels().clone(),
        expected: spec.array_id.as_ref().map(ArrayId::new),
        pools: spec.pools.iter().map(placing::pool).collect(),
        state: state(object),
        limits: placing::limits(spec),
        protocols: spec.protocols.iter().map(|protocol| placing::protocol(*protocol)).collect(),
        topology: spec.topology.clone(),
        scheduling: placing::scheduling(spec),
        hosts: placing::hosts(spec),
        qos_tiers: placing::tiers(spec),
        default_qos: placing::default_qos(spec),
        ..BackendSpec::new(object.name_any(), connect(spec, inputs)?)
    })
}

fn state(object: &ArrayBackend) -> AdministrativeState {
    if let Some((_, reason)) = frozen(object) {
        return AdministrativeState::Frozen { reason };
    }
    match object.spec.administrative_state() {
        _ if object.metadata.deletion_timestamp.is_some() => AdministrativeState::Draining,
        backend::AdministrativeState::Draining => AdministrativeState::Draining,
        backend::AdministrativeState::Active | backend::AdministrativeState::Frozen => {
            AdministrativeState::Active
        }
    }
}

/// Who froze the backend, and why. The annotation comes first: it is the one that has a reason.
pub(super) fn frozen(object: &ArrayBackend) -> Option<(FrozenBy, String)> {
    if let Some(reason) = object.annotations().get(ANNOTATION_FREEZE) {
        let reason = reason.trim();
        let reason = if reason.is_empty() { "no reason was given" } else { reason };
        let mut reason = format!("{reason} (annotation {ANNOTATION_FREEZE})");
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        return Some((FrozenBy::Annotation, reason));
    }
    let frozen = object.spec.administrative_state() == backend::AdministrativeState::Frozen;
    frozen.then(|| (FrozenBy::Spec, "spec.administrativeState is Frozen".to_owned()))
}

fn connect(spec: &ArrayBackendSpec, inputs: Resolved) -> Result<ConnectSpec, Unresolved> {
    let wait = spec.limits.as_ref().and_then(|limits| limits.api_timeout.as_ref());
    Ok(ConnectSpec {
        vendor: vendor(spec.array_type),
        endpoints: spec.endpoints.iter().map(endpoint).collect(),
        credentials: credentials(spec, inputs.account)?,
        trust: trust(spec, inputs.bundle)?,
        server_name: spec.tls.as_ref().and_then(|tls| tls.server_name.clone()),
        chap: chap(spec, inputs.chap)?,
        timeout: wait.map_or(TIMEOUT, |wait| (*wait).into()),
        settings: settings(spec),
    })
}

fn vendor(array_type: ArrayType) -> Vendor {
    match array_type {
        ArrayType::Xiv => Vendor::Xiv,
        ArrayType::Ds8k => Vendor::Ds8k,
        ArrayType::SolidFire => Vendor::Solidfire,
        ArrayType::StorageCenter => Vendor::Storagecenter,
    }
}

fn endpoint(endpoint: &backend::Endpoint) -> Endpoint {
    Endpoint {
        address: endpoint.address.clone(),
        // the schema keeps it within a port's range
        port: endpoint.port.and_then(|port| u16::try_from(port).ok()),
    }
}

/// The vendor's block as its driver reads it: only what the object says.
fn settings(spec: &ArrayBackendSpec) -> Settings {
    let domain = spec.xiv.as_ref().and_then(|xiv| xiv.domain.clone());
    let Some(block) = &spec.solid_fire else {
        return Settings(domain.map(|domain| ("domain".to_owned(), domain)).into_iter().collect());
    };
    let pairing = block.cluster_pairing.map(|pairing| match pairing {
        backend::ClusterPairing::Existing => "Existing".to_owned(),
        backend::ClusterPairing::Managed => "Managed".to_owned(),
    });
    let groups = Some(block.volume_access_groups.join(",")).filter(|names| !names.is_empty());
    let given = [
        ("tenant", Some(block.tenant.clone())),
        ("svip", block.svip.clone()),
        ("useCHAP", block.use_chap.map(|on| on.to_string())),
        ("volumeAccessGroups", groups),
        ("clusterPairing", pairing),
    ];
    Settings(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

fn trust(spec: &ArrayBackendSpec, bundle: Option<Bundle>) -> Result<Trust, Unresolved> {
    if spec.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify) {
        return Ok(Trust::Nothing);
    }
    match bundle {
        None => Ok(Trust::System),
        Some(Bundle::Found(pem)) => Ok(Trust::Bundle(pem)),
        Some(Bundle::Missing(what)) => Err(Unresolved {
            about: ConditionType::CertificateValid,
            reason: Reason::CaBundleMissing,
            message: format!(
                "spec.tls.caBundle names {what}, which is not in the namespace of Perilune; create it there"
            ),
        }),
    }
}

fn credentials(spec: &ArrayBackendSpec, account: Option<SecretData>) -> Result<Credentials, Unresolved> {
    let field = "spec.credentialsSecretRef";
    let account = account.ok_or_else(|| no_secret(field, &spec.credentials_secret_ref.name))?;
    pair(&account, field, secret::USERNAME, secret::PASSWORD)
}

fn chap(spec: &ArrayBackendSpec, chap: Option<Option<SecretData>>) -> Result<Option<Chap>, Unresolved> {
    let field = "spec.iscsi.chap.secretRef";
    let Some(wanted) = spec.iscsi.as_ref().and_then(|iscsi| iscsi.chap.as_ref()) else { return Ok(None) };
    let Some(found) = chap else { return Ok(None) };
    let name = wanted.secret_ref.as_ref().map(|reference| reference.name.as_str()).unwrap_or_default();
    let data = found.ok_or_else(|| no_secret(field, name))?;
    let initiator = pair(&data, field, secret::USERNAME, secret::PASSWORD)?;
    let mutual = match wanted.mode {
        ChapMode::Mutual => Some(pair(&data, field, secret::MUTUAL_USERNAME, secret::MUTUAL_PASSWORD)?),
        ChapMode::OneWay | ChapMode::None => None,
    };
    Ok(Some(Chap { username: initiator.username, password: initiator.password, mutual }))
}

fn pair(data: &SecretData, field: &str, user: &str, password: &str) -> Result<Credentials, Unresolved> {
    match (data.text(user), data.text(password)) {
        (Some(user), Some(password)) => {
            Ok(Credentials { username: user.to_owned(), password: Secret::new(password) })
        }
        (found, _) => Err(Unresolved {
            about: ConditionType::CredentialsValid,
            reason: Reason::SecretMissing,
            message: format!(
                "the Secret {} of {field} has no text below its key {}; it needs {user} and {password}",
                data.name,
                if found.is_none() { user } else { password },
            ),
        }),
    }
}

fn no_secret(field: &str, name: &str) -> Unresolved {
    Unresolved {
        about: ConditionType::CredentialsValid,
        reason: Reason::SecretMissing,
        message: format!(
            "{field} names the Secret {name}, which is not in the namespace of Perilune; create it there"
        ),
    }
}

#[cfg(test)]
mod tests;
