//! What must hold when the kernel answers with silence, lies or changes: tests over the fake.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    detach,
    error::{ErrorKind, Result},
    format, grow,
    identity::{ExpectedWwid, Wwid},
    leave,
    linux::Settings,
    mount,
    os::{
        Answer, DevNum, Mount,
        fake::{Fake, FakeDisk},
    },
    record::{Phase, Record, SessionMade},
    request::{Attachment, FsType, GrowRequest, StageRequest, Usage},
    stage, sysfs,
    target::{Iqn, Lun, Protocol, TargetPath},
    verify,
    volume::VolumeKey,
    work::{Site, Work},
};

pub(crate) const OURS: u8 = 0xaa;
const OTHER: u8 = 0xbb;
const IQN: &str = "iqn.2026-01.test:a";
const SIZE: u64 = 256 << 20;
const STAGING: &str = "/staging";

pub(crate) fn disk(byte: u8) -> FakeDisk {
    let mut page = vec![0, 0x83, 0, 20, 1, 3, 0, 16, 0x60];
    page.extend([byte; 15]);
    FakeDisk { identification: Answer::Data(page), size: SIZE, content: BTreeMap::new(), unreadable: None }
}

fn wwid(byte: u8) -> Wwid {
    Wwid::new(&format!("naa.60{}", hex::encode([byte; 15]))).unwrap()
}

fn attachment() -> Attachment {
    let path =
        |portal: &str| TargetPath::iscsi(Iqn::new(IQN).unwrap(), portal.parse().unwrap(), Lun::kernel(0));
    Attachment {
        protocol: Protocol::Iscsi,
        wwid: ExpectedWwid::new(wwid(OURS), None),
        size: SIZE,
        paths: vec![path("10.0.0.1"), path("10.0.0.2")],
        min_paths: 1,
        generation: 1,
        read_only: false,
    }
}

/// A node with one volume: a map over two paths, mounted at the staging path, and its record.
pub(crate) struct Node {
    pub(crate) fake: Arc<Fake>,
    pub(crate) work: Work,
    pub(crate) record: Record,
    _dir: tempfile::TempDir,
}

impl Node {
    pub(crate) fn new(first: FakeDisk, second: FakeDisk) -> Self {
        let (fake, dir) = (Arc::new(Fake::new()), tempfile::tempdir().unwrap());
        {
            let mut world = fake.world();
            world.path(1, IQN, "10.0.0.1", "sda", first);
            world.path(2, IQN, "10.0.0.2", "sdb", second);
            world.map("dm-0", &wwid(OURS).multipath(), &["sda", "sdb"], disk(OURS));
        }
        let settings = Settings { host_root: "/".into(), records: dir.path().into(), places: Vec::new() };
        let site = Site::new(Arc::<Fake>::clone(&fake), settings).unwrap();
        let usage = Usage::Filesystem { fs: FsType::Ext4, options: Vec::new() };
        let key = VolumeKey::new("v").unwrap();
        let mut record = Record::new(key, "boot".into(), attachment(), usage, STAGING.into());
        record.phase = Phase::Staged;
        site.records.save(&record).unwrap();
        let work = Work { site, deadline: Instant::now() + Duration::from_secs(20) };
        Self { fake, work, record, _dir: dir }
    }

    fn mounted(self) -> Self {
        self.fake.world().mounts.push(Mount {
            number: DevNum { major: 253, minor: 0 },
            root: "/".into(),
            target: STAGING.into(),
            fs: "ext4".into(),
            read_only: false,
            fs_read_only: false,
            shared: true,
        });
        self
    }

    fn verify(&self) -> Result<verify::Verified<verify::Device>> {
        let block = sysfs::block(self.work.os(), "dm-0").unwrap();
        verify::verify(&self.work, &block, &self.record.attachment, 1)
    }

    fn acts(&self) -> Vec<String> {
        self.fake.world().acts.clone()
    }

    fn format(&mut self) -> Result<format::Ready> {
        let device = self.verify().unwrap();
        format::ensure(&self.work, device, &mut self.record, FsType::Ext4, true)
    }
}

fn silent() -> FakeDisk {
    FakeDisk { identification: Answer::Silent("transport status 0x1".into()), ..disk(OURS) }
}

#[test]
fn a_map_with_a_path_of_another_volume_is_never_verified() {
    let node = Node::new(disk(OURS), disk(OTHER));
    let error = node.verify().unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongIdentity);
    assert!(error.message.contains("sdb") && error.message.contains(wwid(OTHER).as_str()), "{error:?}");
    assert_eq!(node.acts(), Vec::<String>::new());
}

#[test]
fn a_silent_path_is_dead_and_not_another() {
    let node = Node::new(disk(OURS), silent());
    let device = node.verify().unwrap();
    assert_eq!(device.paths.len(), 1);
}

#[test]
fn a_path_by_a_target_that_was_not_published_is_refused() {
    let mut node = Node::new(disk(OURS), disk(OURS));
    for path in &mut node.record.attachment.paths {
        let TargetPath::Iscsi(path) = path else { panic!("{path}") };
        path.lun = Lun::kernel(7);
    }
    assert_eq!(node.verify().unwrap_err().kind, ErrorKind::WrongIdentity);
}

