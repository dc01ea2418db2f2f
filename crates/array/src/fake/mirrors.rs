//! Mirrors between two in-memory arrays: each keeps its own half, and what happens reaches the other side only while
//! the link is up.

use super::state::{MirrorRow, State, World};
use super::{FakeArray, not_found};
use crate::{
    Activity, Currency, Direction, Error, ErrorKind, Half, Link, Mirrors, NewMirror, Pairing, Result, Role,
    RoleSwap, Subject, VolumeId,
};

pub(super) fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongState, text)
}

impl State {
    fn mirror(&mut self, subject: &Subject) -> Option<&mut MirrorRow> {
        self.mirrors.iter_mut().find(|row| row.half.subject == *subject)
    }

    fn known_mirror(&mut self, subject: &Subject) -> Result<&mut MirrorRow> {
        self.mirror(subject).ok_or_else(|| not_found(format_args!("mirror of {subject:?}")))
    }

    /// The volumes of a subject, in the order in which the two sides correspond.
    pub(super) fn volumes_of(&self, subject: &Subject) -> Result<Vec<VolumeId>> {
        match subject {
            Subject::Group(id) => Ok(self.group(id)?.members.clone()),
            Subject::Volume(id) if self.volumes.contains_key(id) => Ok(vec![id.clone()]),
            Subject::Volume(id) => Err(not_found(format_args!("volume {id}"))),
        }
    }

    pub(super) fn is_paired(&self, subject: &Subject) -> Result<bool> {
        Ok(self.volumes_of(subject)?.iter().any(|id| self.mirrored(id))
            || self.mirrors.iter().any(|row| row.half.subject == *subject))
    }

    /// Where a copy stops taking what the other sends.
    fn stop(&mut self, subject: &Subject) {
        let now = self.now();
        if let Some(row) = self.mirror(subject) {
            if row.half.currency == Currency::InSync {
                row.half.currency = Currency::ConsistentAt(now);
            }
            row.half.activity = Activity::Suspended;
        }
    }

    pub(super) fn set(&mut self, subject: &Subject, role: Role, polls_left: u32) {
        if let Some(row) = self.mirror(subject) {
            row.half.role = role;
            row.half.writable = role == Role::Source;
            row.half.activity = Activity::Initializing(Some(0));
            row.half.currency = if role == Role::Source { Currency::InSync } else { Currency::Inconsistent };
            row.polls_left = polls_left;
        }
    }
}

impl World {
    /// The other array, while it can be reached.
    pub(super) fn peer(&mut self, at: usize) -> Result<&mut State> {
        let up = self.link_up;
        self.arrays.get_mut(1 - at).filter(|_| up).ok_or_else(|| wrong("the other array is not connected"))
    }

    fn peer_of(&mut self, at: usize, subject: &Subject) -> Option<Subject> {
        self.arrays[at].mirror(subject).map(|row| row.half.peer.subject.clone())
    }

    /// This half and, if it can be reached and knows of it, the other one.
    fn halves(&mut self, at: usize, subject: &Subject) -> Result<(Half, Option<Half>)> {
        let here = self.arrays[at].known_mirror(subject)?.half.clone();
        let there =
            self.peer(at).ok().and_then(|peer| peer.mirror(&here.peer.subject).map(|row| row.half.clone()));
        Ok((here, there))
    }

    /// Somebody looks: copying goes on, if the link lets it.
    pub(super) fn look_at_mirror(&mut self, at: usize, subject: &Subject) -> Result<Half> {
        let (mut here, there) = self.halves(at, subject)?;
        let link_up = self.link_up;
        if link_up && let Activity::Initializing(_) = here.activity {
            let (source, from) = if here.role == Role::Source {
                (at, subject.clone())
            } else {
                (1 - at, here.peer.subject.clone())
            };
            self.advance(source, &from)?;
            here = self.arrays[at].known_mirror(subject)?.half.clone();
        }
        here.link = if link_up { Link::Up } else { Link::Down };
        if !link_up && here.activity == Activity::Active {
            here.activity = Activity::Suspended;
            if here.role == Role::Target && here.currency == Currency::InSync {
                here.currency = Currency::ConsistentAt(self.arrays[at].now());
            }
        }
        if link_up && there.is_none() {
            here.fault = Some("the other array knows of no mirror".to_owned());
        } else if there.is_some_and(|there| there.writable && here.writable) {
            here.fault = Some("both copies are writable".to_owned());
        }
        Ok(here)
    }

