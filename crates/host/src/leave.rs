//! Logging out of sessions that we made and nobody uses any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use crate::{
    detach,
    error::Result,
    lock::{Held, Subject},
    login,
    record::{Record, SessionMade},
    sysfs::{self, Address},
    target::{IscsiPath, TargetName, TargetPath},
    work::Work,
};

/// Logs out of the record's own sessions, target by target. The caller removes the record before it lets go of what it
/// gets: else the last two users of a session could each find the other's record, and nobody would log out.
pub(crate) fn log_out(work: &Work, record: &Record, known: &BTreeSet<Address>) -> Result<Vec<Held>> {
    let mut targets: BTreeMap<TargetName, Vec<&IscsiPath>> = BTreeMap::new();
    for path in &record.attachment.paths {
        targets.entry(path.target()).or_default().extend(path.by_iscsi());
    }
    let mut held = Vec::new();
    // in the order of their names, as everyone who holds several
    for (target, paths) in targets {
        held.push(work.alone(Subject::Target(target))?);
        // a straggler of the attach may have brought a late path while the lock was waited for
        detach::delete_paths(work, record, known)?;
        let mut idle = Vec::new();
        for path in paths {
            if may_leave(work, record, path)?
                && !idle.iter().any(|other: &&IscsiPath| other.portal == path.portal)
            {
                idle.push(path);
            }
        }
        leave_all(work, &idle)?;
    }
    Ok(held)
}

/// The attach was broken off with the process: logins that it asked for may still be on their way.
pub(crate) fn await_orphans(work: &Work, record: &Record) {
    let paths = record.attachment.paths.iter().filter_map(TargetPath::by_iscsi);
    let coming = paths.filter(|path| record.sessions.contains(&SessionMade::of(path)));
    thread::scope(|scope| {
        for path in coming {
            scope.spawn(move || login::await_orphan(work, path));
        }
    });
}

/// Logs out of sessions that came after their clients gave up, if no record wants them. Called now and then.
pub(crate) fn clear_pending(work: &Work) -> Result<()> {
    let records = work.site.records.list()?.records;
    for (path, until) in login::take_pending(work) {
        let made = SessionMade::of(&path);
        if work.os().now() >= until || records.iter().any(|record| record.uses(&made)) {
            continue;
        }
        let _target = work.alone(Subject::Target(TargetName::Iqn(path.iqn.clone())))?;
        if login::find(work, &path).is_some() {
            login::leave(work, &path)?;
        } else {
            login::put_pending(work, path, until);
        }
    }
    Ok(())
}

/// Ours, without a SCSI device, and in no other record.
fn may_leave(work: &Work, record: &Record, path: &IscsiPath) -> Result<bool> {
    let made = SessionMade::of(path);
    if !record.sessions.contains(&made) {
        return Ok(false);
    }
    let used = login::find(work, path).is_some_and(|session| {
        let devices = sysfs::scsi_devices(work.os());
        devices.iter().any(|device| device.host == session.host && device.target == session.target)
    });
    let others = work.site.records.list()?.records;
    Ok(!used && !others.iter().any(|other| other.volume != record.volume && other.uses(&made)))
}

fn leave_all(work: &Work, paths: &[&IscsiPath]) -> Result<()> {
    thread::scope(|scope| {
        let leaving: Vec<_> =
            paths.iter().map(|&path| scope.spawn(move || login::leave(work, path))).collect();
        leaving.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
}
