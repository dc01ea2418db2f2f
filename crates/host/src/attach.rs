//! From a published volume to a verified device: all paths at once, then the map, then every identity again.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    lock::Subject,
    login::{self, Credentials},
    reach::{self, Manner, Reached},
    record::{Record, SessionMade, chap_digest, chap_same},
    removal,
    request::{Attachment, StageRequest},
    sysfs::{self, Map},
    target::{IscsiPath, TargetPath},
    tools::{
        multipath::{self, Presence, Reply},
        within,
    },
    usage,
    verify::{self, Device, Reading, Verified},
    work::Work,
};

/// How long the last paths are waited for once there are enough.
const STRAGGLERS: Duration = Duration::from_secs(5);
/// A map that has not come by itself is asked for after this.
const NUDGE: Duration = Duration::from_secs(2);
/// Tidying after a failure.
const UNDO: Duration = Duration::from_secs(5);

/// A device, and the paths that it lacks.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) device: Verified<Device>,
    pub(crate) missing: Vec<TargetPath>,
}

/// Attaches the volume. The record is written before anything is done.
pub(crate) fn attach(work: &Work, request: &StageRequest, record: &mut Record) -> Result<Attached> {
    let attachment = &request.attachment;
    let multipath = wants_map(work, attachment)?;
    let stale_secret = intend(work, request, record)?;
    if multipath {
        multipath::expect(work.os(), &attachment.wwid.main().multipath(), work.deadline)?;
    }
    let credentials = Credentials::Given(request.chap.clone());
    let manner = Manner { wwid: attachment.wwid.clone(), credentials, multipath };
    for path in stale_secret {
        login::rotate(work, &path, request.chap.as_ref(), multipath)?;
    }
    let (reached, missing) =
        if multipath { all_paths(work, attachment, &manner)? } else { one_path(work, attachment, &manner)? };
    for found in &reached {
        if !record.scanned.contains(&found.address) {
            record.scanned.push(found.address);
        }
    }
    let device = if multipath {
        map_device(work, attachment, &reached)
    } else {
        bare_device(work, attachment, &reached)
    };
    let device = device.inspect_err(|_| undo(work, attachment, &reached))?;
    record.map = device.map.as_ref().map(|map| map.wwid.clone());
    Ok(Attached { device, missing })
}

/// Removes again what this call had scanned and nobody uses; record and sessions stay for the next try.
fn undo(work: &Work, attachment: &Attachment, reached: &[Reached]) {
    let work = Work { deadline: work.os().now() + UNDO, ..work.clone() };
    for found in reached.iter().filter(|found| found.scanned) {
        if let Err(error) = removal::undo_scan(&work, found.address, &attachment.wwid) {
            tracing::warn!(address = %found.address, %error, "a disk of a failed attach stays");
        }
    }
}

/// Brings changed credentials of a staged volume into the records of its own sessions, for their next login.
pub(crate) fn rotate(work: &Work, request: &StageRequest, mut record: Record) -> Result<()> {
    if chap_same(request.chap.as_ref(), record.chap.as_deref()) {
        return Ok(());
    }
    let paths = request.attachment.paths.iter().filter_map(TargetPath::by_iscsi);
    for path in paths.filter(|path| record.sessions.contains(&SessionMade::of(path))) {
        login::rotate(work, path, request.chap.as_ref(), record.map.is_some())?;
    }
    record.chap = Some(new_digest(request));
    work.site.records.save(&record)
}

fn new_digest(request: &StageRequest) -> String {
    chap_digest(request.chap.as_ref(), &uuid::Uuid::new_v4().simple().to_string())
}

fn wants_map(work: &Work, attachment: &Attachment) -> Result<bool> {
    match multipath::presence(work.os(), work.deadline) {
        Presence::Running => Ok(true),
        Presence::Down => Err(Error::new(
            ErrorKind::NotReady,
            "multipath is set up on this host but multipathd does not answer; start it",
        )),
        Presence::Absent if attachment.min_paths > 1 => {
            let message = format!(
                "{} paths are wanted, but the host has no multipathd; install and start it",
                attachment.min_paths
            );
            Err(Error::new(ErrorKind::Refused, message))
        }
        Presence::Absent => Ok(false),
    }
}

/// Writes down which sessions will be ours, and tells where a living session has older credentials in its record.
fn intend(work: &Work, request: &StageRequest, record: &mut Record) -> Result<Vec<IscsiPath>> {
    let others = work.site.records.list()?.records;
    let (mut stale, mut known) = (Vec::new(), true);
    for path in request.attachment.paths.iter().filter_map(TargetPath::by_iscsi) {
        let made = SessionMade::of(path);
        let living = login::find(work, path).is_some();
        let owners: Vec<&Record> = others.iter().filter(|other| other.sessions.contains(&made)).collect();
        let ours = !living || !owners.is_empty();
        if ours && !record.sessions.contains(&made) {
            record.sessions.push(made);
        }
        let same = owners.iter().any(|owner| chap_same(request.chap.as_ref(), owner.chap.as_deref()));
        if living && ours && !same {
            stale.push(path.clone());
        }
        known &= living && same;
    }
    if !known || !chap_same(request.chap.as_ref(), record.chap.as_deref()) {
        record.chap = Some(new_digest(request));
    }
    record.life = work.site.life.clone();
    work.site.records.save(record)?;
    Ok(stale)
}

