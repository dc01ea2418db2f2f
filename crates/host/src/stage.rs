//! Staging: what is staged already is proved, the rest is attached, looked at, made, checked, mounted and grown.

use std::time::Duration;

use crate::{
    attach::{self, Attached},
    detach,
    error::{Error, ErrorKind, Result},
    fabric::Fabric,
    filesystem, format, mount,
    record::{Phase, Record},
    request::{Attachment, FsType, StageRequest, Staged, Usage},
    sysfs,
    target::TargetPath,
    tools::ext4,
    usage,
    verify::{self, Device, PathDevice, Verified},
    work::Work,
};

/// Time kept back for tidying after a failed attach.
const RESERVE: Duration = Duration::from_secs(8);
/// Paths of one volume at most.
const PATHS: usize = 16;

/// Stages the volume. The caller holds its lock.
pub(crate) fn stage(work: &Work, request: &StageRequest) -> Result<Staged> {
    check(request)?;
    refuse_taken(work, request)?;
    let mut record = match work.site.records.find(&request.volume)? {
        Some(record) if record.boot == work.site.boot => {
            if let Some(staged) = staged_already(work, request, &record)? {
                attach::rotate(work, request, record)?;
                return Ok(staged);
            }
            renew(work, request, record)?
        }
        Some(record) => renew(work, request, record)?,
        None => fresh(work, request),
    };
    let early = work.by(work.deadline.checked_sub(RESERVE).unwrap_or(work.deadline));
    let attached = attach::attach(&early, request, &mut record)?;
    record.phase = Phase::Attached;
    work.site.records.save(&record)?;
    let (paths, missing) = (attached.device.paths.len(), attached.missing.clone());
    let formatted = bring_into_use(work, request, &mut record, attached)?;
    record.phase = Phase::Staged;
    work.site.records.save(&record)?;
    Ok(Staged { paths, missing, formatted, already: false })
}

fn check(request: &StageRequest) -> Result<()> {
    let Attachment { paths, min_paths, size, .. } = &request.attachment;
    let complaint = if paths.is_empty() || paths.len() > PATHS {
        format!("{} paths were published, 1 to {PATHS} are possible", paths.len())
    } else if *min_paths == 0 || min_paths > &paths.len() {
        format!("{min_paths} of {} paths are wanted at least", paths.len())
    } else if *size == 0 {
        "the published size is 0".to_owned()
    } else if !request.staging_path.is_absolute() {
        format!("the staging path {} is not absolute", request.staging_path.display())
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, format!("volume {}: {complaint}", request.volume)))
}

/// The staging path may bear stale mounts of this volume, but not what another volume's record says it put there.
fn refuse_taken(work: &Work, request: &StageRequest) -> Result<()> {
    let others = work.site.records.list()?.records;
    let owner = others.iter().find(|other| {
        other.staging_path == request.staging_path
            && other.volume != request.volume
            && other.boot == work.site.boot
    });
    match owner {
        Some(owner) if !usage::layers(work, &request.staging_path)?.is_empty() => {
            let message = format!(
                "{} is in use by volume {}; unstage that first",
                request.staging_path.display(),
                owner.volume
            );
            Err(Error::new(ErrorKind::Refused, message))
        }
        _ => Ok(()),
    }
}

fn fresh(work: &Work, request: &StageRequest) -> Record {
    let mut record = Record::new(
        request.volume.clone(),
        work.site.boot.clone(),
        request.attachment.clone(),
        request.usage.clone(),
        request.staging_path.clone(),
    );
    record.read_only = read_only(request);
    record
}

fn read_only(request: &StageRequest) -> bool {
    request.read_only || request.attachment.read_only
}

/// An earlier record taken on: its device is torn down first if it was another one.
fn renew(work: &Work, request: &StageRequest, old: Record) -> Result<Record> {
    let same = old.attachment.wwid == request.attachment.wwid
        && old.attachment.generation == request.attachment.generation;
    if !same {
        tracing::info!(volume = %request.volume, old = %old.attachment.wwid, new = %request.attachment.wwid, "the volume means another device now");
        detach::take_down(work, old)?;
        return Ok(fresh(work, request));
    }
    let mut record = fresh(work, request);
    if old.staging_path != record.staging_path && !usage::layers(work, &old.staging_path)?.is_empty() {
        let message = format!(
            "volume {} is staged at {}; unstage it there first",
            request.volume,
            old.staging_path.display()
        );
        return Err(Error::new(ErrorKind::Exists, message));
    }
    // what mkfs did outlives a boot, addresses do not
    record.filesystem = old.filesystem;
    record.sessions = old.sessions;
    record.chap = old.chap;
    if old.boot == work.site.boot {
        record.scanned = old.scanned;
    }
    Ok(record)
}

