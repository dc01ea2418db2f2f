//! Who uses a device: maps above it, mounts, and anybody who holds it open for himself.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    os::{Access, DevNum, Mount},
    sysfs::{self, Block},
    work::Work,
};

/// Mounts of the device, those in our own copy of the host's tree left out.
pub(crate) fn mounts_of(work: &Work, number: DevNum) -> Result<Vec<Mount>> {
    Ok(all_mounts(work)?
        .into_iter()
        .filter(|mount| mount.number == number && !in_copy(work, &mount.target))
        .collect())
}

/// The mount layers at a place, bottom first.
pub(crate) fn layers(work: &Work, target: &Path) -> Result<Vec<Mount>> {
    Ok(all_mounts(work)?.into_iter().filter(|mount| mount.target == target).collect())
}

/// Mounts of the device in our own copy of the host's tree, deepest last. They keep it busy without anyone's use.
pub(crate) fn copies_of(work: &Work, number: DevNum) -> Result<Vec<PathBuf>> {
    let mounts =
        all_mounts(work)?.into_iter().filter(|mount| mount.number == number && in_copy(work, &mount.target));
    Ok(mounts.map(|mount| mount.target).collect())
}

fn in_copy(work: &Work, target: &Path) -> bool {
    let root = &work.site.settings.host_root;
    root != Path::new("/") && target.starts_with(root)
}

pub(crate) fn all_mounts(work: &Work) -> Result<Vec<Mount>> {
    work.os().mounts().map_err(|error| Error::io("reading /proc/self/mountinfo", error))
}

/// Nodes of the device bound onto files, as published raw volumes are.
pub(crate) fn bound_nodes(work: &Work, block: &Block) -> Result<Vec<Mount>> {
    let root = Path::new("/").join(&block.name);
    let bound = |mount: &Mount| {
        mount.root == root
            && mount.target != Path::new("/dev").join(&block.name)
            && matches!(work.os().node_number(&mount.target), Ok(Some(number)) if number == block.number)
    };
    Ok(all_mounts(work)?.into_iter().filter(|mount| !in_copy(work, &mount.target) && bound(mount)).collect())
}

/// Processes in whose mount namespace the device is mounted though it is not in ours, one for each such namespace. What
/// cannot be looked at is left out.
pub(crate) fn elsewhere(work: &Work, number: DevNum) -> Vec<String> {
    let os = work.os();
    let ids = |process: &str| -> BTreeSet<u64> {
        let text = os.read(&Path::new("/proc").join(process).join("mountinfo")).unwrap_or_default();
        let lines = text.lines().filter(|line| line.split(' ').nth(2) == Some(&number.to_string()));
        lines.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
    };
    let mut known = ids("self");
    let processes = os.list(Path::new("/proc")).unwrap_or_default();
    let mut found = Vec::new();
    for process in processes.iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) {
        let theirs = ids(process);
        if !theirs.is_subset(&known) {
            known.extend(theirs);
            let name = os.read(&Path::new("/proc").join(process).join("comm")).unwrap_or_default();
            found.push(format!("mounted in the namespace of process {process} ({})", name.trim()));
        }
    }
    found
}

/// What uses the device, in words; empty if nothing does.
pub(crate) fn users(work: &Work, block: &Block) -> Result<Vec<String>> {
    let os = work.os();
    let mut users: Vec<String> =
        sysfs::holders(os, &block.name).into_iter().map(|holder| format!("{holder} stands on it")).collect();
    users.extend(
        mounts_of(work, block.number)?.iter().map(|mount| format!("mounted at {}", mount.target.display())),
    );
    users.extend(
        bound_nodes(work, block)?.iter().map(|mount| format!("published at {}", mount.target.display())),
    );
    if users.is_empty()
        && let Err(error) = os.open(&block.name, block.number, Access::Exclusive, work.deadline)
        && error.raw_os_error() == Some(nix::libc::EBUSY)
    {
        users.extend(elsewhere(work, block.number));
        if users.is_empty() {
            users.push("held open by a process, a mount in another namespace or a partition".to_owned());
        }
    }
    Ok(users)
}

/// What uses a SCSI disk, an unused multipath map above it not counted.
pub(crate) fn users_of_path(work: &Work, block: &Block) -> Result<Vec<String>> {
    let os = work.os();
    let holders = sysfs::holders(os, &block.name);
    let maps: Vec<_> = holders.iter().filter_map(|holder| sysfs::map(os, holder)).collect();
    if holders.is_empty() || maps.len() < holders.len() {
        return users(work, block);
    }
    let mut all = Vec::new();
    for map in maps {
        all.extend(users(work, &map.block)?.into_iter().map(|user| format!("map {}: {user}", map.name)));
    }
    Ok(all)
}
