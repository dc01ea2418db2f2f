//! `recover`: the PersistentVolumes and claims that a cluster needs to use volumes that are on arrays, as manifests.
//!
//! Prints only; applying them is the reader's decision. `--restore-records` first commands the controller to make the records that
//! volumes with our mark are lacking.

mod manifests;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::{CSIDriver, StorageClass};
use kube::{Api, ResourceExt};
use perilune_api::names::ANNOTATION_RESTORE_RECORDS;
use perilune_api::volume::Phase;
use perilune_api::{ArrayBackend, ArrayVolume};
use serde_json::{Value, json};

use crate::args::{Format, Recover};
use crate::cluster::{Cluster, get};
use crate::import::classes_of;
use crate::scans::Scan;
use crate::{output, scans};
use manifests::{Wanted, manifests};

/// What the chart calls the driver unless told otherwise.
const USUAL_DRIVER: &str = "csi.perilune.dev";

pub(crate) async fn run(cluster: &Cluster, wanted: &Recover, format: Format) -> Result<()> {
    if let Some(backend) = &wanted.backend {
        get(&Api::<ArrayBackend>::all(cluster.client.clone()), backend).await?;
        if wanted.restore_records {
            output::note(&scans::command(cluster, backend, ANNOTATION_RESTORE_RECORDS).await?);
        }
    }
    let chosen = |backend: &str| wanted.backend.as_ref().is_none_or(|name| name == backend);
    let records: Vec<ArrayVolume> = cluster.all::<ArrayVolume>().await?;
    let volumes = cluster.all::<PersistentVolume>().await?;
    let claims = cluster.all::<PersistentVolumeClaim>().await?;
    let classes = cluster.all::<StorageClass>().await?;
    let driver = driver(cluster, &volumes).await?;
    let mut items = Vec::new();
    let mut passed_over = 0_usize;
    for record in
        records.iter().filter(|record| chosen(&record.spec.backend) && record.phase() == Phase::Ready)
    {
        let class = class(&classes, &record.spec.backend, wanted.storage_class.as_deref())?;
        let known =
            Wanted { record, driver: &driver, class, volumes: &volumes, claims: &claims, all: wanted.all };
        match manifests(&known) {
            found if found.is_empty() => passed_over += 1,
            found => items.extend(found),
        }
    }
    let scans = scans::read(cluster, wanted.backend.as_deref()).await?;
    print(&items, format)?;
    output::note(&remark(items.len(), passed_over, &scans));
    Ok(())
}

/// A stream of documents that `kubectl apply -f -` takes.
fn print(items: &[Value], format: Format) -> Result<()> {
    if format == Format::Json {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        return output::print(&format!("{}\n", serde_json::to_string_pretty(&list)?));
    }
    for item in items {
        output::print(&format!("---\n{}", output::yaml(item)?))?;
    }
    Ok(())
}

fn remark(printed: usize, passed_over: usize, scans: &[Scan]) -> String {
    let orphans: Vec<String> = scans
        .iter()
        .filter(|scan| !scan.orphans.is_empty())
        .map(|scan| format!("{} has {} volumes of ours without a record", scan.backend, scan.orphans.len()))
        .collect();
    let mut text = match (printed, passed_over) {
        (0, 0) => "There is no record of a volume to recover.".to_owned(),
        (0, _) => format!("Nothing to recover: all {passed_over} volumes on record are in the cluster; --all prints them too."),
        _ => "Read the manifests before you apply them: access modes and file system are not on record, they are the usual ones or \
              those of the StorageClass."
            .to_owned(),
    };
    if !orphans.is_empty() {
        text += &format!(
            "\n{}; `kubectl perilune recover BACKEND --restore-records` makes their records first.",
            orphans.join(", ")
        );
    }
    text
}

/// The driver's name: as volumes in the cluster have it, else as it is installed.
async fn driver(cluster: &Cluster, volumes: &[PersistentVolume]) -> Result<String> {
    let ours = volumes.iter().filter_map(|volume| volume.spec.as_ref()?.csi.as_ref());
    if let Some(csi) = ours.into_iter().find(|csi| csi.driver.ends_with("perilune.dev")) {
        return Ok(csi.driver.clone());
    }
    let drivers = cluster.all::<CSIDriver>().await?;
    let named = drivers
        .iter()
        .find(|driver| driver.labels().get("app.kubernetes.io/name").is_some_and(|n| n == "perilune"));
    Ok(named.map_or_else(|| USUAL_DRIVER.to_owned(), ResourceExt::name_any))
}

/// The class that was named, or the only one that names the backend, or none.
fn class<'a>(
    classes: &'a [StorageClass],
    backend: &str,
    named: Option<&str>,
) -> Result<Option<&'a StorageClass>> {
    let Some(name) = named else {
        let fitting = classes_of(classes.to_vec(), backend);
        let only = if let [only] = fitting.as_slice() { only.name_any() } else { return Ok(None) };
        return Ok(classes.iter().find(|class| class.name_any() == only));
    };
    match classes.iter().find(|class| class.name_any() == name) {
        Some(class) => Ok(Some(class)),
        None => bail!("there is no StorageClass {name}"),
    }
}
