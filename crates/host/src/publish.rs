//! Showing a staged volume at the place where a workload sees it.

use std::path::Path;

use nix::mount::MsFlags;

use crate::{
    error::{Error, ErrorKind, Result},
    mount, options,
    os::{DevNum, MountCall},
    record::{Phase, Record},
    request::{PublishRequest, Usage},
    sysfs, usage,
    verify::{self, Device, Verified},
    work::Work,
};

/// Publishes the volume. The caller holds its lock.
pub(crate) fn publish(work: &Work, request: &PublishRequest) -> Result<()> {
    let record = staged(work, request)?;
    match (&record.usage, request.block) {
        (Usage::Block, true) => publish_block(work, request, &record),
        (Usage::Filesystem { .. }, false) => publish_tree(work, request, &record),
        _ => {
            let message = format!(
                "volume {} is not staged as it is to be published (raw block or file system)",
                request.volume
            );
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}

fn staged(work: &Work, request: &PublishRequest) -> Result<Record> {
    let record = work.site.records.find(&request.volume)?;
    let record = record.filter(|record| record.phase == Phase::Staged && record.boot == work.site.boot);
    match record {
        Some(record) if record.staging_path == request.staging_path => Ok(record),
        _ => {
            let message = format!(
                "volume {} is not staged at {}; stage it first",
                request.volume,
                request.staging_path.display()
            );
            Err(Error::new(ErrorKind::Refused, message))
        }
    }
}

fn publish_tree(work: &Work, request: &PublishRequest, record: &Record) -> Result<()> {
    let layers = usage::layers(work, &request.staging_path)?;
    let number = match &layers[..] {
        [layer] => layer.number,
        _ => {
            let message = format!(
                "{} should bear one mount and bears {}; stage the volume again",
                request.staging_path.display(),
                mount::describe(&layers)
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
    };
    let _device = identified(work, record, number)?;
    let read_only = request.read_only || record.read_only;
    let there = usage::layers(work, &request.target_path)?;
    match &there[..] {
        [] => {}
        [layer] if layer.number == number && layer.read_only == read_only => return Ok(()),
        _ => return Err(taken(request, &mount::describe(&there))),
    }
    let elsewhere = usage::mounts_of(work, number)?.into_iter().map(|mount| mount.target);
    refuse_second(request, elsewhere.filter(|target| *target != request.staging_path))?;
    work.os().make_dir(&request.target_path).map_err(|error| making(&request.target_path, error))?;
    bind(work, &request.staging_path, &request.target_path)?;
    if read_only && let Usage::Filesystem { fs, options } = &record.usage {
        let flags = options::translate(*fs, options, true).flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
        let call = MountCall { flags, ..bind_call(&request.staging_path, &request.target_path) };
        work.os().mount(&call, work.deadline).map_err(|error| {
            Error::io(format!("making {} read-only", request.target_path.display()), error)
        })?;
    }
    let now = usage::layers(work, &request.target_path)?;
    match &now[..] {
        [layer] if layer.number == number => Ok(()),
        _ => Err(undone(work, request, &mount::describe(&now))),
    }
}

fn publish_block(work: &Work, request: &PublishRequest, record: &Record) -> Result<()> {
    if request.read_only && !record.read_only {
        let message = format!(
            "volume {} is writable on this node; a raw device cannot be published read-only beside that",
            request.volume
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let block = verify::locate(work, &record.attachment.wwid, &record.scanned).ok_or_else(|| {
        Error::new(
            ErrorKind::NotReady,
            format!("the device of volume {} is gone; stage it again", request.volume),
        )
    })?;
    let device = identified(work, record, block.number)?;
    if !usage::layers(work, &request.target_path)?.is_empty() {
        return match work.os().node_number(&request.target_path) {
            Ok(Some(number)) if number == block.number => Ok(()),
            _ => Err(taken(request, "another device")),
        };
    }
    refuse_second(request, usage::bound_nodes(work, &block)?.into_iter().map(|mount| mount.target))?;
    work.os().make_file(&request.target_path).map_err(|error| making(&request.target_path, error))?;
    bind(work, Path::new(&device.node()), &request.target_path)?;
    match work.os().node_number(&request.target_path) {
        Ok(Some(number)) if number == block.number => Ok(()),
        found => Err(undone(work, request, &format!("{found:?}"))),
    }
}

/// The device of that number, after every path has said that it is the volume.
fn identified(work: &Work, record: &Record, number: DevNum) -> Result<Verified<Device>> {
    let block = sysfs::block_of(work.os(), number).ok_or_else(|| {
        Error::new(ErrorKind::NotReady, format!("device {number} of volume {} is gone", record.volume))
    })?;
    verify::verify(work, &block, &record.attachment, 1)
}

fn refuse_second(
    request: &PublishRequest,
    elsewhere: impl Iterator<Item = std::path::PathBuf>,
) -> Result<()> {
    let others: Vec<String> = elsewhere
        .filter(|target| *target != request.target_path)
        .map(|target| target.display().to_string())
        .collect();
    if !request.exclusive || others.is_empty() {
        return Ok(());
    }
    let message =
        format!("volume {} has a single writer and is published at {}", request.volume, others.join(", "));
    Err(Error::new(ErrorKind::Refused, message))
}

fn taken(request: &PublishRequest, by: &str) -> Error {
    let message =
        format!("{} is published in another way ({by}); unpublish it first", request.target_path.display());
    Error::new(ErrorKind::Exists, message)
}

fn undone(work: &Work, request: &PublishRequest, found: &str) -> Error {
    let undo = mount::unmount_all(work, &request.target_path);
    let message = format!(
        "after the bind {} bears {found}, which is not volume {}; {}",
        request.target_path.display(),
        request.volume,
        if undo.is_ok() { "undone" } else { "it could not be undone" }
    );
    Error::new(ErrorKind::WrongIdentity, message)
}

fn making(path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("making {}", path.display()), error)
}

fn bind_call(source: &Path, target: &Path) -> MountCall {
    MountCall {
        source: source.to_owned(),
        target: target.to_owned(),
        fs: None,
        flags: MsFlags::MS_BIND,
        data: String::new(),
    }
}

fn bind(work: &Work, source: &Path, target: &Path) -> Result<()> {
    work.os()
        .mount(&bind_call(source, target), work.deadline)
        .map_err(|error| Error::io(format!("binding {} to {}", source.display(), target.display()), error))
}

/// Takes a publication away. The caller holds the volume's lock.
pub(crate) fn unpublish(work: &Work, target: &Path) -> Result<()> {
    mount::unmount_all(work, target)?;
    work.os().remove(target).map_err(|error| Error::io(format!("removing {}", target.display()), error))
}
