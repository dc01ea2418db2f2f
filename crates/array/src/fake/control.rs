//! What a test may do to an in-memory array beside calling it. Nothing here counts as a call or meets a fault.

use super::FakeArray;
use super::state::World;
use crate::{
    Activity, Host, HostId, Lun, Role, Snapshot, SnapshotId, Subject, Volume, VolumeId, VolumeState,
};

/// Everything on an array at one moment, for checkers that must not be calls themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    pub volumes: Vec<Volume>,
    pub snapshots: Vec<Snapshot>,
    pub hosts: Vec<Host>,
    pub mappings: Vec<(VolumeId, HostId, Lun)>,
}

impl FakeArray {
    /// What a host would have written. An active mirror carries it to the other copy. `false`: the volume is not there
    /// or takes no writes now.
    pub fn write(&self, volume: &VolumeId, content: &str) -> bool {
        self.with(|world, at| {
            let state = &mut world.arrays[at];
            if state.is_shut(volume) {
                return false;
            }
            let Some(row) = state.volumes.get_mut(volume) else { return false };
            content.clone_into(&mut row.content);
            carry_if_active(world, at, volume);
            true
        })
    }

    /// What a host would read.
    pub fn content(&self, volume: &VolumeId) -> Option<String> {
        self.with(|world, at| world.arrays[at].volumes.get(volume).map(|row| row.content.clone()))
    }

    pub fn snapshot_content(&self, snapshot: &SnapshotId) -> Option<String> {
        self.with(|world, at| world.arrays[at].snapshots.get(snapshot).map(|row| row.content.clone()))
    }

    /// The disk goes bad, or well again.
    pub fn set_state(&self, volume: &VolumeId, state: VolumeState) {
        self.with(|world, at| {
            if let Some(row) = world.arrays[at].volumes.get_mut(volume) {
                row.faulted = state == VolumeState::Faulted;
                if state == VolumeState::Ready {
                    row.copying = None;
                }
            }
        });
    }

    /// With `AccessModel::Account`: a host logs in to the volume, or out.
    pub fn set_session(&self, volume: &VolumeId, session: bool) {
        self.with(|world, at| {
            if let Some(row) = world.arrays[at].volumes.get_mut(volume) {
                row.session = session;
            }
        });
    }

    /// An administrator removes the volume, whatever we think of it.
    pub fn lose(&self, volume: &VolumeId) {
        self.with(|world, at| world.arrays[at].volumes.remove(volume));
    }

    /// The array says that it wants attention, or is well again.
    pub fn set_unwell(&self, words: Option<&str>) {
        self.with(|world, at| world.arrays[at].unwell = words.map(str::to_owned));
    }

    /// The array says of each map that it was taken away, and keeps it; or stops lying.
    pub fn set_keeps_maps(&self, keeps: bool) {
        self.with(|world, at| world.arrays[at].keeps_maps = keeps);
    }

    /// Cuts or mends the link to the other array.
    pub fn set_link(&self, up: bool) {
        self.with(|world, _| world.link_up = up);
    }

    pub fn inventory(&self) -> Inventory {
        self.with(|world, at| {
            let state = &world.arrays[at];
            let mapped = state.volumes.iter().flat_map(|(id, row)| {
                row.mapped.iter().map(|(host, (lun, _))| (id.clone(), host.clone(), *lun))
            });
            let host = |(id, row): (&HostId, &super::state::HostRow)| Host {
                id: id.clone(),
                name: row.name.clone(),
                initiators: row.initiators.clone(),
            };
            Inventory {
                volumes: state.volumes.iter().map(|(id, row)| state.show(id, row)).collect(),
                snapshots: state.snapshots.values().map(|row| row.snapshot.clone()).collect(),
                hosts: state.hosts.iter().map(host).collect(),
                mappings: mapped.collect(),
            }
        })
    }
}

fn carry_if_active(world: &mut World, at: usize, volume: &VolumeId) {
    let active = world.arrays[at]
        .mirrors
        .iter()
        .filter(|row| row.half.role == Role::Source && row.half.activity == Activity::Active);
    let of_volume =
        |subject: &Subject| world.arrays[at].volumes_of(subject).is_ok_and(|ids| ids.contains(volume));
    let found = active
        .map(|row| (row.half.subject.clone(), row.half.peer.subject.clone()))
        .find(|(subject, _)| of_volume(subject));
    if let Some((from, to)) = found
        && world.link_up
    {
        // A peer without the copy shows in its half; the write here stands.
        let _ = world.carry(at, &from, &to);
    }
}
