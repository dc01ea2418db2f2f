//! Pairs of volumes: the two ends, what flows between them, and the state that follows from all of it.
//!
//! Which end is the source follows from the volumes' access alone. Data flows while nothing stands against it; what has
//! been on the way long enough waits at the target until its cluster collects it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::flow::Flow;
use super::{Board, Seat};
use crate::kernel::fabric::Content;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Async,
    Sync,
    SnapshotsOnly,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Async => "Async",
            Self::Sync => "Sync",
            Self::SnapshotsOnly => "SnapshotsOnly",
        }
    }
}

/// What a volume's access makes of it in a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Target,
    Neither,
}

/// What a cluster posts about its end.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) bytes: u64,
    pub(crate) deleted: bool,
}

/// A snapshot on its way.
#[derive(Clone, Debug)]
pub(crate) struct RemoteSnapshot {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) bytes: u64,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) mirror_label: Option<String>,
    pub(crate) group: Option<GroupMark>,
    pub(crate) content: Content,
}

/// The group that a snapshot belongs to.
#[derive(Clone, Debug)]
pub(crate) struct GroupMark {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) attributes: Map<String, Value>,
}

/// Where a replicated snapshot is, as its source sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    NotPresent,
    Present,
    Deleted,
}

#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Data(Content),
    Snapshot(Box<RemoteSnapshot>),
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) seat: Seat,
    pub(crate) volume: u64,
    pub(crate) facts: Facts,
    pub(crate) paused: bool,
    pub(super) left: bool,
    /// It has no room for another snapshot that has arrived.
    pub(super) crowded: bool,
    /// What the volume holds.
    pub(super) current: Option<Content>,
    /// What has been written since data flows and is still on the way, oldest first.
    pub(super) written: Vec<(Timestamp, Content)>,
    pub(super) snapshots: Vec<(Timestamp, RemoteSnapshot)>,
    pub(super) arrived: Vec<Arrival>,
    pub(super) presence: BTreeMap<String, Presence>,
}