/// The proof that nothing is to be done: one layer, the live identity of its device, alive, and as writable as asked.
fn staged_already(work: &Work, request: &StageRequest, record: &Record) -> Result<Option<Staged>> {
    let same = record.phase == Phase::Staged
        && record.attachment.wwid == request.attachment.wwid
        && record.attachment.generation == request.attachment.generation
        && record.usage == request.usage
        && record.read_only == read_only(request)
        && record.staging_path == request.staging_path;
    if !same {
        return Ok(None);
    }
    let block = match &request.usage {
        Usage::Block => verify::locate(work, &request.attachment.wwid, &record.scanned),
        Usage::Filesystem { fs, .. } => mounted(work, request, *fs)?,
    };
    let Some(block) = block else { return Ok(None) };
    if record.map.is_some() != sysfs::map(work.os(), &block.name).is_some() {
        return Ok(None);
    }
    let device = match verify::verify(work, &block, &request.attachment, 1) {
        Ok(device) => device,
        Err(error) if error.kind == ErrorKind::NotReady => return Ok(None),
        Err(error) => return Err(error),
    };
    let missing = match device.map {
        Some(_) => missing(work, &request.attachment, &device.paths),
        None => Vec::new(),
    };
    Ok(Some(Staged { paths: device.paths.len(), missing, formatted: false, already: true }))
}

/// Published paths that are not among those found. Without a map one path is all there can be, so do not ask.
pub(crate) fn missing(
    work: &Work,
    attachment: &Attachment,
    found: &[Verified<PathDevice>],
) -> Vec<TargetPath> {
    let fabric = Fabric::read(work.os());
    let live = |path: &&TargetPath| {
        let mut ways = fabric.of(path).into_iter();
        ways.any(|nexus| found.iter().any(|disk| disk.address == nexus.address(path.lun())))
    };
    attachment.paths.iter().filter(|path| !live(path)).cloned().collect()
}

/// The device under the staging path, if exactly one layer is there, alive, of the type and as writable as asked.
fn mounted(work: &Work, request: &StageRequest, fs: FsType) -> Result<Option<sysfs::Block>> {
    let layers = usage::layers(work, &request.staging_path)?;
    let [layer] = &layers[..] else { return Ok(None) };
    let as_asked = layer.fs == fs.as_str() && layer.fs_read_only == read_only(request);
    if !as_asked || work.os().usage(&request.staging_path, work.deadline).is_err() {
        return Ok(None);
    }
    Ok(sysfs::block_of(work.os(), layer.number))
}

/// Everything above the device. Tells whether a file system was made.
fn bring_into_use(
    work: &Work,
    request: &StageRequest,
    record: &mut Record,
    attached: Attached,
) -> Result<bool> {
    let device = attached.device;
    if read_only(request) {
        protect(&device)?;
    } else if sysfs::write_protected(work.os(), &device.block.name) {
        let message =
            format!("{} is write-protected; map the volume writable or stage it read-only", device.node());
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let Usage::Filesystem { fs, options } = &request.usage else { return Ok(false) };
    clear_staging(work, request)?;
    let ready = format::ensure(work, device, record, *fs, request.born_empty && !read_only(request))?;
    let (device, found) = (ready.device, ready.found);
    work.site.records.save(record)?;
    // a file system that is mounted elsewhere looks unclean and must not be checked
    let idle = usage::mounts_of(work, device.block.number)?.is_empty();
    if *fs == FsType::Ext4 && !found.clean && idle && !read_only(request) {
        ext4::check(work.os(), &device.node(), work.deadline)?;
    }
    let wish = (*fs, options.as_slice(), read_only(request));
    mount::mount(work, &device, &request.attachment, &request.staging_path, wish)?;
    if !read_only(request) {
        filesystem::fill(work, &device, record, &request.staging_path, Some(found.size))?;
    }
    Ok(ready.made)
}

fn protect(device: &Verified<Device>) -> Result<()> {
    let failed = |error| Error::io(format!("setting {} read-only", device.node()), error);
    device.disk.set_read_only(true).map_err(failed)?;
    device.paths.iter().try_for_each(|path| path.disk.set_read_only(true)).map_err(failed)
}

/// Takes stale layers off the staging path, unless they are in use.
fn clear_staging(work: &Work, request: &StageRequest) -> Result<()> {
    let layers = usage::layers(work, &request.staging_path)?;
    if layers.is_empty() {
        return Ok(());
    }
    tracing::warn!(path = %request.staging_path.display(), layers = mount::describe(&layers), "clearing the staging path");
    mount::unmount_all(work, &request.staging_path)
}
