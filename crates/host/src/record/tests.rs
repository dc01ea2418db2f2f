//! The record on disk.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{
    identity::{ExpectedWwid, Wwid},
    target::{ChapAccount, Lun, Protocol},
};

fn record(name: &str) -> Record {
    let attachment = Attachment {
        protocol: Protocol::Iscsi,
        wwid: ExpectedWwid::new(Wwid::new("naa.6f47acc1000000003564b6a000000002").unwrap(), None),
        size: 1 << 30,
        paths: vec![TargetPath::iscsi(
            Iqn::new("iqn.2026-01.test:a").unwrap(),
            "10.0.0.1".parse().unwrap(),
            Lun::kernel(0),
        )],
        min_paths: 1,
        generation: 1,
        read_only: false,
    };
    let usage = Usage::Filesystem { fs: FsType::Ext4, options: vec!["noatime".into()] };
    let mut record =
        Record::new(VolumeKey::new(name).unwrap(), "boot".into(), attachment, usage, "/staging".into());
    record.scanned.push("3:0:0:1".parse().unwrap());
    record.filesystem = Some(FsRecord { fs: FsType::Xfs, uuid: "u".into(), origin: Origin::Made, filled: 5 });
    record
}

#[test]
fn a_record_comes_back_as_written_and_only_root_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let records = Records::new(dir.path().join("volumes"));
    let record = record("pvc-1");
    assert_eq!(records.find(&record.volume).unwrap(), None);
    records.save(&record).unwrap();
    records.save(&record).unwrap();
    assert_eq!(records.find(&record.volume).unwrap().as_ref(), Some(&record));
    let mode = fs::metadata(records.file(&record.volume)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    records.remove(&record.volume).unwrap();
    records.remove(&record.volume).unwrap();
    assert_eq!(records.find(&record.volume).unwrap(), None);
}

#[test]
fn newer_and_torn_records_are_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let records = Records::new(dir.path().to_owned());
    records.save(&record("good")).unwrap();
    fs::write(dir.path().join("v-newer.json"), br#"{"schema": 2, "shape": "unknown"}"#).unwrap();
    fs::write(dir.path().join("v-torn.json"), br#"{"schema": 1, "vol"#).unwrap();
    let newer = records.find(&VolumeKey::new("newer").unwrap()).unwrap_err();
    assert_eq!(newer.kind, ErrorKind::Refused);
    assert!(newer.message.contains("layout 2"));
    assert_eq!(records.find(&VolumeKey::new("torn").unwrap()).unwrap_err().kind, ErrorKind::Refused);
    let found = records.list().unwrap();
    assert_eq!((found.records.len(), found.unreadable.len()), (1, 2));
}

#[test]
fn a_rotated_secret_is_noticed_without_keeping_it() {
    let chap = |secret: &str| Chap {
        outgoing: ChapAccount { name: "u".into(), secret: secret.into() },
        incoming: None,
    };
    let digest = chap_digest(Some(&chap("old-secret")), "salt");
    assert!(!digest.contains("old-secret"));
    assert!(chap_same(Some(&chap("old-secret")), Some(&digest)));
    assert!(!chap_same(Some(&chap("new-secret")), Some(&digest)));
    assert!(!chap_same(None, Some(&digest)));
    assert!(chap_same(None, Some(&chap_digest(None, "salt"))));
}