#[test]
fn the_last_two_users_of_a_session_do_not_wait_for_each_other_to_log_out() {
    let node = Node::new(disk(OURS), disk(OURS));
    let user = |name: &str| {
        let mut attachment = attachment();
        attachment.paths = vec![TargetPath::iscsi(
            Iqn::new("iqn.2026-01.test:b").unwrap(),
            "10.0.0.3".parse().unwrap(),
            Lun::kernel(0),
        )];
        let made = attachment.paths[0].by_iscsi().map(SessionMade::of);
        let key = VolumeKey::new(name).unwrap();
        let mut record = Record::new(key, "boot".into(), attachment, Usage::Block, STAGING.into());
        record.sessions.extend(made);
        node.work.site.records.save(&record).unwrap();
        record
    };
    let (one, two) = (user("one"), user("two"));
    let leave = |record: &Record, within: Duration| {
        let work = Work { site: node.work.site.clone(), deadline: Instant::now() + within };
        leave::log_out(&work, record, &BTreeSet::new())
    };
    let held = leave(&one, Duration::from_secs(20)).unwrap();
    assert_eq!(node.acts(), Vec::<String>::new(), "the other uses it");
    assert_eq!(leave(&two, Duration::from_millis(50)).unwrap_err().kind, ErrorKind::TimedOut);
    node.work.site.records.remove(&one.volume).unwrap();
    drop(held);
    leave(&two, Duration::from_secs(20)).unwrap();
    assert!(node.acts().iter().any(|act| act == "run iscsiadm"), "{:?}", node.acts());
}

#[test]
fn with_all_paths_silent_a_detach_touches_nothing() {
    let node = Node::new(silent(), silent()).mounted();
    let error = detach::take_down(&node.work, node.record.clone()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
    let altering = |act: &String| !act.starts_with("multipathd show");
    assert!(!node.acts().iter().any(altering), "{:?}", node.acts());
}

#[test]
fn a_volume_unmapped_by_the_array_stops_queueing_before_the_unmount() {
    let gone = FakeDisk { identification: Answer::NotMapped, ..disk(OURS) };
    let node = Node::new(gone.clone(), gone).mounted();
    // this daemon removes nothing, so the detach stops at the map
    assert!(detach::take_down(&node.work, node.record.clone()).is_err());
    let acts = node.acts();
    let at = |part: &str| {
        acts.iter().position(|act| act.contains(part)).unwrap_or_else(|| panic!("no {part}: {acts:?}"))
    };
    assert!(at("disablequeueing") < at("unmount"));
    assert!(!acts.iter().any(|act| act.starts_with("flush") || act.contains("delete")), "{acts:?}");
}

#[test]
fn a_map_that_does_not_go_keeps_its_paths() {
    let node = Node::new(disk(OURS), disk(OURS)).mounted();
    let error = detach::take_down(&node.work, node.record.clone()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InUse);
    let acts = node.acts();
    assert!(
        acts.contains(&"flush dm-0".to_owned()) && !acts.iter().any(|act| act.contains("delete")),
        "{acts:?}"
    );
    assert_eq!(node.work.site.records.find(&node.record.volume).unwrap().unwrap().phase, Phase::Detaching);
}

#[test]
fn what_cannot_be_read_is_never_formatted() {
    for bad in [0, SIZE - 4096, 128 << 20, SIZE / 2] {
        let mut node = Node::new(disk(OURS), disk(OURS));
        node.fake.world().disks.get_mut("dm-0").unwrap().unreadable = Some(bad);
        assert!(node.format().is_err());
        assert!(
            !node.acts().iter().any(|act| act == "run mkfs.ext4" || act.starts_with("zero")),
            "{:?}",
            node.acts()
        );
    }
}

#[test]
fn a_single_byte_at_a_backup_spot_forbids_formatting() {
    let mut node = Node::new(disk(OURS), disk(OURS));
    node.fake.world().disks.get_mut("dm-0").unwrap().content.insert((64 << 20) + 100, vec![1]);
    assert_eq!(node.format().unwrap_err().kind, ErrorKind::ForeignSignature);
    assert_eq!(node.acts(), ["run blkid"]);
}

#[test]
fn a_device_that_somebody_holds_is_not_formatted() {
    let mut node = Node::new(disk(OURS), disk(OURS));
    node.fake.world().busy.insert("dm-0".into());
    assert_eq!(node.format().unwrap_err().kind, ErrorKind::InUse);
    assert!(!node.acts().contains(&"run mkfs.ext4".to_owned()));
}

#[test]
fn a_mount_that_turns_out_to_be_another_device_is_undone() {
    let node = Node::new(disk(OURS), disk(OURS));
    node.fake.world().mounts_instead = Some(DevNum { major: 253, minor: 9 });
    let device = node.verify().unwrap();
    let wish = (FsType::Ext4, &[][..], false);
    let error =
        mount::mount(&node.work, &device, &node.record.attachment, STAGING.as_ref(), wish).unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongIdentity);
    assert_eq!(node.acts(), ["mount /staging", "unmount /staging"]);
}

#[test]
fn paths_of_unequal_size_are_not_grown_upon() {
    let larger = FakeDisk { size: SIZE * 2, ..disk(OURS) };
    let node = Node::new(larger, disk(OURS)).mounted();
    let request = GrowRequest {
        volume: node.record.volume.clone(),
        size: Some(SIZE * 2),
        deadline: node.work.deadline,
    };
    let error = grow::grow(&node.work, &request).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
    assert!(error.message.contains("differ in size"), "{error:?}");
    assert_eq!(node.acts(), Vec::<String>::new());
}

#[test]
fn another_volumes_staging_path_is_not_touched() {
    let node = Node::new(disk(OURS), disk(OURS)).mounted();
    let request = StageRequest {
        volume: VolumeKey::new("thief").unwrap(),
        attachment: attachment(),
        chap: None,
        staging_path: STAGING.into(),
        usage: node.record.usage.clone(),
        read_only: false,
        born_empty: false,
        deadline: node.work.deadline,
    };
    let error = stage::stage(&node.work, &request).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.message.contains("/staging is in use by volume v"), "{error:?}");
    assert_eq!(node.acts(), Vec::<String>::new());
}
