//! Reading identities live, and the proof that it was done: nothing else makes a [`Verified`].

use std::{ops::Deref, sync::Arc};

use crate::{
    error::{Error, ErrorKind, Result},
    fabric::Fabric,
    identity::{ExpectedWwid, LiveWwid},
    os::{Access, Answer, Disk},
    request::Attachment,
    sysfs::{self, Address, Block, Map},
    target::TargetPath,
    work::Work,
};

/// A device that answered with the expected identity in this call, and is held open so that its number stays its own.
#[derive(Debug)]
pub(crate) struct Verified<T>(T);

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One SCSI disk, open.
#[derive(Debug)]
pub(crate) struct PathDevice {
    pub(crate) address: Address,
    pub(crate) block: Block,
    pub(crate) disk: Arc<dyn Disk>,
}

/// A disk that answered with an identity other than the expected one.
#[derive(Debug)]
pub(crate) struct Stale {
    pub(crate) device: PathDevice,
    pub(crate) live: LiveWwid,
}

/// What sits at a SCSI address.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Nothing.
    Absent,
    Ours(Verified<PathDevice>),
    Other(Stale),
    /// A leftover: the array unmapped it.
    NotMapped,
    /// It does not answer, which is not "another".
    Unknown(String),
}

/// Asks the device at `address` who it is.
pub(crate) fn read_path(work: &Work, address: Address, expected: &ExpectedWwid) -> Reading {
    let os = work.os();
    let Some(state) = sysfs::scsi_state(os, address) else { return Reading::Absent };
    if state != "running" {
        return Reading::Unknown(format!("{address} is {state}"));
    }
    let Some(block) = sysfs::scsi_block(os, address) else {
        return Reading::Unknown(format!("{address} has no block device yet"));
    };
    let disk = match os.open(&block.name, block.number, Access::Look, work.deadline) {
        Ok(disk) => disk,
        Err(error) => return Reading::Unknown(format!("{} cannot be opened: {error}", block.name)),
    };
    let page = match disk.identification(work.deadline) {
        Answer::Data(page) => page,
        Answer::NotMapped => return Reading::NotMapped,
        Answer::Later(why) | Answer::Silent(why) => {
            return Reading::Unknown(format!("{}: {why}", block.name));
        }
    };
    // the address may have been deleted and scanned anew since it was resolved
    if sysfs::address_of(os, &block.name) != Some(address) {
        return Reading::Unknown(format!("{address} is changing hands"));
    }
    let device = PathDevice { address, block, disk };
    match LiveWwid::parse(&page) {
        Some(live) if expected.matches(&live) => Reading::Ours(Verified(device)),
        Some(live) => Reading::Other(Stale { device, live }),
        None => Reading::Unknown(format!("{} names no identity of its volume", device.block.name)),
    }
}

/// What a volume is used through: a multipath map, or the only path.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) block: Block,
    pub(crate) map: Option<Map>,
    /// The live ones.
    pub(crate) paths: Vec<Verified<PathDevice>>,
    pub(crate) disk: Arc<dyn Disk>,
    /// Bytes.
    pub(crate) size: u64,
}

impl Device {
    /// Its node.
    pub(crate) fn node(&self) -> String {
        format!("/dev/{}", self.block.name)
    }
}

/// How often a map is read that is altered while it is read; between two readings lies a quarter of a second at most.
const READINGS: usize = 12;

/// Reads the identity of every path of the device and refuses it unless all that answer are the volume, published
/// here, and of one size. At least `enough` must answer. A map that was altered meanwhile is read anew, for multipathd takes
/// paths in one by one, but not for ever.
pub(crate) fn verify(
    work: &Work,
    block: &Block,
    attachment: &Attachment,
    enough: usize,
) -> Result<Verified<Device>> {
    verify_often(work, block, attachment, enough, Sizes::Right)
}

/// As [`verify`] for a device that is to be left: its content is kept whatever size it has.
pub(crate) fn verify_at_any_size(
    work: &Work,
    block: &Block,
    attachment: &Attachment,
) -> Result<Verified<Device>> {
    verify_often(work, block, attachment, 1, Sizes::Any)
}

/// What sizes the paths may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sizes {
    /// All the same, and at least the volume's.
    Right,
    Any,
}

fn verify_often(
    work: &Work,
    block: &Block,
    attachment: &Attachment,
    enough: usize,
    sizes: Sizes,
) -> Result<Verified<Device>> {
    let os = work.os();
    for _ in 0..READINGS {
        let seen = os.events();
        if let Some(device) = verify_once(work, block, attachment, enough, sizes)? {
            return Ok(device);
        }
        os.wait(seen, work.deadline);
    }
    Err(Error::new(ErrorKind::NotReady, format!("the map at /dev/{} is changing all the time", block.name)))
}

