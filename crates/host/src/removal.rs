//! Taking maps and SCSI disks out of the kernel: by identity, and only what nobody uses.

use std::time::Duration;

use crate::{
    error::{Error, ErrorKind, Result},
    identity::ExpectedWwid,
    os::Os,
    sysfs::{self, Address, Block, Map},
    tools::{multipath, within},
    usage,
    verify::{self, PathDevice, Reading, Stale, Verified},
    work::Work,
};

/// How long a map may stay busy (udev probes it) before its holders are named.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// How long to look whether multipathd has forgotten a path.
const FORGET: Duration = Duration::from_secs(2);

/// Removes a disk of the volume. No map may stand on it any more.
pub(crate) fn delete_path(work: &Work, path: Verified<PathDevice>) -> Result<()> {
    let (address, block) = (path.address, path.block.clone());
    refuse_users(&block, &usage::users(work, &block)?)?;
    write_delete(work, address)?;
    drop(path);
    wait_gone(work, address, &block)
}

/// Removes a leftover of another volume from an address that now is ours, with the unused map above it.
pub(crate) fn delete_stale(work: &Work, stale: Stale) -> Result<()> {
    let (address, block) = (stale.device.address, stale.device.block.clone());
    tracing::info!(%address, device = block.name, identity = %stale.live, "removing an unused leftover");
    delete_unused(work, address, &block)?;
    drop(stale);
    wait_gone(work, address, &block)
}

/// Removes a disk whose LUN the array has given to our volume under the kernel's feet: what is remembered of it, the
/// map above it included, is another volume's.
pub(crate) fn delete_remapped(work: &Work, path: Verified<PathDevice>) -> Result<()> {
    let (address, block) = (path.address, path.block.clone());
    tracing::info!(%address, device = block.name, "removing a disk that is remembered as another volume's");
    delete_unused(work, address, &block)?;
    drop(path);
    wait_gone(work, address, &block)
}

/// Removes a disk that the array has confirmed to be unmapped, or that is silent at an address our record owns.
pub(crate) fn delete_dead(work: &Work, address: Address) -> Result<()> {
    let Some(block) = sysfs::scsi_block(work.os(), address) else {
        return if sysfs::scsi_exists(work.os(), address) { write_delete(work, address) } else { Ok(()) };
    };
    delete_unused(work, address, &block)?;
    wait_gone(work, address, &block)
}

/// Removes a disk of the volume that a failed attach had scanned.
pub(crate) fn undo_scan(work: &Work, address: Address, wwid: &ExpectedWwid) -> Result<()> {
    let Reading::Ours(path) = verify::read_path(work, address, wwid) else { return Ok(()) };
    let block = path.block.clone();
    delete_unused(work, address, &block)?;
    drop(path);
    wait_gone(work, address, &block)
}

fn delete_unused(work: &Work, address: Address, block: &Block) -> Result<()> {
    refuse_users(block, &usage::users_of_path(work, block)?)?;
    for map in
        sysfs::holders(work.os(), &block.name).iter().filter_map(|holder| sysfs::map(work.os(), holder))
    {
        remove_map(work, &map)?;
    }
    write_delete(work, address)
}

fn refuse_users(block: &Block, users: &[String]) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InUse, format!("{} is not removed: {}", block.name, users.join(", "))))
}

fn write_delete(work: &Work, address: Address) -> Result<()> {
    work.write_scsi(address.host, &sysfs::scsi_dir(address).join("delete"), "1")
}

/// Waits for the kernel's remove event, then for multipathd to have heard of it.
fn wait_gone(work: &Work, address: Address, block: &Block) -> Result<()> {
    let gone = work.until(|| Ok((!still_there(work.os(), address, block)).then_some(())))?;
    gone.ok_or_else(|| {
        Error::new(ErrorKind::TimedOut, format!("{} ({address}) does not go away", block.name))
    })?;
    // a hint only: a daemon that does not answer does not hold up the detach
    let patience = work.by(within(work.os(), work.deadline, FORGET));
    let forgotten = || match work.os().multipathd("show paths raw format \"%i\"", patience.deadline) {
        Ok(list) => Ok((!list.lines().any(|line| line.trim() == address.to_string())).then_some(())),
        Err(_) => Ok(Some(())),
    };
    if patience.until(forgotten)?.is_none() {
        tracing::warn!(%address, "multipathd still lists a path that is gone");
    }
    Ok(())
}

fn still_there(os: &dyn Os, address: Address, block: &Block) -> bool {
    sysfs::scsi_exists(os, address)
        || sysfs::block(os, &block.name).is_some_and(|now| now.number == block.number)
}

/// Lets multipathd remove an unused map and sees that it went.
pub(crate) fn remove_map(work: &Work, map: &Map) -> Result<()> {
    let patience = work.by(within(work.os(), work.deadline, BUSY_FOR));
    let command = format!("del map {}", map.name);
    let gone = patience.until(|| {
        if !present(work.os(), map) {
            return Ok(Some(()));
        }
        multipath::tell(work.os(), &command, patience.deadline)?;
        Ok((!present(work.os(), map)).then_some(()))
    })?;
    if gone.is_some() {
        return Ok(());
    }
    let mut users = usage::users(work, &map.block)?;
    if users.is_empty() {
        users.push("multipathd did not remove it, though no holder is to be found".to_owned());
    }
    Err(Error::new(ErrorKind::InUse, format!("map {} is busy: {}", map.name, users.join(", "))))
}

fn present(os: &dyn Os, map: &Map) -> bool {
    sysfs::map(os, &map.block.name).is_some_and(|now| now.wwid == map.wwid)
}
