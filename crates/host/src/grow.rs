//! Online growth: every path, then the map, then the file system.

use std::time::Duration;

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem,
    os::Answer,
    reach,
    record::{Phase, Record},
    request::{GrowRequest, Grown, Usage},
    sysfs::{self, Map},
    tools::multipath,
    verify::{self, Device, Verified},
    work::Work,
};

/// How long multipathd may take to resize a map.
const RESIZE: Duration = Duration::from_secs(15);

/// Grows the volume. The caller holds its lock.
pub(crate) fn grow(work: &Work, request: &GrowRequest) -> Result<Grown> {
    let mut record = staged(work, request)?;
    let block = verify::locate(work, &record.attachment.wwid, &record.scanned).ok_or_else(|| {
        Error::new(
            ErrorKind::NotReady,
            format!("the device of volume {} is gone; stage it again", request.volume),
        )
    })?;
    let paths = live_paths(work, &record, &block)?;
    let size = agreed_size(work, request, &record, &paths)?;
    for path in &paths {
        reach::rescan_if_grown(work, path)?;
    }
    drop(paths);
    if let Some(map) = sysfs::map(work.os(), &block.name) {
        resize_map(work, &map, size)?;
    }
    record.attachment.size = size.min(request.size.unwrap_or(size));
    let device = verify::verify(work, &block, &record.attachment, 1)?;
    if device.size < size {
        let message =
            format!("{} has {} bytes, its paths have {size}; expand again", device.node(), device.size);
        return Err(Error::new(ErrorKind::NotReady, message));
    }
    if matches!(record.usage, Usage::Filesystem { .. }) && !record.read_only {
        let staging = record.staging_path.clone();
        filesystem::fill(work, &device, &mut record, &staging, None)?;
    }
    work.site.records.save(&record)?;
    Ok(Grown { size: device.size })
}

fn staged(work: &Work, request: &GrowRequest) -> Result<Record> {
    match work.site.records.find(&request.volume)? {
        Some(record) if record.phase == Phase::Staged && record.boot == work.site.boot => Ok(record),
        Some(_) => {
            let message = format!("volume {} is not staged completely; stage it first", request.volume);
            Err(Error::new(ErrorKind::NotReady, message))
        }
        None => Err(Error::new(
            ErrorKind::NotFound,
            format!("volume {} is not staged on this node", request.volume),
        )),
    }
}

/// The volume's live paths. Sizes may differ yet, so the whole device is verified only later.
fn live_paths(
    work: &Work,
    record: &Record,
    block: &sysfs::Block,
) -> Result<Vec<Verified<verify::PathDevice>>> {
    let slaves = match sysfs::map(work.os(), &block.name) {
        Some(map) => map.slaves,
        None => vec![block.name.clone()],
    };
    let mut paths = Vec::new();
    for slave in &slaves {
        if let Ok(path) = verify::read_slave(work, slave, &record.attachment, &block.name)? {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let message = format!("volume {} has no live path to grow on", record.volume);
        return Err(Error::new(ErrorKind::NotReady, message));
    }
    Ok(paths)
}

/// The size that every live path reports; unequal or too small ones are not there yet.
fn agreed_size(
    work: &Work,
    request: &GrowRequest,
    record: &Record,
    paths: &[Verified<verify::PathDevice>],
) -> Result<u64> {
    let mut sizes = Vec::new();
    for path in paths {
        match path.disk.capacity(work.deadline) {
            Answer::Data(size) => sizes.push(size),
            other => {
                let message = format!("{} does not tell its size: {other:?}", path.block.name);
                return Err(Error::new(ErrorKind::NotReady, message));
            }
        }
    }
    let (least, most) = (sizes.iter().min().copied().unwrap_or(0), sizes.iter().max().copied().unwrap_or(0));
    if least != most {
        let message = format!(
            "the paths of volume {} differ in size ({least} and {most} bytes); try again",
            request.volume
        );
        return Err(Error::new(ErrorKind::NotReady, message));
    }
    if least < record.attachment.size {
        let message = format!(
            "volume {} has shrunk from {} to {least} bytes while in use; restore its size on the array at once",
            request.volume, record.attachment.size
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    match request.size {
        Some(wanted) if least < wanted => {
            let message = format!(
                "the array shows {least} bytes of volume {}, {wanted} are wanted; try again",
                request.volume
            );
            Err(Error::new(ErrorKind::NotReady, message))
        }
        _ => Ok(least),
    }
}

/// One `resize map`, again only if a daemon that was busy did not do it.
fn resize_map(work: &Work, map: &Map, size: u64) -> Result<()> {
    let command = format!("resize map {}", map.name);
    let work = work.by(work.os().now() + RESIZE);
    let grown = || sysfs::size(work.os(), &map.block.name).is_some_and(|now| now >= size);
    let done = work.until(|| {
        if !grown() {
            multipath::tell(work.os(), &command, work.deadline)?;
        }
        Ok(grown().then_some(()))
    })?;
    done.ok_or_else(|| {
        let message =
            format!(
                "multipathd did not resize map {} to {size} bytes, which it does not while a path of the old size is \
                 down; expand again when all paths are back",
                map.name
            );
        Error::new(ErrorKind::NotReady, message)
    })
}

/// Catches up on growth that a path missed while it was away.
pub(crate) fn rescan_returned(work: &Work, device: &Device) -> Result<()> {
    device.paths.iter().try_for_each(|path| reach::rescan_if_grown(work, path))
}
