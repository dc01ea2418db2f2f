//! Images as thin devices of the device mapper, exported by the kernel's SCSI target over iSCSI. Needs root in a guest.
//!
//! An image is a number in the thin pool. Only what is exported has a device; a snapshot stays a number until it is
//! copied from. Reading and writing is left to initiators.

mod pool;
mod process;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::{Content, Export, Fabric, FabricError, Guests, Image, Session};
use crate::config::ArrayConfig;
use pool::{Pool, Thin};
use target::Target;

#[derive(Debug)]
pub(crate) struct Lio {
    pool: Pool,
    target: Target,
    images: BTreeMap<Image, Stored>,
    exports: BTreeMap<Image, Export>,
    /// Targets that many disks share.
    shared: BTreeMap<String, Guests>,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    thin: Thin,
    bytes: u64,
    /// A device stands for it.
    active: bool,
}

impl Lio {
    pub(crate) fn new(config: &ArrayConfig, portals: &[SocketAddr], bytes: u64) -> Result<Self, FabricError> {
        let target = Target::new(portals, config.lio.chap)?;
        let pool = Pool::new(&config.name, &config.lio.directory, bytes)?;
        Ok(Self { pool, target, images: BTreeMap::new(), exports: BTreeMap::new(), shared: BTreeMap::new() })
    }

    fn stored(&self, image: Image) -> Result<Stored, FabricError> {
        self.images
            .get(&image)
            .copied()
            .ok_or_else(|| FabricError(format!("image {} does not exist", image.0)))
    }

    /// A thin image that holds what `from` holds, with writes held back meanwhile if it is in use.
    fn snap(&mut self, from: Image) -> Result<Thin, FabricError> {
        let source = self.stored(from)?;
        if !source.active {
            return self.pool.snap(source.thin);
        }
        self.pool.suspend(from)?;
        let thin = self.pool.snap(source.thin);
        self.pool.resume(from)?;
        thin
    }

    fn hide(&mut self, image: Image) -> Result<(), FabricError> {
        if let Some(export) = self.exports.remove(&image) {
            self.target.remove(&export, &self.pool.device(image))?;
        }
        let stored = self.stored(image)?;
        if stored.active {
            self.pool.deactivate(image)?;
            self.images.insert(image, Stored { active: false, ..stored });
        }
        Ok(())
    }
}

impl Fabric for Lio {
    fn create(&mut self, image: Image, bytes: u64) -> Result<(), FabricError> {
        let thin = self.pool.create()?;
        self.images.insert(image, Stored { thin, bytes, active: false });
        Ok(())
    }

    fn copy(&mut self, from: Image, to: Image, bytes: u64) -> Result<(), FabricError> {
        let thin = self.snap(from)?;
        self.images.insert(to, Stored { thin, bytes, active: false });
        Ok(())
    }

    fn revert(&mut self, image: Image, source: Image, bytes: u64) -> Result<(), FabricError> {
        let thin = self.snap(source)?;
        let stored = self.stored(image)?;
        if stored.active {
            self.pool.reload(image, thin, bytes)?;
        }
        self.images.insert(image, Stored { thin, bytes, ..stored });
        self.pool.delete(stored.thin)
    }

    fn grow(&mut self, image: Image, bytes: u64) -> Result<(), FabricError> {
        let stored = self.stored(image)?;
        if stored.active {
            self.pool.reload(image, stored.thin, bytes)?;
        }
        self.images.insert(image, Stored { bytes, ..stored });
        Ok(())
    }

    fn delete(&mut self, image: Image) -> Result<(), FabricError> {
        self.hide(image)?;
        self.pool.delete(self.stored(image)?.thin)?;
        self.images.remove(&image);
        Ok(())
    }

    fn export(&mut self, image: Image, export: Option<Export>) -> Result<(), FabricError> {
        let Some(export) = export else { return self.hide(image) };
        let before = self.exports.get(&image);
        if before == Some(&export) {
            return Ok(());
        }
        let stored = self.stored(image)?;
        if !stored.active {
            self.pool.activate(image, stored.thin, stored.bytes)?;
            self.images.insert(image, Stored { active: true, ..stored });
        }
        self.target.apply(before, &export, &self.pool.device(image))?;
        self.exports.insert(image, export);
        Ok(())
    }

    fn admit(&mut self, iqn: &str, guests: &Guests) -> Result<(), FabricError> {
        let before = self.shared.get(iqn);
        if before != Some(guests) {
            self.target.admit(iqn, before, guests)?;
            self.shared.insert(iqn.to_owned(), guests.clone());
        }
        Ok(())
    }

    fn sessions(&self) -> Vec<Session> {
        let targets: BTreeSet<&String> =
            self.exports.values().map(|export| &export.iqn).chain(self.shared.keys()).collect();
        targets.into_iter().flat_map(|iqn| self.target.sessions(iqn)).collect()
    }

    fn used(&self) -> u64 {
        self.pool.used().unwrap_or(0)
    }

    fn read(&self, _image: Image, _offset: u64, _length: usize) -> Result<Vec<u8>, FabricError> {
        Err(FabricError("a real disk is read by initiators only".to_owned()))
    }

    fn write(&mut self, _image: Image, _offset: u64, _data: &[u8]) -> Result<(), FabricError> {
        Err(FabricError("a real disk is written by initiators only".to_owned()))
    }

    fn content(&self, _image: Image) -> Option<Content> {
        None
    }

    fn absorb(&mut self, _image: Image, _content: &Content) -> Result<(), FabricError> {
        Err(FabricError("a real disk takes no data from another array".to_owned()))
    }

    fn inventory(&self) -> (Vec<Image>, Vec<Image>) {
        (self.images.keys().copied().collect(), self.exports.keys().copied().collect())
    }

    /// Goes on after a failure, so that as much as possible is taken down.
    fn close(&mut self) {
        let images: Vec<Image> = self.images.keys().copied().collect();
        for image in images {
            let _ = self.hide(image);
            self.images.remove(&image);
        }
        for iqn in std::mem::take(&mut self.shared).keys() {
            let _ = self.target.close(iqn);
        }
        self.pool.close();
    }
}
