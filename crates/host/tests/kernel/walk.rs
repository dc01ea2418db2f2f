//! The steps, in the guest.

use std::{fs, path::Path};

use perilune_host::{ErrorKind, Host, LinuxHost};

use crate::{
    array::{PORTALS, Target, Volume, make_pool},
    guest::{
        Subject, assert_nothing_left, assert_sound, counted, open_host, paths, runtime, sh, stats, step,
        until, verdict,
    },
};

const CHAP: [&str; 4] = ["usr", "secret123456", "array", "mutual123456"];
const OWN: &str = "iqn.2010-01.com.solidfire:5vkj.pvc1.42";
const SHARED: &str = "iqn.2026-01.test:array";

/// The volume with a target of its own, as every step of the crash test sees it.
fn own() -> Subject {
    Subject::new("pvc-own", Volume { id: 1 }, &Target { iqn: OWN }, 0, 256).chap(CHAP).by_both()
}

pub(crate) fn all() {
    make_pool();
    let alone = Target::make(OWN, Some(CHAP));
    let shared = Target::make(SHARED, None);
    alone.map(0, Volume::make(1, 256));
    shared.map(1, Volume::make(11, 400));
    shared.map(2, Volume::make(12, 64));
    shared.map(3, Volume::make(13, 128));
    runtime().block_on(async {
        let host = open_host();
        step("life of a volume", life(&host)).await;
        step("wrong secret", wrong_secret(&host)).await;
        step("two volumes behind one target", neighbours(&host, &shared)).await;
        step("LUN used again", lun_used_again(&host, &shared)).await;
        step("what is not formatted", not_formatted(&host, &shared)).await;
        step("clone beside its source", clone_beside_source(&host, &shared)).await;
        step("portal down", portal_down(&host, &shared)).await;
        step("array unmapped first", unmapped_first(&host, &shared)).await;
        step("record lost", record_lost(&host, &shared)).await;
        // the last, for the daemon does not come back
        step("bare path", bare_path(&host, &shared)).await;
    });
    verdict();
}

async fn life(host: &LinuxHost) {
    let own = own();
    let (staged, processes) = counted(host, own.stage(host)).await;
    let staged = staged.unwrap();
    assert!(staged.formatted && staged.paths == 2 && staged.missing.is_empty(), "{staged:?}");
    assert_eq!(processes, 3 + 3 + 2, "three per cold portal, blkid and mkfs");
    fs::write(own.staging().join("file"), "written").unwrap();

    let (again, processes) = counted(host, own.stage(host)).await;
    assert!(again.unwrap().already);
    assert_eq!(processes, 0, "a re-stage starts nothing");

    let (pod, other) = (own.target(), Path::new("/var/lib/pods/second"));
    own.publish(host, &pod, true).await.unwrap();
    own.publish(host, &pod, true).await.unwrap();
    assert_eq!(fs::read_to_string(pod.join("file")).unwrap(), "written");
    assert_eq!(own.publish(host, other, true).await.unwrap_err().kind, ErrorKind::Refused);
    let reader = Path::new("/var/lib/pods/reader");
    own.clone().read_only().publish(host, reader, false).await.unwrap();
    own.clone().read_only().publish(host, reader, false).await.unwrap();
    assert_eq!(own.publish(host, reader, false).await.unwrap_err().kind, ErrorKind::Exists);
    assert!(fs::write(reader.join("file"), "no").is_err() && fs::write(pod.join("file"), "written").is_ok());
    own.unpublish(host, reader).await.unwrap();
    assert_eq!(own.unstage(host).await.unwrap_err().kind, ErrorKind::InUse);
    assert!(own.stage(host).await.unwrap().already, "a refused unstage leaves it staged");

    let before = stats(host, &own).await;
    assert!(before.abnormal.is_empty(), "{:?}", before.abnormal);
    Volume { id: 1 }.grow(512);
    let (size, processes) = counted(host, own.grow(host, 512)).await;
    assert_eq!((size.unwrap(), processes), (512 << 20, 1), "only the file system's tool");
    assert_eq!(counted(host, own.grow(host, 512)).await.1, 0);
    let after = stats(host, &own).await;
    assert!(after.bytes.total > before.bytes.total + (200 << 20), "{before:?} {after:?}");
    assert_eq!(own.grow(host, 600).await.unwrap_err().kind, ErrorKind::NotReady);

    own.unpublish(host, &pod).await.unwrap();
    own.unpublish(host, &pod).await.unwrap();
    assert!(!pod.exists());
    let (unstaged, processes) = counted(host, own.unstage(host)).await;
    unstaged.unwrap();
    assert_eq!(processes, 4, "two per portal");
    own.unstage(host).await.unwrap();
    assert_nothing_left();
    second_life(host, &own).await;
}

