//! Deciding what to do with the bytes on a device, and making file systems. The only place that may destroy data.

use std::{io, path::Path, time::Instant};

use crate::{
    error::{Error, ErrorKind, Result},
    os::{Access, Disk},
    probe::{self, Content, FoundFs},
    record::{FsRecord, Origin, Record},
    request::FsType,
    sysfs,
    tools::{blkid, ext4, xfs},
    verify::{self, Device, Verified},
    work::Work,
};

/// What is to be done with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    /// The wanted file system is there.
    Use(FoundFs),
    /// Nothing is there and nothing may ever have been: if all further proofs hold, make one.
    Make,
    /// Our own mkfs was broken off: wipe both ends and make it again.
    MakeAgain,
    /// With the reason.
    Refuse(String),
}

/// Everything that can be decided without asking the device again.
fn decide(wanted: FsType, found: &Content, before: Option<&FsRecord>, born_empty: bool) -> Decision {
    let (name, fs) = match found {
        Content::Nothing => ("nothing", None),
        Content::Ext4(fs) => ("ext4", Some(fs)),
        Content::Xfs(fs) => ("xfs", Some(fs)),
        Content::Foreign(name) => (name.as_str(), None),
    };
    let wanted_fs = fs.filter(|_| name == wanted.as_str());
    let refuse = |reason: String| Decision::Refuse(reason);
    match (before.map(|fs| (fs.origin, fs.uuid.as_str())), wanted_fs) {
        (Some((Origin::Making, uuid)), Some(fs)) if fs.uuid == uuid && fs.clean => Decision::Use(fs.clone()),
        (Some((Origin::Making, uuid)), Some(fs)) if fs.uuid != uuid => {
            refuse(format!("a file system was being made on it, but another one ({}) is found", fs.uuid))
        }
        (Some((Origin::Making, _)), None) if *found != Content::Nothing => {
            refuse(format!("a file system was being made on it, but {name} is found"))
        }
        (Some((Origin::Making, _)), _) if born_empty => Decision::MakeAgain,
        (Some((Origin::Making, _)), _) => refuse(
            "a file system was being made on it, but now the volume is said to have had content before"
                .into(),
        ),
        (_, Some(fs)) => Decision::Use(fs.clone()),
        (Some(_), None) => {
            refuse(format!("it bore a file system before and now {name} is found; nothing is made over it"))
        }
        (None, None) if *found != Content::Nothing => {
            refuse(format!("it carries {name}, {} was asked for", wanted.as_str()))
        }
        (None, None) if !born_empty => {
            refuse("the volume was restored, cloned or imported, and no file system is found on it".into())
        }
        (None, None) => Decision::Make,
    }
}

/// What the device bears now.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) device: Verified<Device>,
    pub(crate) found: FoundFs,
    /// By this call.
    pub(crate) made: bool,
}

/// Returns the device with the wanted file system on it, made if and only if every condition holds.
/// `record` is written before and after.
pub(crate) fn ensure(
    work: &Work,
    device: Verified<Device>,
    record: &mut Record,
    fs: FsType,
    born_empty: bool,
) -> Result<Ready> {
    let found = examine(work, &device)?;
    match decide(fs, &found, record.filesystem.as_ref(), born_empty) {
        Decision::Use(found) => {
            let origin = record.filesystem.as_ref().map_or(Origin::Found, |fs| match fs.origin {
                Origin::Making => Origin::Made,
                origin => origin,
            });
            record.filesystem = Some(FsRecord { fs, uuid: found.uuid.clone(), origin, filled: 0 });
            Ok(Ready { device, found, made: false })
        }
        Decision::Refuse(reason) => Err(refused(&device, record, &reason)),
        Decision::Make => {
            prove_empty(work, &device, record)?;
            make(work, device, record, fs)
        }
        Decision::MakeAgain => {
            tracing::warn!(volume = %record.volume, "mkfs was broken off, wiping both ends and making it again");
            wipe_ends(work, &device)?;
            make(work, device, record, fs)
        }
    }
}

fn refused(device: &Device, record: &Record, reason: &str) -> Error {
    let message = format!(
        "volume {} ({}, {}) is not formatted or mounted: {reason}",
        record.volume,
        device.node(),
        record.attachment.wwid
    );
    Error::new(ErrorKind::ForeignSignature, message)
}

fn open(work: &Work, device: &Device, access: Access) -> Result<std::sync::Arc<dyn Disk>> {
    work.os()
        .open(&device.block.name, device.block.number, access, work.deadline)
        .map_err(|error| Error::io(format!("opening {} for itself alone", device.node()), error))
}

