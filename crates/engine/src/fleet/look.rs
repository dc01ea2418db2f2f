//! One look at an array: is it the expected one, and how does it stand?

use perilune_array::{Array, Capabilities, Error, ErrorKind, Protocol, SystemReport};

use super::{BackendReport, BackendSpec, ConnectFault, FaultReason, Round};

/// What was seen, and what of the description does not go with it: then no new volume is placed there.
pub(super) type Look = (BackendReport, Option<ConnectFault>);

/// Reads the array and checks that it is the expected one.
pub(super) async fn look(spec: &BackendSpec, round: &Round, array: &dyn Array) -> Result<Look, ConnectFault> {
    let ports = array.access().ports().await.map_err(|error| fault(&error))?;
    let mut system = array.inspect().await.map_err(|error| fault(&error))?;
    expected(spec, round, &system)?;
    let misfit = missing_pools(spec, &system);
    if !spec.pools.is_empty() {
        system.pools.retain(|pool| spec.pool(&pool.name).is_some());
    }
    let profile = array.profile();
    let report = BackendReport {
        system,
        capabilities: Capabilities::of(array),
        sizes: profile.sizes,
        ports,
        protocols: served(&spec.protocols, &profile.protocols),
        qos: profile.qos,
        qos_tiers: profile.qos_tiers.clone(),
    };
    let misfit = misfit.or_else(|| misrated(spec, round, &report)).or_else(|| unserved(spec, &report));
    Ok((report, misfit))
}

fn expected(spec: &BackendSpec, round: &Round, system: &SystemReport) -> Result<(), ConnectFault> {
    let mismatch = |message| Err(ConnectFault { reason: FaultReason::IdentityMismatch, message });
    match (&spec.expected, &round.known) {
        (Some(expected), _) if system.id != *expected => mismatch(format!(
            "the array at this address is {}, not {expected} as spec.arrayID says; nothing was touched. Correct the endpoint, \
             or delete and re-create the ArrayBackend if another array is meant",
            system.id
        )),
        (None, Some(known)) if system.id != *known => mismatch(format!(
            "the array at this address is {}, and it was {known} before; nothing was touched. Correct the endpoint, or set \
             spec.arrayID to {} if that array is meant now",
            system.id, system.id
        )),
        _ => Ok(()),
    }
}

fn invalid(message: String) -> ConnectFault {
    ConnectFault { reason: FaultReason::InvalidSpec, message }
}

fn missing_pools(spec: &BackendSpec, system: &SystemReport) -> Option<ConnectFault> {
    let names = spec.pools.iter().map(|pool| pool.name.as_str());
    let missing: Vec<&str> = names.filter(|name| !system.pools.iter().any(|p| p.name == *name)).collect();
    if missing.is_empty() {
        return None;
    }
    let found: Vec<&str> = system.pools.iter().map(|pool| pool.name.as_str()).collect();
    Some(invalid(format!("spec.pools names {} but the array has {}", missing.join(", "), found.join(", "))))
}

fn misrated(spec: &BackendSpec, round: &Round, report: &BackendReport) -> Option<ConnectFault> {
    round.rating.rehearse(spec, report).err().map(invalid)
}

fn unserved(spec: &BackendSpec, report: &BackendReport) -> Option<ConnectFault> {
    (report.protocols.is_empty() && !spec.protocols.is_empty()).then(|| {
        invalid("spec.protocols names none that the array serves; correct it or leave it out".to_owned())
    })
}

pub(super) fn fault(error: &Error) -> ConnectFault {
    let reason = match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => FaultReason::InvalidCredentials,
        ErrorKind::Untrusted => FaultReason::Untrusted,
        ErrorKind::Unreachable | ErrorKind::NoAnswer | ErrorKind::TimedOut => FaultReason::Unreachable,
        ErrorKind::Invalid | ErrorKind::Unsupported => FaultReason::InvalidSpec,
        _ => FaultReason::Faulty,
    };
    ConnectFault { reason, message: error.to_string() }
}

/// What both sides know, in the administrator's order.
fn served(wanted: &[Protocol], offered: &[Protocol]) -> Vec<Protocol> {
    if wanted.is_empty() {
        return offered.to_vec();
    }
    wanted.iter().filter(|protocol| offered.contains(protocol)).copied().collect()
}
