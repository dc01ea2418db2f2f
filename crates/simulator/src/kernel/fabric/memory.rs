//! Images as sparse maps of blocks in this process, for everything that needs no disk.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{Content, Export, Fabric, FabricError, Guests, Image, Session};

const BLOCK: u64 = 4096;

pub(super) type Blocks = BTreeMap<u64, Arc<[u8]>>;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    images: BTreeMap<Image, Stored>,
    exports: BTreeMap<Image, Export>,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: u64,
    /// Shared with copies until one of them is written.
    blocks: Arc<Blocks>,
}

impl Memory {
    fn stored(&self, image: Image) -> Result<&Stored, FabricError> {
        self.images.get(&image).ok_or_else(|| missing(image))
    }

    fn stored_mut(&mut self, image: Image) -> Result<&mut Stored, FabricError> {
        self.images.get_mut(&image).ok_or_else(|| missing(image))
    }

    fn insert(&mut self, image: Image, stored: Stored) -> Result<(), FabricError> {
        match self.images.insert(image, stored) {
            None => Ok(()),
            Some(_) => Err(FabricError(format!("image {} exists", image.0))),
        }
    }
}

/// The blocks that lie within a size.
fn clipped(blocks: &Arc<Blocks>, bytes: u64) -> Arc<Blocks> {
    let mut blocks = Arc::clone(blocks);
    if blocks.keys().next_back().is_some_and(|last| last * BLOCK >= bytes) {
        Arc::make_mut(&mut blocks).retain(|block, _| block * BLOCK < bytes);
    }
    blocks
}

fn missing(image: Image) -> FabricError {
    FabricError(format!("image {} does not exist", image.0))
}

impl Fabric for Memory {
    fn create(&mut self, image: Image, bytes: u64) -> Result<(), FabricError> {
        self.insert(image, Stored { bytes, blocks: Arc::default() })
    }

    fn copy(&mut self, from: Image, to: Image, bytes: u64) -> Result<(), FabricError> {
        let blocks = clipped(&self.stored(from)?.blocks, bytes);
        self.insert(to, Stored { bytes, blocks })
    }

    fn revert(&mut self, image: Image, source: Image, bytes: u64) -> Result<(), FabricError> {
        let blocks = Arc::clone(&self.stored(source)?.blocks);
        *self.stored_mut(image)? = Stored { bytes, blocks };
        Ok(())
    }

    fn grow(&mut self, image: Image, bytes: u64) -> Result<(), FabricError> {
        self.stored_mut(image)?.bytes = bytes;
        Ok(())
    }

    fn delete(&mut self, image: Image) -> Result<(), FabricError> {
        if self.exports.contains_key(&image) {
            return Err(FabricError(format!("image {} is exported", image.0)));
        }
        self.images.remove(&image).map(|_| ()).ok_or_else(|| missing(image))
    }

    fn export(&mut self, image: Image, export: Option<Export>) -> Result<(), FabricError> {
        self.stored(image)?;
        match export {
            Some(export) => self.exports.insert(image, export),
            None => self.exports.remove(&image),
        };
        Ok(())
    }

    fn admit(&mut self, _iqn: &str, _guests: &Guests) -> Result<(), FabricError> {
        Ok(())
    }

    fn sessions(&self) -> Vec<Session> {
        Vec::new()
    }

    fn used(&self) -> u64 {
        let distinct: HashSet<*const u8> = self
            .images
            .values()
            .flat_map(|stored| stored.blocks.values())
            .map(|block| block.as_ptr())
            .collect();
        distinct.len() as u64 * BLOCK
    }

    fn read(&self, image: Image, offset: u64, length: usize) -> Result<Vec<u8>, FabricError> {
        let stored = self.stored(image)?;
        within(stored.bytes, offset, length)?;
        let at = |position: u64| {
            let block = stored.blocks.get(&(position / BLOCK));
            block.map_or(0, |block| block[(position % BLOCK) as usize])
        };
        Ok((offset..offset + length as u64).map(at).collect())
    }

    fn write(&mut self, image: Image, offset: u64, data: &[u8]) -> Result<(), FabricError> {
        let stored = self.stored_mut(image)?;
        within(stored.bytes, offset, data.len())?;
        let blocks = Arc::make_mut(&mut stored.blocks);
        for (position, byte) in (offset..).zip(data) {
            let block = blocks.entry(position / BLOCK).or_insert_with(|| vec![0; BLOCK as usize].into());
            Arc::make_mut(block)[(position % BLOCK) as usize] = *byte;
        }
        Ok(())
    }

    fn content(&self, image: Image) -> Option<Content> {
        self.images.get(&image).map(|stored| Content(Arc::clone(&stored.blocks)))
    }

    fn absorb(&mut self, image: Image, content: &Content) -> Result<(), FabricError> {
        let stored = self.stored_mut(image)?;
        stored.blocks = clipped(&content.0, stored.bytes);
        Ok(())
    }

    fn inventory(&self) -> (Vec<Image>, Vec<Image>) {
        (self.images.keys().copied().collect(), self.exports.keys().copied().collect())
    }

    fn close(&mut self) {
        self.exports.clear();
        self.images.clear();
    }
}

fn within(bytes: u64, offset: u64, length: usize) -> Result<(), FabricError> {
    match offset.checked_add(length as u64) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(FabricError(format!("{length} bytes at {offset} lie outside an image of {bytes}"))),
    }
}