impl End {
    fn new(seat: Seat, volume: u64, facts: Facts) -> Self {
        Self {
            seat,
            volume,
            facts,
            paused: false,
            left: false,
            crowded: false,
            current: None,
            written: Vec::new(),
            snapshots: Vec::new(),
            arrived: Vec::new(),
            presence: BTreeMap::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct VolumePair {
    pub(crate) uuid: Uuid,
    pub(crate) mode: Mode,
    pub(super) origin: End,
    pub(super) other: Option<End>,
    /// Since when data flows, from the origin or towards it, and until when what it held before has been taken up.
    pub(super) flow: Option<Flow>,
}

impl VolumePair {
    /// The end at `seat`, and the one across if the pairing is complete.
    pub(crate) fn ends(&self, seat: Seat) -> (&End, Option<&End>) {
        match &self.other {
            Some(other) if other.seat == seat => (other, Some(&self.origin)),
            other => (&self.origin, other.as_ref()),
        }
    }

    pub(super) fn end_mut(&mut self, seat: Seat) -> &mut End {
        match &mut self.other {
            Some(other) if other.seat == seat => other,
            _ => &mut self.origin,
        }
    }

    /// When the flow towards or from this pair began and when it has caught up, while it is catching up.
    pub(crate) fn catching_up(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.flow.filter(|flow| now < flow.synced).map(|flow| (flow.since, flow.synced))
    }

    pub(crate) fn presence(&self, seat: Seat, snapshot: &str) -> Option<Presence> {
        self.ends(seat).0.presence.get(snapshot).copied()
    }

    /// The time of the oldest write that has not arrived.
    pub(crate) fn behind_since(&self, seat: Seat) -> Option<Timestamp> {
        self.ends(seat).0.written.first().map(|(time, _)| *time)
    }
}

impl Board {
    pub(crate) fn volume_pair(&self, seat: Seat, volume: u64) -> Option<&VolumePair> {
        self.volume_pairs.get(self.ends.get(&(seat, volume))?)
    }

    /// Volumes of a cluster that are in a pair, also in one that waits to be completed.
    pub(crate) fn paired_volumes(&self, seat: Seat) -> Vec<u64> {
        self.ends.keys().filter(|(at, _)| *at == seat).map(|(_, volume)| *volume).collect()
    }

    pub(crate) fn start_volume_pair(&mut self, seat: Seat, volume: u64, facts: Facts, mode: Mode) -> Uuid {
        let uuid = Uuid::new_v4();
        let pair = VolumePair { uuid, mode, origin: End::new(seat, volume, facts), other: None, flow: None };
        self.volume_pairs.insert(uuid, pair);
        self.ends.insert((seat, volume), uuid);
        uuid
    }

    /// The cluster that waits for this pair to be completed.
    pub(crate) fn waiting(&self, uuid: Uuid) -> Option<Seat> {
        let pair = self.volume_pairs.get(&uuid)?;
        (pair.other.is_none() && !pair.origin.left).then_some(pair.origin.seat)
    }

    pub(crate) fn complete_volume_pair(
        &mut self,
        uuid: Uuid,
        seat: Seat,
        volume: u64,
        facts: Facts,
        now: Timestamp,
    ) {
        if let Some(pair) = self.volume_pairs.get_mut(&uuid) {
            pair.other = Some(End::new(seat, volume, facts));
            self.ends.insert((seat, volume), uuid);
        }
        self.advance(uuid, now);
    }

    /// A volume leaves its pair, whether removed from it or purged. The pair is gone when nobody is left.
    pub(crate) fn leave_volume_pair(&mut self, seat: Seat, volume: u64, now: Timestamp) {
        let Some(uuid) = self.ends.remove(&(seat, volume)) else { return };
        self.advance(uuid, now);
        let Some(pair) = self.volume_pairs.get_mut(&uuid) else { return };
        let end = pair.end_mut(seat);
        (end.left, end.arrived) = (true, Vec::new());
        if pair.origin.left && pair.other.as_ref().is_none_or(|end| end.left) {
            self.volume_pairs.remove(&uuid);
            self.stations.iter_mut().for_each(|station| station.expect(uuid, None));
        } else {
            self.advance(uuid, now);
        }
    }

    /// What a volume is like now, and what it holds if that can be sent.
    pub(crate) fn post(
        &mut self,
        seat: Seat,
        volume: u64,
        facts: Facts,
        content: Option<Content>,
        now: Timestamp,
    ) {
        self.change(seat, volume, now, |end, flows| {
            end.facts = facts;
            let Some(content) = content else { return };
            if end.current.as_ref().is_some_and(|current| current.is(&content)) {
                return;
            }
            end.current = Some(content.clone());
            if flows && end.facts.role == Role::Source {
                end.written.push((now, content));
            }
        });
    }

    pub(crate) fn pause(&mut self, seat: Seat, volume: u64, paused: bool, now: Timestamp) {
        self.change(seat, volume, now, |end, _| end.paused = paused);
    }

    pub(crate) fn set_mode(&mut self, seat: Seat, volume: u64, mode: Mode, now: Timestamp) {
        let Some(uuid) = self.ends.get(&(seat, volume)).copied() else { return };
        self.advance(uuid, now);
        if let Some(pair) = self.volume_pairs.get_mut(&uuid) {
            pair.mode = mode;
            pair.stop();
        }
        self.advance(uuid, now);
    }

    pub(crate) fn send_snapshot(
        &mut self,
        seat: Seat,
        volume: u64,
        snapshot: RemoteSnapshot,
        now: Timestamp,
    ) {
        self.change(seat, volume, now, |end, _| {
            end.presence.insert(snapshot.uuid.clone(), Presence::NotPresent);
            end.snapshots.push((now, snapshot));
        });
    }

    /// A snapshot of a volume is gone: a source forgets it, of a target's the source learns.
    pub(crate) fn snapshot_gone(&mut self, seat: Seat, volume: u64, snapshot: &str) {
        let Some(uuid) = self.ends.get(&(seat, volume)) else { return };
        let Some(pair) = self.volume_pairs.get_mut(uuid) else { return };
        let end = pair.end_mut(seat);
        end.presence.remove(snapshot);
        end.snapshots.retain(|(_, waiting)| waiting.uuid != snapshot);
        let across = if pair.origin.seat == seat { pair.other.as_mut() } else { Some(&mut pair.origin) };
        if let Some(presence) = across.and_then(|end| end.presence.get_mut(snapshot)) {
            *presence = Presence::Deleted;
        }
    }

    /// Changes an end, between what was under way before and what follows.
    fn change(&mut self, seat: Seat, volume: u64, now: Timestamp, change: impl FnOnce(&mut End, bool)) {
        let Some(uuid) = self.ends.get(&(seat, volume)).copied() else { return };
        self.advance(uuid, now);
        if let Some(pair) = self.volume_pairs.get_mut(&uuid) {
            let flows = pair.flow.is_some();
            change(pair.end_mut(seat), flows);
        }
        self.advance(uuid, now);
    }
}
