//! Unstaging: from the record alone, by identity, never by LUN number and never by force.

use std::{collections::BTreeSet, path::Path};

use crate::{
    attach::{self, Foreign},
    error::{Error, ErrorKind, Result},
    fabric::Fabric,
    leave,
    lock::Subject,
    mount,
    os::Access,
    rebuild,
    record::{Phase, Record},
    removal,
    request::Usage,
    sysfs::{self, Address, Block},
    target::TargetPath,
    tools::multipath,
    usage,
    verify::{self, Reading},
    volume::VolumeKey,
    work::Work,
};

/// Unstages the volume. The caller holds its lock.
pub(crate) fn unstage(work: &Work, volume: &VolumeKey, staging: &Path) -> Result<()> {
    let record = match work.site.records.find(volume)? {
        Some(record) if record.staging_path != staging && !usage::layers(work, staging)?.is_empty() => {
            let message = format!(
                "volume {volume} was staged at {}, but something is mounted at {}; unmount that by hand",
                record.staging_path.display(),
                staging.display()
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        Some(record) => Some(record),
        None => rebuild::from_mount(work, volume, staging)?,
    };
    match record {
        Some(record) => take_down(work, record),
        None => mount::unmount_all(work, staging),
    }
}

/// Takes everything of the record down, and the record last.
pub(crate) fn take_down(work: &Work, mut record: Record) -> Result<()> {
    let block = verify::locate(work, &record.attachment.wwid, &record.scanned);
    // before anything is written: a refused detach leaves the volume staged
    refuse_published(work, &record, block.as_ref())?;
    let broken_off = record.phase == Phase::Attaching && record.life != work.site.life;
    record.phase = Phase::Detaching;
    work.site.records.save(&record)?;
    let mut addresses: BTreeSet<Address> =
        record.scanned.iter().copied().filter(|_| record.boot == work.site.boot).collect();
    let mut left = Left::Unmapped;
    if let Some(block) = &block {
        // before the unmount, which would wait for ever on a map that queues for paths that never return
        let slaves = slaves(work, block);
        left = paths_left(work, &record, &slaves)?;
        if left == Left::Unmapped {
            stop_queueing(work, &record, block)?;
        }
        addresses.extend(slaves);
    }
    if matches!(record.usage, Usage::Filesystem { .. }) {
        mount::unmount_all(work, &record.staging_path)?;
    }
    if let Some(block) = &block {
        mount::unmount_copies(work, block.number)?;
        release(work, &record, block, left)?;
    }
    delete_paths(work, &record, &addresses)?;
    if broken_off {
        leave::await_orphans(work, &record);
    }
    let _targets = leave::log_out(work, &record, &addresses)?;
    work.site.records.remove(&record.volume)
}

fn slaves(work: &Work, block: &Block) -> Vec<Address> {
    let names = match sysfs::map(work.os(), &block.name) {
        Some(map) => map.slaves,
        None => vec![block.name.clone()],
    };
    names.iter().filter_map(|slave| sysfs::address_of(work.os(), slave)).collect()
}

/// Nothing may use the device but the staging mount.
fn refuse_published(work: &Work, record: &Record, block: Option<&Block>) -> Result<()> {
    let Some(block) = block else { return Ok(()) };
    let mut places: Vec<String> = usage::mounts_of(work, block.number)?
        .into_iter()
        .chain(usage::bound_nodes(work, block)?)
        .filter(|mount| mount.target != record.staging_path)
        .map(|mount| mount.target.display().to_string())
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    places.sort();
    let message =
        format!("volume {} is still published at {}; unpublish it first", record.volume, places.join(", "));
    Err(Error::new(ErrorKind::InUse, message))
}

/// Flushes the device and removes its map.
fn release(work: &Work, record: &Record, block: &Block, left: Left) -> Result<()> {
    let map = sysfs::map(work.os(), &block.name);
    if let Some(map) = &map {
        attach::clear_foreign(work, map, &record.attachment, Foreign::Leave)?;
    }
    if left == Left::Live {
        flush(work, record, block)?;
    }
    map.map_or(Ok(()), |map| removal::remove_map(work, &map))
}

/// What is left of the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Live,
    /// The array has confirmed that it unmapped every one, or there is none.
    Unmapped,
}

fn paths_left(work: &Work, record: &Record, addresses: &[Address]) -> Result<Left> {
    let mut silent = Vec::new();
    for &address in addresses {
        match verify::read_path(work, address, &record.attachment.wwid) {
            Reading::Ours(_) => return Ok(Left::Live),
            Reading::NotMapped | Reading::Absent | Reading::Other(_) => {}
            Reading::Unknown(why) => silent.push(why),
        }
    }
    if silent.is_empty() {
        return Ok(Left::Unmapped);
    }
    let message = format!(
        "volume {} has no live path ({}) and the array has not taken it away; data may be unwritten, so it stays until \
         a path returns",
        record.volume,
        silent.join(", ")
    );
    Err(Error::new(ErrorKind::NotReady, message))
}

fn flush(work: &Work, record: &Record, block: &Block) -> Result<()> {
    let device = verify::verify_at_any_size(work, block, &record.attachment)?;
    let failed = |error| {
        let message =
            format!("flushing {} of volume {}: everything is kept as it is", device.node(), record.volume);
        Error::io(message, error)
    };
    let disk = work
        .os()
        .open(&device.block.name, device.block.number, Access::Exclusive, work.deadline)
        .map_err(|error| {
            let mut users = usage::elsewhere(work, device.block.number);
            users.extend(users.is_empty().then(|| "by a process or a mount elsewhere".to_owned()));
            Error::io(format!("{} is in use: {}", device.node(), users.join(", ")), error)
        })?;
    disk.flush(work.deadline).map_err(failed)
}

/// IO that waits for paths that will never return would hold the map for ever.
fn stop_queueing(work: &Work, record: &Record, block: &Block) -> Result<()> {
    tracing::warn!(volume = %record.volume, "the array has unmapped the volume before its detach");
    if let Some(map) = sysfs::map(work.os(), &block.name) {
        multipath::tell(work.os(), &format!("disablequeueing map {}", map.name), work.deadline)?;
    }
    Ok(())
}

/// Deletes every disk of the volume: those of the record, former slaves, those at published places, and any other
/// that sysfs says to be of this identity. A disk that is another volume by now is left and forgotten.
pub(crate) fn delete_paths(work: &Work, record: &Record, known: &BTreeSet<Address>) -> Result<()> {
    let fabric = Fabric::read(work.os());
    let places = |path: &TargetPath| {
        let lun = path.lun();
        fabric.to_target(path).into_iter().map(move |nexus| nexus.address(lun))
    };
    let published: BTreeSet<Address> = record.attachment.paths.iter().flat_map(places).collect();
    let named = sysfs::scsi_devices(work.os()).into_iter().filter(|&address| {
        sysfs::cached_wwid(work.os(), address).as_deref() == Some(record.attachment.wwid.main().as_str())
    });
    let all: BTreeSet<Address> = known.iter().chain(&published).copied().chain(named).collect();
    for address in all {
        let _address = work.alone(Subject::Address(address))?;
        match verify::read_path(work, address, &record.attachment.wwid) {
            Reading::Ours(path) => {
                for map in sysfs::holders(work.os(), &path.block.name)
                    .iter()
                    .filter_map(|name| sysfs::map(work.os(), name))
                {
                    removal::remove_map(work, &map)?;
                }
                removal::delete_path(work, path)?;
            }
            Reading::NotMapped if known.contains(&address) || published.contains(&address) => {
                removal::delete_dead(work, address)?;
            }
            Reading::Unknown(why) if known.contains(&address) => {
                tracing::warn!(%address, why, "removing a silent disk that the record owns");
                removal::delete_dead(work, address)?;
            }
            Reading::Other(stale) => {
                tracing::info!(%address, now = %stale.live, "another volume's disk is left alone");
            }
            Reading::Absent | Reading::NotMapped | Reading::Unknown(_) => {}
        }
    }
    Ok(())
}
