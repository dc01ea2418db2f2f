//! What is counted when paths come and go.

use std::collections::BTreeMap;

use super::*;
use crate::faults::{Node, OURS, disk};

fn node() -> Node {
    let mut node = Node::new(disk(OURS), disk(OURS));
    node.record.map = Some(node.record.attachment.wwid.main().multipath());
    node.work.site.records.save(&node.record).unwrap();
    node
}

fn counted(node: &Node) -> (usize, usize, Vec<String>) {
    let all = staged(&node.work).unwrap();
    let [volume] = &all[..] else { panic!("one volume is staged: {all:?}") };
    (
        volume.found,
        volume.expected,
        volume.missing.iter().map(|path| path.by_iscsi().unwrap().portal.to_string()).collect(),
    )
}

#[test]
fn a_path_counts_only_while_its_session_its_disk_and_its_place_in_the_map_stand() {
    let node = node();
    assert_eq!(counted(&node), (2, 2, vec![]));
    let breaks: BTreeMap<&str, &str> = [
        ("/sys/class/iscsi_session/session2/state", "FAILED"),
        ("/sys/class/scsi_device/2:0:0:0/device/state", "transport-offline"),
        ("/sys/class/iscsi_connection/connection2:0/persistent_address", "10.0.0.9"),
    ]
    .into();
    for (file, text) in breaks {
        let before = node.fake.world().files.insert(file.into(), text.into()).unwrap();
        assert_eq!(counted(&node), (1, 2, vec!["10.0.0.2:3260".to_owned()]), "{file}");
        node.fake.world().files.insert(file.into(), before);
    }
    node.fake.world().files.remove("/sys/class/block/dm-0/slaves/sdb/dev".as_ref() as &std::path::Path);
    assert_eq!(counted(&node).0, 1, "a disk outside the map carries nothing");
}

#[test]
fn what_multipathd_found_dead_is_not_found() {
    let node = node();
    node.fake.world().paths_shown = "1:0:0:0 failed\n2:0:0:0 active\n".into();
    assert_eq!(counted(&node), (1, 2, vec!["10.0.0.1:3260".to_owned()]));
}

#[test]
fn without_multipath_one_path_is_all_that_is_expected() {
    let mut node = node();
    node.record.map = None;
    node.record.scanned = vec!["1:0:0:0".parse().unwrap()];
    node.work.site.records.save(&node.record).unwrap();
    assert_eq!(counted(&node), (1, 1, vec![]));
}

#[test]
fn volumes_of_another_boot_and_half_attached_ones_are_not_staged() {
    let mut node = node();
    node.record.phase = Phase::Attaching;
    node.work.site.records.save(&node.record).unwrap();
    assert_eq!(staged(&node.work).unwrap(), []);
    node.record.phase = Phase::Detaching;
    node.work.site.records.save(&node.record).unwrap();
    assert_eq!(counted(&node).0, 2, "an unfinished detach is still there");
    node.record.boot = "earlier".into();
    node.work.site.records.save(&node.record).unwrap();
    assert_eq!(staged(&node.work).unwrap(), []);
}
