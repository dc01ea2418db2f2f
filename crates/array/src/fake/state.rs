//! What an in-memory array remembers, and the rules that more than one noun needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::not_found;
use crate::{
    ArrayId, Error, ErrorKind, GroupId, GroupSnapshotId, Half, HostId, Initiator, Lun, Name, Owner, PoolId,
    Profile, RecordId, Result, Size, Snapshot, SnapshotId, Subject, TargetPort, Throughput, Tie, Volume,
    VolumeId, VolumeState,
};

/// One or two arrays and the link between the two, behind one lock, so that a step that touches both is one step.
#[derive(Debug)]
pub(super) struct World {
    pub arrays: Vec<State>,
    pub link_up: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub id: ArrayId,
    pub profile: Arc<Profile>,
    pub limits: Limits,
    pub unwell: Option<String>,
    /// Says that maps are gone, and keeps them.
    pub keeps_maps: bool,
    pub pools: Vec<PoolRow>,
    pub ports: Vec<TargetPort>,
    pub volumes: BTreeMap<VolumeId, VolumeRow>,
    pub snapshots: BTreeMap<SnapshotId, SnapshotRow>,
    pub hosts: BTreeMap<HostId, HostRow>,
    pub groups: BTreeMap<GroupId, GroupRow>,
    pub group_snapshots: BTreeMap<GroupSnapshotId, GroupSnapshotRow>,
    pub mirrors: Vec<MirrorRow>,
    /// Volumes that wait for the other array to hear of them.
    pub offers: Vec<Subject>,
    pub qos: BTreeMap<VolumeId, Throughput>,
    pub counter: u64,
}

/// Limits and habits that the profile does not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub names_repeat: bool,
    /// Relating copies takes word carried between the arrays.
    pub pairs_by_word: bool,
    pub volumes: usize,
    pub hosts: usize,
    pub groups: usize,
    pub mirrors: usize,
    pub copies_at_once: usize,
    pub polls_to_copy: u32,
    pub page: usize,
}

#[derive(Debug, Clone)]
pub(super) struct PoolRow {
    pub id: PoolId,
    pub name: String,
    pub total: Size,
    pub provisionable: Size,
}

#[derive(Debug, Clone)]
pub(super) struct VolumeRow {
    pub name: Name,
    pub pool: PoolId,
    pub size: Size,
    pub owner: Option<Owner>,
    /// What stands on the disk; a test writes it, copies carry it.
    pub content: String,
    pub faulted: bool,
    pub copying: Option<Copying>,
    /// Host, LUN, read only. With `AccessModel::Account` never filled.
    pub mapped: BTreeMap<HostId, (Lun, bool)>,
    /// With `AccessModel::Account`: is someone logged in?
    pub session: bool,
    pub number: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Copying {
    pub polls_left: u32,
    pub volume: VolumeId,
    pub snapshot: Option<SnapshotId>,
}

#[derive(Debug, Clone)]
pub(super) struct SnapshotRow {
    pub snapshot: Snapshot,
    pub content: String,
}

#[derive(Debug, Clone)]
pub(super) struct HostRow {
    pub name: Name,
    pub initiators: Vec<Initiator>,
}

#[derive(Debug, Clone)]
pub(super) struct GroupRow {
    pub name: Name,
    pub pool: PoolId,
    pub members: Vec<VolumeId>,
}

#[derive(Debug, Clone)]
pub(super) struct GroupSnapshotRow {
    pub name: Name,
    pub owner: Owner,
    pub created: SystemTime,
    pub snapshots: Vec<SnapshotId>,
}

#[derive(Debug, Clone)]
pub(super) struct MirrorRow {
    pub half: Half,
    pub polls_left: u32,
}

impl State {
    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A clock that moves with each use and never by itself.
    pub(super) fn now(&mut self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + self.next())
    }

    pub(super) fn volume(&mut self, id: &VolumeId) -> Result<&mut VolumeRow> {
        self.volumes.get_mut(id).ok_or_else(|| not_found(format_args!("volume {id}")))
    }

    pub(super) fn provisioned(&self, pool: &PoolId) -> Size {
        Size::bytes(self.volumes.values().filter(|v| v.pool == *pool).map(|v| v.size.get()).sum())
    }

