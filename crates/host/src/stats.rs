//! How full and how well a volume is.

use std::{path::Path, time::Duration};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem, health,
    record::Record,
    request::{Ailment, Amount, Harm, Stats, StatsRequest, Usage},
    sysfs, usage, verify,
    work::Work,
};

/// How long a file system may take to say how full it is.
const ANSWER: Duration = Duration::from_secs(5);

/// What is wrong with a volume, a file system that does not answer included.
pub(crate) fn health(work: &Work, request: &StatsRequest) -> Result<Vec<Ailment>> {
    let record = work.site.records.find(&request.volume)?.ok_or_else(|| {
        let message = format!("volume {} is not staged on this node", request.volume);
        Error::new(ErrorKind::NotFound, message)
    })?;
    // a caller need not say where it was published
    let unsaid = request.volume_path.as_os_str().is_empty();
    let place = if unsaid { &record.staging_path } else { &request.volume_path };
    let mut found = health::ailments(work, &record, place)?;
    let mounted = matches!(record.usage, Usage::Filesystem { .. }) && !usage::layers(work, place)?.is_empty();
    if mounted && let Err(error) = filesystem::statfs(&work.by(work.os().now() + ANSWER), place) {
        let message = format!("the file system does not answer: {}", error.message);
        found.push(Ailment::new(Harm::Inaccessible, "FilesystemSilent", message));
    }
    Ok(found)
}

/// Looks without the volume's lock: an altering call may go on meanwhile.
pub(crate) fn stats(work: &Work, request: &StatsRequest) -> Result<Stats> {
    let nothing = || {
        let message = format!("nothing of volume {} is at {}", request.volume, request.volume_path.display());
        Error::new(ErrorKind::NotFound, message)
    };
    let record = work.site.records.find(&request.volume)?.ok_or_else(nothing)?;
    let layer = usage::layers(work, &request.volume_path)?.pop();
    match &record.usage {
        Usage::Block => {
            let staged = request.volume_path == record.staging_path;
            layer.filter(|_| !staged).map(|_| ()).or(staged.then_some(())).ok_or_else(nothing)?;
            block_stats(work, &record, &request.volume_path)
        }
        Usage::Filesystem { .. } => {
            layer.ok_or_else(nothing)?;
            let abnormal = health::ailments(work, &record, &request.volume_path)?;
            let found = filesystem::statfs(work, &request.volume_path)?;
            let amount = |total: u64, free: u64, available: u64, unit: u64| Amount {
                total: total * unit,
                used: total.saturating_sub(free) * unit,
                available: available * unit,
            };
            let bytes = amount(found.blocks, found.free, found.available, found.block);
            let inodes = Some(amount(found.inodes, found.inodes_free, found.inodes_free, 1));
            Ok(Stats { bytes, inodes, abnormal })
        }
    }
}

fn block_stats(work: &Work, record: &Record, place: &Path) -> Result<Stats> {
    let block = verify::locate(work, &record.attachment.wwid, &record.scanned);
    let total = block.and_then(|block| sysfs::size(work.os(), &block.name)).unwrap_or(record.attachment.size);
    let bytes = Amount { total, used: 0, available: 0 };
    Ok(Stats { bytes, inodes: None, abnormal: health::ailments(work, record, place)? })
}
