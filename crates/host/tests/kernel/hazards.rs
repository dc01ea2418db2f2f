//! Wrong disks, wrong contexts, wrong records: what must be refused by name, and what must not be touched.

use std::{fs, path::Path};

use perilune_host::{ErrorKind, ExpectedWwid, Harm, Host, LinuxHost, Lun, TargetPath, Usage};

use crate::{
    array::{PORTALS, Target, Volume, make_pool},
    guest::{
        RECORDS, Subject, ailing, assert_nothing_left, assert_sound, counted, open_host, paths, runtime, sh,
        step, verdict,
    },
};

const SHARED: &str = "iqn.2026-01.test:array";
const OTHER: &str = "iqn.2026-01.test:other";

pub(crate) fn all() {
    make_pool();
    let (shared, other) = (Target::make(SHARED, None), Target::make(OTHER, None));
    for (lun, id, mib) in [(1, 21, 64), (2, 22, 64), (3, 23, 128), (4, 25, 256)] {
        shared.map(lun, Volume::make(id, mib));
    }
    runtime().block_on(async {
        let host = open_host();
        step("hazard 3: a map with paths of two volumes", two_in_a_map(&host, &shared)).await;
        step("hazard 4: two volumes with one identity", one_identity_twice(&host, &shared)).await;
        step("hazard 5: a spot that cannot be read", unreadable(&host, &shared)).await;
        step("hazard 6: signatures of others", signatures(&host, &shared)).await;
        step("hazard 7: a disk used beneath its map", used_beneath(&host, &shared)).await;
        step("hazard 9: another volume at the place of ours", replaced(&host, &shared)).await;
        step("hazard 14: unrelated LUNs stay unseen", unrelated(&host, &shared)).await;
        step("hazard 16: looking replays no journal", no_replay(&host, &shared)).await;
        step("hazard 17: a volume that shrinks in use", shrunk(&host, &shared)).await;
        step("hazard 19: the volume means another device", generation(&host, &shared)).await;
        step("hazard 22: a mount in another namespace", namespaces(&host, &shared)).await;
        step("hazard 25: a broken record and a locked database", database(&host, &shared)).await;
        step("hazard 28: a path that came late", late_path(&host, &shared)).await;
        step("hazard 31: a map without paths", empty_map(&host, &shared)).await;
        step("hazard 32: stacked mounts at the staging path", stacked(&host, &shared)).await;
        step("hazard 33: records torn and newer", records(&host, &shared)).await;
        step("hazard 34: a LUN per path and large LUNs", luns(&host, &shared, &other)).await;
        step("hazard 36: reboot while staged", reboot(&host, &shared)).await;
        step("a context that lies", lies(&host, &shared)).await;
        step("hazard 30: every mode of find_multipaths", modes(&host, &shared)).await;
    });
    verdict();
}

fn small(shared: &Target) -> Subject {
    Subject::new("pvc-small", Volume { id: 21 }, shared, 1, 64).block()
}

fn mounted(shared: &Target) -> Subject {
    Subject::new("pvc-mounted", Volume { id: 23 }, shared, 3, 128)
}

fn map_of(volume: Volume) -> String {
    format!("/dev/mapper/3{}", volume.wwid().trim_start_matches("naa."))
}

/// A session and a disk that nobody's record owns, with a map above it.
fn scan_by_hand(lun: u64, volume: Volume) {
    let (portal, map) = (PORTALS[0], map_of(volume));
    let node = format!("iscsiadm -m node -T {SHARED} -p {portal}");
    sh(&format!(
        "iscsiadm -m session 2>/dev/null | grep -q '{portal},.*{SHARED}' || {{ {node} -o new && \
         {node} -o update -n node.startup -v manual -n node.session.scan -v manual && {node} --login; }}"
    ));
    sh(&format!(
        "for h in /sys/class/iscsi_host/host*; do echo '0 0 {lun}' >/sys/class/scsi_host/${{h##*/}}/scan; done"
    ));
    sh(&format!("for i in $(seq 100); do [ -e {map} ] && exit 0; sleep 0.1; done; exit 1"));
}

