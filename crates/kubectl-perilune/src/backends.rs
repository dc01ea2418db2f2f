//! `backends`: the arrays, and what keeps those from being used that are not.

use anyhow::Result;
use jiff::Timestamp;
use kube::{Api, ResourceExt};
use perilune_api::ArrayBackend;
use perilune_api::conditions::{ConditionType, find};

use crate::args::Format;
use crate::cluster::{Cluster, get};
use crate::output;
use crate::size::age;
use crate::table::Table;

pub(crate) async fn run(cluster: &Cluster, name: Option<&str>, format: Format) -> Result<()> {
    let mut backends = match name {
        Some(name) => vec![get(&Api::<ArrayBackend>::all(cluster.client.clone()), name).await?],
        None => cluster.all::<ArrayBackend>().await?,
    };
    backends.sort_by_key(ResourceExt::name_any);
    backends.iter_mut().for_each(|backend| backend.metadata.managed_fields = None);
    output::show(format, &backends, |wide| text(&backends, wide, Timestamp::now()))
}

fn text(backends: &[ArrayBackend], wide: bool, now: Timestamp) -> String {
    if backends.is_empty() {
        return "There is no ArrayBackend yet; `kubectl explain arraybackend.spec` tells what one needs.\n"
            .to_owned();
    }
    let mut header = vec!["NAME", "TYPE", "READY", "STATE", "FREE", "TOTAL", "VOLUMES", "ORPHANS", "AGE"];
    if wide {
        header.extend(["ARRAY", "MODEL", "FIRMWARE", "ENDPOINT", "SCANNED"]);
    }
    let mut table = Table::new(&header);
    for backend in backends {
        table.row(cells(backend, now));
    }
    format!("{}{}", table.text(), remarks(backends, now))
}

fn cells(backend: &ArrayBackend, now: Timestamp) -> Vec<String> {
    let status = backend.status.clone().unwrap_or_default();
    let ready = find(&status.conditions, ConditionType::Ready);
    let ready = ready
        .map(|c| if c.status == "True" { "True".to_owned() } else { format!("{} ({})", c.status, c.reason) });
    let (capacity, counts) = (status.capacity.unwrap_or_default(), status.counts.unwrap_or_default());
    let array = status.array.unwrap_or_default();
    let made = backend.creation_timestamp().map(|time| age(time.0, now));
    let scanned = status.scan.and_then(|scan| scan.time).map(|time| format!("{} ago", age(time.0, now)));
    vec![
        backend.name_any(),
        backend.spec.array_type.to_string(),
        ready.unwrap_or_else(|| "not looked at yet".to_owned()),
        status.administrative_state.map(|state| format!("{state:?}")).unwrap_or_default(),
        capacity.free.unwrap_or_default(),
        capacity.total.unwrap_or_default(),
        counts.volumes.to_string(),
        counts.orphans.map(|count| count.to_string()).unwrap_or_default(),
        made.unwrap_or_default(),
        array.serial,
        array.model.unwrap_or_default(),
        array.firmware.unwrap_or_default(),
        backend.spec.endpoints.first().map(|endpoint| endpoint.address.clone()).unwrap_or_default(),
        scanned.unwrap_or_default(),
    ]
}

/// The conditions that somebody should look after, in full.
fn remarks(backends: &[ArrayBackend], now: Timestamp) -> String {
    let mut text = String::new();
    for backend in backends {
        let conditions = backend.status.as_ref().map_or(&[][..], |status| &status.conditions);
        let mut told: Vec<&str> = Vec::new();
        for condition in conditions {
            let Some(about) = ConditionType::parse(&condition.type_) else { continue };
            let worth = !about.is_well(&condition.status)
                || (about == ConditionType::Frozen && condition.status == "True");
            // Ready repeats what another condition says
            if worth && condition.status != "Unknown" && !told.contains(&condition.message.as_str()) {
                text += &format!(
                    "\n{}: {} ({}): {}\n",
                    backend.name_any(),
                    condition.type_,
                    condition.reason,
                    condition.message
                );
                told.push(&condition.message);
            }
        }
        let endpoints = backend.status.as_ref().map_or(&[][..], |status| &status.endpoints);
        for endpoint in endpoints.iter().filter(|endpoint| !endpoint.reachable) {
            text += &format!(
                "\n{}: management address {} took no connection when it was last tried, {} ago\n",
                backend.name_any(),
                endpoint.address,
                age(endpoint.last_probe_time.0, now)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use perilune_api::ArrayBackend;
    use serde_json::json;

    use super::text;

    fn backend(ready: &str, message: &str) -> ArrayBackend {
        let at = "2026-01-01T00:00:00Z";
        let condition = |kind: &str| json!({"type": kind, "status": ready, "reason": "Unreachable", "message": message, "lastTransitionTime": at});
        serde_json::from_value(json!({
            "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend", "metadata": {"name": "gold"},
            "spec": {"type": "SolidFire", "endpoints": [{"address": "192.0.2.10"}], "credentialsSecretRef": {"name": "a"}},
            "status": {"conditions": [condition("Ready"), condition("Reachable")]},
        }))
        .unwrap()
    }

    #[test]
    fn what_keeps_an_array_from_being_used_is_told_once_and_in_full() {
        let shown = text(&[backend("False", "192.0.2.10 does not answer")], false, Timestamp::UNIX_EPOCH);
        assert!(shown.contains("False (Unreachable)"), "{shown}");
        assert_eq!(shown.matches("192.0.2.10 does not answer").count(), 1, "{shown}");
        assert!(!shown.contains("FIRMWARE"));
        assert!(text(&[backend("True", "")], true, Timestamp::UNIX_EPOCH).contains("FIRMWARE"));
    }

    #[test]
    fn a_management_address_that_is_gone_is_told_although_another_serves() {
        let mut backend = backend("True", "");
        let tried = json!([
            {"address": "192.0.2.10:443", "reachable": true, "lastProbeTime": "2026-01-01T00:00:00Z", "latencyMs": 1},
            {"address": "192.0.2.11:443", "reachable": false, "lastProbeTime": "2026-01-01T00:00:00Z"},
        ]);
        backend.status.as_mut().unwrap().endpoints = serde_json::from_value(tried).unwrap();
        let shown = text(&[backend], false, "2026-01-01T00:04:00Z".parse().unwrap());
        let told =
            "gold: management address 192.0.2.11:443 took no connection when it was last tried, 4m ago";
        assert!(shown.contains(told) && !shown.contains("192.0.2.10:443"), "{shown}");
    }

    #[test]
    fn a_cluster_without_backends_is_told_what_is_next() {
        assert!(text(&[], false, Timestamp::UNIX_EPOCH).contains("kubectl explain"));
    }
}
