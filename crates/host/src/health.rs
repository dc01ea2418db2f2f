//! What is wrong with a staged volume: paths, size, mount. Asks every path who it is; alters nothing.

use std::path::Path;

use crate::{
    error::Result,
    mount,
    os::Answer,
    record::{Phase, Record},
    request::{Ailment, Harm, Usage},
    stage,
    sysfs::{self, Block},
    usage,
    verify::{self, PathDevice, Verified},
    work::Work,
};

/// Everything that is wrong with the volume and, if it is mounted, with the mount at `place`.
pub(crate) fn ailments(work: &Work, record: &Record, place: &Path) -> Result<Vec<Ailment>> {
    let Some(block) = verify::locate(work, &record.attachment.wwid, &record.scanned) else {
        let message = format!("the device {} is gone", record.attachment.wwid);
        return Ok(vec![Ailment::new(Harm::Inaccessible, "DeviceGone", message)]);
    };
    let mut found = of_device(work, record, &block);
    if matches!(record.usage, Usage::Filesystem { .. }) && record.phase == Phase::Staged {
        found.extend(of_mount(work, record, &block, &record.staging_path)?);
        if place != record.staging_path {
            found.extend(of_mount(work, record, &block, place)?);
        }
        found.dedup();
    }
    Ok(found)
}

fn of_device(work: &Work, record: &Record, block: &Block) -> Vec<Ailment> {
    let map = sysfs::map(work.os(), &block.name);
    let slaves = map.as_ref().map_or_else(|| vec![block.name.clone()], |map| map.slaves.clone());
    let (mut live, mut lost, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for slave in &slaves {
        match verify::read_slave(work, slave, &record.attachment, &block.name) {
            Ok(Ok(path)) => live.push(path),
            Ok(Err(why)) => lost.push(why),
            Err(error) => found.push(Ailment::new(Harm::Inaccessible, "WrongIdentity", error.message)),
        }
    }
    found.extend(of_paths(work, record, &live, lost, map.is_some()));
    found.extend(of_sizes(work, record, block, &live));
    found
}

fn of_paths(
    work: &Work,
    record: &Record,
    live: &[Verified<PathDevice>],
    mut lost: Vec<String>,
    multipath: bool,
) -> Option<Ailment> {
    let missing = if multipath { stage::missing(work, &record.attachment, live) } else { Vec::new() };
    lost.extend(missing.iter().map(|path| format!("missing: {path}")));
    if live.is_empty() {
        let message = format!("no path answers: {}", lost.join("; "));
        return Some(Ailment::new(Harm::Inaccessible, "NoPath", message));
    }
    let expected = if multipath { record.attachment.paths.len().max(live.len()) } else { 1 };
    let message = format!("{} of {expected} paths found; {}", live.len(), lost.join("; "));
    (!lost.is_empty()).then(|| Ailment::new(Harm::Degraded, "PathsMissing", message))
}

fn of_sizes(work: &Work, record: &Record, block: &Block, live: &[Verified<PathDevice>]) -> Option<Ailment> {
    let size = |path: &Verified<PathDevice>| match path.disk.capacity(work.deadline) {
        Answer::Data(size) => Some(size),
        _ => None,
    };
    let sizes: Vec<u64> = live.iter().filter_map(size).collect();
    let (least, most) = (sizes.iter().min().copied()?, sizes.iter().max().copied()?);
    let expected = record.attachment.size;
    let device = sysfs::size(work.os(), &block.name).unwrap_or(least);
    if least < expected {
        let message = format!(
            "the array shows {least} bytes where the volume had {expected}; restore its size on the array at once"
        );
        return Some(Ailment::new(Harm::DataLoss, "Shrunk", message));
    }
    if least != most {
        let message = format!("the paths differ in size ({least} and {most} bytes); expand the volume again");
        return Some(Ailment::new(Harm::Degraded, "SizesDiffer", message));
    }
    let message = format!("{} has {device} bytes, the volume has {expected}; expand it again", block.name);
    (device < expected).then(|| Ailment::new(Harm::Degraded, "WrongSize", message))
}

fn of_mount(work: &Work, record: &Record, block: &Block, place: &Path) -> Result<Option<Ailment>> {
    let layers = usage::layers(work, place)?;
    let at = place.display();
    let Some(top) = layers.last() else {
        return Ok(Some(Ailment::new(
            Harm::Inaccessible,
            "NotMounted",
            format!("nothing is mounted at {at}"),
        )));
    };
    if top.number != block.number {
        let message = format!(
            "{at} bears device {}, the volume is device {} by now; the pod must be started again",
            top.number, block.number
        );
        return Ok(Some(Ailment::new(Harm::Inaccessible, "StaleMount", message)));
    }
    if layers.len() > 1 {
        let message = format!("{at} bears several mounts: {}", mount::describe(&layers));
        return Ok(Some(Ailment::new(Harm::Degraded, "StackedMount", message)));
    }
    let message = "the file system has become read-only after an error; see the kernel log of the node";
    Ok((top.fs_read_only && !record.read_only)
        .then(|| Ailment::new(Harm::Degraded, "ReadOnlyFilesystem", message)))
}