fn log_out_by_hand() {
    sh(&format!(
        "for m in $(dmsetup ls --target multipath | cut -f1 | grep 36f47); do multipathd del map $m; done; \
         for s in /sys/class/iscsi_session/*; do for d in $s/device/target*/*:*/delete; do \
         if [ -e $d ]; then echo 1 >$d; fi; done; done; \
         iscsiadm -m node -T {SHARED} --logout; iscsiadm -m node -T {SHARED} -o delete; udevadm settle -t 60"
    ));
}

fn stamp(volume: Volume, text: &str) {
    sh(&format!("printf {text} | dd of={} bs=512 conv=sync,fsync,notrunc 2>&1", volume.device()));
}

async fn two_in_a_map(host: &LinuxHost, shared: &Target) {
    let (a, b) = (Volume { id: 21 }, Volume { id: 22 });
    stamp(a, "aaaa");
    stamp(b, "bbbb");
    // nobody told the node that LUN 1 is B's and A is LUN 5 now
    for in_use in [true, false] {
        scan_by_hand(1, a);
        shared.unmap(1);
        shared.unmap(2);
        shared.map(1, b);
        shared.map(5, a);
        let moved = Subject::new("pvc-moved", a, shared, 5, 64).block();
        if in_use {
            sh(&format!("dmsetup create user --table '0 8 linear {} 0'", map_of(a)));
            // refused, unless multipathd was quicker and has thrown the foreign disk out of the map itself
            match moved.clone().within(45).stage(host).await {
                Ok(_) => assert_sound(),
                Err(error) => {
                    let refused = matches!(error.kind, ErrorKind::WrongIdentity | ErrorKind::InUse);
                    assert!(refused, "{error:?}");
                }
            }
            sh("dmsetup remove --retry user");
            moved.unstage(host).await.unwrap();
        } else {
            moved.stage(host).await.unwrap();
            assert_sound();
            let node = map_of(a);
            for _ in 0..6 {
                let read = sh(&format!("dd if={node} bs=512 count=1 status=none iflag=direct | head -c 4"));
                assert_eq!(read, "aaaa");
            }
            moved.unstage(host).await.unwrap();
        }
        log_out_by_hand();
        shared.unmap(1);
        shared.unmap(5);
        shared.map(1, a);
        shared.map(2, b);
    }
    for volume in [a, b] {
        sh(&format!("blkdiscard -f {}", volume.device()));
    }
    assert_nothing_left();
}

