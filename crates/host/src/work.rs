//! What every step of a call has in its hands: the machine, the locks, the records, and the time that is left.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::sync::watch;

use crate::{
    error::{Error, ErrorKind, Result},
    linux::Settings,
    lock::{Held, Locks, Subject},
    os::Os,
    record::Records,
    request::StagedVolume,
    target::IscsiPath,
};

/// The machine as the whole process sees it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) os: Arc<dyn Os>,
    pub(crate) locks: Locks,
    pub(crate) records: Records,
    pub(crate) settings: Arc<Settings>,
    /// The kernel's boot id: phases of another boot are void.
    pub(crate) boot: String,
    /// Tells this life of the process from others: an attach of another life was broken off.
    pub(crate) life: String,
    /// Logins whose client gave up; the daemon may complete them at any time.
    pub(crate) pending: Arc<Mutex<Vec<(IscsiPath, Instant)>>>,
    /// What the keeper saw last.
    pub(crate) seen: Arc<Mutex<Vec<StagedVolume>>>,
    /// Counts changes of what is staged and of its paths.
    pub(crate) changes: watch::Sender<u64>,
}

impl Site {
    pub(crate) fn new(os: Arc<dyn Os>, settings: Settings) -> Result<Self> {
        let boot = os
            .read(Path::new("/proc/sys/kernel/random/boot_id"))
            .map_err(|error| Error::io("reading the kernel's boot id", error))?;
        Ok(Self {
            os,
            locks: Locks::default(),
            records: Records::new(settings.records.clone()),
            settings: Arc::new(settings),
            boot: boot.trim().to_owned(),
            life: uuid::Uuid::new_v4().simple().to_string(),
            pending: Arc::default(),
            seen: Arc::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Wakes whoever reports what is staged here.
    pub(crate) fn tell_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) site: Site,
    pub(crate) deadline: Instant,
}

impl Work {
    pub(crate) fn os(&self) -> &dyn Os {
        &*self.site.os
    }

    /// The same work with less time.
    pub(crate) fn by(&self, deadline: Instant) -> Self {
        Self { site: self.site.clone(), deadline: deadline.min(self.deadline) }
    }

    pub(crate) fn over(&self) -> bool {
        self.os().now() >= self.deadline
    }

    /// Looks, and looks again after each event, until there is something or the time is up.
    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
        loop {
            let seen = self.os().events();
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            if self.over() {
                return Ok(None);
            }
            self.os().wait(seen, self.deadline);
        }
    }

    pub(crate) fn alone(&self, subject: Subject) -> Result<Held> {
        let message = format!("waiting for {subject:?}, which another call uses");
        self.site.locks.alone(subject, self.deadline).ok_or_else(|| Error::new(ErrorKind::TimedOut, message))
    }

    pub(crate) fn shared(&self, subject: Subject, limit: usize) -> Result<Held> {
        let message = format!("waiting for {subject:?}, which another call uses");
        self.site
            .locks
            .shared(subject, limit, self.deadline)
            .ok_or_else(|| Error::new(ErrorKind::TimedOut, message))
    }

    /// Writes one attribute of a SCSI host or device; one at a time per host, since the kernel holds its mutex.
    pub(crate) fn write_scsi(&self, host: u32, path: &Path, text: &str) -> Result<()> {
        let _host = self.alone(Subject::ScsiHost(host))?;
        tracing::debug!(path = %path.display(), text, "writing");
        self.os()
            .write(path, text, self.deadline)
            .map_err(|error| Error::io(format!("writing {text:?} to {}", path.display()), error))
    }
}
