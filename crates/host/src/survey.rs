//! How many paths each staged volume has and should have: from records and sysfs, without a word to any disk, so that
//! it is cheap and nothing can hang it. Who the disks are is asked elsewhere.

use std::collections::BTreeSet;

use crate::{
    error::Result,
    fabric::Fabric,
    record::{Phase, Record},
    request::StagedVolume,
    sysfs::{self, Address, Map},
    target::TargetPath,
    tools::multipath,
    work::Work,
};

/// What is there at the moment, read once for all volumes.
struct Scene {
    fabric: Fabric,
    maps: Vec<Map>,
    /// Paths that multipathd found dead. Only a hint, and empty if it does not answer.
    failed: BTreeSet<String>,
}

/// Every volume that is staged on this node, one whose detach is not finished included.
pub(crate) fn staged(work: &Work) -> Result<Vec<StagedVolume>> {
    let records = work.site.records.list()?.records;
    let there = |record: &&Record| {
        matches!(record.phase, Phase::Staged | Phase::Detaching) && record.boot == work.site.boot
    };
    let records: Vec<&Record> = records.iter().filter(there).collect();
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let os = work.os();
    let maps = sysfs::maps(os);
    let failed = if maps.is_empty() { BTreeSet::new() } else { multipath::failed_paths(os, work.deadline) };
    let scene = Scene { fabric: Fabric::read(os), maps, failed };
    Ok(records.into_iter().map(|record| count(work, &scene, record)).collect())
}

fn count(work: &Work, scene: &Scene, record: &Record) -> StagedVolume {
    let paths = &record.attachment.paths;
    let (found, missing): (Vec<_>, Vec<_>) = paths.iter().partition(|path| stands(work, scene, record, path));
    // without multipath one path is all there can be
    let expected = if record.map.is_some() { paths.len() } else { 1 };
    let found = found.len().min(expected);
    let missing = if found == expected { Vec::new() } else { missing.into_iter().cloned().collect() };
    StagedVolume { volume: record.volume.clone(), found, expected, missing }
}

/// Whether the path can carry the volume's IO as far as the kernel knows.
fn stands(work: &Work, scene: &Scene, record: &Record, path: &TargetPath) -> bool {
    let mut ways = scene.fabric.of(path).into_iter().filter(|nexus| nexus.ready);
    ways.any(|nexus| carries(work, scene, record, nexus.address(path.lun())))
}

fn carries(work: &Work, scene: &Scene, record: &Record, address: Address) -> bool {
    let os = work.os();
    if sysfs::scsi_state(os, address).as_deref() != Some("running")
        || scene.failed.contains(&address.to_string())
    {
        return false;
    }
    let Some(block) = sysfs::scsi_block(os, address) else { return false };
    match &record.map {
        None => record.scanned.contains(&address),
        Some(wwid) => {
            let mut own = scene.maps.iter().filter(|map| map.wwid == *wwid);
            own.any(|map| map.slaves.contains(&block.name))
        }
    }
}

#[cfg(test)]
mod tests;
