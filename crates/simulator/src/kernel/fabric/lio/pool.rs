//! A thin pool over two loop devices, and the devices that stand for images of it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::process::run;
use super::{FabricError, Image};

const SECTOR: u64 = 512;

/// Sectors of a chunk: 64 KiB, the smallest there is, so that little written is little used.
const CHUNK: u64 = 128;

const METADATA_BYTES: u64 = 64 << 20;

/// A thin image by the pool's own number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thin(u32);

#[derive(Debug)]
pub(super) struct Pool {
    /// What every name in the device mapper begins with.
    prefix: String,
    files: Vec<PathBuf>,
    loops: Vec<String>,
    last: u32,
}

impl Pool {
    pub(super) fn new(array: &str, directory: &Path, bytes: u64) -> Result<Self, FabricError> {
        let mut pool = Self { prefix: format!("sim-{array}"), files: Vec::new(), loops: Vec::new(), last: 0 };
        let built = pool.build(directory, bytes);
        if built.is_err() {
            pool.close();
        }
        built.map(|()| pool)
    }

    fn build(&mut self, directory: &Path, bytes: u64) -> Result<(), FabricError> {
        let metadata = self.back(&directory.join(format!("{}.metadata", self.prefix)), METADATA_BYTES)?;
        let data = self.back(&directory.join(format!("{}.data", self.prefix)), bytes)?;
        let table = format!("0 {} thin-pool {metadata} {data} {CHUNK} 0", bytes / SECTOR);
        run("dmsetup", &["create", &self.pool(), "--table", &table]).map(|_| ())
    }

    /// A loop device over a new sparse file.
    fn back(&mut self, path: &Path, bytes: u64) -> Result<String, FabricError> {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
            file.set_len(bytes)
        });
        made.map_err(|error| FabricError(format!("making {}: {error}", path.display())))?;
        self.files.push(path.to_owned());
        let device = run("losetup", &["--find", "--show", &path.to_string_lossy()])?;
        self.loops.push(device.clone());
        Ok(device)
    }

    fn pool(&self) -> String {
        format!("{}-pool", self.prefix)
    }

    /// Name of the image's device in the device mapper.
    pub(super) fn device(&self, image: Image) -> String {
        format!("{}-{}", self.prefix, image.0)
    }

    fn message(&self, message: &str) -> Result<(), FabricError> {
        run("dmsetup", &["message", &self.pool(), "0", message]).map(|_| ())
    }

    fn fresh(&mut self) -> Thin {
        self.last += 1;
        Thin(self.last)
    }

    pub(super) fn create(&mut self) -> Result<Thin, FabricError> {
        let thin = self.fresh();
        self.message(&format!("create_thin {}", thin.0))?;
        Ok(thin)
    }

    pub(super) fn snap(&mut self, of: Thin) -> Result<Thin, FabricError> {
        let thin = self.fresh();
        self.message(&format!("create_snap {} {}", thin.0, of.0))?;
        Ok(thin)
    }

    pub(super) fn delete(&self, thin: Thin) -> Result<(), FabricError> {
        self.message(&format!("delete {}", thin.0))
    }

    fn table(&self, thin: Thin, bytes: u64) -> String {
        format!("0 {} thin /dev/mapper/{} {}", bytes / SECTOR, self.pool(), thin.0)
    }

    pub(super) fn activate(&self, image: Image, thin: Thin, bytes: u64) -> Result<(), FabricError> {
        run("dmsetup", &["create", &self.device(image), "--table", &self.table(thin, bytes)]).map(|_| ())
    }

    pub(super) fn deactivate(&self, image: Image) -> Result<(), FabricError> {
        run("dmsetup", &["remove", "--retry", &self.device(image)]).map(|_| ())
    }

    pub(super) fn suspend(&self, image: Image) -> Result<(), FabricError> {
        run("dmsetup", &["suspend", &self.device(image)]).map(|_| ())
    }

    pub(super) fn resume(&self, image: Image) -> Result<(), FabricError> {
        run("dmsetup", &["resume", &self.device(image)]).map(|_| ())
    }

    /// Puts another table under a device in use.
    pub(super) fn reload(&self, image: Image, thin: Thin, bytes: u64) -> Result<(), FabricError> {
        run("dmsetup", &["reload", &self.device(image), "--table", &self.table(thin, bytes)])?;
        self.resume(image)
    }

    /// Bytes of chunks that hold data, from the sixth field of the pool's status, `used/total`.
    pub(super) fn used(&self) -> Option<u64> {
        let status = run("dmsetup", &["status", &self.pool()]).ok()?;
        let (used, _) = status.split_whitespace().nth(5)?.split_once('/')?;
        Some(used.parse::<u64>().ok()? * CHUNK * SECTOR)
    }

    /// Takes down pool, loop devices and files. What is left standing is left to the guest's end.
    pub(super) fn close(&mut self) {
        let _ = run("dmsetup", &["remove", "--retry", &self.pool()]);
        for device in self.loops.drain(..) {
            let _ = run("losetup", &["--detach", &device]);
        }
        for file in self.files.drain(..) {
            let _ = fs::remove_file(file);
        }
    }
}
