//! What the controller found on whole arrays, from the ConfigMaps where it keeps it; and asking it to look again.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use perilune_api::ArrayBackend;
use perilune_api::names::{ANNOTATION_REQUEST_ID, SCAN_LABEL};
use perilune_api::operation::{Operation, OperationPhase};
use perilune_api::scan::{Manageable, Missing, Orphan, PAGE_KEY, ScanPage};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, get, list, said};
use crate::size::age;

/// How long the controller may take for a command.
const PATIENCE: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// All pages of one look, together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scan {
    pub(crate) backend: String,
    /// When, RFC 3339.
    pub(crate) scanned: String,
    pub(crate) manageable: Vec<Manageable>,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) missing: Vec<Missing>,
}

impl Scan {
    /// How old it is, in words.
    pub(crate) fn when(&self) -> String {
        let time: Option<Timestamp> = self.scanned.parse().ok();
        time.map_or_else(|| self.scanned.clone(), |time| format!("{} ago", age(time, Timestamp::now())))
    }
}

/// The last looks, of one backend or of all, in the order of their names.
pub(crate) async fn read(cluster: &Cluster, backend: Option<&str>) -> Result<Vec<Scan>> {
    let namespace = cluster.perilune_namespace().await;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), &namespace);
    let labels = backend.map_or_else(|| SCAN_LABEL.to_owned(), |backend| format!("{SCAN_LABEL}={backend}"));
    let pages = list(&maps, &labels).await?.into_iter().filter_map(|map| page(&map)).collect();
    Ok(together(pages))
}

/// The last look of one backend; says how to get one if there is none.
pub(crate) async fn of(cluster: &Cluster, backend: &str) -> Result<Scan> {
    // a backend that does not exist is told first
    get(&Api::<ArrayBackend>::all(cluster.client.clone()), backend).await?;
    let Some(scan) = read(cluster, Some(backend)).await?.into_iter().next() else {
        bail!(
            "the array of {backend} has not been looked through yet; `kubectl perilune backends {backend}` tells whether it is in use, \
             and `kubectl perilune manageable {backend} --rescan` looks now (Perilune is looked for in the namespace {}; \
             --perilune-namespace names another)",
            cluster.perilune_namespace().await
        )
    };
    Ok(scan)
}

fn page(map: &ConfigMap) -> Option<ScanPage> {
    serde_json::from_str(map.data.as_ref()?.get(PAGE_KEY)?).ok()
}

/// Only pages of the latest look of each backend belong together.
fn together(mut pages: Vec<ScanPage>) -> Vec<Scan> {
    pages.sort_by(|a, b| (&a.backend, &b.scanned, a.page).cmp(&(&b.backend, &a.scanned, b.page)));
    let mut scans: Vec<Scan> = Vec::new();
    for page in pages {
        let latest = scans.last().is_some_and(|scan| scan.backend == page.backend);
        if !latest {
            scans.push(Scan {
                backend: page.backend.clone(),
                scanned: page.scanned.clone(),
                ..Scan::default()
            });
        }
        if let Some(scan) = scans.last_mut().filter(|scan| scan.scanned == page.scanned) {
            scan.manageable.extend(page.manageable);
            scan.orphans.extend(page.orphans);
            scan.missing.extend(page.missing);
        }
    }
    scans
}

/// Gives a backend a command and waits until it is carried out; answers what came of it.
pub(crate) async fn command(cluster: &Cluster, backend: &str, annotation: &str) -> Result<String> {
    let api: Api<ArrayBackend> = Api::all(cluster.client.clone());
    let before = get(&api, backend).await?;
    let id = format!(
        "kubectl-{}-{}",
        before.resource_version().unwrap_or_default(),
        Timestamp::now().as_millisecond()
    );
    let patch = json!({"metadata": {"annotations": {annotation: "true", ANNOTATION_REQUEST_ID: id}}});
    let patched = api.patch(backend, &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.map_err(|error| said(&format!("annotate ArrayBackend {backend}"), &error))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = get(&api, backend).await?;
        if let Some(done) = ended(&now, &id) {
            let message = done.message.unwrap_or_default();
            match done.phase {
                OperationPhase::Succeeded => return Ok(message),
                phase => bail!("{} {}: {message}", done.verb, format!("{phase:?}").to_lowercase()),
            }
        }
        if Instant::now() > deadline {
            bail!(
                "the controller has not carried it out in {} s; `kubectl describe arraybackend {backend}` and the controller's log tell more",
                PATIENCE.as_secs()
            );
        }
        sleep(LOOK_EVERY).await;
    }
}

fn ended(backend: &ArrayBackend, id: &str) -> Option<Operation> {
    let status = backend.status.as_ref()?;
    let mut all = status.operation.iter().chain(&status.history);
    all.find(|operation| operation.id == id && operation.phase.is_over()).cloned()
}

#[cfg(test)]
mod tests {
    use perilune_api::scan::{Manageable, ScanPage};

    use super::together;

    fn page(backend: &str, scanned: &str, page: usize) -> ScanPage {
        let row = Manageable { reference: format!("{scanned}-{page}"), ..Manageable::default() };
        ScanPage {
            backend: backend.into(),
            scanned: scanned.into(),
            page,
            manageable: vec![row],
            ..ScanPage::default()
        }
    }

    #[test]
    fn pages_of_the_latest_look_are_put_together_in_order() {
        let scans = together(vec![
            page("b", "2026-01-02", 0),
            page("a", "2026-01-02", 1),
            page("a", "2026-01-01", 2),
            page("a", "2026-01-02", 0),
        ]);
        let found: Vec<(&str, Vec<&str>)> = scans
            .iter()
            .map(|scan| {
                (scan.backend.as_str(), scan.manageable.iter().map(|row| row.reference.as_str()).collect())
            })
            .collect();
        assert_eq!(found, [("a", vec!["2026-01-02-0", "2026-01-02-1"]), ("b", vec!["2026-01-02-0"])]);
    }
}
