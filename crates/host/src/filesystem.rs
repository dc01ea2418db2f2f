//! Making a mounted file system fill its device.

use std::path::Path;

use crate::{
    error::{Error, ErrorKind, Result},
    os::FsUsage,
    record::Record,
    request::FsType,
    tools::{ext4, xfs},
    verify::{Device, Verified},
    work::Work,
};

/// A rest smaller than this may be one that the file system cannot use.
const fn slack(fs: FsType) -> u64 {
    match fs {
        // a last block group too small for its own tables is left out
        FsType::Ext4 => 4 << 20,
        // as is an allocation group of less than 64 blocks
        FsType::Xfs => 1 << 20,
    }
}

/// Grows the file system mounted at `mounted` unless it fills the device. `spans` is what its superblock said before
/// the mount; without it the record is asked, and if that does not know either, the tool is.
pub(crate) fn fill(
    work: &Work,
    device: &Verified<Device>,
    record: &mut Record,
    mounted: &Path,
    spans: Option<u64>,
) -> Result<()> {
    let Some(known) = &mut record.filesystem else { return Ok(()) };
    let spans = spans.unwrap_or(known.filled);
    if device.size > spans.saturating_add(slack(known.fs)) {
        let before = statfs(work, mounted)?;
        match known.fs {
            FsType::Ext4 => ext4::grow(work.os(), &device.node(), work.deadline)?,
            FsType::Xfs => xfs::grow(work.os(), mounted, work.deadline)?,
        }
        verify_grown(device, mounted, (spans, &before), &statfs(work, mounted)?)?;
    }
    known.filled = device.size;
    Ok(())
}

fn verify_grown(device: &Device, mounted: &Path, before: (u64, &FsUsage), after: &FsUsage) -> Result<()> {
    let bytes = |usage: &FsUsage| usage.block.saturating_mul(usage.blocks);
    let (old, new) = (bytes(before.1), bytes(after));
    let much = before.0 > 0 && device.size - before.0 > device.size / 8;
    // one that holds more than it spanned was grown already, by a call that did not live to record it
    if new < old || (much && new == old && new <= before.0) {
        let message = format!(
            "{} should have grown to {} bytes, but still has {new} (before: {old})",
            mounted.display(),
            device.size
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    Ok(())
}

/// statfs with the call's deadline.
pub(crate) fn statfs(work: &Work, mounted: &Path) -> Result<FsUsage> {
    work.os()
        .usage(mounted, work.deadline)
        .map_err(|error| Error::io(format!("asking for the fill level of {}", mounted.display()), error))
}