async fn one_identity_twice(host: &LinuxHost, shared: &Target) {
    shared.map(6, Volume::twin(24, Volume { id: 21 }, 64));
    scan_by_hand(6, Volume { id: 21 });
    let subject = small(shared);
    let error = subject.clone().within(45).stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongIdentity, "{error:?}");
    assert!(error.message.contains("two volumes may bear one identity"), "{error:?}");
    // which of the two was meant only a person can tell
    assert_eq!(subject.clone().within(45).unstage(host).await.unwrap_err().kind, ErrorKind::WrongIdentity);
    log_out_by_hand();
    shared.unmap(6);
    subject.unstage(host).await.unwrap();
    subject.stage(host).await.unwrap();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn unreadable(host: &LinuxHost, shared: &Target) {
    let (volume, sectors) = (Volume { id: 25 }, 256 * 2048);
    let subject = Subject::new("pvc-bad", volume, shared, 4, 256);
    volume.broken_at(128 * 2048, sectors);
    let error = subject.clone().within(60).stage(host).await.unwrap_err();
    assert!(error.message.contains("at 134217728"), "{error:?}");
    assert_eq!(sh(&format!("blkid -p {} || true", volume.device())), "");
    volume.mended(sectors);
    assert!(subject.stage(host).await.unwrap().formatted);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn signatures(host: &LinuxHost, shared: &Target) {
    let volume = Volume { id: 22 };
    let subject = Subject::new("pvc-foreign", volume, shared, 2, 64);
    let neighbour = small(shared);
    neighbour.stage(host).await.unwrap();
    for (bytes, at, name) in
        [("LUKS\\272\\276\\000\\002", 0, "LUKS"), ("EFI PART", 512, "GPT"), ("LABELONE", 512, "LVM")]
    {
        let device = volume.device();
        sh(&format!("printf '{bytes}' | dd of={device} bs=1 seek={at} conv=notrunc,fsync 2>&1"));
        let before = sh(&format!("sha256sum <{device}"));
        let error = subject.stage(host).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ForeignSignature, "{error:?}");
        assert!(error.message.contains(name), "{error:?}");
        subject.unstage(host).await.unwrap();
        assert_eq!(sh(&format!("sha256sum <{device}")), before);
        sh(&format!("blkdiscard -f {device}"));
    }
    neighbour.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn used_beneath(host: &LinuxHost, shared: &Target) {
    let volume = Volume { id: 21 };
    scan_by_hand(1, volume);
    let disk = sh(&format!("ls /sys/block/$(basename $(readlink -f {}))/slaves", map_of(volume)));
    sh(&format!("multipathd del map {}", map_of(volume).trim_start_matches("/dev/mapper/")));
    sh(&format!("dmsetup create user --table '0 8 linear /dev/{disk} 0'"));
    let subject = small(shared);
    let error = subject.clone().within(30).stage(host).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotReady | ErrorKind::InUse), "{error:?}");
    assert_eq!(sh("dmsetup deps user | grep -c 'dependencies'"), "1", "the other user keeps his disk");
    sh("dmsetup remove --retry user");
    subject.stage(host).await.unwrap();
    subject.unstage(host).await.unwrap();
    log_out_by_hand();
    assert_nothing_left();
}

async fn replaced(host: &LinuxHost, shared: &Target) {
    let subject = small(shared);
    subject.stage(host).await.unwrap();
    let before = sh(&format!("sha256sum <{}", Volume { id: 22 }.device()));
    shared.unmap(1);
    shared.unmap(2);
    shared.map(1, Volume { id: 22 });
    assert_eq!(ailing(host, &subject).await.first().map(|(harm, _)| *harm), Some(Harm::Inaccessible));
    subject.unstage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | wc -l"), "1", "the other volume's disk is left alone");
    assert_eq!(sh(&format!("sha256sum <{}", Volume { id: 22 }.device())), before);
    log_out_by_hand();
    shared.unmap(1);
    shared.map(1, Volume { id: 21 });
    shared.map(2, Volume { id: 22 });
    assert_nothing_left();
}

async fn unrelated(host: &LinuxHost, shared: &Target) {
    let subject = small(shared).by_both();
    subject.stage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | sed 's/.*://' | sort -u"), "1");
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn no_replay(host: &LinuxHost, shared: &Target) {
    for (id, xfs) in [(31, false), (32, true)] {
        let volume = Volume::make(id, 400);
        shared.map(id, volume);
        let source = Subject::new("pvc-journal", volume, shared, id.into(), 400);
        let source = if xfs { source.xfs() } else { source };
        source.stage(host).await.unwrap();
        sh(&format!(
            "cd {} && for i in 1 2 3 4; do echo $i >$i; done; sync -f .",
            source.staging().display()
        ));
        let copy = Volume::snapshot(id + 10, volume, 400);
        shared.map(id + 10, copy);
        let before = sh(&format!("sha256sum <{}", copy.device()));
        let looker = Subject::new("pvc-look", copy, shared, u64::from(id) + 10, 400);
        let looker = if xfs { looker.xfs() } else { looker }.with_content().read_only();
        looker.stage(host).await.unwrap();
        sh(&format!("ls {}", looker.staging().display()));
        looker.unstage(host).await.unwrap();
        assert_eq!(sh(&format!("sha256sum <{}", copy.device())), before, "xfs: {xfs}");
        source.unstage(host).await.unwrap();
    }
    assert_nothing_left();
}

async fn shrunk(host: &LinuxHost, shared: &Target) {
    let (volume, subject) = (Volume { id: 23 }, mounted(shared));
    subject.stage(host).await.unwrap();
    assert_eq!(ailing(host, &subject).await, []);
    volume.grow(100);
    let error = subject.grow(host, 100).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused, "{error:?}");
    assert!(error.message.contains("shrunk"), "{error:?}");
    assert_eq!(ailing(host, &subject).await, [(Harm::DataLoss, "Shrunk")]);
    volume.grow(128);
    assert_eq!(ailing(host, &subject).await, []);
    subject.unstage(host).await.unwrap();
    // one that is to go, goes at any size
    let (volume, subject) = (Volume { id: 21 }, small(shared));
    subject.stage(host).await.unwrap();
    volume.grow(32);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
    volume.grow(64);
}

