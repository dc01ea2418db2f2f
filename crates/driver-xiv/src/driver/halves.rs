//! Mirrors as one end shows them, told in the port's words.

use std::time::{Duration, SystemTime};

use perilune_array::{
    Activity, ArrayId, Currency, GroupId, Half, Link, Mode, PeerCopy, Result, Role, Subject, VolumeId,
};

use super::{Xiv, snapshots};
use crate::fault;
use crate::protocol::{Command, Row};

/// The system's own shortest schedule.
const SHORTEST: (&str, Duration) = ("min_interval", Duration::from_secs(20));

/// One end of a mirror.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) name: String,
    pub(super) other: String,
    pub(super) target: String,
    pub(super) is_group: bool,
    pub(super) master: bool,
    pub(super) active: bool,
    connected: bool,
    state: String,
    progress: Option<u8>,
    /// Of one that is not synchronous.
    schedule: Option<String>,
    last: Option<SystemTime>,
    pub(super) error: Option<String>,
}

impl End {
    pub(super) fn read(row: &Row) -> Result<Self> {
        let wrong =
            |what: &str| fault::garbled("mirror_list", format_args!("a mirror's {what} makes no sense"));
        let text = |name: &str| row.text(name).map(str::to_owned).ok_or_else(|| wrong(name));
        let role = text("current_role")?.to_ascii_lowercase();
        let is_async = text("sync_type")?.to_ascii_lowercase().starts_with("async");
        Ok(Self {
            name: text("local_peer_name")?,
            other: text("remote_peer_name")?,
            target: text("target_name")?,
            is_group: text("mirror_object")?.eq_ignore_ascii_case("cg"),
            master: match role.as_str() {
                "master" => true,
                "slave" => false,
                _ => return Err(wrong("current_role")),
            },
            active: row.is_yes("active"),
            connected: row.is_yes("connected"),
            state: text("sync_state")?.to_ascii_lowercase(),
            progress: row.text("sync_progress").and_then(|text| text.parse().ok()),
            schedule: is_async.then(|| row.text("schedule_name").unwrap_or(SHORTEST.0).to_owned()),
            last: snapshots::time(row.text("last_replicated_snapshot_time")),
            error: row.text("mirror_error").filter(|error| *error != "No_Error").map(str::to_owned),
        })
    }

    /// May this copy be given to hosts as it is?
    pub(super) fn is_whole(&self) -> bool {
        self.master || !matches!(self.state.as_str(), "initializing" | "inconsistent")
    }

    fn keeps_up(&self) -> bool {
        matches!(self.state.as_str(), "synchronized" | "consistent" | "rpo ok" | "rpo lagging")
    }

    fn activity(&self) -> Activity {
        match (self.active && self.connected, self.keeps_up()) {
            (false, _) => Activity::Suspended,
            (true, true) => Activity::Active,
            (true, false) => Activity::Initializing(self.progress),
        }
    }

    fn currency(&self, now: SystemTime) -> Currency {
        let flows = self.active && self.connected;
        match (self.state.as_str(), self.master) {
            ("synchronized" | "rpo ok", true) => Currency::InSync,
            ("initializing" | "inconsistent", false) => Currency::Inconsistent,
            ("consistent", false) if flows => Currency::InSync,
            ("rpo ok" | "rpo lagging", false) if self.last.is_some() && !flows => {
                self.last.map_or(Currency::Unknown, Currency::ConsistentAt)
            }
            ("rpo ok", false) => Currency::InSync,
            ("rpo lagging", _) => {
                let behind = self.last.and_then(|last| now.duration_since(last).ok());
                behind.map_or(Currency::Unknown, Currency::Lagging)
            }
            _ => Currency::Unknown,
        }
    }
}

impl Xiv {
    pub(super) async fn ends(&self, list: Command) -> Result<Vec<End>> {
        self.call(list).await?.iter().map(End::read).collect()
    }

    /// This end in the port's words; the subject's own id is known to the caller.
    pub(super) async fn half(&self, end: &End, subject: Subject) -> Result<Half> {
        let mode = match &end.schedule {
            None => Mode::Sync,
            Some(schedule) => Mode::Async { interval: self.interval(schedule).await? },
        };
        let array = self.peer_serial(&end.target).await?.unwrap_or_else(|| end.target.clone());
        let peer = match end.is_group {
            true => Subject::Group(GroupId::new(end.other.clone())),
            false => Subject::Volume(self.peer_volume(&end.target, &end.other).await?),
        };
        Ok(Half {
            subject,
            role: if end.master { Role::Source } else { Role::Target },
            writable: end.master,
            activity: end.activity(),
            currency: end.currency(SystemTime::now()),
            link: if end.connected { Link::Up } else { Link::Down },
            mode,
            peer: PeerCopy { array: ArrayId::new(array), subject: peer },
            fault: end.error.clone(),
        })
    }

    async fn interval(&self, schedule: &str) -> Result<Duration> {
        if schedule == SHORTEST.0 {
            return Ok(SHORTEST.1);
        }
        let rows = self.call(Command::new("schedule_list").with("schedule", schedule)).await?;
        Ok(rows.first().and_then(|row| seconds(row.text("interval")?)).unwrap_or_default())
    }

    /// The other volume's WWN: asked of the other system, or as last heard. Without either, its name says which it is.
    async fn peer_volume(&self, target: &str, name: &str) -> Result<VolumeId> {
        let heard = self
            .known()
            .peers
            .iter()
            .find(|peer| peer.target == target)
            .and_then(|peer| peer.wwns.get(name).cloned());
        if let Some(wwn) = heard {
            return Ok(VolumeId::new(wwn));
        }
        let list = Command::new("vol_list").with("vol", name).at(Some(target));
        let found = self.listed(list).await.unwrap_or_default().into_iter().find(|shown| shown.name == name);
        let Some(shown) = found else { return Ok(VolumeId::new(format!("named {name}"))) };
        if let Some(peer) = self.known().peers.iter_mut().find(|peer| peer.target == target) {
            peer.wwns.insert(name.to_owned(), shown.wwn.clone());
        }
        Ok(shown.id())
    }
}

/// `HH:MM:SS`.
fn seconds(text: &str) -> Option<Duration> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes, seconds] => Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds)),
        _ => None,
    }
}
