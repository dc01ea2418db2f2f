//! From a session or a remote port to the volume's disk behind it: look what sits at the address, clear leftovers, scan exactly.

use std::time::{Duration, Instant};

use crate::{
    error::{Error, ErrorKind, Result},
    fabric::{self, Nexus},
    identity::{ExpectedWwid, Wwid},
    lock::Subject,
    login::{self, Credentials},
    os::Answer,
    removal,
    sysfs::{self, Address},
    target::{FcPath, TargetPath},
    tools::within,
    verify::{self, PathDevice, Reading, Verified},
    work::Work,
};

/// How long a LUN may take to appear, once the kernel has looked for it: a busy host's turn to look may come late.
const APPEAR: Duration = Duration::from_secs(15);
/// A LUN that did not appear is scanned for again after this.
const SCAN_AGAIN: Duration = Duration::from_secs(2);

/// How to reach volumes by this call.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) wwid: ExpectedWwid,
    pub(crate) credentials: Credentials,
    pub(crate) multipath: bool,
}

/// A disk that answered with the volume's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) address: Address,
    /// This call had the kernel look for it.
    pub(crate) scanned: bool,
}

/// Logs in if need be and returns every address at which the volume answers by this path: one behind a session, one
/// for each of our ports that sees a Fibre Channel port.
pub(crate) fn reach(work: &Work, path: &TargetPath, manner: &Manner) -> Result<Vec<Reached>> {
    let _target = work.shared(Subject::Target(path.target()), usize::MAX)?;
    let ways = match path {
        TargetPath::Iscsi(path) => {
            vec![login::ensure(work, path, &manner.credentials, manner.multipath)?.nexus()]
        }
        TargetPath::Fc(path) => ports(work, path)?,
    };
    let (mut reached, mut failed) = (Vec::new(), None);
    for way in &ways {
        match behind(work, path, way.address(path.lun()), &manner.wwid) {
            Ok(found) => reached.push(found),
            Err(error) if error.kind == ErrorKind::WrongIdentity => return Err(error),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if reached.is_empty() => Err(error),
        _ => Ok(reached),
    }
}

/// The target port as our ports see it, once one of them can use it.
fn ports(work: &Work, path: &FcPath) -> Result<Vec<Nexus>> {
    let work = work.by(within(work.os(), work.deadline, APPEAR));
    let usable = || fabric::remote_ports(work.os()).into_iter().filter(|port| port.wwpn == path.wwpn);
    let found = work.until(|| {
        let ways: Vec<Nexus> = usable().filter_map(|port| port.nexus()).filter(|way| way.ready).collect();
        Ok((!ways.is_empty()).then_some(ways))
    })?;
    found.ok_or_else(|| {
        let seen: Vec<String> = usable().map(|port| format!("host{} {}", port.host, port.state)).collect();
        let own = fabric::local_ports(work.os());
        let own: Vec<String> = own.iter().map(|port| format!("{} {}", port.wwpn, port.state)).collect();
        let message = match (own.is_empty(), seen.is_empty()) {
            (true, _) => format!("port {}: this node has no Fibre Channel port", path.wwpn),
            (false, true) => format!(
                "port {} is seen by none of this node's ports ({}); check zoning and cabling",
                path.wwpn,
                own.join(", ")
            ),
            (false, false) => format!("port {} cannot be used now ({})", path.wwpn, seen.join(", ")),
        };
        Error::new(ErrorKind::NotReady, message)
    })
}

fn behind(work: &Work, path: &TargetPath, address: Address, wwid: &ExpectedWwid) -> Result<Reached> {
    let _address = work.alone(Subject::Address(address))?;
    settle(work, path, address, wwid)
}

/// Looks and acts until the volume answers at the address, or has had its time to. The wait for a turn to scan does
/// not count.
fn settle(work: &Work, path: &TargetPath, address: Address, wwid: &ExpectedWwid) -> Result<Reached> {
    let mut visit = Visit { path, address, wwid, scanned: false, scan_at: work.os().now(), last: None };
    if visit.look(work)?.is_none() {
        let patient = work.by(within(work.os(), work.deadline, APPEAR));
        if patient.until(|| visit.look(&patient))?.is_none() {
            return Err(visit.last.unwrap_or_else(|| unmapped(path)));
        }
    }
    Ok(Reached { address, scanned: visit.scanned })
}

/// What one call learned of an address so far.
struct Visit<'a> {
    path: &'a TargetPath,
    address: Address,
    wwid: &'a ExpectedWwid,
    scanned: bool,
    scan_at: Instant,
    last: Option<Error>,
}