    fn advance(&mut self, source: usize, from: &Subject) -> Result<()> {
        let to = self.arrays[source].known_mirror(from)?.half.peer.subject.clone();
        let row = self.arrays[source].known_mirror(from)?;
        let done = row.polls_left == 0;
        row.polls_left = row.polls_left.saturating_sub(1);
        if !done {
            return Ok(());
        }
        self.carry(source, from, &to)?;
        for (array, subject) in [(source, from), (1 - source, &to)] {
            if let Some(row) = self.arrays[array].mirror(subject) {
                row.half.activity = Activity::Active;
                row.half.currency = Currency::InSync;
            }
        }
        Ok(())
    }

    /// Content crosses the link.
    pub(super) fn carry(&mut self, source: usize, from: &Subject, to: &Subject) -> Result<()> {
        let (sources, targets) =
            (self.arrays[source].volumes_of(from)?, self.arrays[1 - source].volumes_of(to)?);
        for (from, to) in sources.iter().zip(&targets) {
            let content = self.arrays[source].volume(from)?.content.clone();
            self.arrays[1 - source].volume(to)?.content = content;
        }
        Ok(())
    }

    fn break_up(&mut self, at: usize, subject: &Subject) -> Result<()> {
        let Some(to) = self.peer_of(at, subject) else { return Ok(()) };
        if self.link_up && self.arrays[at].known_mirror(subject)?.half.activity == Activity::Active {
            return Err(wrong("an active mirror must be suspended first"));
        }
        self.arrays[at].mirrors.retain(|row| row.half.subject != *subject);
        if let Ok(peer) = self.peer(at) {
            peer.mirrors.retain(|row| row.half.subject != to);
        }
        Ok(())
    }

    /// Stops copying on this side and, where it can be told, on the other.
    fn halt(&mut self, at: usize, subject: &Subject) -> Result<()> {
        let to = self.arrays[at].known_mirror(subject)?.half.peer.subject.clone();
        self.arrays[at].stop(subject);
        if let Ok(peer) = self.peer(at) {
            peer.stop(&to);
        }
        Ok(())
    }

    fn resume_copying(&mut self, at: usize, subject: &Subject, direction: Direction) -> Result<()> {
        let (here, there) = self.halves(at, subject)?;
        self.peer(at)?;
        let there = there.ok_or_else(|| wrong("the other array knows of no mirror"))?;
        let (source, target) = match direction {
            Direction::FromHere => (&here, &there),
            Direction::ToHere => (&there, &here),
        };
        if !source.writable || target.writable {
            return Err(wrong("the copy to read must be writable and the other must not"));
        }
        if here.activity != Activity::Suspended && there.activity != Activity::Suspended {
            return Ok(());
        }
        let polls = self.arrays[at].limits.polls_to_copy;
        let (source, target) = (source.subject.clone(), target.subject.clone());
        let from = if direction == Direction::FromHere { at } else { 1 - at };
        self.arrays[from].set(&source, Role::Source, polls);
        self.arrays[1 - from].set(&target, Role::Target, polls);
        Ok(())
    }

    /// All are judged before the first is changed.
    fn set_all_writable(&mut self, at: usize, subjects: &[Subject], writable: bool) -> Result<Vec<Half>> {
        subjects.iter().try_for_each(|subject| self.may_set_writable(at, subject, writable))?;
        subjects.iter().map(|subject| self.set_writable(at, subject, writable)).collect()
    }

