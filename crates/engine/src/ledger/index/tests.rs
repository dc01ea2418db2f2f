//! What the index finds, and what it makes of news that come late.

use std::collections::BTreeMap;

use perilune_array::{Name, PoolId, RecordId, Size, SnapshotId, VolumeId};

use super::Index;
use crate::SnapshotHandle;
use crate::ledger::{Entry, LedgerError, Phase, SnapshotEntry};

fn entry(id: &str, version: u64, snapshots: &[(&str, Option<&str>)]) -> Entry {
    let snapshot = |(name, native): &(&str, Option<&str>)| SnapshotEntry {
        csi_name: (*name).to_owned(),
        name: Name::new(*name),
        native: native.map(SnapshotId::new),
        size: Size::gib(1),
        created: None,
        ready: true,
        attempted: None,
    };
    Entry {
        id: RecordId::new(id),
        csi_name: id.to_owned(),
        claim: None,
        backend: "a".to_owned(),
        pool: PoolId::new("p"),
        pool_name: "p".to_owned(),
        name: Name::new(id),
        size: Size::gib(1),
        parameters: BTreeMap::new(),
        mutable: BTreeMap::new(),
        topology: Vec::new(),
        source: None,
        born_empty: true,
        generation: 1,
        native: Some(VolumeId::new(format!("native-{id}"))),
        wwid: None,
        wwid_alt: None,
        phase: Phase::Ready,
        attempted: None,
        attachments: Vec::new(),
        departed: Vec::new(),
        snapshots: snapshots.iter().map(snapshot).collect(),
        version: Some(version.to_string()),
    }
}

fn handle(native: &str) -> SnapshotHandle {
    SnapshotHandle { backend: "a".to_owned(), native: SnapshotId::new(native) }
}

#[test]
fn an_index_that_was_never_filled_refuses_instead_of_telling_half() {
    let index = Index::default();
    index.put(entry("1", 1, &[]));
    assert!(matches!(index.entries(), Err(LedgerError::Unavailable(_))));
    index.fill([]);
    assert_eq!(
        index.entries().map(|all| all.len()).ok(),
        Some(0),
        "what came before the filling is not doubled"
    );
}

#[test]
fn pages_follow_the_ids_whatever_comes_and_goes_between() {
    let index = Index::default();
    index.fill(["1", "3", "5", "7"].map(|id| entry(id, 1, &[])));
    let page = |after: Option<&str>| {
        let (page, more) = index.page(after.map(RecordId::new).as_ref(), 2, |_| true).expect("complete");
        (page.iter().map(|e| e.csi_name.clone()).collect::<Vec<_>>(), more)
    };
    assert_eq!(page(None), (vec!["1".to_owned(), "3".to_owned()], true));
    index.remove(&RecordId::new("3"));
    index.put(entry("2", 1, &[]));
    assert_eq!(page(Some("3")), (vec!["5".to_owned(), "7".to_owned()], false));
}

#[test]
fn a_snapshot_is_found_by_name_and_by_id_until_its_record_forgets_it() {
    let index = Index::default();
    index.fill([entry("1", 1, &[("s", Some("9")), ("t", None)])]);
    let named = |name: &str| index.with_snapshot_named(name).expect("complete").len();
    assert_eq!((named("s"), named("t"), named("u")), (1, 1, 0));
    assert!(index.with_snapshot(&handle("9")).expect("complete").is_some());
    index.put(entry("1", 2, &[("t", Some("8"))]));
    assert_eq!((named("s"), named("t")), (0, 1));
    assert!(index.with_snapshot(&handle("9")).expect("complete").is_none());
    assert!(index.with_snapshot(&handle("8")).expect("complete").is_some());
}

#[test]
fn older_news_do_not_undo_newer_ones() {
    let index = Index::default();
    index.fill([entry("1", 10, &[("s", None)])]);
    index.put(entry("1", 9, &[]));
    assert_eq!(index.with_snapshot_named("s").expect("complete").len(), 1);
    index.put(entry("1", 11, &[]));
    assert_eq!(index.with_snapshot_named("s").expect("complete").len(), 0);
}
