//! The independent checker: array, ledger and Kubernetes must tell the same story. It only reads, and not through the engine.

use perilune_array::fake::Inventory;
use perilune_array::{Qos, RecordId, Volume, VolumeState};
use perilune_engine::ledger::{Entry, Phase};

use crate::cluster::{CLUSTER, Cluster, IMPORTED};
use crate::kube::Pv;

/// What is wrong, in words; nothing if all is well.
pub(crate) async fn judge(c: &Cluster) -> Vec<String> {
    let (inventory, entries) = (c.array.inventory(), c.ledger.entries());
    let mut wrong = c.belief.stuck.clone();
    foreign(c, &inventory, &mut wrong);
    for pv in &c.belief.volumes {
        one_volume(c, pv, &inventory, &entries, &mut wrong);
        limits(c, pv, &entries, &mut wrong).await;
    }
    for pv in &c.belief.released {
        let kept = inventory
            .volumes
            .iter()
            .filter(|volume| c.array.content(&volume.id).as_ref() == Some(&pv.content));
        let marks: Vec<bool> = kept.map(|volume| volume.owner.is_some()).collect();
        if marks != [false] {
            wrong.push(format!("{} was released, and of such volumes these bear a mark: {marks:?}", pv.name));
        }
    }
    leftovers(c, &inventory, &entries, &mut wrong);
    snapshots(c, &inventory, &entries, &mut wrong);
    wrong
}

fn ours(volume: &Volume) -> bool {
    volume.owner.as_ref().is_some_and(|owner| owner.cluster == CLUSTER)
}

/// Nothing of anybody else's was touched.
fn foreign(c: &Cluster, inventory: &Inventory, wrong: &mut Vec<String>) {
    for theirs in &c.foreign {
        if theirs.owner.is_none() && adopted(c, theirs, inventory) {
            continue;
        }
        match inventory.volumes.iter().find(|volume| volume.id == theirs.id) {
            None => wrong.push(format!("foreign volume {} is gone", theirs.name)),
            Some(now) if now != theirs => {
                wrong.push(format!("foreign volume {} was altered: {now:?}", theirs.name));
            }
            Some(_) => {}
        }
    }
}

/// The one that a claim adopted, or gave back: its name may be another one, and all else is as it was.
fn adopted(c: &Cluster, theirs: &Volume, inventory: &Inventory) -> bool {
    let is_ours = c.belief.volumes.iter().any(|pv| pv.name == IMPORTED);
    let ended = c.belief.deleted.iter().any(|name| name == IMPORTED);
    match inventory.volumes.iter().find(|volume| volume.id == theirs.id) {
        None => ended,
        Some(now) if is_ours || (ours(now) && c.belief.abandoned.iter().any(|name| name == IMPORTED)) => true,
        Some(now) => Volume { name: theirs.name.clone(), ..now.clone() } == *theirs,
    }
}

/// The array, the record and Kubernetes agree on what the volume may draw.
async fn limits(c: &Cluster, pv: &Pv, entries: &[Entry], wrong: &mut Vec<String>) {
    let Some(wanted) = pv.max_iops else { return };
    let Some(entry) = entries.iter().find(|entry| entry.id == *pv.handle.record()) else { return };
    let Some(native) = &entry.native else { return };
    let set = Qos::get(&c.array, native).await.map(|limits| limits.max_iops).unwrap_or_default();
    let noted = entry.mutable.get("perilune.dev/max-iops").and_then(|text| text.parse().ok());
    if (set, noted) != (Some(wanted), Some(wanted)) {
        wrong.push(format!("{} may draw {wanted}; the array says {set:?}, the record {noted:?}", pv.name));
    }
}

/// Exactly one volume, of the right size and content, attached where it should be and nowhere else.
fn one_volume(c: &Cluster, pv: &Pv, inventory: &Inventory, entries: &[Entry], wrong: &mut Vec<String>) {
    let name = &pv.name;
    let marked: Vec<&Volume> = inventory
        .volumes
        .iter()
        .filter(|v| ours(v) && v.owner.as_ref().is_some_and(|o| o.record == *pv.handle.record()))
        .collect();
    let [volume] = marked.as_slice() else {
        return wrong.push(format!("{name} is {} volumes on the array", marked.len()));
    };
    let Some(entry) = entries.iter().find(|entry| entry.id == *pv.handle.record()) else {
        return wrong.push(format!("{name} has no record"));
    };
    let mut expect = |good: bool, what: String| {
        if !good {
            wrong.push(format!("{name}: {what}"));
        }
    };
    expect(entry.phase == Phase::Ready, format!("its record is {:?}", entry.phase));
    expect(
        entry.native.as_ref() == Some(&volume.id),
        format!("record {:?}, array {}", entry.native, volume.id),
    );
    expect(
        entry.wwid.as_ref() == Some(&volume.wwid),
        format!("record {:?}, array {}", entry.wwid, volume.wwid),
    );
    expect(volume.state == VolumeState::Ready, format!("the array shows it {:?}", volume.state));
    let sizes = (pv.size, entry.size, volume.size);
    expect(sizes.0 <= sizes.2, format!("Kubernetes has {}, the array {}", sizes.0, sizes.2));
    expect(sizes.1 <= sizes.2, format!("the record has {}, the array {}", sizes.1, sizes.2));
    let content = c.array.content(&volume.id).unwrap_or_default();
    expect(content == pv.content, format!("it holds {content:?} instead of {:?}", pv.content));
    let recorded: Vec<&String> = entry.attachments.iter().map(|a| &a.node).collect();
    expect(
        recorded == pv.nodes.iter().collect::<Vec<_>>(),
        format!("attached to {:?}, recorded {recorded:?}", pv.nodes),
    );
}