/// All paths at once. Returns when all are there, or enough and the rest has had its time; stragglers go on.
fn all_paths(
    work: &Work,
    attachment: &Attachment,
    manner: &Manner,
) -> Result<(Vec<Reached>, Vec<TargetPath>)> {
    let (tell, told) = mpsc::channel();
    for path in &attachment.paths {
        let (work, path, manner, tell) = (work.clone(), path.clone(), manner.clone(), tell.clone());
        let body = move || {
            let _ = tell.send((path.clone(), reach::reach(&work, &path, &manner)));
        };
        thread::Builder::new()
            .name("host-path".into())
            .spawn(body)
            .map_err(|error| Error::io("starting a thread", error))?;
    }
    drop(tell);
    let (mut reached, mut failed, mut until) = (Vec::new(), Vec::new(), work.deadline);
    let mut missing = attachment.paths.clone();
    while let Ok((path, outcome)) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        match outcome {
            Ok(found) => {
                missing.retain(|wanted| *wanted != path);
                reached.extend(found);
            }
            Err(error) => failed.push(error),
        }
        if reached.len() >= attachment.min_paths && until == work.deadline {
            until = work.deadline.min(Instant::now() + STRAGGLERS);
        }
    }
    if reached.len() < attachment.min_paths {
        undo(work, attachment, &reached);
        return Err(too_few(attachment, reached.len(), &failed));
    }
    Ok((reached, missing))
}

/// Without multipath one path is all there may be: the first that works.
fn one_path(
    work: &Work,
    attachment: &Attachment,
    manner: &Manner,
) -> Result<(Vec<Reached>, Vec<TargetPath>)> {
    let mut failed = Vec::new();
    for path in &attachment.paths {
        match reach::reach(work, path, manner) {
            Ok(found) => return Ok((found.into_iter().take(1).collect(), Vec::new())),
            Err(error) => failed.push(error),
        }
    }
    Err(too_few(attachment, 0, &failed))
}

/// The error of the worst path, with what all said.
fn too_few(attachment: &Attachment, got: usize, failed: &[Error]) -> Error {
    let decisive = [ErrorKind::WrongIdentity, ErrorKind::InUse, ErrorKind::ChapRefused, ErrorKind::Refused];
    let kind = decisive.into_iter().find(|kind| failed.iter().any(|error| error.kind == *kind));
    let said: Vec<String> = failed.iter().map(|error| error.message.clone()).collect();
    let message = format!(
        "volume {} has {got} of at least {} paths: {}",
        attachment.wwid,
        attachment.min_paths,
        if said.is_empty() { "no path answered in time".to_owned() } else { said.join("; ") }
    );
    Error::new(kind.unwrap_or(ErrorKind::NotReady), message)
}

