//! The data behind volumes: images that can be copied in no time, and their export to initiators.
//!
//! A vendor's model decides what exists and who may see it; a fabric makes it so. An image is a volume's data or a
//! snapshot's; copying one shares all blocks until either side is written.

mod lio;
mod memory;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(crate) use lio::Lio;
pub(crate) use memory::Memory;

/// An image, numbered by the model and never used again. Thin devices have 24 bits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Image(pub(crate) u32);

/// At which target an image is seen, by whom, and how the disk presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    pub(crate) iqn: String,
    pub(crate) identity: Identity,
    pub(crate) reach: Reach,
    pub(crate) read_only: bool,
}

/// Who sees a disk, and at which LUN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The target is this disk's alone and shows it as LUN 0.
    Alone {
        /// Anyone who proves to be this reaches the disk. Absent: nobody by CHAP.
        login: Option<Login>,
        /// Initiators that reach the disk by name, with the proof each must give, if any.
        initiators: Guests,
    },
    /// Many disks share the target; each of these initiators, let in by [`Fabric::admit`], sees this one at its LUN.
    Among(BTreeMap<String, u32>),
}

/// Initiators by name, with the proof each must give, if any.
pub(crate) type Guests = BTreeMap<String, Option<Login>>;

/// The identity a disk shows in its inquiry pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The vendor's OUI.
    pub(crate) company: u32,
    /// The 25 hexadecimal digits after it in the NAA identifier.
    pub(crate) serial: String,
    pub(crate) vendor: &'static str,
    pub(crate) product: &'static str,
}

/// CHAP: what the initiator proves, and what the target proves if it is asked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) target_secret: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// One initiator logged in to an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) iqn: String,
    pub(crate) initiator: String,
    /// `ip:port`, as far as it is known.
    pub(crate) address: String,
}

/// What an image holds at one moment, to be carried to another array of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Content(Arc<memory::Blocks>);

impl Content {
    /// Whether both are of one moment. Equal data written twice counts as different.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content of {} blocks", self.0.len())
    }
}

/// The machinery below the array failed; a test that meets it is broken, not the client.
#[derive(Debug, thiserror::Error)]
#[error("simulator: {0}")]
pub(crate) struct FabricError(pub(crate) String);

pub(crate) trait Fabric: Send + fmt::Debug {
    /// A new image of zeros.
    fn create(&mut self, image: Image, bytes: u64) -> Result<(), FabricError>;
    /// A new image `to` that holds what `from` holds now, at its own size.
    fn copy(&mut self, from: Image, to: Image, bytes: u64) -> Result<(), FabricError>;
    /// Lets `image` hold what `source` holds, at this size, under the eyes of those who use it.
    fn revert(&mut self, image: Image, source: Image, bytes: u64) -> Result<(), FabricError>;
    fn grow(&mut self, image: Image, bytes: u64) -> Result<(), FabricError>;
    /// Forgets an image that is not exported.
    fn delete(&mut self, image: Image) -> Result<(), FabricError>;
    /// Makes `image` visible as given, or to nobody. Doing so again changes nothing; sessions that may not last are cut.
    fn export(&mut self, image: Image, export: Option<Export>) -> Result<(), FabricError>;
    /// Lets these initiators, and no others, log in to a target that many disks share, whether they see one or not.
    fn admit(&mut self, iqn: &str, guests: &Guests) -> Result<(), FabricError>;
    fn sessions(&self) -> Vec<Session>;
    /// Bytes that hold data.
    fn used(&self) -> u64;
    fn read(&self, image: Image, offset: u64, length: usize) -> Result<Vec<u8>, FabricError>;
    fn write(&mut self, image: Image, offset: u64, data: &[u8]) -> Result<(), FabricError>;
    /// What an image holds, where that can be carried elsewhere.
    fn content(&self, image: Image) -> Option<Content>;
    /// Lets `image` hold what came from elsewhere, as far as its size reaches.
    fn absorb(&mut self, image: Image, content: &Content) -> Result<(), FabricError>;
    /// Images and exports that exist, for checks that nothing dangles.
    fn inventory(&self) -> (Vec<Image>, Vec<Image>);
    /// Takes everything down.
    fn close(&mut self);
}