impl Visit<'_> {
    /// One look at what is there, one step towards the volume, and whether it answers now.
    fn look(&mut self, work: &Work) -> Result<Option<()>> {
        let Self { path, address, wwid, .. } = *self;
        match verify::read_path(work, address, wwid) {
            Reading::Ours(disk) if self.scanned || !remembered_as_another(work, &disk, wwid) => {
                rescan_if_grown(work, &disk)?;
                return Ok(Some(()));
            }
            Reading::Ours(disk) => removal::delete_remapped(work, disk)?,
            // a look that ran out of time says nothing about the disk
            Reading::Unknown(_) if self.last.is_some() && work.over() => {}
            Reading::Unknown(why) => {
                self.last = Some(Error::new(ErrorKind::NotReady, format!("{path}: {why}")));
            }
            Reading::NotMapped => {
                self.last = Some(unmapped(path));
                removal::delete_dead(work, address)?;
            }
            Reading::Other(stale) => {
                // our own scan found it: the array has another volume at this LUN
                if self.scanned {
                    let message = format!("{path} answers as {}, {wwid} was published there", stale.live);
                    if let Err(error) = removal::delete_stale(work, stale) {
                        tracing::warn!(%address, %error, "a disk that is not the volume stays");
                    }
                    return Err(Error::new(ErrorKind::WrongIdentity, message));
                }
                removal::delete_stale(work, stale)?;
            }
            Reading::Absent => self.last = Some(unmapped(path)),
        }
        if !sysfs::scsi_exists(work.os(), address) && work.os().now() >= self.scan_at {
            scan(work, address)?;
            (self.scanned, self.scan_at) = (true, work.os().now() + SCAN_AGAIN);
        }
        Ok(matches!(verify::read_path(work, address, wwid), Reading::Ours(_)).then_some(()))
    }
}

fn unmapped(path: &TargetPath) -> Error {
    Error::new(
        ErrorKind::NotReady,
        format!("{path}: the array shows no such LUN to this node; check its access list"),
    )
}

/// Whether kernel or multipath still take the disk for the volume that was at this address before: the array gave
/// the LUN to ours while the disk stayed. Map, size and udev's data are the other volume's then.
fn remembered_as_another(work: &Work, disk: &PathDevice, wwid: &ExpectedWwid) -> bool {
    let names = wwid.multipath_names();
    let maps = sysfs::holders(work.os(), &disk.block.name);
    let other_map =
        |holder: &String| sysfs::map(work.os(), holder).is_some_and(|map| !names.contains(&map.wwid));
    let cached = sysfs::cached_wwid(work.os(), disk.address).and_then(|cached| Wwid::new(&cached).ok());
    maps.iter().any(other_map) || cached.is_some_and(|cached| wwid.contradicts(&cached))
}

/// Has the kernel read the size of a disk again, if the disk says that it is larger than the kernel knows.
pub(crate) fn rescan_if_grown(work: &Work, disk: &Verified<PathDevice>) -> Result<()> {
    let known = disk
        .disk
        .size()
        .map_err(|error| Error::io(format!("reading the size of {}", disk.block.name), error))?;
    match disk.disk.capacity(work.deadline) {
        Answer::Data(size) if size > known => {
            let path = sysfs::scsi_dir(disk.address).join("rescan");
            work.write_scsi(disk.address.host, &path, "1")
        }
        _ => Ok(()),
    }
}

/// Has the kernel look at exactly this address.
fn scan(work: &Work, address: Address) -> Result<()> {
    let path = format!("/sys/class/scsi_host/host{}/scan", address.host);
    let text = format!("{} {} {}", address.channel, address.target, address.lun);
    work.write_scsi(address.host, path.as_ref(), &text)
}
