//! What simulated clusters share: who reaches whom, and the two ends of every pair of clusters or volumes.
//!
//! A cluster posts here what it changes about its end, and collects what has arrived for it; it never looks into
//! another cluster. Whoever holds a cluster may lock this, never the other way round.

mod cluster_pairs;
mod flow;
mod states;
mod volume_pairs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::ReplicationConfig;
use crate::kernel::lock::hold;

pub(crate) use cluster_pairs::{ClusterPair, Status};
pub(crate) use volume_pairs::{Arrival, Facts, GroupMark, Mode, Presence, RemoteSnapshot, Role, VolumePair};

/// All clusters of one process share one of these.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(Arc<Mutex<Board>>);

/// A cluster's place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seat(usize);

/// What a cluster lets others know of it.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) unique_id: String,
    pub(crate) mvip: IpAddr,
    pub(crate) version: String,
    pub(crate) habits: ReplicationConfig,
}

#[derive(Debug)]
struct Station {
    card: Card,
    powered: bool,
    plugged: bool,
    /// Too full to take in what others send.
    full: bool,
    /// Pairs with something on its way to this cluster, by the time when it will be there.
    expecting: BTreeSet<(Timestamp, Uuid)>,
    expected_at: HashMap<Uuid, Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Board {
    stations: Vec<Station>,
    cluster_pairs: BTreeMap<Uuid, ClusterPair>,
    volume_pairs: BTreeMap<Uuid, VolumePair>,
    /// The pair each volume is in.
    ends: HashMap<(Seat, u64), Uuid>,
}

impl Station {
    fn expect(&mut self, pair: Uuid, at: Option<Timestamp>) {
        if let Some(before) = self.expected_at.remove(&pair) {
            self.expecting.remove(&(before, pair));
        }
        if let Some(at) = at {
            self.expected_at.insert(pair, at);
            self.expecting.insert((at, pair));
        }
    }
}

impl Links {
    pub(crate) fn join(&self, card: Card) -> Seat {
        let mut board = self.board();
        board.stations.push(Station {
            card,
            powered: true,
            plugged: true,
            full: false,
            expecting: BTreeSet::new(),
            expected_at: HashMap::new(),
        });
        Seat(board.stations.len() - 1)
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        hold(&self.0)
    }
}

impl Board {
    pub(crate) fn card(&self, seat: Seat) -> &Card {
        &self.stations[seat.0].card
    }

    /// A dead cluster reaches nobody.
    pub(crate) fn set_powered(&mut self, seat: Seat, powered: bool, now: Timestamp) {
        self.disturb(seat, now, |station| station.powered = powered);
    }

    /// Cuts or mends a cluster's way to all others.
    pub(crate) fn set_plugged(&mut self, seat: Seat, plugged: bool, now: Timestamp) {
        self.disturb(seat, now, |station| station.plugged = plugged);
    }

    pub(crate) fn set_full(&mut self, seat: Seat, full: bool, now: Timestamp) {
        self.disturb(seat, now, |station| station.full = full);
    }

    /// Whether two clusters reach each other.
    pub(crate) fn connected(&self, a: Seat, b: Seat) -> bool {
        [a, b].iter().all(|seat| {
            let station = &self.stations[seat.0];
            station.powered && station.plugged
        })
    }

    /// Changes something about a cluster: what was under way until now has arrived or not.
    fn disturb(&mut self, seat: Seat, now: Timestamp, change: impl FnOnce(&mut Station)) {
        let pairs: Vec<Uuid> =
            self.ends.iter().filter(|((at, _), _)| *at == seat).map(|(_, uuid)| *uuid).collect();
        pairs.iter().for_each(|uuid| self.advance(*uuid, now));
        change(&mut self.stations[seat.0]);
        pairs.iter().for_each(|uuid| self.advance(*uuid, now));
    }
}
