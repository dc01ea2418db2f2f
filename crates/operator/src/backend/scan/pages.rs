//! What was found, cut into pages that fit into ConfigMaps: pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use perilune_api::names::{SCAN_LABEL, scan_page};
use perilune_api::scan::{PAGE_KEY, PAGE_ROWS, ScanPage};

use super::Found;

/// At least one page, so that there is always one that tells when the array was looked through.
pub(super) fn pages(backend: &str, scanned: &str, found: Found) -> Vec<ScanPage> {
    let rows = found.manageable.len() + found.orphans.len() + found.missing.len();
    let total = rows.div_ceil(PAGE_ROWS).max(1);
    let (mut manageable, mut orphans, mut missing) =
        (found.manageable.into_iter(), found.orphans.into_iter(), found.missing.into_iter());
    let page = |page| {
        let mut filled = ScanPage {
            backend: backend.to_owned(),
            scanned: scanned.to_owned(),
            page,
            total,
            // what somebody must look at comes first
            orphans: orphans.by_ref().take(PAGE_ROWS).collect(),
            ..ScanPage::default()
        };
        filled.missing.extend(missing.by_ref().take(PAGE_ROWS - filled.orphans.len()));
        let left = PAGE_ROWS - filled.orphans.len() - filled.missing.len();
        filled.manageable.extend(manageable.by_ref().take(left));
        filled
    };
    (0..total).map(page).collect()
}

pub(super) fn name(page: &ScanPage) -> String {
    scan_page(&page.backend, page.page)
}

pub(super) fn config_map(page: &ScanPage) -> Result<ConfigMap, serde_json::Error> {
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name(page)),
            labels: Some(BTreeMap::from([(SCAN_LABEL.to_owned(), page.backend.clone())])),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(PAGE_KEY.to_owned(), serde_json::to_string(page)?)])),
        ..ConfigMap::default()
    })
}

#[cfg(test)]
mod tests {
    use perilune_api::scan::{Manageable, Missing, Orphan, PAGE_ROWS};

    use super::super::Found;
    use super::{config_map, pages};

    fn found(manageable: usize, orphans: usize, missing: usize) -> Found {
        let long = "n".repeat(128);
        let row = |n: usize| Manageable {
            reference: n.to_string(),
            name: long.clone(),
            pool: long.clone(),
            reason: Some("it is mapped to a host already; unmap it there first".to_owned()),
            ..Manageable::default()
        };
        Found {
            manageable: (0..manageable).map(row).collect(),
            orphans: vec![Orphan::default(); orphans],
            missing: vec![Missing::default(); missing],
        }
    }

    #[test]
    fn every_row_is_on_one_page_and_no_page_is_too_big() {
        for (manageable, orphans, missing) in
            [(0, 0, 0), (1000, 0, 0), (1001, 0, 0), (2500, 1200, 30), (0, 0, 2000)]
        {
            let pages = pages("gold", "now", found(manageable, orphans, missing));
            let sum = |of: fn(&perilune_api::scan::ScanPage) -> usize| pages.iter().map(of).sum::<usize>();
            assert_eq!(sum(|p| p.manageable.len()), manageable);
            assert_eq!((sum(|p| p.orphans.len()), sum(|p| p.missing.len())), (orphans, missing));
            for (n, page) in pages.iter().enumerate() {
                assert_eq!((page.page, page.total), (n, pages.len()));
                assert!(page.manageable.len() + page.orphans.len() + page.missing.len() <= PAGE_ROWS);
                let data = config_map(page).unwrap().data.unwrap();
                assert!(
                    data.values().map(String::len).sum::<usize>() < 1 << 20,
                    "the API server takes a mebibyte"
                );
            }
        }
    }

    #[test]
    fn an_array_without_anything_still_says_that_it_was_looked_through() {
        assert_eq!(pages("gold", "now", Found::default()).len(), 1);
    }
}
