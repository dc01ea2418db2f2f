//! Fibre Channel: two ports of the node, each with a cable to one port of the array, all in one kernel.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use perilune_host::{ErrorKind, Host, LinuxHost, Lun, Protocol, TargetPath, Verdict};

use crate::{
    array::{Target, Volume, make_pool, put},
    guest::{
        Subject, ailing, assert_nothing_left, assert_sound, counted, open_host, paths, runtime, sh, step,
        until, verdict,
    },
};

const OURS: [&str; 2] = ["20:00:02:fc:00:00:0a:01", "20:00:02:fc:00:00:0a:02"];
const ARRAY: [&str; 2] = ["20:00:02:fc:00:00:0b:01", "20:00:02:fc:00:00:0b:02"];

/// The one kernel module that the guest's kernel lacks.
pub(crate) fn module() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/fcoe.ko");
    let module = std::env::var_os("GUEST_FCOE").map_or_else(usual, PathBuf::from);
    assert!(
        module.exists(),
        "{} is missing: `cargo xtask test fc` builds it, or crates/lab/fcoe-module.sh target/lab",
        module.display()
    );
    module
}

fn group(port: &str) -> PathBuf {
    Path::new("/sys/kernel/config/target/fc").join(port).join("tpgt_1")
}

/// Shows the volume behind both ports of the array.
fn map(lun: u64, volume: Volume) {
    for (array, ours) in ARRAY.iter().zip(OURS) {
        let whole = group(array).join(format!("lun/lun_{lun}"));
        fs::create_dir_all(&whole).unwrap();
        symlink(volume.store(), whole.join("store")).unwrap();
        let shown = group(array).join("acls").join(ours).join(format!("lun_{lun}"));
        fs::create_dir_all(&shown).unwrap();
        symlink(&whole, shown.join("lun")).unwrap();
    }
}

fn unmap(lun: u64) {
    for (array, ours) in ARRAY.iter().zip(OURS) {
        let shown = group(array).join("acls").join(ours).join(format!("lun_{lun}"));
        fs::remove_file(shown.join("lun")).unwrap();
        fs::remove_dir(&shown).unwrap();
        let whole = group(array).join(format!("lun/lun_{lun}"));
        fs::remove_file(whole.join("store")).unwrap();
        fs::remove_dir(&whole).unwrap();
    }
}

fn subject(name: &'static str, volume: Volume, lun: u64, mib: u64) -> Subject {
    let mut subject = Subject::new(name, volume, &Target { iqn: "iqn.2026-01.test:unused" }, lun, mib);
    subject.attachment.protocol = Protocol::Fc;
    let path = |port: &&str| TargetPath::fc(port.parse().unwrap(), Lun::kernel(lun));
    subject.attachment.paths = ARRAY.iter().map(path).collect();
    subject.attachment.min_paths = 2;
    subject
}

pub(crate) fn all() {
    make_pool();
    // target and access list stand before the ports meet, or the array is no target to them
    for (array, ours) in ARRAY.iter().zip(OURS) {
        fs::create_dir_all(group(array).join("acls").join(ours)).unwrap();
    }
    for port in sh("ls -d /sys/bus/fcoe/devices/ctlr_*").lines() {
        put(Path::new(port).join("mode"), "vn2vn");
        put(Path::new(port).join("enabled"), "1");
    }
    sh(
        "for i in $(seq 300); do [ $(cat /sys/class/fc_remote_ports/*/roles 2>/dev/null | grep -c 'FCP Target') -ge 2 ] && \
        exit 0; sleep 0.1; done; exit 1",
    );
    map(1, Volume::make(61, 256));
    map(2, Volume::make(62, 64));
    map(16640, Volume::make(63, 64));
    runtime().block_on(async {
        let host = open_host();
        step("fc: what the node says of itself", itself(&host)).await;
        step("fc: life of a volume", life(&host)).await;
        step("fc: a LUN used again", used_again(&host)).await;
        step("fc: a large LUN", large_lun(&host)).await;
        step("fc: a port that nobody sees", unseen(&host)).await;
        step("fc: a cable cut and mended", cable(&host)).await;
        step("fc: unmapped first", unmapped(&host)).await;
    });
    verdict();
}

async fn itself(host: &LinuxHost) {
    let identity = host.identity().await.unwrap();
    let ports: Vec<String> = identity.ports.iter().map(ToString::to_string).collect();
    assert!(OURS.iter().all(|port| ports.iter().any(|found| found == port)), "{ports:?}");
    let check = identity.checks.iter().find(|check| check.name == "fc").unwrap();
    assert_eq!(check.verdict, Verdict::Good, "{check:?}");
}