/// No volume, record or mapping that Kubernetes knows nothing of.
fn leftovers(c: &Cluster, inventory: &Inventory, entries: &[Entry], wrong: &mut Vec<String>) {
    let known = |record: &RecordId| c.belief.volumes.iter().any(|pv| pv.handle.record() == record);
    // its answer was lost with the sidecar's memory, and its claim is gone: nobody here can know, but its record tells of it
    let abandoned = |record: &RecordId| {
        let entry = entries.iter().find(|entry| entry.id == *record && entry.phase == Phase::Ready);
        entry.is_some_and(|entry| c.belief.abandoned.contains(&entry.csi_name))
    };
    for volume in inventory.volumes.iter().filter(|volume| ours(volume)) {
        let Some(owner) = &volume.owner else { continue };
        if !known(&owner.record) && !abandoned(&owner.record) {
            wrong.push(format!("volume {} ({}) is an orphan", volume.id, volume.name));
        }
    }
    for entry in entries.iter().filter(|entry| !known(&entry.id) && !abandoned(&entry.id)) {
        let released = c.belief.released.iter().any(|pv| *pv.handle.record() == entry.id);
        if released && entry.phase == Phase::Released {
            continue;
        }

        wrong.push(format!("record of {} ({:?}) is left behind", entry.csi_name, entry.phase));
    }
    for (volume, host, _) in &inventory.mappings {
        let shown = inventory.hosts.iter().find(|known| known.id == *host);
        let record = inventory.volumes.iter().find(|v| v.id == *volume).and_then(|v| v.owner.clone());
        let pv =
            record.and_then(|owner| c.belief.volumes.iter().find(|pv| *pv.handle.record() == owner.record));
        let wanted = pv
            .zip(shown)
            .is_some_and(|(pv, host)| pv.nodes.iter().any(|node| host.name.as_str().contains(node.as_str())));
        if !wanted {
            wrong.push(format!("volume {volume} is still mapped to {host}"));
        }
    }
    for pv in c.belief.volumes.iter().filter(|_| c.maps()) {
        let mapped = inventory.mappings.iter().filter(|(volume, _, _)| {
            let marked = inventory.volumes.iter().find(|v| v.id == *volume).and_then(|v| v.owner.as_ref());
            marked.is_some_and(|owner| owner.record == *pv.handle.record())
        });
        let count = mapped.count();
        if count != pv.nodes.len() {
            wrong.push(format!("{} is attached to {:?} and mapped {count} times", pv.name, pv.nodes));
        }
    }
}

/// Each snapshot once, recorded once, with the content of its moment.
fn snapshots(c: &Cluster, inventory: &Inventory, entries: &[Entry], wrong: &mut Vec<String>) {
    for snap in &c.belief.snapshots {
        let recorded = entries
            .iter()
            .flat_map(|entry| &entry.snapshots)
            .filter(|s| s.csi_name == snap.name && s.native.as_ref() == Some(&snap.handle.native));
        if recorded.count() != 1 {
            wrong.push(format!("snapshot {} is not recorded once", snap.name));
        }
        match c.array.snapshot_content(&snap.handle.native) {
            None => wrong.push(format!("snapshot {} is gone from the array", snap.name)),
            Some(content) if content != snap.content => {
                wrong.push(format!("snapshot {} holds {content:?}", snap.name));
            }
            Some(_) => {}
        }
    }
    for snapshot in &inventory.snapshots {
        if !c.belief.snapshots.iter().any(|snap| snap.handle.native == snapshot.id) {
            wrong.push(format!("snapshot {} ({}) is an orphan", snapshot.id, snapshot.name));
        }
    }
    for entry in entries {
        for held in &entry.snapshots {
            if !c.belief.snapshots.iter().any(|snap| snap.name == held.csi_name) {
                wrong.push(format!("record of snapshot {} is left behind", held.csi_name));
            }
        }
    }
}
