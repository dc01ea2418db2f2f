//! The array's side in the guest: thin volumes with an array's identities behind the kernel's SCSI target.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::guest::sh;

const TARGET: &str = "/sys/kernel/config/target";
pub(crate) const PORTALS: [&str; 2] = ["127.0.1.1:3260", "127.0.1.2:3260"];
/// A portal that no outage of the others concerns.
pub(crate) const APART: &str = "127.0.1.3:3260";
pub(crate) const INITIATOR: &str = "iqn.2026-01.test:node";

pub(crate) fn put(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::write(path, text).unwrap_or_else(|error| panic!("writing {text:?} to {}: {error}", path.display()));
}

/// The pool that volumes are thin in.
pub(crate) fn make_pool() {
    sh("truncate -s 4G /run/data.img; truncate -s 64M /run/meta.img");
    sh(
        "dmsetup create pool --table \"0 8388608 thin-pool $(losetup -f --show /run/meta.img) $(losetup -f --show /run/data.img) 128 0\"",
    );
}

/// A volume: a thin device behind the SCSI target.
#[derive(Clone, Copy)]
pub(crate) struct Volume {
    pub(crate) id: u32,
}

impl Volume {
    pub(crate) fn make(id: u32, mib: u64) -> Self {
        sh(&format!("dmsetup message /dev/mapper/pool 0 'create_thin {id}'"));
        Self { id }.activate(mib)
    }

    /// A disk in memory: nothing of it is a device of the guest, which udev would visit.
    pub(crate) fn in_memory(id: u32, mib: u64) -> Self {
        Self { id }.told(id, "rd_mcp", &format!("rd_pages={}", mib * 256))
    }

    /// A thin snapshot of another one, as large.
    pub(crate) fn snapshot(id: u32, of: Self, mib: u64) -> Self {
        let of = of.id;
        sh(&format!(
            "dmsetup suspend v{of} && dmsetup message /dev/mapper/pool 0 'create_snap {id} {of}' && dmsetup resume v{of}"
        ));
        Self { id }.activate(mib)
    }

    /// A second volume that says it is this one, as a careless copy of an array's settings makes them.
    pub(crate) fn twin(id: u32, of: Self, mib: u64) -> Self {
        sh(&format!("dmsetup message /dev/mapper/pool 0 'create_thin {id}'"));
        sh(&format!("dmsetup create v{id} --table '0 {} thin /dev/mapper/pool {id}'", mib * 2048));
        Self { id }.shown(of.id, &format!("/dev/mapper/v{id}"))
    }

    /// A volume whose device is in the middle not readable.
    pub(crate) fn broken_at(self, sector: u64, sectors: u64) {
        let (id, bad) = (self.id, sector + 8);
        let sound = |from: u64, to: u64| format!("{from} {} linear /dev/mapper/w{id} {from}", to - from);
        let table = format!("{}\\n{sector} 8 error\\n{}", sound(0, sector), sound(bad, sectors));
        sh(&format!(
            "dmsetup create w{id} --table '0 {sectors} thin /dev/mapper/pool {id}' && dmsetup suspend v{id} && \
             printf '{table}\\n' | dmsetup reload v{id} && dmsetup resume v{id}"
        ));
    }

    pub(crate) fn mended(self, sectors: u64) {
        let id = self.id;
        sh(&format!(
            "dmsetup suspend v{id} && dmsetup reload v{id} --table '0 {sectors} thin /dev/mapper/pool {id}' && \
             dmsetup resume v{id} && dmsetup remove --retry w{id}"
        ));
    }

    fn activate(self, mib: u64) -> Self {
        let id = self.id;
        sh(&format!("dmsetup create v{id} --table '0 {} thin /dev/mapper/pool {id}'", mib * 2048));
        self.shown(id, &format!("/dev/mapper/v{id}"))
    }

    fn shown(self, identity: u32, device: &str) -> Self {
        self.told(identity, "iblock", &format!("udev_path={device}"))
    }