async fn life(host: &LinuxHost) {
    let own = subject("pvc-fc", Volume { id: 61 }, 1, 256);
    let (staged, processes) = counted(host, own.stage(host)).await;
    let staged = staged.unwrap();
    assert!(staged.formatted && staged.paths == 2 && staged.missing.is_empty(), "{staged:?}");
    assert_eq!(processes, 2, "blkid and mkfs: a fabric needs no login");
    fs::write(own.staging().join("file"), "written").unwrap();
    assert_eq!(counted(host, own.stage(host)).await.1, 0);
    assert_eq!(paths(host, &own).await, (2, 2));
    let pod = own.target();
    own.publish(host, &pod, true).await.unwrap();
    Volume { id: 61 }.grow(400);
    let (size, processes) = counted(host, own.grow(host, 400)).await;
    assert_eq!((size.unwrap(), processes), (400 << 20, 1));
    own.unpublish(host, &pod).await.unwrap();
    assert_eq!(counted(host, own.unstage(host)).await.1, 0, "nothing to log out of");
    assert_nothing_left();
    let again = own.clone().with_content();
    assert_eq!(counted(host, again.stage(host)).await.1, 0);
    assert_eq!(fs::read_to_string(own.staging().join("file")).unwrap(), "written");
    again.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn used_again(host: &LinuxHost) {
    let old = subject("pvc-old", Volume { id: 62 }, 2, 64).block();
    old.stage(host).await.unwrap();
    unmap(1);
    unmap(2);
    map(2, Volume { id: 61 });
    // the old volume's disks are still there, under its own record: nobody else may take them
    let new = subject("pvc-new", Volume { id: 61 }, 2, 400).with_content();
    old.unstage(host).await.unwrap();
    new.stage(host).await.unwrap();
    assert_sound();
    assert_eq!(fs::read_to_string(new.staging().join("file")).unwrap(), "written");
    new.unstage(host).await.unwrap();
    unmap(2);
    map(1, Volume { id: 61 });
    map(2, Volume { id: 62 });
    let wrong = subject("pvc-wrong", Volume { id: 61 }, 2, 64).block().within(60);
    let error = wrong.stage(host).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongIdentity, "{error:?}");
    wrong.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn large_lun(host: &LinuxHost) {
    let subject = subject("pvc-large", Volume { id: 63 }, 16640, 64).block();
    assert_eq!(subject.stage(host).await.unwrap().paths, 2);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn unseen(host: &LinuxHost) {
    let mut subject = subject("pvc-unseen", Volume { id: 62 }, 2, 64).block();
    subject.attachment.min_paths = 1;
    subject.attachment.paths[1] = TargetPath::fc("50:05:07:63:0a:00:12:34".parse().unwrap(), Lun::kernel(2));
    let staged = subject.stage(host).await.unwrap();
    assert_eq!((staged.paths, staged.missing.len()), (1, 1));
    subject.unstage(host).await.unwrap();
    subject.attachment.paths.remove(0);
    let error = subject.within(30).stage(host).await.unwrap_err();
    assert!(error.message.contains("50:05:07:63:0a:00:12:34 is seen by none"), "{error:?}");
    let subject = self::subject("pvc-unseen", Volume { id: 62 }, 2, 64).block();
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}

async fn cable(host: &LinuxHost) {
    let mut subject = subject("pvc-cable", Volume { id: 61 }, 1, 400).with_content();
    subject.attachment.min_paths = 1;
    subject.stage(host).await.unwrap();
    sh("ip link set ini2 down");
    until(60, "the lost path is counted", async || paths(host, &subject).await == (1, 2)).await;
    sh(&format!(
        "timeout 60 dd if=/dev/zero of={}/load bs=64k count=16 oflag=direct 2>&1",
        subject.staging().display()
    ));
    assert_eq!(ailing(host, &subject).await[0].1, "PathsMissing");
    sh("ip link set ini2 up");
    until(90, "the path is back", async || paths(host, &subject).await == (2, 2)).await;
    until(30, "and the volume is well", async || ailing(host, &subject).await.is_empty()).await;
    // the kernel looks for every LUN when a port comes back: what is not ours stays
    sh("udevadm settle -t 20");
    let foreign = "ls /sys/class/scsi_device | grep -v ':1$' | sort";
    let before = sh(foreign);
    subject.unstage(host).await.unwrap();
    assert_eq!(sh("ls /sys/class/scsi_device | grep -c ':1$' || true"), "0");
    assert_eq!(sh(foreign), before);
    sh("for m in $(dmsetup ls --target multipath | cut -f1 | grep 36f47); do multipathd del map $m; done; \
        for d in /sys/class/scsi_device/*/device/delete; do [ ! -e $d ] || echo 1 >$d; done; udevadm settle -t 20");
    assert_nothing_left();
}

async fn unmapped(host: &LinuxHost) {
    let subject = subject("pvc-gone", Volume { id: 62 }, 2, 64);
    subject.stage(host).await.unwrap();
    unmap(2);
    subject.unstage(host).await.unwrap();
    assert_nothing_left();
}