fn examine(work: &Work, device: &Device) -> Result<Content> {
    let disk = open(work, device, Access::Data)?;
    let (head, tail) = ends(&*disk, device, work.deadline)?;
    let partitions = sysfs::partitions(work.os(), &device.block.name);
    if !partitions.is_empty() {
        return Ok(Content::Foreign(format!("partitions ({})", partitions.join(", "))));
    }
    Ok(probe::identify(&head, &tail))
}

fn ends(disk: &dyn Disk, device: &Device, deadline: Instant) -> Result<(Vec<u8>, Vec<u8>)> {
    let size = device.size / 4096 * 4096;
    let end = probe::END as u64;
    if size < end {
        let message = format!("{} has {} bytes, too few to hold a file system", device.node(), device.size);
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let read = |offset| {
        disk.read_at(offset, probe::END, deadline).map_err(|error| {
            Error::io(format!("reading {} at {offset}: nothing is decided blindly", device.node()), error)
        })
    };
    Ok((read(0)?, read(size - end)?))
}

/// The proofs that need the device: a second prober, zeros at both ends and wherever copies of headers lie.
fn prove_empty(work: &Work, device: &Device, record: &Record) -> Result<()> {
    if let Some(name) = blkid::probe(work.os(), &device.node(), work.deadline)? {
        return Err(refused(device, record, &format!("blkid finds {name}")));
    }
    let disk = open(work, device, Access::Exclusive)?;
    let (head, tail) = ends(&*disk, device, work.deadline)?;
    let zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    let mut data_at =
        (!zero(&head)).then_some(0).or_else(|| (!zero(&tail)).then_some(device.size - probe::END as u64));
    for spot in probe::backup_spots(device.size) {
        let bytes = disk
            .read_at(spot, 4096, work.deadline)
            .map_err(|error| Error::io(format!("reading {} at {spot}", device.node()), error))?;
        data_at = data_at.or_else(|| (!zero(&bytes)).then_some(spot));
    }
    match data_at {
        None => Ok(()),
        Some(spot) => {
            Err(refused(device, record, &format!("it should be empty, but there is data near byte {spot}")))
        }
    }
}

fn wipe_ends(work: &Work, device: &Verified<Device>) -> Result<()> {
    let disk = open(work, device, Access::Overwrite)?;
    let last = device.size / 4096 * 4096 - probe::END as u64;
    for offset in [0, last] {
        disk.zero_at(offset, probe::END, work.deadline)
            .map_err(|error| Error::io(format!("wiping {} at {offset}", device.node()), error))?;
    }
    disk.flush(work.deadline).map_err(|error| Error::io(format!("flushing {}", device.node()), error))
}

fn make(work: &Work, device: Verified<Device>, record: &mut Record, fs: FsType) -> Result<Ready> {
    // the identity once more, after all the probing; the old proof dies here
    let block = device.block.clone();
    drop(device);
    let device = verify::verify(work, &block, &record.attachment, record.attachment.min_paths)?;
    drop(open(work, &device, Access::Exclusive)?);
    if device.map.is_none() {
        lock_out_udev(work, &device)?;
    }
    let uuid = uuid::Uuid::new_v4().hyphenated().to_string();
    record.filesystem = Some(FsRecord { fs, uuid: uuid.clone(), origin: Origin::Making, filled: 0 });
    work.site.records.save(record)?;
    match fs {
        FsType::Ext4 => ext4::make(work.os(), &device.node(), &uuid, kernel(work), work.deadline)?,
        FsType::Xfs => xfs::make(work.os(), &device.node(), &uuid, work.deadline)?,
    }
    let found = match (fs, examine(work, &device)?) {
        (FsType::Ext4, Content::Ext4(found)) | (FsType::Xfs, Content::Xfs(found)) if found.uuid == uuid => {
            found
        }
        (_, other) => {
            return Err(refused(&device, record, &format!("mkfs ended well but {other:?} is found")));
        }
    };
    record.filesystem = Some(FsRecord { fs, uuid, origin: Origin::Made, filled: device.size });
    work.site.records.save(record)?;
    Ok(Ready { device, found, made: true })
}

/// Takes the lock that udev heeds on disks, not on maps; it lives with the device's descriptor.
fn lock_out_udev(work: &Work, device: &Device) -> Result<()> {
    let locked = work.until(|| match device.disk.lock() {
        Ok(()) => Ok(Some(())),
        // udev is looking at the disk at this moment
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(Error::io(format!("locking {} against udev", device.node()), error)),
    })?;
    locked
        .ok_or_else(|| Error::new(ErrorKind::TimedOut, format!("udev does not let go of {}", device.node())))
}

/// Major and minor version of the running kernel.
fn kernel(work: &Work) -> (u32, u32) {
    let release = work.os().read(Path::new("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.trim().parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests;