    fn told(self, identity: u32, kind: &str, what: &str) -> Self {
        let store = self.store_of(kind);
        fs::create_dir_all(&store).unwrap();
        put(store.join("control"), what);
        put(store.join("wwn/company_id"), "0xf47acc");
        put(store.join("wwn/vendor_id"), "SolidFir");
        put(store.join("wwn/product_id"), "SSD SAN");
        put(store.join("enable"), "1");
        put(store.join("wwn/vpd_unit_serial"), &format!("100000000{identity:016x}"));
        self
    }

    pub(crate) fn store(self) -> PathBuf {
        let [device, memory] = ["iblock", "rd_mcp"].map(|kind| self.store_of(kind));
        if memory.exists() { memory } else { device }
    }

    fn store_of(self, kind: &str) -> PathBuf {
        Path::new(TARGET).join(format!("core/{kind}_{}/v{}", self.id, self.id))
    }

    pub(crate) fn wwid(self) -> String {
        format!("naa.6f47acc100000000{:016x}", self.id)
    }

    pub(crate) fn grow(self, mib: u64) {
        let id = self.id;
        sh(&format!(
            "dmsetup suspend v{id} && dmsetup reload v{id} --table '0 {} thin /dev/mapper/pool {id}' && dmsetup resume v{id}",
            mib * 2048
        ));
    }

    /// Bytes on the array, past every layer of the node.
    pub(crate) fn device(self) -> String {
        format!("/dev/mapper/v{}", self.id)
    }
}

/// An iSCSI target behind both portals.
pub(crate) struct Target {
    pub(crate) iqn: &'static str,
}

impl Target {
    /// With CHAP if credentials are given: name, secret, and those of the target itself.
    pub(crate) fn make(iqn: &'static str, chap: Option<[&str; 4]>) -> Self {
        let target = Self { iqn };
        let group = target.group();
        for portal in PORTALS.into_iter().chain([APART]) {
            target.raise(portal);
        }
        let auth = group.join("acls").join(INITIATOR);
        fs::create_dir_all(&auth).unwrap();
        if let Some([name, secret, name_in, secret_in]) = chap {
            put(auth.join("auth/userid"), name);
            put(auth.join("auth/password"), secret);
            put(auth.join("auth/userid_mutual"), name_in);
            put(auth.join("auth/password_mutual"), secret_in);
        }
        put(group.join("attrib/authentication"), if chap.is_some() { "1" } else { "0" });
        put(group.join("enable"), "1");
        target
    }

    fn group(&self) -> PathBuf {
        Path::new(TARGET).join("iscsi").join(self.iqn).join("tpgt_1")
    }

    /// Takes another secret from now on.
    pub(crate) fn change_secret(&self, secret: &str) {
        put(self.group().join("acls").join(INITIATOR).join("auth/password"), secret);
    }

    pub(crate) fn raise(&self, portal: &str) {
        fs::create_dir_all(self.group().join("np").join(portal)).unwrap();
    }

    pub(crate) fn fell(&self, portal: &str) {
        fs::remove_dir(self.group().join("np").join(portal)).unwrap();
    }

    pub(crate) fn map(&self, lun: u32, volume: Volume) {
        let whole = self.group().join(format!("lun/lun_{lun}"));
        fs::create_dir_all(&whole).unwrap();
        symlink(volume.store(), whole.join("store")).unwrap();
        let shown = self.group().join("acls").join(INITIATOR).join(format!("lun_{lun}"));
        fs::create_dir_all(&shown).unwrap();
        symlink(&whole, shown.join("lun")).unwrap();
    }

    pub(crate) fn unmap(&self, lun: u32) {
        let shown = self.group().join("acls").join(INITIATOR).join(format!("lun_{lun}"));
        fs::remove_file(shown.join("lun")).unwrap();
        fs::remove_dir(&shown).unwrap();
        let whole = self.group().join(format!("lun/lun_{lun}"));
        fs::remove_file(whole.join("store")).unwrap();
        fs::remove_dir(&whole).unwrap();
    }
}