/// The volume comes back with its data, and its secret changes while it is staged.
async fn second_life(host: &LinuxHost, own: &Subject) {
    let (staged, processes) = counted(host, own.clone().with_content().stage(host)).await;
    assert!(!staged.unwrap().formatted);
    assert_eq!(processes, 6, "a clean file system needs no tool");
    assert_eq!(fs::read_to_string(own.staging().join("file")).unwrap(), "written");
    let target = Target { iqn: OWN };
    for secret in ["changed12345", CHAP[1]] {
        target.change_secret(secret);
        let changed = own.clone().with_content().chap([CHAP[0], secret, CHAP[2], CHAP[3]]);
        let (staged, processes) = counted(host, changed.stage(host)).await;
        assert!(staged.unwrap().already);
        assert_eq!(processes, 2, "one update per portal");
        assert_eq!(counted(host, changed.stage(host)).await.1, 0);
        sh(&format!("grep -rq 'password = {secret}' /var/lib/iscsi/nodes /etc/iscsi/nodes"));
    }
    own.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn wrong_secret(host: &LinuxHost) {
    let wrong = own().chap(["usr", "wrong1234567", "array", "mutual123456"]);
    let error = wrong.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ChapRefused, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong1234567"));
    wrong.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn neighbours(host: &LinuxHost, shared: &Target) {
    let first = Subject::new("pvc-xfs", Volume { id: 11 }, shared, 1, 400).xfs();
    let second = Subject::new("pvc-raw", Volume { id: 12 }, shared, 2, 64).block();
    assert!(first.stage(host).await.unwrap().formatted);
    let (staged, processes) = counted(host, second.stage(host)).await;
    assert_eq!((staged.unwrap().paths, processes), (1, 0), "a warm attach starts nothing");
    assert_eq!(counted(host, second.stage(host)).await.1, 0);

    let pod = second.target();
    second.publish(host, &pod, false).await.unwrap();
    second.publish(host, &pod, false).await.unwrap();
    sh(&format!("printf stamp | dd of={} bs=512 conv=sync,fsync oflag=direct", pod.display()));
    assert_eq!(second.unstage(host).await.unwrap_err().kind, ErrorKind::InUse);
    Volume { id: 12 }.grow(96);
    assert_eq!(counted(host, second.grow(host, 96)).await.1, 0, "raw block needs no tool");
    assert_eq!(sh(&format!("blockdev --getsize64 {}", pod.display())), (96u64 << 20).to_string());
    second.unpublish(host, &pod).await.unwrap();
    assert!(
        sh(&format!(
            "dd if={} bs=512 count=1 iflag=direct status=none | tr -d '\\0'",
            Volume { id: 12 }.device()
        )) == "stamp"
    );

    Volume { id: 11 }.grow(600);
    assert_eq!(counted(host, first.grow(host, 600)).await.1, 1);
    assert_eq!(counted(host, first.unstage(host)).await.1, 0, "the neighbour still uses the sessions");
    assert_eq!(counted(host, second.unstage(host)).await.1, 2);
    assert_nothing_left();
}

/// Somebody scans LUN 1, the array gives the LUN to another volume, and the old disk is still there.
async fn lun_used_again(host: &LinuxHost, shared: &Target) {
    leave_old_disk();
    shared.unmap(1);
    shared.map(1, Volume { id: 12 });
    let new = Subject::new("pvc-new", Volume { id: 12 }, shared, 1, 64).block();

    // without a user the leftover goes, and the right one comes
    new.stage(host).await.unwrap();
    assert_sound();
    new.unstage(host).await.unwrap();

    // the other way round: the wrong volume is at the LUN that was published
    let wrong = Subject::new("pvc-wrong", Volume { id: 11 }, shared, 1, 64).block();
    let error = wrong.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongIdentity, "{error:?}");
    assert!(error.message.contains("6f47acc100000000000000000000000c"), "{error:?}");
    wrong.unstage(host).await.unwrap();

    // a leftover in use is not touched
    leave_old_disk();
    shared.unmap(1);
    shared.map(1, Volume { id: 11 });
    let holder = fs::File::open("/dev/mapper/36f47acc100000000000000000000000c").unwrap();
    sh("dmsetup create user --table '0 8 linear /dev/mapper/36f47acc100000000000000000000000c 0'");
    let old = Subject::new("pvc-old", Volume { id: 11 }, shared, 1, 400).xfs().with_content();
    let error = old.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InUse, "{error:?}");
    drop(holder);
    sh("dmsetup remove --retry user");
    old.stage(host).await.unwrap();
    old.unstage(host).await.unwrap();
    log_out_by_hand();
    assert_nothing_left();
}

