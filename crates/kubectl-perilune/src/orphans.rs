//! `orphans`: volumes that bear our mark and have no record, and records whose volume is gone.

use anyhow::Result;
use kube::Api;
use perilune_api::ArrayBackend;

use crate::args::Format;
use crate::cluster::{Cluster, get};
use crate::output;
use crate::scans::{self, Scan};
use crate::size::quantity;
use crate::table::Table;

pub(crate) async fn run(cluster: &Cluster, backend: Option<&str>, format: Format) -> Result<()> {
    if let Some(backend) = backend {
        get(&Api::<ArrayBackend>::all(cluster.client.clone()), backend).await?;
    }
    let mut scans = scans::read(cluster, backend).await?;
    scans.iter_mut().for_each(|scan| scan.manageable.clear());
    output::show(format, &scans, |wide| text(&scans, wide))
}

fn text(scans: &[Scan], wide: bool) -> String {
    if scans.is_empty() {
        return "No array has been looked through yet; `kubectl perilune backends` tells which are in use.\n"
            .to_owned();
    }
    let mut header = vec!["BACKEND", "REFERENCE", "NAME", "SIZE", "CLAIM", "RECORD"];
    if wide {
        header.extend(["POOL", "WWID", "REASON"]);
    }
    let mut orphans = Table::new(&header);
    let mut missing = Table::new(&["BACKEND", "RECORD", "VOLUME", "WAS", "REASON"]);
    for scan in scans {
        for row in &scan.orphans {
            let claim = row.claim_namespace.as_ref().zip(row.claim_name.as_ref());
            orphans.row([
                scan.backend.clone(),
                row.reference.clone(),
                row.name.clone(),
                quantity(row.size_bytes),
                claim.map(|(namespace, name)| format!("{namespace}/{name}")).unwrap_or_default(),
                row.record.clone(),
                row.pool.clone(),
                row.wwid.clone().unwrap_or_default(),
                row.reason.clone().unwrap_or_default(),
            ]);
        }
        for row in &scan.missing {
            let why = row.reason.clone().unwrap_or_default();
            missing.row([
                scan.backend.clone(),
                row.record.clone(),
                row.csi_name.clone(),
                row.reference.clone(),
                why,
            ]);
        }
    }
    let looked: Vec<String> = scans.iter().map(|scan| format!("{} {}", scan.backend, scan.when())).collect();
    let looked = format!("Looked through: {}.\n", looked.join(", "));
    if orphans.is_empty() && missing.is_empty() {
        return format!("Every volume of ours has its record, and every record its volume.\n{looked}");
    }
    let mut text = String::new();
    if !orphans.is_empty() {
        text += &format!(
            "Volumes with our mark that no record knows. Nothing deletes them; `kubectl perilune recover BACKEND \
             --restore-records` makes their records.\n\n{}\n",
            orphans.text()
        );
    }
    if !missing.is_empty() {
        text += &format!(
            "Records whose volume is not on its array: somebody deleted it there.\n\n{}\n",
            missing.text()
        );
    }
    text + &looked
}

#[cfg(test)]
mod tests {
    use perilune_api::scan::{Missing, Orphan};

    use super::text;
    use crate::scans::Scan;

    #[test]
    fn both_kinds_are_listed_with_what_can_be_done() {
        let orphan = Orphan {
            reference: "12".into(),
            record: "5a0c".into(),
            claim_namespace: Some("shop".into()),
            claim_name: Some("data".into()),
            ..Orphan::default()
        };
        let missing = Missing { record: "77".into(), csi_name: "pvc-1".into(), ..Missing::default() };
        let scan =
            Scan { backend: "gold".into(), orphans: vec![orphan], missing: vec![missing], ..Scan::default() };
        let shown = text(&[scan], false);
        assert!(
            shown.contains("shop/data") && shown.contains("--restore-records") && shown.contains("pvc-1"),
            "{shown}"
        );
        let clean = text(&[Scan { backend: "gold".into(), ..Scan::default() }], false);
        assert!(clean.contains("Every volume of ours has its record"), "{clean}");
    }
}
