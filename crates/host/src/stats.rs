//! How full and how well a volume is.

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem,
    record::Record,
    request::{Amount, Stats, StatsRequest, Usage},
    stage, sysfs, usage,
    verify::{self, Device},
    work::Work,
};

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
            block_stats(work, &record)
        }
        Usage::Filesystem { .. } => {
            let layer = layer.ok_or_else(nothing)?;
            let mut abnormal = condition(work, &record);
            if layer.fs_read_only && !record.read_only {
                abnormal.push(
                    "the file system has become read-only after an error; see the kernel log of the node"
                        .into(),
                );
            }
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

fn block_stats(work: &Work, record: &Record) -> Result<Stats> {
    let block = verify::locate(work, &record.attachment.wwid, &record.scanned);
    let total = block.and_then(|block| sysfs::size(work.os(), &block.name)).unwrap_or(record.attachment.size);
    let bytes = Amount { total, used: 0, available: 0 };
    Ok(Stats { bytes, inodes: None, abnormal: condition(work, record) })
}

/// What is wrong with the paths of a staged volume, in words.
pub(crate) fn condition(work: &Work, record: &Record) -> Vec<String> {
    let Some(block) = verify::locate(work, &record.attachment.wwid, &record.scanned) else {
        return vec![format!("the device {} is gone", record.attachment.wwid)];
    };
    match verify::verify(work, &block, &record.attachment, 1) {
        Ok(device) => path_condition(work, record, &device),
        Err(error) => vec![error.message],
    }
}

fn path_condition(work: &Work, record: &Record, device: &Device) -> Vec<String> {
    let mut words: Vec<String> = device.dead.iter().map(|dead| format!("path lost: {dead}")).collect();
    let missing = stage::missing(work, &record.attachment, device);
    words.extend(missing.iter().map(|path| format!("path missing: {path}")));
    words
}