async fn generation(host: &LinuxHost, shared: &Target) {
    let old = small(shared);
    let mut new = Subject::new("pvc-small", Volume { id: 22 }, shared, 2, 64).block();
    new.attachment.generation = 2;
    old.stage(host).await.unwrap();
    let pod = old.target();
    old.publish(host, &pod, true).await.unwrap();
    let error = new.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InUse, "{error:?}");
    assert!(old.stage(host).await.unwrap().already, "nothing has changed");
    old.unpublish(host, &pod).await.unwrap();
    new.stage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | sed 's/.*://'"), "2", "the old device is gone");
    assert_eq!(old.publish(host, &pod, true).await.map_err(|error| error.kind), Ok(()));
    let map = Volume { id: 22 }.wwid().replace("naa.", "3");
    let number = sh(&format!("dmsetup info -c --noheadings --separator : -o major,minor {map}"));
    assert_eq!(sh(&format!("stat -Lc %Hr:%Lr {}", pod.display())), number);
    new.unpublish(host, &pod).await.unwrap();
    new.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn namespaces(host: &LinuxHost, shared: &Target) {
    let subject = mounted(shared);
    subject.stage(host).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "somebody else's namespace")]
    let mut holder = std::process::Command::new("unshare").args(["-m", "sleep", "600"]).spawn().unwrap();
    sh(&format!(
        "for i in $(seq 50); do grep -q pvc-mounted /proc/{}/mountinfo && [ $(readlink /proc/{}/ns/mnt) != \
                $(readlink /proc/self/ns/mnt) ] && exit 0; sleep 0.1; done; exit 1",
        holder.id(),
        holder.id()
    ));
    let error = subject.unstage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InUse, "{error:?}");
    assert!(error.message.contains(&format!("process {} (sleep)", holder.id())), "{error:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn database(host: &LinuxHost, shared: &Target) {
    let broken = "/etc/iscsi/nodes/iqn.2026-01.test:broken/127.0.9.9,3260,1";
    sh(&format!("mkdir -p {broken} && echo nonsense >{broken}/default"));
    let subject = small(shared);
    subject.stage(host).await.unwrap();
    subject.unstage(host).await.unwrap();
    sh("rm -r /etc/iscsi/nodes/iqn.2026-01.test:broken");
    sh("touch /run/lock/iscsi/lock && ln /run/lock/iscsi/lock /run/lock/iscsi/lock.write");
    let error = subject.clone().within(60).stage(host).await.unwrap_err();
    assert!(error.message.contains("node database"), "{error:?}");
    sh("rm /run/lock/iscsi/lock.write");
    subject.stage(host).await.unwrap();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn late_path(host: &LinuxHost, shared: &Target) {
    let mut subject = small(shared);
    let TargetPath::Iscsi(path) = &mut subject.attachment.paths[0] else { panic!("not by iSCSI") };
    path.portal = PORTALS[1].parse().unwrap();
    subject.stage(host).await.unwrap();
    // somebody else scans, and multipath takes the disk into our map
    scan_by_hand(1, Volume { id: 21 });
    sh("udevadm settle -t 10");
    subject.unstage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | wc -l"), "0", "the late disk went with the volume");
    assert_eq!(sh("ls /sys/class/iscsi_session | wc -l"), "1", "the session of the other stays");
    log_out_by_hand();
    assert_nothing_left();
}

async fn empty_map(host: &LinuxHost, shared: &Target) {
    let subject = small(shared);
    subject.stage(host).await.unwrap();
    sh("udevadm settle -t 30");
    sh(&format!("dmsetup create user --table '0 8 linear {} 0'", map_of(Volume { id: 21 })));
    sh("for d in /sys/class/scsi_device/*/device/delete; do echo 1 >$d; done; udevadm settle -t 10");
    assert_eq!(paths(host, &subject).await, (0, 1));
    assert_eq!(ailing(host, &subject).await[0], (Harm::Inaccessible, "NoPath"));
    subject.stage(host).await.unwrap();
    assert_eq!(paths(host, &subject).await, (1, 1));
    sh("dmsetup remove --retry user");
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn stacked(host: &LinuxHost, shared: &Target) {
    let subject = mounted(shared);
    subject.stage(host).await.unwrap();
    fs::write(subject.staging().join("file"), "kept").unwrap();
    let staging = subject.staging().display().to_string();
    sh(&format!("mount --bind {staging} {staging}"));
    assert_eq!(ailing(host, &subject).await, [(Harm::Degraded, "StackedMount")]);
    subject.stage(host).await.unwrap();
    assert_eq!(ailing(host, &subject).await, []);
    assert_eq!(fs::read_to_string(subject.staging().join("file")).unwrap(), "kept");
    sh(&format!("mount -t tmpfs none {staging}"));
    assert_eq!(ailing(host, &subject).await, [(Harm::Inaccessible, "StaleMount")]);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn records(host: &LinuxHost, shared: &Target) {
    let subject = small(shared);
    subject.stage(host).await.unwrap();
    let file = format!("{RECORDS}/v-{}.json", subject.name);
    let good = fs::read_to_string(&file).unwrap();
    let newer = good.replacen("\"schema\": 1", "\"schema\": 99", 1);
    for (text, says) in [(&good[..good.len() / 2], "cannot be read"), (newer.as_str(), "layout 99")] {
        fs::write(&file, text).unwrap();
        for error in [subject.stage(host).await.unwrap_err(), subject.unstage(host).await.unwrap_err()] {
            assert_eq!(error.kind, ErrorKind::Refused, "{error:?}");
            assert!(error.message.contains(says) && error.message.contains(&file), "{error:?}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "left as it is");
        assert_eq!(sh("ls /sys/class/scsi_device | wc -l"), "1", "and so is the volume");
        assert_eq!(host.reconcile().await.unwrap().unreadable.len(), 1);
    }
    fs::write(&file, good).unwrap();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn luns(host: &LinuxHost, shared: &Target, other: &Target) {
    let volume = Volume { id: 22 };
    other.map(16640, volume);
    let mut subject = Subject::new("pvc-luns", volume, shared, 2, 64).block().by_both();
    let second = TargetPath::iscsi(OTHER.parse().unwrap(), PORTALS[1].parse().unwrap(), Lun::kernel(16640));
    subject.attachment.paths[1] = second;
    assert_eq!(subject.stage(host).await.unwrap().paths, 2);
    assert_eq!(sh("ls /sys/class/scsi_device | sed 's/.*://' | sort -n | xargs"), "2 16640");
    assert!(subject.stage(host).await.unwrap().already);
    subject.unstage(host).await.unwrap();
    other.unmap(16640);
    assert_nothing_left();
}

async fn reboot(host: &LinuxHost, shared: &Target) {
    let subject = mounted(shared);
    for again in [true, false] {
        subject.stage(host).await.unwrap();
        fs::write(subject.staging().join("file"), "kept").unwrap();
        sh(&format!("umount {}", subject.staging().display()));
        log_out_by_hand();
        let boot = sh("cat /proc/sys/kernel/random/boot_id");
        sh(&format!("sed -i s/{boot}/another-boot/ {RECORDS}/*.json"));
        let next = open_host();
        next.reconcile().await.unwrap();
        assert_eq!(paths(&next, &subject).await, (0, 0), "nothing is staged after a reboot");
        if again {
            let staged = subject.stage(&next).await.unwrap();
            assert!(!staged.formatted && !staged.already, "{staged:?}");
            assert_eq!(fs::read_to_string(subject.staging().join("file")).unwrap(), "kept");
        }
        subject.unstage(&next).await.unwrap();
        assert_nothing_left();
    }
}

async fn lies(host: &LinuxHost, shared: &Target) {
    let lie = async |what: &str, subject: Subject, kind: ErrorKind| {
        let error = subject.within(60).stage(host).await.unwrap_err();
        assert_eq!(error.kind, kind, "{what}: {error:?}");
        subject_clean(host, what).await;
        error.message
    };
    let mut wwid = small(shared);
    wwid.attachment.wwid = ExpectedWwid::new(Volume { id: 99 }.wwid().parse().unwrap(), None);
    let said = lie("identity", wwid, ErrorKind::WrongIdentity).await;
    assert!(said.contains(&Volume { id: 21 }.wwid()), "{said}");
    let said =
        lie("LUN", Subject::new("pvc-small", Volume { id: 21 }, shared, 77, 64).block(), ErrorKind::NotReady)
            .await;
    assert!(said.contains("shows no such LUN"), "{said}");
    let mut size = small(shared);
    size.attachment.size = 65 << 20;
    let said = lie("size", size, ErrorKind::NotReady).await;
    assert!(said.contains("67108864 bytes"), "{said}");
    let mut portal = small(shared);
    portal.attachment.paths =
        vec![TargetPath::iscsi(SHARED.parse().unwrap(), "127.0.9.9:3260".parse().unwrap(), Lun::kernel(1))];
    let said = lie("portal", portal, ErrorKind::NotReady).await;
    assert!(said.contains("127.0.9.9:3260"), "{said}");

    // a staging path that another volume is mounted at
    let owner = mounted(shared);
    owner.stage(host).await.unwrap();
    let mut thief = Subject::new("pvc-mounted", Volume { id: 25 }, shared, 4, 256).with_content();
    thief.name = "pvc-thief";
    let there = owner.staging();
    let error = thief.stage_at(host, &there).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::InUse | ErrorKind::Refused), "{error:?}");
    assert!(error.message.contains("pvc-mounted"), "{error:?}");
    assert!(owner.stage(host).await.unwrap().already, "the owner has lost nothing");
    thief.unstage_at(host, Path::new("/var/lib/staging/pvc-thief")).await.unwrap();
    owner.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn subject_clean(host: &LinuxHost, what: &str) {
    let request = perilune_host::UnstageRequest {
        volume: perilune_host::VolumeKey::new("pvc-small").unwrap(),
        staging_path: "/var/lib/staging/pvc-small".into(),
        deadline: std::time::Instant::now() + std::time::Duration::from_secs(30),
    };
    host.unstage(&request).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert_nothing_left();
}

async fn modes(host: &LinuxHost, shared: &Target) {
    for mode in ["strict", "yes", "smart", "greedy"] {
        sh(&format!(
            "sed -i 's/find_multipaths .*/find_multipaths {mode}/' /etc/multipath.conf && rm -f /etc/multipath/wwids && \
             multipathd reconfigure"
        ));
        let subject = small(shared);
        assert_eq!(subject.usage, Usage::Block);
        let (staged, processes) = counted(host, subject.stage(host)).await;
        assert_eq!(staged.unwrap().paths, 1, "{mode}");
        assert_eq!(
            processes,
            if mode == "greedy" { 3 } else { 4 },
            "{mode}: multipath -a once where it is needed"
        );
        subject.unstage(host).await.unwrap();
        assert_nothing_left();
    }
}