    fn may_set_writable(&mut self, at: usize, subject: &Subject, writable: bool) -> Result<()> {
        let half = self.look_at_mirror(at, subject)?;
        if half.writable == writable {
            return Ok(());
        }
        if writable && half.currency == Currency::Inconsistent {
            return Err(wrong("this copy is inconsistent"));
        }
        let used = self.arrays[at].volumes_of(subject)?;
        let used = used
            .iter()
            .any(|id| self.arrays[at].volumes.get(id).is_some_and(|v| !v.mapped.is_empty() || v.session));
        if !writable && used {
            return Err(Error::new(ErrorKind::InUse, "this copy is mapped to hosts"));
        }
        Ok(())
    }

    fn set_writable(&mut self, at: usize, subject: &Subject, writable: bool) -> Result<Half> {
        let half = self.look_at_mirror(at, subject)?;
        if half.writable == writable {
            return Ok(half);
        }
        self.halt(at, subject)?;
        let row = self.arrays[at].known_mirror(subject)?;
        row.half.writable = writable;
        row.half.role = if writable { Role::Source } else { Role::Target };
        self.look_at_mirror(at, subject)
    }

    fn exchange(&mut self, at: usize, subject: &Subject) -> Result<Half> {
        let (here, there) = self.halves(at, subject)?;
        let good = here.role == Role::Source
            && here.activity == Activity::Active
            && here.currency == Currency::InSync;
        let (true, Some(there)) = (good, there) else {
            return Err(wrong("only the source of an active mirror in sync can give up its role"));
        };
        for (array, subject, role) in [(at, subject, Role::Target), (1 - at, &there.subject, Role::Source)] {
            let row = self.arrays[array].known_mirror(subject)?;
            row.half.role = role;
            row.half.writable = role == Role::Source;
        }
        self.look_at_mirror(at, subject)
    }
}

#[async_trait::async_trait]
impl Mirrors for FakeArray {
    async fn find(&self, subject: &Subject) -> Result<Option<Half>> {
        self.call_both("mirrors.find", |world, at| {
            world.arrays[at].volumes_of(subject)?;
            if world.arrays[at].mirror(subject).is_none() {
                return Ok(None);
            }
            world.look_at_mirror(at, subject).map(Some)
        })
        .await
    }

    async fn list(&self) -> Result<Vec<Half>> {
        self.call_both("mirrors.list", |world, at| {
            let subjects: Vec<_> =
                world.arrays[at].mirrors.iter().map(|row| row.half.subject.clone()).collect();
            subjects.iter().map(|subject| world.look_at_mirror(at, subject)).collect()
        })
        .await
    }

    async fn pair(&self, new: &NewMirror) -> Result<Pairing> {
        self.call_both("mirrors.pair", |world, at| world.pair_up(at, new)).await
    }

    async fn unpair(&self, subject: &Subject) -> Result<()> {
        self.call_both("mirrors.unpair", |world, at| world.break_up(at, subject)).await
    }

    async fn suspend(&self, subject: &Subject) -> Result<()> {
        self.call_both("mirrors.suspend", |world, at| world.halt(at, subject)).await
    }

    async fn resume(&self, subject: &Subject, direction: Direction) -> Result<()> {
        self.call_both("mirrors.resume", |world, at| world.resume_copying(at, subject, direction)).await
    }

    async fn promote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        self.call_both("mirrors.promote", |world, at| world.set_all_writable(at, subjects, true)).await
    }

    async fn demote(&self, subjects: &[Subject]) -> Result<Vec<Half>> {
        self.call_both("mirrors.demote", |world, at| world.set_all_writable(at, subjects, false)).await
    }
}

#[async_trait::async_trait]
impl RoleSwap for FakeArray {
    async fn swap(&self, subject: &Subject) -> Result<Half> {
        self.call_both("role_swap.swap", |world, at| world.exchange(at, subject)).await
    }
}
