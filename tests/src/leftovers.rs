//! What must be nowhere once all volumes are deleted. Everything is listed at its source: the API server, the
//! array, its kernel, each node's kernel and files. Nothing here asks Perilune.

use std::time::Duration;

use anyhow::Result;

use crate::bed::Bed;

/// A place, and what was found there.
pub type Found = Vec<(String, String)>;

/// `Ok` with every place looked at if all are empty, else what is left where.
pub fn look(bed: &Bed) -> Result<Result<Found, String>> {
    let mut found = cluster(bed)?;
    found.extend(array(bed)?);
    for node in ["node1", "node2"] {
        found.extend(host(bed, node)?);
    }
    let left: Vec<String> = found
        .iter()
        .filter(|(_, what)| what != "none")
        .map(|(place, what)| format!("{place}: {what}"))
        .collect();
    Ok(if left.is_empty() { Ok(found) } else { Err(left.join("; ")) })
}

fn cluster(bed: &Bed) -> Result<Found> {
    let mut found = Found::new();
    for kind in ["persistentvolumes", "volumeattachments", "volumesnapshotcontents", "arrayvolumes"] {
        let names = bed.kubectl.run(&["get", kind, "-o", "name"])?;
        found.push((format!("cluster, {kind}"), none_or(&names)));
    }
    Ok(found)
}

fn array(bed: &Bed) -> Result<Found> {
    let held = bed.array.holds(&bed.lab)?;
    Ok(held.into_iter().map(|(what, found)| (format!("array, {what}"), none_or(&found))).collect())
}

fn host(bed: &Bed, node: &str) -> Result<Found> {
    let looks = [
        ("iSCSI sessions", "ls /sys/class/iscsi_session 2>/dev/null || true"),
        ("SCSI disks", "ls /sys/class/scsi_disk 2>/dev/null || true"),
        ("multipath maps", "dmsetup ls --target multipath | grep -v 'No devices' || true"),
        ("mounts", "grep csi.perilune.dev /proc/mounts | grep -v ' tmpfs ' || true"),
        ("iSCSI node records", "find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f 2>/dev/null || true"),
        (
            "staging records",
            "find /var/lib/kubelet/plugins/csi.perilune.dev -name '*.json' 2>/dev/null || true",
        ),
    ];
    let guest = bed.lab.guest(node)?;
    looks
        .iter()
        .map(|(what, script)| {
            let out = guest.run(script, Duration::from_secs(20))?.success()?;
            Ok((format!("{node}, {what}"), none_or(&out)))
        })
        .collect()
}

fn none_or(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}
