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
    lag: Duration,
}

impl Flow {
    /// When something written at this time is at the target.
    fn arrival(&self, written: Timestamp) -> Timestamp {
        if written <= self.since { self.synced } else { self.synced.max(clock::after(written, self.lag)) }
    }
}

impl Board {
    /// What has arrived for volumes of this cluster.
    pub(crate) fn collect(&mut self, seat: Seat, now: Timestamp) -> Vec<(u64, Arrival)> {
        let due = self.stations[seat.0].expecting.iter().take_while(|(time, _)| *time <= now);
        let expected: Vec<Uuid> = due.map(|(_, uuid)| *uuid).collect();
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
        let lag = if pair.mode == Mode::Async { lag } else { Duration::ZERO };
        pair.deliver(now);
        let same = pair.flow.is_some_and(|flow| flow.from_origin == from_origin);
        if !wanted {
            pair.stop();
        } else if !same {
            pair.stop();
            pair.begin(Flow { from_origin, since: now, synced: clock::after(now, delay), lag });
        }
        self.expect(uuid);
    }

    /// Notes when which cluster has to look at the pair.
    fn expect(&mut self, uuid: Uuid) {
        let Some(pair) = self.volume_pairs.get_mut(&uuid) else { return };
        let under_way = pair.flowing().and_then(|(flow, source, target)| {
            let data = source.written.first().map(|(time, _)| *time);
            let snapshot = source.snapshots.first().map(|(time, _)| *time);
            let next = data.into_iter().chain(snapshot).map(|time| flow.arrival(time)).min();
            next.map(|time| (target.seat, time))
        });
        let waits = |end: &End| {
            let coming = under_way.filter(|(seat, _)| *seat == end.seat).map(|(_, time)| time);
            (end.seat, if end.arrived.is_empty() { coming } else { Some(Timestamp::MIN) })
        };
        let ends = [Some(&pair.origin), pair.other.as_ref()].into_iter().flatten();
        let expected: Vec<(Seat, Option<Timestamp>)> = ends.map(waits).collect();
        for (seat, at) in expected {
            self.stations[seat.0].expect(uuid, at);
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
    fn deliver(&mut self, now: Timestamp) {
        let snapshots_only = self.mode == Mode::SnapshotsOnly;
        let Some((flow, source, target)) = self.flowing() else { return };
        if snapshots_only {
            source.written.clear();
        }
        let due = |written: Timestamp| flow.arrival(written) <= now;
        if let Some(last) = source.written.iter().rposition(|(time, _)| due(*time)) {
            let newest = source.written.drain(..=last).next_back();
            target.arrived.extend(newest.map(|(_, content)| Arrival::Data(content)));
        }
        let (sent, waiting): (Vec<_>, Vec<_>) = source.snapshots.drain(..).partition(|(time, _)| due(*time));
        source.snapshots = waiting;
        target.arrived.extend(sent.into_iter().map(|(_, snapshot)| Arrival::Snapshot(Box::new(snapshot))));
    }
}