/// As [`verify`]; `None` if the map was altered while it was read.
fn verify_once(
    work: &Work,
    block: &Block,
    attachment: &Attachment,
    enough: usize,
    sizes: Sizes,
) -> Result<Option<Verified<Device>>> {
    let os = work.os();
    let disk = os.open(&block.name, block.number, Access::Look, work.deadline).map_err(|error| {
        Error::new(ErrorKind::NotReady, format!("/dev/{} cannot be opened yet", block.name)).because(error)
    })?;
    let map = sysfs::map(os, &block.name);
    let slaves = map.as_ref().map_or_else(|| vec![block.name.clone()], |map| map.slaves.clone());
    let (mut paths, mut dead) = (Vec::new(), Vec::new());
    for slave in &slaves {
        match read_slave(work, slave, attachment, &block.name)? {
            Ok(path) => paths.push(path),
            Err(why) => dead.push(why),
        }
    }
    if paths.len() < enough.max(1) {
        let message = format!(
            "/dev/{} has {} live paths of volume {}, {} are wanted; silent: {}",
            block.name,
            paths.len(),
            attachment.wwid,
            enough.max(1),
            if dead.is_empty() { "none".to_owned() } else { dead.join(", ") }
        );
        return Err(Error::new(ErrorKind::NotReady, message));
    }
    if sizes == Sizes::Right {
        check_sizes(work, block, &paths, attachment.size)?;
    }
    let size =
        disk.size().map_err(|error| Error::io(format!("reading the size of /dev/{}", block.name), error))?;
    let as_read = map.as_ref().is_none_or(|map| stands(work, map, &slaves));
    Ok(as_read.then(|| Verified(Device { block: block.clone(), map, paths, disk, size })))
}

/// A slave that is ours, or why it does not answer; an error if it is something else.
pub(crate) fn read_slave(
    work: &Work,
    slave: &str,
    attachment: &Attachment,
    whole: &str,
) -> Result<Result<Verified<PathDevice>, String>> {
    let Some(address) = sysfs::address_of(work.os(), slave) else {
        let message = format!("{whole} stands on {slave}, which is no SCSI disk; nothing is done with it");
        return Err(Error::new(ErrorKind::WrongIdentity, message));
    };
    match read_path(work, address, &attachment.wwid) {
        Reading::Ours(path) if published(work, attachment, address) => Ok(Ok(path)),
        Reading::Ours(_) => {
            let message = format!(
                "{slave} ({address}) answers as {} but is reached by a target and LUN that were not published; \
                 two volumes may bear one identity, nothing is done with it",
                attachment.wwid
            );
            Err(Error::new(ErrorKind::WrongIdentity, message))
        }
        Reading::Other(stale) => {
            let message = format!(
                "{slave} ({address}) in {whole} should be {} but answers as {}; nothing is done with it",
                attachment.wwid, stale.live
            );
            Err(Error::new(ErrorKind::WrongIdentity, message))
        }
        Reading::NotMapped => Ok(Err(format!("{slave} ({address}) is not mapped by the array"))),
        Reading::Absent => Ok(Err(format!("{slave} is gone"))),
        Reading::Unknown(why) => Ok(Err(why)),
    }
}

/// Whether the address is one of the published (target, LUN); the portal does not matter, others may have chosen it.
pub(crate) fn published(work: &Work, attachment: &Attachment, address: Address) -> bool {
    let fabric = Fabric::read(work.os());
    let leads = |path: &TargetPath| {
        path.lun() == address.lun
            && fabric.to_target(path).iter().any(|nexus| nexus.address(path.lun()) == address)
    };
    attachment.paths.iter().any(leads)
}

fn check_sizes(work: &Work, block: &Block, paths: &[Verified<PathDevice>], least: u64) -> Result<()> {
    for path in paths {
        let Answer::Data(size) = path.disk.capacity(work.deadline) else { continue };
        if size < least {
            let message = format!(
                "{} of /dev/{} has {size} bytes, the volume has {least}; the array has not grown it, or it is another",
                path.block.name, block.name
            );
            return Err(Error::new(ErrorKind::NotReady, message));
        }
    }
    let mut sizes = paths.iter().filter_map(|path| path.disk.size().ok());
    let first = sizes.next();
    if let Some(other) = sizes.find(|size| Some(*size) != first) {
        let message = format!(
            "the paths of /dev/{} differ in size ({} and {other} bytes); expand the volume again or wait",
            block.name,
            first.unwrap_or(0)
        );
        return Err(Error::new(ErrorKind::NotReady, message));
    }
    Ok(())
}

/// Is the map still what was read, and usable?
fn stands(work: &Work, map: &Map, slaves: &[String]) -> bool {
    sysfs::map(work.os(), &map.block.name)
        .is_some_and(|now| now.wwid == map.wwid && now.slaves == slaves && !now.suspended)
}

/// The volume's device as it is now: its map, else its only path if that can have no map.
pub(crate) fn locate(work: &Work, expected: &ExpectedWwid, addresses: &[Address]) -> Option<Block> {
    let os = work.os();
    let names = expected.multipath_names();
    if let Some(map) = sysfs::maps(os).into_iter().find(|map| names.contains(&map.wwid)) {
        return Some(map.block);
    }
    let mut blocks = addresses.iter().filter_map(|&address| sysfs::scsi_block(os, address));
    blocks.find(|block| {
        let address = sysfs::address_of(os, &block.name);
        address.is_some_and(|address| matches!(read_path(work, address, expected), Reading::Ours(_)))
    })
}
