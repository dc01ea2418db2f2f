//! Mirrors of volumes and of consistency groups: made, stopped, turned round.
//!
//! What only the other system may do is relayed to it by this one, over the link that the mirror needs anyway.

use std::collections::HashMap;
use std::time::Duration;

use perilune_array::{
    Direction, Error, ErrorKind, Half, Mirrors, Mode, NewMirror, Pairing, Result, Role, RoleSwap, Subject,
    VolumeId,
};

use super::halves::End;
use super::{Xiv, halfway, invalid, mark, not_found};
use crate::fault;
use crate::protocol::Command;

/// A system that this one mirrors to.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    pub(super) target: String,
    pub(super) serial: Option<String>,
    /// WWNs of its volumes by name, as last heard.
    pub(super) wwns: HashMap<String, String>,
}

/// What a subject is called in commands: `vol` or `cg`, and the name.
type Called = (&'static str, String);

impl Xiv {
    async fn called(&self, subject: &Subject) -> Result<Called> {
        match subject {
            Subject::Volume(id) => Ok(("vol", self.volume(id).await?.name)),
            Subject::Group(id) => {
                self.group_there(id).await?;
                Ok(("cg", id.as_str().to_owned()))
            }
        }
    }

    /// This end of the subject's mirror, if it has one.
    async fn end_of(&self, called: &Called) -> Result<Option<End>> {
        let ends = self.ends(Command::new("mirror_list").with(called.0, called.1.clone())).await?;
        Ok(ends.into_iter().find(|end| end.name == called.1 && end.is_group == (called.0 == "cg")))
    }

    async fn needed_end(&self, called: &Called) -> Result<End> {
        let end = self.end_of(called).await?;
        end.ok_or_else(|| not_found(format_args!("a mirror of {}", called.1)))
    }

    async fn read_half(&self, subject: &Subject, called: &Called) -> Result<Half> {
        let end = self.needed_end(called).await?;
        self.half(&end, subject.clone()).await
    }

    /// Serial numbers of the systems behind our targets; those out of reach keep what was heard of them.
    async fn hear_of_peers(&self) -> Result<()> {
        let rows = self.call(Command::new("target_list")).await?;
        for target in rows.iter().filter_map(|row| row.text("name")) {
            let known = self.known().peers.iter().any(|peer| peer.target == target && peer.serial.is_some());
            if known {
                continue;
            }
            let answer = self.call(Command::new("config_get").at(Some(target))).await.unwrap_or_default();
            let serial = answer.iter().find(|row| row.get("name") == Some("machine_serial_number"));
            let serial = serial.and_then(|row| row.text("value")).map(str::to_owned);
            let peer = Peer { target: target.to_owned(), serial, wwns: HashMap::new() };
            let mut known = self.known();
            known.peers.retain(|peer| peer.target != target);
            known.peers.push(peer);
        }
        Ok(())
    }

    fn peer(&self, is: impl Fn(&Peer) -> bool) -> Option<Peer> {
        self.known().peers.iter().find(|peer| is(peer)).cloned()
    }

    pub(super) async fn peer_serial(&self, target: &str) -> Result<Option<String>> {
        let is = |peer: &Peer| peer.target == target && peer.serial.is_some();
        if self.peer(is).is_none() {
            self.hear_of_peers().await?;
        }
        Ok(self.peer(is).and_then(|peer| peer.serial))
    }

    /// The name by which this system knows the array of that serial number.
    async fn target_of(&self, serial: &str) -> Result<String> {
        let is = |peer: &Peer| peer.serial.as_deref() == Some(serial);
        if self.peer(is).is_none() {
            self.hear_of_peers().await?;
        }
        self.peer(is).map(|peer| peer.target).ok_or_else(|| {
            let text = format!("array {serial} is no connected target of array {}", self.facts.serial);
            Error::new(ErrorKind::WrongState, text)
        })
    }

    /// A schedule of that interval, made on both systems if it is not there.
    async fn schedule(&self, interval: Duration, target: &str) -> Result<String> {
        let seconds = interval.as_secs();
        let name = format!("perilune_{seconds}s");
        let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        for place in [None, Some(target)] {
            let create =
                Command::new("schedule_create").with("schedule", name.clone()).with("type", "interval");
            let create = create.with("interval", text.clone()).at(place);
            self.act_unless(create, "SCHEDULE_NAME_EXISTS").await?;
        }
        Ok(name)
    }

    pub(super) async fn mode(&self, mode: Mode, target: &str) -> Result<Vec<(&'static str, String)>> {
        let interval = match mode {
            Mode::Sync => return Ok(vec![("type", "sync_best_effort".to_owned())]),
            Mode::Async { interval } => interval,
            Mode::ActiveActive | Mode::Snapshots => {
                let text = "this family mirrors synchronously or asynchronously";
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        };
        if interval < Duration::from_secs(30) || interval > Duration::from_secs(43_200) {
            return Err(invalid("the interval of an asynchronous mirror must be 30 seconds to 12 hours"));
        }
        let schedule = self.schedule(interval, target).await?;
        // twice the interval, so that one missed round is no alarm yet
        let objective = (interval.as_secs() * 2).clamp(30, 86_400).to_string();
        Ok(vec![
            ("type", "async_interval".to_owned()),
            ("rpo", objective.clone()),
            ("remote_rpo", objective),
            ("schedule", schedule.clone()),
            ("remote_schedule", schedule),
        ])
    }

    /// Makes the other volume and relates the two, not yet active. What an attempt of ours left there is taken.
    async fn relate(&self, name: &str, new: &NewMirror, target: &str) -> Result<()> {
        let mode = self.mode(new.mode, target).await?;
        let create = |make: bool| {
            let command = Command::new("mirror_create")
                .with("vol", name)
                .with("slave_vol", name)
                .with("target", target)
                .with("create_slave", if make { "yes" } else { "no" })
                .with_all(mode.clone());
            command.with_all(make.then(|| ("remote_pool", new.peer_pool.to_string())))
        };
        match self.act(create(true)).await {
            Err(error) if fault::is(&error, "REMOTE_VOLUME_EXISTS") && mark::untagged(name).1.is_some() => {
                self.act(create(false)).await
            }
            answer => answer,
        }
    }

    /// Mirrors one volume; a call that finds a part done goes on from there.
    pub(super) async fn pair_volume(&self, id: &VolumeId, new: &NewMirror, target: &str) -> Result<()> {
        let name = self.volume(id).await?.name;
        let owner = self.mark_of("volume", &name).await?;
        self.relate(&name, new, target).await?;
        if let Some(owner) = owner {
            let set = Command::new("metadata_set").with("object_type", "volume").with("name", name.clone());
            let set = set.with("key", mark::KEY).with("value", mark::written(&owner)).at(Some(target));
            self.act(set).await.map_err(halfway)?;
        }
        let activate = Command::new("mirror_activate").with("vol", name).with("target", target);
        self.act_unless(activate, "SYNC_ALREADY_ACTIVE").await.map_err(halfway)
    }

    async fn change_role(&self, called: &Called, end: &End, role: &str) -> Result<()> {
        if end.active {
            let deactivate = Command::new("mirror_deactivate").with(called.0, called.1.clone());
            self.act_unless(deactivate, "SYNC_ALREADY_INACTIVE").await?;
        }
        let change = Command::new("mirror_change_role").with(called.0, called.1.clone());
        self.act(change.with("new_role", role)).await
    }

    /// Gives all subjects that role, after all were judged.
    async fn change_roles(&self, subjects: &[Subject], master: bool) -> Result<Vec<Half>> {
        let mut judged = Vec::new();
        for subject in subjects {
            let called = self.called(subject).await?;
            let end = self.needed_end(&called).await?;
            if master && !end.is_whole() {
                let text = format!("the copy of {} here is not consistent", called.1);
                return Err(Error::new(ErrorKind::WrongState, text));
            }
            if !master && end.master {
                self.unused_subject(subject).await?;
            }
            judged.push((subject, called, end));
        }
        let role = if master { "Master" } else { "Slave" };
        for (at, (_, called, end)) in judged.iter().enumerate() {
            if end.master != master {
                let changed = self.change_role(called, end, role).await;
                changed.map_err(|error| if at > 0 { halfway(error) } else { error })?;
            }
        }
        let mut halves = Vec::new();
        for (subject, called, _) in &judged {
            halves.push(self.read_half(subject, called).await.map_err(halfway)?);
        }
        Ok(halves)
    }

    /// Refuses while hosts can reach the subject.
    async fn unused_subject(&self, subject: &Subject) -> Result<()> {
        let members = match subject {
            Subject::Volume(id) => vec![self.volume(id).await?],
            Subject::Group(id) => self.members(id.as_str()).await?,
        };
        for member in &members {
            self.unused(member).await?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Mirrors for Xiv {
    async fn find(&self, subject: &Subject) -> Result<Option<Half>> {
        let called = self.called(subject).await?;
        match self.end_of(&called).await? {
            Some(end) => self.half(&end, subject.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn list(&self) -> Result<Vec<Half>> {
        let ends = self.ends(Command::new("mirror_list")).await?;
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        let volumes = self.listed(Command::new("vol_list")).await?;
        let mut halves = Vec::new();
        for end in &ends {
            let subject = if end.is_group {
                Subject::Group(perilune_array::GroupId::new(end.name.clone()))
            } else {
                let Some(shown) = volumes.iter().find(|shown| shown.name == end.name) else { continue };
                Subject::Volume(shown.id())
            };
            halves.push(self.half(end, subject).await?);
        }
        Ok(halves)
    }

    async fn pair(&self, new: &NewMirror) -> Result<Pairing> {
        if new.role != Role::Source {
            return Err(invalid(
                "a mirror of this family is made at the source, which tells the target itself",
            ));
        }
        let called = self.called(&new.subject).await?;
        let target = self.target_of(new.peer_array.as_str()).await?;
        match &new.subject {
            Subject::Volume(id) => self.pair_volume(id, new, &target).await?,
            Subject::Group(id) => self.pair_group(id, new, &target).await?,
        }
        Ok(Pairing::Done(self.read_half(&new.subject, &called).await.map_err(halfway)?))
    }

    async fn unpair(&self, subject: &Subject) -> Result<()> {
        let called = self.called(subject).await?;
        if self.end_of(&called).await?.is_none() {
            return Ok(());
        }
        self.act(Command::new("mirror_delete").with(called.0, called.1)).await
    }

    async fn suspend(&self, subject: &Subject) -> Result<()> {
        let called = self.called(subject).await?;
        let deactivate = Command::new("mirror_deactivate").with(called.0, called.1);
        self.act_unless(deactivate, "SYNC_ALREADY_INACTIVE").await
    }

    /// Only the master may activate: where this copy is to be overwritten, the other system is asked.
    async fn resume(&self, subject: &Subject, direction: Direction) -> Result<()> {
        let called = self.called(subject).await?;
        let (name, place) = match direction {
            Direction::FromHere => (called.1.clone(), None),
            Direction::ToHere => {
                let end = self.needed_end(&called).await?;
                (end.other, Some(end.target))
            }
        };
        let activate = Command::new("mirror_activate").with(called.0, name).at(place.as_deref());
        match self.act(activate).await {
            // a master that comes back believes so too, and copies nothing while the other is one
            Err(error) if fault::is(&error, "SYNC_ALREADY_ACTIVE") => {
                match self.needed_end(&called).await?.error {
                    None => Ok(()),
                    Some(word) => {
                        let text = format!("the mirror of {} cannot go on: {word}", called.1);
                        Err(Error::new(ErrorKind::WrongState, text).with_source(error))
                    }
                }
            }
            answer => answer,
        }
    }

    async fn promote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        self.change_roles(subjects, true).await
    }

    async fn demote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        self.change_roles(subjects, false).await
    }
}

#[async_trait::async_trait]
impl RoleSwap for Xiv {
    async fn swap(&self, subject: &Subject) -> Result<Half> {
        let called = self.called(subject).await?;
        self.act(Command::new("mirror_switch_roles").with(called.0, called.1.clone())).await?;
        let end = self.needed_end(&called).await.map_err(halfway)?;
        if !end.active {
            // old versions stop copying with the switch; the new master has to start it
            let activate = Command::new("mirror_activate").with(called.0, end.other.clone());
            self.act_unless(activate.at(Some(&end.target)), "SYNC_ALREADY_ACTIVE").await.map_err(halfway)?;
        }
        self.read_half(subject, &called).await.map_err(halfway)
    }
}
