//! From a published path to a session that is logged in.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    lock::{Held, Subject},
    sysfs::{self, Session},
    target::{Chap, IscsiPath},
    tools::iscsiadm::{self, Answer, Meaning},
    work::Work,
};

/// Logins at one time on one node.
const AT_ONCE: usize = 8;
/// One login, the daemon's own time-out of ten seconds included.
const LOGIN: Duration = Duration::from_secs(15);

/// How long a login that nobody waits for any more may take, if its portal answers.
const ORPHAN: Duration = Duration::from_secs(3);
/// After this the daemon has given up as well.
const PENDING: Duration = Duration::from_secs(60);

/// Where the secrets of a login come from.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// With the call; the portal's record is written anew.
    Given(Option<Chap>),
    /// From the portal's record as an earlier call wrote it.
    Recorded,
}

/// The session that serves the path, if there is one in whatever state.
pub(crate) fn find(work: &Work, path: &IscsiPath) -> Option<Session> {
    sysfs::sessions(work.os()).into_iter().find(|session| session.serves(path))
}

/// Returns the logged-in session of the path, by three calls of `iscsiadm` if there is none (one, if its record
/// stands). The caller shares the target's lock.
pub(crate) fn ensure(
    work: &Work,
    path: &IscsiPath,
    credentials: &Credentials,
    multipath: bool,
) -> Result<Session> {
    if find(work, path).is_none() {
        // many volumes may want the one session at once: the first makes it for all
        let _portal = work.alone(Subject::Portal(path.iqn.clone(), path.portal))?;
        if find(work, path).is_none() {
            make(work, path, credentials, multipath)?;
        }
    }
    let settled = work.until(|| Ok(find(work, path).filter(Session::logged_in)))?;
    settled.ok_or_else(|| {
        let state = find(work, path).map_or_else(|| "gone".to_owned(), |session| session.state);
        let message =
            format!("the session to {} at {} is {state}; check network and portal", path.iqn, path.portal);
        Error::new(ErrorKind::NotReady, message)
    })
}

fn make(work: &Work, path: &IscsiPath, credentials: &Credentials, multipath: bool) -> Result<()> {
    let work = work.by(work.os().now() + LOGIN);
    if let Credentials::Given(chap) = credentials {
        write_record(&work, path, chap.as_ref(), multipath)?;
    }
    log_in(&work, path)
}

fn log_in(work: &Work, path: &IscsiPath) -> Result<()> {
    let _slot = work.shared(Subject::Logins, AT_ONCE)?;
    let answer = iscsiadm::login(work.os(), path, work.deadline)?;
    match answer.meaning {
        Meaning::Fine => Ok(()),
        Meaning::ChapRefused | Meaning::NoDaemon => Err(answer.error("logging in to", path)),
        // the daemon may go on after its client gave up: what counts is the session
        _ if find(work, path).is_some() => Ok(()),
        meaning => {
            if meaning == Meaning::TimedOut {
                put_pending(work, path.clone(), work.os().now() + PENDING);
            }
            Err(answer.error("logging in to", path))
        }
    }
}

/// The record of the portal with our settings: two calls.
fn write_record(work: &Work, path: &IscsiPath, chap: Option<&Chap>, multipath: bool) -> Result<()> {
    let _records = records(work, path)?;
    let doing = "preparing the node record of";
    expect(&once_more(|| iscsiadm::create(work.os(), path, work.deadline))?, doing, path)?;
    expect(&once_more(|| iscsiadm::update(work.os(), path, chap, multipath, work.deadline))?, doing, path)
}

/// Brings the credentials of a living session's record up to date, for its next login.
pub(crate) fn rotate(work: &Work, path: &IscsiPath, chap: Option<&Chap>, multipath: bool) -> Result<()> {
    let _records = records(work, path)?;
    let answer = once_more(|| iscsiadm::update(work.os(), path, chap, multipath, work.deadline))?;
    expect(&answer, "updating the credentials of", path)
}

fn records(work: &Work, path: &IscsiPath) -> Result<Held> {
    work.alone(Subject::NodeRecords(path.iqn.clone()))
}

/// The tool walks all portals of a target and stumbles when one vanishes meanwhile.
fn once_more(call: impl Fn() -> Result<Answer>) -> Result<Answer> {
    match call()? {
        Answer { meaning: Meaning::Database, .. } => call(),
        answer => Ok(answer),
    }
}

fn expect(answer: &Answer, doing: &str, path: &IscsiPath) -> Result<()> {
    match answer.meaning {
        Meaning::Fine => Ok(()),
        Meaning::TimedOut => {
            let message = format!(
                "{doing} {} at {}: the node database is locked; if no iscsiadm runs on the host, remove \
                 /run/lock/iscsi/lock.write there",
                path.iqn, path.portal
            );
            Err(Error::new(ErrorKind::NotReady, message))
        }
        _ => Err(answer.error(doing, path)),
    }
}

/// Remembers a login that the daemon may complete at any time up to `until`.
pub(crate) fn put_pending(work: &Work, path: IscsiPath, until: Instant) {
    work.site.pending.lock().unwrap_or_else(PoisonError::into_inner).push((path, until));
}

pub(crate) fn take_pending(work: &Work) -> Vec<(IscsiPath, Instant)> {
    std::mem::take(&mut *work.site.pending.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Waits a while for the session that the daemon may be making for a client that was killed.
pub(crate) fn await_orphan(work: &Work, path: &IscsiPath) {
    let patience = work.by(work.os().now() + ORPHAN);
    if !matches!(patience.until(|| Ok(find(work, path).filter(Session::logged_in))), Ok(Some(_))) {
        put_pending(work, path.clone(), work.os().now() + PENDING);
    }
}

/// Logs out and removes the record. The caller holds the target alone and has seen that nobody uses the session.
pub(crate) fn leave(work: &Work, path: &IscsiPath) -> Result<()> {
    if find(work, path).is_some() {
        let answer = iscsiadm::logout(work.os(), path, work.deadline)?;
        let gone = work.by(work.os().now() + LOGIN).until(|| Ok(find(work, path).is_none().then_some(())))?;
        if gone.is_none() {
            return Err(answer.error("logging out of", path));
        }
    }
    let _records = records(work, path)?;
    let answer = once_more(|| iscsiadm::delete(work.os(), path, work.deadline))?;
    match answer.meaning {
        Meaning::Fine | Meaning::Nothing => Ok(()),
        _ => Err(answer.error("removing the node record of", path)),
    }
}
