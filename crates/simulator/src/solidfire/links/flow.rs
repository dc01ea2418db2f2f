//! The flow between the ends of a pair of volumes: when it runs, what it carries, and what has arrived.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::volume_pairs::{Arrival, End, Mode, Presence, RemoteSnapshot, Role, VolumePair};
use super::{Board, Seat};
use crate::kernel::clock;

#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) from_origin: bool,
    pub(super) since: Timestamp,
    pub(super) synced: Timestamp,
}

impl Board {
    /// What has arrived for volumes of this cluster.
    pub(crate) fn collect(&mut self, seat: Seat, now: Timestamp) -> Vec<(u64, Arrival)> {
        let expected: Vec<Uuid> = self.stations[seat.0].expecting.iter().copied().collect();
        let mut arrived = Vec::new();
        for uuid in expected {
            self.advance(uuid, now);
            let Some(pair) = self.volume_pairs.get_mut(&uuid) else { continue };
            let end = pair.end_mut(seat);
            let volume = end.volume;
            arrived.extend(end.arrived.drain(..).map(|arrival| (volume, arrival)));
            self.advance(uuid, now);
        }
        arrived
    }

    /// A snapshot has been made of what arrived, or there was no room for it and it waits.
    pub(crate) fn taken(
        &mut self,
        (seat, volume): (Seat, u64),
        snapshot: RemoteSnapshot,
        made: bool,
        now: Timestamp,
    ) {
        let Some(uuid) = self.ends.get(&(seat, volume)).copied() else { return };
        self.advance(uuid, now);
        let Some(pair) = self.volume_pairs.get_mut(&uuid) else { return };
        let end = pair.end_mut(seat);
        end.crowded = !made;
        if made {
            let across = if pair.origin.seat == seat { pair.other.as_mut() } else { Some(&mut pair.origin) };
            if let Some(presence) = across.and_then(|end| end.presence.get_mut(&snapshot.uuid)) {
                *presence = Presence::Present;
            }
        } else {
            end.arrived.push(Arrival::Snapshot(Box::new(snapshot)));
        }
        self.advance(uuid, now);
    }

    /// Brings a pair to the present: what was under way arrives, and the flow begins or ends as things stand now.
    pub(super) fn advance(&mut self, uuid: Uuid, now: Timestamp) {
        let Some(pair) = self.volume_pairs.get(&uuid) else { return };
        let from_origin = pair.origin.facts.role == Role::Source;
        let source = if from_origin { &pair.origin } else { pair.other.as_ref().unwrap_or(&pair.origin) };
        let habits = &self.stations[source.seat.0].card.habits;
        let (delay, lag) = (habits.sync_delay, habits.lag);
        let wanted = self.obstacle(pair, pair.origin.seat).is_none();
        let Some(pair) = self.volume_pairs.get_mut(&uuid) else { return };
        pair.deliver(now, if pair.mode == Mode::Async { lag } else { Duration::ZERO });
        let same = pair.flow.is_some_and(|flow| flow.from_origin == from_origin);
        if !wanted {
            pair.stop();
        } else if !same {
            pair.stop();
            pair.begin(Flow { from_origin, since: now, synced: clock::after(now, delay) });
        }
        self.expect(uuid);
    }

    /// Notes which cluster has to look at the pair.
    fn expect(&mut self, uuid: Uuid) {
        let Some(pair) = self.volume_pairs.get_mut(&uuid) else { return };
        let snapshots_only = pair.mode == Mode::SnapshotsOnly;
        let under_way = pair.flowing().and_then(|(_, source, target)| {
            let data = !snapshots_only && !source.written.is_empty();
            (data || !source.snapshots.is_empty()).then_some(target.seat)
        });
        let ends = [Some(&pair.origin), pair.other.as_ref()].into_iter().flatten();
        let expecting: Vec<(Seat, bool)> =
            ends.map(|end| (end.seat, !end.arrived.is_empty() || under_way == Some(end.seat))).collect();
        for (seat, expects) in expecting {
            let station = &mut self.stations[seat.0];
            if expects {
                station.expecting.insert(uuid)
            } else {
                station.expecting.remove(&uuid)
            };
        }
    }
}

impl VolumePair {
    /// Source and target while data flows.
    fn flowing(&mut self) -> Option<(Flow, &mut End, &mut End)> {
        let (flow, other) = (self.flow?, self.other.as_mut()?);
        let origin = &mut self.origin;
        Some(if flow.from_origin { (flow, origin, other) } else { (flow, other, origin) })
    }

    /// All that the source holds goes first.
    fn begin(&mut self, flow: Flow) {
        self.flow = Some(flow);
        if let Some((_, source, _)) = self.flowing() {
            source.written = source.current.iter().map(|content| (flow.since, content.clone())).collect();
        }
    }

    /// What is under way is lost; it goes again when data flows again.
    pub(super) fn stop(&mut self) {
        self.flow = None;
        self.origin.written.clear();
        self.other.iter_mut().for_each(|end| end.written.clear());
    }

    /// Lets arrive what has been on the way for long enough, and all that was there when the flow began.
    fn deliver(&mut self, now: Timestamp, lag: Duration) {
        let snapshots_only = self.mode == Mode::SnapshotsOnly;
        let Some((flow, source, target)) = self.flowing() else { return };
        if now < flow.synced {
            return;
        }
        let due = |written: Timestamp| written <= flow.since || clock::after(written, lag) <= now;
        let ready = source.written.iter().rposition(|(time, _)| due(*time));
        if let Some(last) = ready.filter(|_| !snapshots_only) {
            let newest = source.written.drain(..=last).next_back();
            target.arrived.extend(newest.map(|(_, content)| Arrival::Data(content)));
        }
        let (sent, waiting): (Vec<_>, Vec<_>) = source.snapshots.drain(..).partition(|(time, _)| due(*time));
        source.snapshots = waiting;
        target.arrived.extend(sent.into_iter().map(|(_, snapshot)| Arrival::Snapshot(Box::new(snapshot))));
    }
}
