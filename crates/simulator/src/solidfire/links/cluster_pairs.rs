//! Pairs of clusters: started on one side, completed on the other with the key of the first.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Board, Seat};
use crate::kernel::clock;

/// One side of a pair, with the number it has there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClusterEnd {
    seat: Seat,
    pub(crate) id: u64,
    left: bool,
}

#[derive(Debug)]
pub(crate) struct ClusterPair {
    pub(crate) uuid: Uuid,
    /// What the key proves.
    password: String,
    origin: ClusterEnd,
    other: Option<(ClusterEnd, Timestamp)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unconfigured,
    Connected,
    Misconfigured,
    Disconnected,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unconfigured => "Unconfigured",
            Self::Connected => "Connected",
            Self::Misconfigured => "Misconfigured",
            Self::Disconnected => "Disconnected",
        }
    }
}

impl ClusterPair {
    /// The end at `seat`, unless it has left, and the one across.
    pub(crate) fn ends(&self, seat: Seat) -> Option<(ClusterEnd, Option<ClusterEnd>)> {
        let other = self.other.map(|(end, _)| end);
        if self.origin.seat == seat {
            return Some((self.origin, other)).filter(|(mine, _)| !mine.left);
        }
        other.filter(|end| end.seat == seat && !end.left).map(|mine| (mine, Some(self.origin)))
    }

    pub(crate) fn peer(&self, seat: Seat) -> Option<Seat> {
        self.ends(seat).and_then(|(_, other)| other).map(|end| end.seat)
    }
}

impl Board {
    pub(crate) fn start_cluster_pair(&mut self, seat: Seat, id: u64, password: String) -> Uuid {
        let uuid = Uuid::new_v4();
        let origin = ClusterEnd { seat, id, left: false };
        self.cluster_pairs.insert(uuid, ClusterPair { uuid, password, origin, other: None });
        uuid
    }

    /// The pairs in which a cluster has an end.
    pub(crate) fn cluster_pairs(&self, seat: Seat) -> impl Iterator<Item = &ClusterPair> {
        self.cluster_pairs.values().filter(move |pair| pair.ends(seat).is_some())
    }

    pub(crate) fn cluster_pair_between(&self, seat: Seat, peer: Seat) -> Option<&ClusterPair> {
        self.cluster_pairs(seat).find(|pair| pair.peer(seat) == Some(peer))
    }

    /// Where a key that was given out and not yet used comes from.
    pub(crate) fn origin_of_key(&self, uuid: Uuid, password: &str) -> Option<Seat> {
        let pair = self.cluster_pairs.get(&uuid)?;
        let fresh = pair.other.is_none() && !pair.origin.left && pair.password == password;
        fresh.then_some(pair.origin.seat)
    }

    pub(crate) fn complete_cluster_pair(&mut self, uuid: Uuid, seat: Seat, id: u64, now: Timestamp) {
        if let Some(pair) = self.cluster_pairs.get_mut(&uuid) {
            pair.other = Some((ClusterEnd { seat, id, left: false }, now));
        }
    }

    /// One side leaves; the pair is gone when nobody is left.
    pub(crate) fn leave_cluster_pair(&mut self, uuid: Uuid, seat: Seat) {
        let Some(pair) = self.cluster_pairs.get_mut(&uuid) else { return };
        if pair.origin.seat == seat {
            pair.origin.left = true;
        } else if let Some((end, _)) = pair.other.as_mut().filter(|(end, _)| end.seat == seat) {
            end.left = true;
        }
        if pair.origin.left && pair.other.is_none_or(|(end, _)| end.left) {
            self.cluster_pairs.remove(&uuid);
        }
    }

    pub(crate) fn cluster_pair_status(&self, pair: &ClusterPair, seat: Seat, now: Timestamp) -> Status {
        let (Some((_, Some(across))), Some((_, completed))) = (pair.ends(seat), pair.other) else {
            return Status::Unconfigured;
        };
        let settled = clock::after(completed, self.card(pair.origin.seat).habits.pairing_delay);
        if !self.connected(seat, across.seat) {
            Status::Disconnected
        } else if across.left {
            Status::Misconfigured
        } else if now < settled {
            Status::Unconfigured
        } else {
            Status::Connected
        }
    }
}
