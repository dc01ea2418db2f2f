//! A record for a volume whose own was lost, from what is mounted at its staging path.

use std::path::Path;

use crate::{
    error::Result,
    fabric::Fabric,
    identity::{ExpectedWwid, Wwid},
    record::Record,
    request::{Attachment, FsType, Usage},
    sysfs::{self, Address},
    target::{Protocol, TargetPath},
    usage,
    volume::VolumeKey,
    work::Work,
};

/// Follows mount → map → slaves → sessions. None if nothing of a SAN is mounted there. Sessions are taken for
/// somebody else's: who made them is not known any more.
pub(crate) fn from_mount(work: &Work, volume: &VolumeKey, staging: &Path) -> Result<Option<Record>> {
    let os = work.os();
    let Some(layer) = usage::layers(work, staging)?.pop() else { return Ok(None) };
    let Some(block) = sysfs::block_of(os, layer.number) else { return Ok(None) };
    let map = sysfs::map(os, &block.name);
    let slaves = map.as_ref().map_or_else(|| vec![block.name.clone()], |map| map.slaves.clone());
    let addresses: Vec<Address> = slaves.iter().filter_map(|slave| sysfs::address_of(os, slave)).collect();
    let wwid = match &map {
        Some(map) => Wwid::from_multipath(&map.wwid),
        None => addresses.iter().find_map(|&address| Wwid::new(&sysfs::cached_wwid(os, address)?).ok()),
    };
    let Some(wwid) = wwid else { return Ok(None) };
    let fabric = Fabric::read(os);
    let paths: Vec<_> = addresses.iter().filter_map(|&address| fabric.path_to(address)).collect();
    let attachment = Attachment {
        protocol: protocol(&paths),
        wwid: ExpectedWwid::new(wwid, None),
        size: sysfs::size(os, &block.name).unwrap_or(0),
        paths,
        min_paths: 1,
        generation: 0,
        read_only: layer.fs_read_only,
    };
    let fs = if layer.fs == FsType::Xfs.as_str() { FsType::Xfs } else { FsType::Ext4 };
    let usage = Usage::Filesystem { fs, options: Vec::new() };
    tracing::warn!(%volume, wwid = %attachment.wwid, "the record is lost; rebuilt from the mount at the staging path");
    let mut record =
        Record::new(volume.clone(), work.site.boot.clone(), attachment, usage, staging.to_owned());
    record.map = map.map(|map| map.wwid);
    record.scanned = addresses;
    Ok(Some(record))
}

fn protocol(paths: &[TargetPath]) -> Protocol {
    match paths.first() {
        Some(TargetPath::Fc(_)) => Protocol::Fc,
        Some(TargetPath::Iscsi(path)) if path.iser => Protocol::Iser,
        _ => Protocol::Iscsi,
    }
}
