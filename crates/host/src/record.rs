//! What is remembered of a volume across restarts: one JSON file each, written before and after every act.
//!
//! No secret gets here; of CHAP only a salted digest, to notice a rotation.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    request::{Attachment, FsType, Usage},
    sysfs::Address,
    target::{Chap, Iqn, IscsiPath, Portal, TargetPath},
    volume::VolumeKey,
};

/// The layout written by this version. Newer ones are refused.
const SCHEMA: u32 = 1;

/// How far a volume has come, written before (present participle) or after (past) the act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Attaching,
    Attached,
    Staged,
    Detaching,
}

/// How a volume came by its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// mkfs was started by us and not seen to end: neither data nor emptiness.
    Making,
    /// Made by us: never to be made again.
    Made,
    /// It was there.
    Found,
}

/// The file system of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FsRecord {
    #[serde(rename = "type")]
    pub(crate) fs: FsType,
    pub(crate) uuid: String,
    pub(crate) origin: Origin,
    /// Size of the device when the file system was last made to fill it; 0: not known.
    pub(crate) filled: u64,
}

/// A session for which we asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SessionMade {
    pub(crate) iqn: Iqn,
    pub(crate) portal: Portal,
}

impl SessionMade {
    pub(crate) fn of(path: &IscsiPath) -> Self {
        Self { iqn: path.iqn.clone(), portal: path.portal }
    }
}

/// One volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) schema: u32,
    pub(crate) volume: VolumeKey,
    pub(crate) boot: String,
    /// The plugin's life that last attached it.
    #[serde(default)]
    pub(crate) life: String,
    pub(crate) phase: Phase,
    pub(crate) attachment: Attachment,
    pub(crate) usage: Usage,
    pub(crate) read_only: bool,
    pub(crate) staging_path: PathBuf,
    /// The multipath WWID, once there is a map.
    #[serde(default)]
    pub(crate) map: Option<String>,
    #[serde(default)]
    pub(crate) filesystem: Option<FsRecord>,
    #[serde(default)]
    pub(crate) sessions: Vec<SessionMade>,
    /// Addresses that this volume's devices have had, scanned by us.
    #[serde(default)]
    pub(crate) scanned: Vec<Address>,
    /// Salt and digest of the credentials in the node database.
    #[serde(default)]
    pub(crate) chap: Option<String>,
}

impl Record {
    pub(crate) fn new(
        volume: VolumeKey,
        boot: String,
        attachment: Attachment,
        usage: Usage,
        staging: PathBuf,
    ) -> Self {
        Self {
            schema: SCHEMA,
            volume,
            boot,
            life: String::new(),
            phase: Phase::Attaching,
            attachment,
            usage,
            read_only: false,
            staging_path: staging,
            map: None,
            filesystem: None,
            sessions: Vec::new(),
            scanned: Vec::new(),
            chap: None,
        }
    }

    /// Whether this record has to do with a session of the path.
    pub(crate) fn uses(&self, made: &SessionMade) -> bool {
        let mut paths = self.attachment.paths.iter().filter_map(TargetPath::by_iscsi);
        paths.any(|path| path.iqn == made.iqn && path.portal == made.portal)
    }
}

/// Digest of credentials under a salt.
pub(crate) fn chap_digest(chap: Option<&Chap>, salt: &str) -> String {
    let mut digest = Sha256::new();
    let mut part = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    };
    part(salt);
    for account in chap.iter().flat_map(|chap| std::iter::once(&chap.outgoing).chain(&chap.incoming)) {
        part(&account.name);
        part(&account.secret);
    }
    format!("{salt}:{}", hex::encode(digest.finalize()))
}

/// Whether the credentials are those of the digest.
pub(crate) fn chap_same(chap: Option<&Chap>, digest: Option<&str>) -> bool {
    digest
        .and_then(|digest| digest.split_once(':'))
        .is_some_and(|(salt, _)| digest == Some(&chap_digest(chap, salt)))
}

/// The records of one node.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    dir: PathBuf,
}

/// What the directory holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// Files that are no records of ours, with the reason.
    pub(crate) unreadable: Vec<String>,
}

impl Records {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn file(&self, volume: &VolumeKey) -> PathBuf {
        self.dir.join(format!("{}.json", volume.file_stem()))
    }

    /// The volume's record, if there is one. A torn or newer one is refused.
    pub(crate) fn find(&self, volume: &VolumeKey) -> Result<Option<Record>> {
        load(&self.file(volume))
    }

    /// Writes so that after a crash either the old or the new record is there, whole.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let file = self.file(&record.volume);
        self.replace(&file, record).map_err(|error| {
            Error::io(
                format!(
                    "writing the record {} of volume {}: nothing is done without it",
                    file.display(),
                    record.volume
                ),
                error,
            )
        })
    }

    fn replace(&self, file: &Path, record: &Record) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let temporary = file.with_extension("new");
        let _ = fs::remove_file(&temporary);
        let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        handle.write_all(&serde_json::to_vec_pretty(record)?)?;
        handle.sync_all()?;
        fs::rename(&temporary, file)?;
        self.sync()
    }

    pub(crate) fn remove(&self, volume: &VolumeKey) -> Result<()> {
        let file = self.file(volume);
        let removed = match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed,
        };
        removed
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format!("removing the record {}", file.display()), error))
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.dir)?.sync_all()
    }

    /// All records; unreadable ones are named, not skipped in silence.
    pub(crate) fn list(&self) -> Result<Found> {
        let mut found = Found::default();
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(Error::io(format!("listing {}", self.dir.display()), error)),
        };
        for entry in
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|kind| kind == "json"))
        {
            match load(&entry.path()) {
                Ok(Some(record)) => found.records.push(record),
                Ok(None) => {}
                Err(error) => found.unreadable.push(error.message),
            }
        }
        found.records.sort_by(|a, b| a.volume.cmp(&b.volume));
        Ok(found)
    }
}

fn load(file: &Path) -> Result<Option<Record>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("reading the record {}", file.display()), error)),
    };
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let torn = |error| {
        let message = format!(
            "the record {} cannot be read; detach the volume by hand and remove the file",
            file.display()
        );
        Error::new(ErrorKind::Refused, message).because(error)
    };
    let Version { schema } = serde_json::from_slice(&bytes).map_err(torn)?;
    if schema > SCHEMA {
        let message = format!(
            "the record {} has layout {schema}, this version knows {SCHEMA}; upgrade the node plugin again",
            file.display()
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(torn)
}

#[cfg(test)]
mod tests;
