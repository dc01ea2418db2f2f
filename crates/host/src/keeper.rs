//! What goes on while volumes are staged: missing paths are tried again, and every minute each path is asked who it is.
//!
//! Works outside the volumes' locks, so that no call waits for a dead portal: it holds the target instead, and looks
//! at the record again once it does. Who logs out holds the target alone and has marked the record before.

use std::{
    collections::HashMap,
    sync::{PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    grow, leave,
    lock::Subject,
    login::Credentials,
    reach::{self, Manner},
    record::{Phase, Record},
    stage, survey,
    target::TargetPath,
    verify,
    volume::VolumeKey,
    work::{Site, Work},
};

/// Between two rounds, and the first pause after a failed try.
const ROUND: Duration = Duration::from_secs(5);
/// Between two looks at a volume that is well.
const LOOK: Duration = Duration::from_secs(60);
/// The longest pause between two tries of a missing path.
const PAUSE: Duration = Duration::from_secs(300);
/// One look at one volume.
const PATIENCE: Duration = Duration::from_secs(30);

/// When a volume is due again, and how long the last pause was.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    pause: Duration,
}

/// Starts the keeper; it ends when `alive` does.
pub(crate) fn start(site: &Site, alive: Weak<()>) -> Result<()> {
    let site = site.clone();
    let rounds = move || {
        let mut due = HashMap::new();
        while alive.strong_count() > 0 {
            thread::park_timeout(ROUND);
            round(&site, &mut due);
            survey(&site);
        }
    };
    thread::Builder::new()
        .name("host-keeper".into())
        .spawn(rounds)
        .map(|_| ())
        .map_err(|error| Error::io("starting the keeper", error))
}

fn round(site: &Site, due: &mut HashMap<VolumeKey, Due>) {
    let now = Instant::now();
    let work = Work { site: site.clone(), deadline: now + PATIENCE };
    if let Err(error) = leave::clear_pending(&work) {
        tracing::info!(%error, "a session that came late stays for now");
    }
    let records = site.records.list().map(|found| found.records).unwrap_or_default();
    let mut staged: Vec<Record> = records.into_iter().filter(|record| is_staged(site, record)).collect();
    due.retain(|volume, _| staged.iter().any(|record| record.volume == *volume));
    staged.retain(|record| {
        due.entry(record.volume.clone()).or_insert(Due { at: now, pause: Duration::ZERO }).at <= now
    });
    for record in staged {
        let whole = look_after(site, &record);
        let Some(due) = due.get_mut(&record.volume) else { continue };
        due.pause = if whole { Duration::ZERO } else { (due.pause * 2).clamp(ROUND, PAUSE) };
        due.at = Instant::now() + if whole { LOOK } else { due.pause };
    }
}

/// Tells when paths have come or gone by themselves.
fn survey(site: &Site) {
    let work = Work { site: site.clone(), deadline: Instant::now() + ROUND };
    let Ok(now) = survey::staged(&work) else { return };
    let mut seen = site.seen.lock().unwrap_or_else(PoisonError::into_inner);
    if now != *seen {
        *seen = now;
        site.tell_change();
    }
}

fn is_staged(site: &Site, record: &Record) -> bool {
    record.phase == Phase::Staged && record.boot == site.boot
}

/// Checks one volume and tries its missing paths. Tells whether it has all of them.
fn look_after(site: &Site, record: &Record) -> bool {
    let work = Work { site: site.clone(), deadline: Instant::now() + PATIENCE };
    let Some(block) = verify::locate(&work, &record.attachment.wwid, &record.scanned) else { return false };
    let missing = match verify::verify(&work, &block, &record.attachment, 1) {
        Ok(device) => {
            if let Err(error) = grow::rescan_returned(&work, &device) {
                tracing::warn!(volume = %record.volume, %error, "a path did not catch up on its growth");
            }
            match device.map {
                Some(_) => stage::missing(&work, &record.attachment, &device.paths),
                None => Vec::new(),
            }
        }
        Err(error) => {
            tracing::warn!(volume = %record.volume, %error, "a staged volume is not well");
            return false;
        }
    };
    // all are tried, whatever becomes of the first
    missing.iter().filter(|path| !try_again(&work, record, path)).count() == 0
}

fn try_again(work: &Work, record: &Record, path: &TargetPath) -> bool {
    let outcome = || -> Result<bool> {
        let _target = work.shared(Subject::Target(path.target()), usize::MAX)?;
        let now = work.site.records.find(&record.volume)?;
        if !now.is_some_and(|now| is_staged(&work.site, &now) && now.attachment == record.attachment) {
            return Ok(true);
        }
        let manner = Manner {
            wwid: record.attachment.wwid.clone(),
            credentials: Credentials::Recorded,
            multipath: record.map.is_some(),
        };
        reach::reach(work, path, &manner).map(|found| !found.is_empty())
    };
    match outcome() {
        Ok(whole) => whole,
        Err(error) => {
            tracing::info!(volume = %record.volume, %path, %error, "a missing path did not come back");
            false
        }
    }
}
