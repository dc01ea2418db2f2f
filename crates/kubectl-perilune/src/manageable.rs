//! `manageable`: the volumes of an array that could be imported, and why some cannot.

use anyhow::Result;
use perilune_api::names::ANNOTATION_RESCAN;

use crate::args::{Format, Manageable};
use crate::cluster::Cluster;
use crate::output;
use crate::scans::{self, Scan};
use crate::size::quantity;
use crate::table::Table;

pub(crate) async fn run(cluster: &Cluster, wanted: &Manageable, format: Format) -> Result<()> {
    if wanted.rescan {
        output::note(&scans::command(cluster, &wanted.backend, ANNOTATION_RESCAN).await?);
    }
    let mut scan = scans::of(cluster, &wanted.backend).await?;
    if wanted.safe {
        scan.manageable.retain(|row| row.safe);
    }
    output::show(format, &scan.manageable, |_| text(&scan))
}

fn text(scan: &Scan) -> String {
    let when = scan.when();
    if scan.manageable.is_empty() {
        return format!("{} had no volume to import when it was looked through {when}.\n", scan.backend);
    }
    let mut table = Table::new(&["REFERENCE", "NAME", "SIZE", "POOL", "SAFE", "REASON"]);
    for row in &scan.manageable {
        let safe = if row.safe { "yes" } else { "no" };
        table.row([
            row.reference.clone(),
            row.name.clone(),
            quantity(row.size_bytes),
            row.pool.clone(),
            safe.to_owned(),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    let next = scan.manageable.iter().find(|row| row.safe).map(|row| {
        format!(
            "Import one with: kubectl perilune import {} {} CLAIM --namespace NAMESPACE\n",
            scan.backend, row.reference
        )
    });
    format!(
        "{}\nLooked through {when}. {}",
        table.text(),
        next.unwrap_or_else(|| "None can be imported now.\n".to_owned())
    )
}

#[cfg(test)]
mod tests {
    use perilune_api::scan::Manageable;

    use super::text;
    use crate::scans::Scan;

    #[test]
    fn each_volume_says_whether_it_can_be_imported_and_why_not() {
        let row = |reference: &str, reason: Option<&str>| Manageable {
            reference: reference.to_owned(),
            name: "old".to_owned(),
            size_bytes: 5 << 30,
            pool: "p".to_owned(),
            safe: reason.is_none(),
            reason: reason.map(str::to_owned),
        };
        let rows = vec![row("7", Some("it is mapped to host db1")), row("8", None)];
        let shown = text(&Scan { backend: "gold".into(), manageable: rows, ..Scan::default() });
        assert!(shown.contains("no     it is mapped to host db1"), "{shown}");
        assert!(shown.contains("kubectl perilune import gold 8 CLAIM"), "{shown}");
    }
}
