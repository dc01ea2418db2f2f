//! `volumes`: claim, PersistentVolume, array volume, nodes and paths of a volume in one line.

mod join;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::Api;
use perilune_api::{ArrayNode, ArrayVolume};

use crate::args::{Format, Volumes};
use crate::cluster::{Cluster, list};
use crate::output;
use crate::table::Table;
use join::{Row, join};

pub(crate) async fn run(cluster: &Cluster, wanted: &Volumes, format: Format) -> Result<()> {
    let records = cluster.all::<ArrayVolume>().await?;
    let nodes = cluster.all::<ArrayNode>().await?;
    let volumes = cluster.all::<PersistentVolume>().await?;
    let claims = if wanted.all_namespaces {
        cluster.all::<PersistentVolumeClaim>().await?
    } else {
        list(&Api::namespaced(cluster.client.clone(), &cluster.namespace), "").await?
    };
    let mut rows = join(&records, &nodes, &volumes, &claims);
    let namespace = (!wanted.all_namespaces).then_some(cluster.namespace.as_str());
    rows.retain(|row| chosen(row, wanted, namespace));
    if let (Some(claim), true) = (&wanted.claim, rows.is_empty()) {
        bail!("{}", nothing(claim, &cluster.namespace, &claims));
    }
    output::show(format, &rows, |wide| text(&rows, wide, wanted.all_namespaces))
}

fn chosen(row: &Row, wanted: &Volumes, namespace: Option<&str>) -> bool {
    namespace.is_none_or(|namespace| row.namespace == namespace)
        && wanted.claim.as_ref().is_none_or(|claim| row.claim == *claim)
        && wanted.backend.as_ref().is_none_or(|backend| row.backend == *backend)
        && wanted.node.as_ref().is_none_or(|node| row.nodes.iter().any(|attached| attached.node == *node))
}

/// Why there is nothing to show of a claim.
fn nothing(claim: &str, namespace: &str, claims: &[PersistentVolumeClaim]) -> String {
    let found = claims.iter().find(|c| c.metadata.name.as_deref() == Some(claim));
    let Some(found) = found else {
        return format!(
            "there is no claim {claim} in the namespace {namespace}; -n names another, -A shows all"
        );
    };
    let phase = found.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let class = found.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or("no class");
    format!(
        "claim {claim} is {phase} ({class}) and no array has a volume for it; `kubectl -n {namespace} describe pvc {claim}` tells its events"
    )
}

fn text(rows: &[Row], wide: bool, all: bool) -> String {
    if rows.is_empty() {
        let hint = if all { "" } else { "; -A shows all namespaces" };
        return format!("There is no volume on an array{hint}.\n");
    }
    let mut header = if all { vec!["NAMESPACE"] } else { Vec::new() };
    header.extend(["CLAIM", "SIZE", "BACKEND", "POOL", "ARRAY VOLUME", "STATE", "NODES", "PATHS"]);
    if wide {
        header.extend(["VOLUME", "WWID", "NAME AT ARRAY", "SNAPSHOTS", "HANDLE"]);
    }
    let mut table = Table::new(&header);
    for row in rows {
        let namespace = all.then(|| row.namespace.clone());
        table.row(namespace.into_iter().chain(cells(row)));
    }
    table.sort();
    let short: Vec<String> = rows.iter().flat_map(join::missing_paths).collect();
    let rest = if short.is_empty() { String::new() } else { format!("\n{}\n", short.join("\n")) };
    format!("{}{rest}", table.text())
}

fn cells(row: &Row) -> Vec<String> {
    let nodes: Vec<String> = row.nodes.iter().map(|node| node.node.clone()).collect();
    let paths = row.nodes.iter().map(|node| match (node.paths_found, node.paths_expected) {
        (Some(found), Some(expected)) => format!("{found}/{expected}"),
        _ => "?".to_owned(),
    });
    vec![
        row.claim.clone(),
        row.size.clone(),
        row.backend.clone(),
        row.pool.clone(),
        row.array_volume.clone(),
        row.state.clone(),
        nodes.join(","),
        paths.collect::<Vec<_>>().join(","),
        row.volume.clone(),
        row.wwid.clone(),
        row.name_at_array.clone(),
        row.snapshots.to_string(),
        row.handle.clone(),
    ]
}

#[cfg(test)]
mod tests;