/// Waits for the map of the volume and verifies it.
fn map_device(work: &Work, attachment: &Attachment, reached: &[Reached]) -> Result<Verified<Device>> {
    let started = work.os().now();
    let (mut nudge, patient) = (started + NUDGE, within(work.os(), work.deadline, STRAGGLERS));
    let mut last = None;
    let device = work.until(|| {
        let Some(map) = find_map(work, attachment) else {
            if work.os().now() >= nudge {
                nudge = work.os().now() + NUDGE;
                last = Some(ask_for_map(work, attachment, reached)?);
            }
            return Ok(None);
        };
        clear_foreign(work, &map, attachment, Foreign::Delete)?;
        let enough = if work.os().now() < patient { reached.len() } else { attachment.min_paths };
        match verify::verify(work, &map.block, attachment, enough) {
            Ok(device) if device.size >= attachment.size => {
                refuse_beneath(work, &map, &device)?;
                Ok(Some(device))
            }
            Ok(device) => {
                last = Some(Error::new(
                    ErrorKind::NotReady,
                    format!("map {} has {} bytes, the volume has {}", map.name, device.size, attachment.size),
                ));
                resize_stale_map(work, &map, &device)?;
                Ok(None)
            }
            Err(error) if error.kind == ErrorKind::NotReady => {
                tracing::debug!(%error, "the map is not ready");
                // a look that ran out of time says nothing about the map
                if last.is_none() || !work.over() {
                    last = Some(error);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })?;
    device.ok_or_else(|| last.unwrap_or_else(|| no_map(work, attachment, reached)))
}

/// Device mapper lets several maps stand on one disk; whatever writes there beside ours would tear the volume.
fn refuse_beneath(work: &Work, map: &Map, device: &Device) -> Result<()> {
    for path in &device.paths {
        let mut holders = sysfs::holders(work.os(), &path.block.name);
        holders.retain(|holder| *holder != map.block.name);
        if !holders.is_empty() {
            let message = format!(
                "{} beneath map {} is also used by {}; take that away first",
                path.block.name,
                map.name,
                holders.join(", ")
            );
            return Err(Error::new(ErrorKind::InUse, message));
        }
    }
    Ok(())
}

/// The paths are large enough (they were verified), so the map is older than their growth.
fn resize_stale_map(work: &Work, map: &Map, device: &Device) -> Result<()> {
    let path = device.paths.iter().filter_map(|path| path.disk.size().ok()).min();
    if path.is_some_and(|size| size > device.size) {
        multipath::tell(work.os(), &format!("resize map {}", map.name), work.deadline)?;
    }
    Ok(())
}

fn find_map(work: &Work, attachment: &Attachment) -> Option<Map> {
    let names = attachment.wwid.multipath_names();
    sysfs::maps(work.os()).into_iter().find(|map| names.contains(&map.wwid))
}

fn no_map(work: &Work, attachment: &Attachment, reached: &[Reached]) -> Error {
    let paths: Vec<String> = reached
        .iter()
        .filter_map(|found| sysfs::scsi_block(work.os(), found.address))
        .map(|block| block.name)
        .collect();
    let message = format!(
        "multipathd has made no map of volume {} from {}; look at `multipath -v3` on the host",
        attachment.wwid,
        paths.join(", ")
    );
    Error::new(ErrorKind::NotReady, message)
}

/// Asks for the map by name, and finds out why there is none.
fn ask_for_map(work: &Work, attachment: &Attachment, reached: &[Reached]) -> Result<Error> {
    let command = format!("add map {}", attachment.wwid.main().multipath());
    if multipath::tell(work.os(), &command, work.deadline)? == Reply::Ok {
        return Ok(no_map(work, attachment, reached));
    }
    let first = reached.first().and_then(|found| sysfs::scsi_block(work.os(), found.address));
    let Some(block) = first else { return Ok(no_map(work, attachment, reached)) };
    match multipath::tell(work.os(), &format!("add path {}", block.name), work.deadline)? {
        Reply::Blacklisted => {
            let message = format!(
                "multipath.conf on the host blacklists {}; add a blacklist_exceptions section for the array",
                block.name
            );
            Err(Error::new(ErrorKind::Refused, message))
        }
        _ => Ok(no_map(work, attachment, reached)),
    }
}

/// What becomes of another volume's disk that is taken out of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// A leftover at a place that is ours now: removed if no record wants it.
    Delete,
    Leave,
}

/// Takes paths of other volumes out of a map that nobody uses; refuses a map in use.
pub(crate) fn clear_foreign(work: &Work, map: &Map, attachment: &Attachment, then: Foreign) -> Result<()> {
    for slave in &map.slaves {
        let Some(address) = sysfs::address_of(work.os(), slave) else { continue };
        let Reading::Other(stale) = verify::read_path(work, address, &attachment.wwid) else { continue };
        let users = usage::users(work, &map.block)?;
        if !users.is_empty() {
            let message = format!(
                "map {} holds {slave}, which answers as {}, and is in use ({}); nothing is done with it",
                map.name,
                stale.live,
                users.join(", ")
            );
            return Err(Error::new(ErrorKind::WrongIdentity, message));
        }
        tracing::warn!(map = map.name, slave, identity = %stale.live, "taking a foreign path out of an unused map");
        let _address = work.alone(Subject::Address(address))?;
        multipath::tell(work.os(), &format!("del path {slave}"), work.deadline)?;
        let known = work.site.records.list()?.records;
        if then == Foreign::Delete && !known.iter().any(|record| record.attachment.wwid.matches(&stale.live))
        {
            removal::delete_stale(work, stale)?;
        }
    }
    Ok(())
}

/// Verifies the only path; a map above it would be the device to use.
fn bare_device(work: &Work, attachment: &Attachment, reached: &[Reached]) -> Result<Verified<Device>> {
    let block = reached.iter().find_map(|found| sysfs::scsi_block(work.os(), found.address));
    let block = block.ok_or_else(|| {
        Error::new(ErrorKind::NotReady, format!("the disk of {} vanished", attachment.wwid))
    })?;
    let holders = sysfs::holders(work.os(), &block.name);
    if !holders.is_empty() {
        let message = format!("{} is held by {}; it cannot be used bare", block.name, holders.join(", "));
        return Err(Error::new(ErrorKind::InUse, message));
    }
    verify::verify(work, &block, attachment, 1)
}
