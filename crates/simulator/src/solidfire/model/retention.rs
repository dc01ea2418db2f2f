//! How long a snapshot is kept: for ever, until a time, or until newer ones push it out.

use std::time::Duration;

use jiff::Timestamp;

use super::super::codes::{self, Refusal};
use super::super::params::Params;
use super::Cluster;
use crate::kernel::clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retention {
    Forever,
    Until(Timestamp),
    Fifo,
}

impl Retention {
    /// From `retention` (`HH:mm:ss`) or `expirationTime`, of which only one may be given.
    pub(super) fn read(params: &mut Params, now: Timestamp) -> Result<Self, Refusal> {
        match (params.text("retention")?, params.text("expirationTime")?) {
            (None, None) => Ok(Self::Forever),
            (Some(_), Some(_)) => Err(codes::combination("retention excludes expirationTime.")),
            (None, Some(time)) if time == "fifo" => Ok(Self::Fifo),
            (None, Some(time)) => match time.parse() {
                Ok(time) => Ok(Self::Until(time)),
                Err(_) => Err(codes::invalid(format!("expirationTime {time} is no time."))),
            },
            (Some(text), None) => match span(&text) {
                Some(span) => Ok(Self::Until(clock::after(now, span))),
                None => Err(codes::invalid(format!("retention {text} is not HH:mm:ss."))),
            },
        }
    }

    pub(super) fn ends(self) -> Option<Timestamp> {
        if let Self::Until(time) = self { Some(time) } else { None }
    }

    pub(super) fn show(self) -> Option<String> {
        match self {
            Self::Forever => None,
            Self::Until(time) => Some(clock::seconds(time)),
            Self::Fifo => Some("fifo".to_owned()),
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Forever => "None",
            Self::Until(_) => "Api",
            Self::Fifo => "fifo",
        }
    }
}

fn span(text: &str) -> Option<Duration> {
    let parts: Vec<u64> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    Some(Duration::from_secs(hours.checked_mul(3600)? + minutes.checked_mul(60)? + seconds))
}

impl Cluster {
    pub(super) fn expire_if_due(&mut self, id: u64, time: Timestamp) -> Result<(), Refusal> {
        let ends = self.snapshots.get(&id).and_then(|snapshot| snapshot.traits.retention.ends());
        if ends.is_some_and(|ends| ends <= time) { self.forget_snapshot(id) } else { Ok(()) }
    }

    /// Removes the oldest snapshots that are kept first in, first out beyond the volume's slots for them.
    pub(super) fn trim_fifo(&mut self, volume: u64) -> Result<(), Refusal> {
        let Some(volume) = self.volumes.get(&volume) else { return Ok(()) };
        let of_volume = volume.snapshots.iter().filter_map(|id| self.snapshots.get(id));
        let fifo: Vec<u64> =
            of_volume.filter(|s| s.traits.retention == Retention::Fifo).map(|s| s.id).collect();
        let surplus = fifo.len().saturating_sub(volume.fifo.0 as usize);
        fifo[..surplus].iter().try_for_each(|id| self.forget_snapshot(*id))
    }
}
