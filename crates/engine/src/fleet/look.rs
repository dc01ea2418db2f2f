//! One look at an array: is it the expected one, and how does it stand?

use perilune_array::{Array, Capabilities, Error, ErrorKind, Protocol};

use super::{BackendReport, BackendSpec, ConnectFault, FaultReason};

/// Reads the array and checks that it is the expected one.
pub(super) async fn look(spec: &BackendSpec, array: &dyn Array) -> Result<BackendReport, ConnectFault> {
    let ports = array.access().ports().await.map_err(|error| fault(&error))?;
    let mut system = array.inspect().await.map_err(|error| fault(&error))?;
    if let Some(expected) = &spec.expected
        && system.id != *expected
    {
        return Err(ConnectFault {
            reason: FaultReason::IdentityMismatch,
            message: format!(
                "the array at this address is {}, not {expected} as spec.arrayID says; nothing was touched. Correct the endpoint, \
                 or delete and re-create the ArrayBackend if another array is meant",
                system.id
            ),
        });
    }
    let missing: Vec<&str> = spec
        .pools
        .iter()
        .map(|pool| pool.name.as_str())
        .filter(|name| !system.pools.iter().any(|p| p.name == *name))
        .collect();
    if !missing.is_empty() {
        let found: Vec<&str> = system.pools.iter().map(|pool| pool.name.as_str()).collect();
        return Err(ConnectFault {
            reason: FaultReason::InvalidSpec,
            message: format!(
                "spec.pools names {} but the array has {}",
                missing.join(", "),
                found.join(", ")
            ),
        });
    }
    if !spec.pools.is_empty() {
        system.pools.retain(|pool| spec.pool(&pool.name).is_some());
    }
    let profile = array.profile();
    Ok(BackendReport {
        system,
        capabilities: Capabilities::of(array),
        sizes: profile.sizes,
        ports,
        protocols: served(&spec.protocols, &profile.protocols),
        qos: profile.qos,
        qos_tiers: profile.qos_tiers.clone(),
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