/// Sessions and disks that nobody's record owns.
fn leave_old_disk() {
    for portal in &PORTALS[..1] {
        let node = format!("iscsiadm -m node -T {SHARED} -p {portal}");
        sh(&format!(
            "iscsiadm -m session 2>/dev/null | grep -q '{portal},.*{SHARED}' || {{ {node} -o new && {node} -o update -n node.startup -v manual -n node.session.scan -v manual && {node} --login; }}"
        ));
    }
    sh(
        "for h in /sys/class/iscsi_host/host*; do echo '0 0 1' >/sys/class/scsi_host/${h##*/}/scan; done; udevadm settle -t 10",
    );
    sh(
        "for i in $(seq 50); do dmsetup ls --target multipath | grep -q 36f47acc && exit 0; sleep 0.1; done; exit 1",
    );
}

fn log_out_by_hand() {
    sh(&format!("iscsiadm -m node -T {SHARED} --logout; iscsiadm -m node -T {SHARED} -o delete"));
}

async fn not_formatted(host: &LinuxHost, shared: &Target) {
    let volume = Volume { id: 13 };
    let subject = Subject::new("pvc-full", volume, shared, 3, 128);
    let device = volume.device();
    let refused = async |what: &str, subject: &Subject| {
        let error = subject.stage(host).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ForeignSignature, "{error:?}");
        assert!(error.message.contains(what), "{error:?}");
    };
    refused("restored, cloned or imported", &subject.clone().with_content()).await;
    for (spot, write, what) in [
        (0, format!("printf SWAPSPACE2 | dd of={device} bs=1 seek=4086 conv=notrunc,fsync"), "swap"),
        (
            64,
            format!("printf data | dd of={device} bs=1M seek=64 conv=sync,fsync,notrunc"),
            "data near byte 67108864",
        ),
        (
            127,
            format!("printf data | dd of={device} bs=1M seek=127 conv=sync,fsync,notrunc"),
            "data near byte 133169152",
        ),
    ] {
        sh(&format!("{write} 2>&1"));
        refused(what, &subject).await;
        sh(&format!("dd if=/dev/zero of={device} bs=1M seek={spot} count=1 oflag=direct conv=notrunc 2>&1"));
    }
    assert!(subject.stage(host).await.unwrap().formatted);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn clone_beside_source(host: &LinuxHost, shared: &Target) {
    let source = Subject::new("pvc-source", Volume { id: 11 }, shared, 4, 400).xfs();
    shared.map(4, Volume { id: 11 });
    source.stage(host).await.unwrap();
    fs::write(source.staging().join("file"), "of the source").unwrap();
    sh(&format!("sync -f {}", source.staging().display()));
    shared.map(5, Volume::snapshot(14, Volume { id: 11 }, 800));
    let clone = Subject::new("pvc-clone", Volume { id: 14 }, shared, 5, 800).xfs().with_content();
    let looker = clone.clone().read_only();
    assert_eq!(counted(host, looker.stage(host)).await.1, 0, "looking changes nothing");
    assert!(looker.stage(host).await.unwrap().already);
    assert!(fs::write(clone.staging().join("file"), "no").is_err());
    looker.unstage(host).await.unwrap();
    let (staged, processes) = counted(host, clone.stage(host)).await;
    assert!(!staged.unwrap().formatted);
    assert_eq!(processes, 1, "the clone is larger and is grown");
    assert_eq!(fs::read_to_string(clone.staging().join("file")).unwrap(), "of the source");
    clone.unstage(host).await.unwrap();
    source.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn portal_down(host: &LinuxHost, shared: &Target) {
    shared.fell(PORTALS[1]);
    let mut subject = Subject::new("pvc-one-leg", Volume { id: 13 }, shared, 3, 128).by_both();
    subject.attachment.min_paths = 1;
    let staged = subject.stage(host).await.unwrap();
    assert_eq!((staged.paths, staged.missing.len()), (1, 1));
    assert_eq!(paths(host, &subject).await, (1, 2));
    assert!(stats(host, &subject).await.abnormal.iter().any(|ailment| ailment.message.contains(PORTALS[1])));
    shared.raise(PORTALS[1]);
    until(40, "the path of the portal that is back", async || {
        stats(host, &subject).await.abnormal.is_empty()
    })
    .await;
    assert_eq!(paths(host, &subject).await, (2, 2));
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn unmapped_first(host: &LinuxHost, shared: &Target) {
    let subject = Subject::new("pvc-gone", Volume { id: 13 }, shared, 3, 128);
    subject.stage(host).await.unwrap();
    shared.unmap(3);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
    shared.map(3, Volume { id: 13 });
}

async fn record_lost(host: &LinuxHost, shared: &Target) {
    let subject = Subject::new("pvc-lost", Volume { id: 13 }, shared, 3, 128);
    subject.stage(host).await.unwrap();
    sh("rm -r /var/lib/perilune/volumes");
    subject.unstage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | wc -l"), "0");
    let report = host.reconcile().await.unwrap();
    assert_eq!(
        report.foreign.len(),
        1,
        "a session whose maker is not known stays and is reported: {report:?}"
    );
    log_out_by_hand();
    let identity = host.identity().await.unwrap();
    assert_eq!(identity.initiator.map(String::from).as_deref(), Some("iqn.2026-01.test:node"));
    let faults: Vec<_> =
        identity.checks.iter().filter(|check| check.verdict == perilune_host::Verdict::Fault).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_nothing_left();
}

async fn bare_path(host: &LinuxHost, shared: &Target) {
    sh(
        "kill $(pidof multipathd); for i in $(seq 50); do pidof multipathd >/dev/null || exit 0; sleep 0.1; done; exit 1",
    );
    let subject = Subject::new("pvc-bare", Volume { id: 13 }, shared, 3, 128);
    let error = subject.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady, "set up, so a map could come at any time: {error:?}");
    sh("rm -f /etc/multipath.conf /etc/multipath/wwids");
    let mut both = Subject::new("pvc-bare", Volume { id: 13 }, shared, 3, 128).by_both();
    assert_eq!(both.stage(host).await.unwrap_err().kind, ErrorKind::Refused);
    both.attachment.min_paths = 1;
    let staged = both.stage(host).await.unwrap();
    assert_eq!((staged.paths, staged.missing.len()), (1, 0), "the first path that works, and no other");
    let (again, processes) = counted(host, both.stage(host)).await;
    assert!(again.unwrap().already && processes == 0);
    Volume { id: 13 }.grow(200);
    assert_eq!(counted(host, both.grow(host, 200)).await.1, 1);
    both.unstage(host).await.unwrap();
    assert_nothing_left();
}
