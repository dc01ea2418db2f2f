//! The state of a pair of volumes: what stands against data flowing, or how far the target has caught up.

use jiff::Timestamp;

use super::volume_pairs::{Mode, Role, VolumePair};
use super::{Board, Seat};

/// A pair as one of its clusters sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    Idle,
    ResumingConnected,
    ResumingRrSync,
    ResumingLocalSync,
    ResumingDataTransfer,
    PausedManual,
    PausedManualRemote,
    PausedDisconnected,
    PausedMisconfigured,
    PausedVolumeSizeMismatch,
    PausedClusterFull,
    PausedExceededMaxSnapshotCount,
    StoppedMisconfigured,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Idle => "Idle",
            Self::ResumingConnected => "ResumingConnected",
            Self::ResumingRrSync => "ResumingRRSync",
            Self::ResumingLocalSync => "ResumingLocalSync",
            Self::ResumingDataTransfer => "ResumingDataTransfer",
            Self::PausedManual => "PausedManual",
            Self::PausedManualRemote => "PausedManualRemote",
            Self::PausedDisconnected => "PausedDisconnected",
            Self::PausedMisconfigured => "PausedMisconfigured",
            Self::PausedVolumeSizeMismatch => "PausedVolumeSizeMismatch",
            Self::PausedClusterFull => "PausedClusterFull",
            Self::PausedExceededMaxSnapshotCount => "PausedExceededMaxSnapshotCount",
            Self::StoppedMisconfigured => "StoppedMisconfigured",
        }
    }
}

impl Board {
    /// What stands against data flowing, as the cluster at `seat` sees it.
    pub(super) fn obstacle(&self, pair: &VolumePair, seat: Seat) -> Option<State> {
        let (mine, across) = pair.ends(seat);
        let Some(across) = across else { return Some(State::PausedMisconfigured) };
        if mine.paused {
            return Some(State::PausedManual);
        }
        if !self.connected(mine.seat, across.seat) {
            return Some(State::PausedDisconnected);
        }
        if mine.left || across.left {
            return Some(State::StoppedMisconfigured);
        }
        if across.paused {
            return Some(State::PausedManualRemote);
        }
        let (source, target) = match (mine.facts.role, across.facts.role) {
            (Role::Source, Role::Target) => (mine, across),
            (Role::Target, Role::Source) => (across, mine),
            _ => return Some(State::PausedMisconfigured),
        };
        if source.facts.deleted || target.facts.deleted {
            Some(State::PausedMisconfigured)
        } else if target.facts.bytes < source.facts.bytes {
            Some(State::PausedVolumeSizeMismatch)
        } else if self.stations[target.seat.0].full {
            Some(State::PausedClusterFull)
        } else if target.crowded {
            Some(State::PausedExceededMaxSnapshotCount)
        } else {
            None
        }
    }

    pub(crate) fn volume_pair_state(&self, pair: &VolumePair, seat: Seat, now: Timestamp) -> State {
        if let Some(obstacle) = self.obstacle(pair, seat) {
            return obstacle;
        }
        match pair.catching_up(now) {
            None if pair.mode == Mode::SnapshotsOnly => State::Idle,
            None => State::Active,
            Some((since, synced)) => {
                let whole = synced.duration_since(since).as_micros().max(1);
                match now.duration_since(since).as_micros() * 100 / whole {
                    ..5 => State::ResumingConnected,
                    5..10 => State::ResumingRrSync,
                    10..20 => State::ResumingLocalSync,
                    _ => State::ResumingDataTransfer,
                }
            }
        }
    }
}