    /// The size as this array rounds it.
    pub(super) fn fit(&self, size: Size) -> Result<Size> {
        let rules = self.profile.sizes;
        let out = || {
            let text = format!("size {size} is not between {} and {}", rules.min, rules.max);
            Error::new(ErrorKind::OutOfRange, text)
        };
        let rounded = size.round_up(rules.step).ok_or_else(out)?;
        if size < rules.min || rounded > rules.max { Err(out()) } else { Ok(rounded) }
    }

    pub(super) fn room(&self, pool: &PoolId, more: u64) -> Result<()> {
        let row = self
            .pools
            .iter()
            .find(|p| p.id == *pool)
            .ok_or_else(|| not_found(format_args!("pool {pool}")))?;
        if self.provisioned(pool).get().saturating_add(more) > row.provisionable.get() {
            return Err(Error::new(ErrorKind::NoCapacity, format!("pool {pool} has no room")));
        }
        Ok(())
    }

    pub(super) fn show(&self, id: &VolumeId, row: &VolumeRow) -> Volume {
        let state = match (row.faulted, &row.copying) {
            (true, _) => VolumeState::Faulted,
            (false, Some(_)) => VolumeState::Copying,
            (false, None) => VolumeState::Ready,
        };
        let serial = self.id.as_str().bytes().fold(0u32, |sum, byte| sum.rotate_left(5) ^ u32::from(byte));
        Volume {
            id: id.clone(),
            name: row.name.clone(),
            pool: row.pool.clone(),
            size: row.size,
            wwid: crate::Wwid::new(&format!("naa.6001738{:09x}{serial:08x}{:08x}", 0, row.number)),
            wwid_alt: None,
            state,
            owner: row.owner.clone(),
            ties: self.ties(id, row),
        }
    }

    fn ties(&self, id: &VolumeId, row: &VolumeRow) -> Vec<Tie> {
        let hosts = row.mapped.keys().filter_map(|host| self.hosts.get(host));
        let mut ties: Vec<_> = hosts.map(|host| Tie::Mapped(host.name.to_string())).collect();
        if row.session {
            ties.push(Tie::Mapped("a session".to_owned()));
        }
        let groups = self.groups.values().filter(|group| group.members.contains(id));
        ties.extend(groups.map(|group| Tie::Grouped(group.name.to_string())));
        if self.mirrored(id) {
            ties.push(Tie::Mirrored);
        }
        if self.is_shut(id) {
            ties.push(Tie::Shut("target of a mirror".to_owned()));
        }
        ties
    }

    pub(super) fn mirrored(&self, volume: &VolumeId) -> bool {
        self.mirrors.iter().any(|row| match &row.half.subject {
            Subject::Volume(id) => id == volume,
            Subject::Group(id) => self.groups.get(id).is_some_and(|g| g.members.contains(volume)),
        })
    }

    /// Is this an unwritable copy of a mirror?
    pub(super) fn is_shut(&self, volume: &VolumeId) -> bool {
        self.mirrors.iter().filter(|row| !row.half.writable).any(|row| match &row.half.subject {
            Subject::Volume(id) => id == volume,
            Subject::Group(id) => self.groups.get(id).is_some_and(|g| g.members.contains(volume)),
        })
    }

    /// Somebody looks: copies under way come nearer to their end.
    pub(super) fn look(&mut self, id: &VolumeId) {
        if let Some(row) = self.volumes.get_mut(id)
            && let Some(copying) = &mut row.copying
        {
            if copying.polls_left == 0 {
                row.copying = None;
            } else {
                copying.polls_left -= 1;
            }
        }
    }
}

pub(super) fn check_owner(what: impl std::fmt::Display, bears: Option<&Owner>, asked: &Owner) -> Result<()> {
    if bears == Some(asked) {
        return Ok(());
    }
    let text = match bears.map(|o| &o.record) {
        None => format!("{what} bears no mark of ours"),
        Some(RecordId { .. }) => format!("{what} bears another mark"),
    };
    Err(Error::new(ErrorKind::Forbidden, text))
}
