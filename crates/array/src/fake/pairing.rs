//! How mirrors come to be between two in-memory arrays: at once, or by word that somebody carries between them.

use super::mirrors::wrong;
use super::state::{MirrorRow, State, World};
use crate::{
    Activity, Currency, Error, ErrorKind, Half, Invitation, Link, Mode, Name, NewGroup, NewMirror, NewVolume,
    Owner, Pairing, PeerCopy, PoolId, RecordId, Result, Role, Subject,
};

impl World {
    pub(super) fn pair_up(&mut self, at: usize, new: &NewMirror) -> Result<Pairing> {
        self.may_pair(at, new)?;
        if self.arrays[at].limits.pairs_by_word {
            return self.pair_by_word(at, new);
        }
        if new.role == Role::Target || new.invitation.is_some() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "these arrays tell each other; call the source alone",
            ));
        }
        let to = match &new.peer_subject {
            Some(subject) => self.existing_peer(at, &new.subject, subject)?,
            None => self.made_peer(at, &new.subject, &new.peer_pool)?,
        };
        self.relate(at, &new.subject, &to, new.mode);
        self.look_at_mirror(at, &new.subject).map(Pairing::Done)
    }

    /// The source offers its copy; the target, when it hears of the offer, relates the two.
    fn pair_by_word(&mut self, at: usize, new: &NewMirror) -> Result<Pairing> {
        let Some(to) = &new.peer_subject else {
            return Err(Error::new(ErrorKind::Invalid, "the other copy must exist and be named"));
        };
        if new.role == Role::Source {
            self.existing_peer(at, &new.subject, to)?;
            let offers = &mut self.arrays[at].offers;
            offers.retain(|offer| *offer != new.subject);
            offers.push(new.subject.clone());
            return Ok(Pairing::Tell(Invitation::new(format!("{:?}", new.subject))));
        }
        let offered = self.peer(at)?.offers.contains(to);
        let told = new.invitation.as_ref().is_some_and(|word| word.reveal() == format!("{to:?}"));
        if !offered || !told {
            return Err(Error::new(ErrorKind::Invalid, "the other array made no such offer"));
        }
        self.existing_peer(1 - at, to, &new.subject)?;
        self.peer(at)?.offers.retain(|offer| offer != to);
        self.relate(1 - at, to, &new.subject, new.mode);
        self.look_at_mirror(at, &new.subject).map(Pairing::Done)
    }

    fn may_pair(&mut self, at: usize, new: &NewMirror) -> Result<()> {
        if self.arrays[at].is_paired(&new.subject)? {
            return Err(Error::new(ErrorKind::Exists, format!("{:?} has a mirror", new.subject)));
        }
        if self.arrays[at].mirrors.len() >= self.arrays[at].limits.mirrors {
            return Err(Error::new(ErrorKind::LimitReached, "array keeps no more mirrors"));
        }
        if self.peer(at)?.id != new.peer_array {
            return Err(wrong(format!("array {} is not connected", new.peer_array)));
        }
        Ok(())
    }

    fn existing_peer(&mut self, at: usize, from: &Subject, to: &Subject) -> Result<Subject> {
        let sizes = |state: &State, subject: &Subject| -> Result<Vec<u64>> {
            let ids = state.volumes_of(subject)?;
            Ok(ids.iter().filter_map(|id| state.volumes.get(id)).map(|row| row.size.get()).collect())
        };
        if self.peer(at)?.is_paired(to)? || sizes(&self.arrays[at], from)? != sizes(&self.arrays[1 - at], to)?
        {
            return Err(wrong(format!("{to:?} has a mirror or other sizes")));
        }
        if self
            .peer(at)?
            .volumes_of(to)?
            .iter()
            .any(|id| self.arrays[1 - at].volumes.get(id).is_some_and(|v| !v.mapped.is_empty()))
        {
            return Err(wrong(format!("{to:?} is mapped")));
        }
        Ok(to.clone())
    }

    /// The other array makes the volumes itself; nobody has marked them yet.
    fn made_peer(&mut self, at: usize, from: &Subject, pool: &PoolId) -> Result<Subject> {
        let ids = self.arrays[at].volumes_of(from)?;
        let rows: Vec<_> = ids.iter().filter_map(|id| self.arrays[at].volumes.get(id)).cloned().collect();
        let group: Option<Name> = match from {
            Subject::Group(id) => Some(self.arrays[at].group(id)?.name.clone()),
            Subject::Volume(_) => None,
        };
        let peer = self.peer(at)?;
        peer.room(pool, rows.iter().map(|row| row.size.get()).sum())?;
        let nobody = Owner::new("", RecordId::new(""));
        let mut made = Vec::new();
        for row in rows {
            let new = NewVolume::new(row.name, pool.clone(), row.size, nobody.clone());
            made.push(peer.add_volume(&new, None, None)?.id);
        }
        let Some(name) = group else {
            return made.pop().map(Subject::Volume).ok_or_else(|| wrong("nothing to mirror"));
        };
        let group = peer.add_group(&NewGroup { name, pool: pool.clone() })?.id;
        made.iter().try_for_each(|id| peer.join(&group, id))?;
        Ok(Subject::Group(group))
    }

    fn relate(&mut self, at: usize, from: &Subject, to: &Subject, mode: Mode) {
        for (array, subject, other, role) in [(at, from, to, Role::Source), (1 - at, to, from, Role::Target)]
        {
            let peer = PeerCopy { array: self.arrays[1 - array].id.clone(), subject: other.clone() };
            let state = &mut self.arrays[array];
            let half = Half {
                subject: subject.clone(),
                role,
                writable: role == Role::Source,
                activity: Activity::Initializing(Some(0)),
                currency: Currency::Unknown,
                link: Link::Up,
                mode,
                peer,
                fault: None,
            };
            state.mirrors.push(MirrorRow { half, polls_left: 0 });
            let polls = state.limits.polls_to_copy;
            state.set(subject, role, polls);
        }
    }
}
