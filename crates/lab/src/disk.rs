//! The disk that every node starts from: an ext4 file system, the guest's /var/lib, with the lab's seldom-changing
//! images already unpacked by containerd. Made once in a guest, kept in the cache under a name that follows from its
//! contents, then shared read-only by all nodes, each of which writes to a sparse file of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::{
    clock::wait_for,
    guest,
    process::{run, tail},
    spec::{GuestSpec, Role, Spec},
};

const SIZE: u64 = 8 << 30;
const LIMIT: Duration = Duration::from_secs(300);

/// A disk that is or will be in the cache.
#[derive(Debug)]
pub(crate) struct Template {
    path: PathBuf,
}

impl Template {
    pub(crate) fn of(spec: &Spec) -> Result<Self> {
        let mut hash = Sha256::new();
        hash.update(include_str!("guest/init.sh"));
        for image in &spec.images {
            hash.update(identity(image)?);
        }
        for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
            hash.update(identity(Path::new(program)).unwrap_or_default());
        }
        let name = hex::encode(&hash.finalize()[..8]);
        Ok(Self { path: spec.cache.join(format!("disk-{name}.ext4")) })
    }

    /// The finished disk, made now if it is not in the cache.
    pub(crate) fn ensure(&self, spec: &Spec, mut tell: impl FnMut(&str)) -> Result<PathBuf> {
        if self.path.exists() {
            tell("disk with the images found in the cache");
            return Ok(self.path.clone());
        }
        fs::create_dir_all(&spec.cache)?;
        self.make(spec).with_context(|| format!("making the nodes' disk {}", self.path.display()))?;
        tell("disk with the images made");
        self.forget_old_ones(&spec.cache)?;
        Ok(self.path.clone())
    }

    fn make(&self, spec: &Spec) -> Result<()> {
        let Some(first) = spec.guests.iter().find(|g| g.role == Role::Node) else { return Ok(()) };
        let maker = GuestSpec { name: "disk".into(), ..first.clone() };
        let folder = maker.dir(spec);
        fs::create_dir_all(&folder)?;
        // on the state folder's tmpfs, where containerd's many flushes cost nothing
        let disk = folder.join("disk");
        fs::File::create(&disk)?.set_len(SIZE)?;
        run(Command::new("mkfs.ext4").args(["-qF", "-E", "nodiscard", "-N", "65536"]).arg(&disk), None)?;
        let settings = guest::settings(spec, &maker, "template");
        let mut machine = guest::boot(spec, &maker, [format!("ubda={}", disk.display())], &settings)?;
        let made = wait_for("the guest that unpacks images", LIMIT, || None, || machine.ended());
        machine.kill()?;
        made?;
        ensure!(folder.join("done").exists(), "unpacking failed:\n{}", tail(&folder.join("console"), 10));
        // under another name first, so that only a finished disk is ever found
        let draft = self.path.with_extension(format!("draft-{}", std::process::id()));
        run(Command::new("cp").arg("--sparse=always").args([&disk, &draft]), None)?;
        fs::rename(&draft, &self.path)?;
        fs::remove_file(&disk)?;
        Ok(())
    }

    /// Two weeks without use of a cache of some hundred megabytes are enough.
    fn forget_old_ones(&self, cache: &Path) -> Result<()> {
        for entry in fs::read_dir(cache)?.flatten() {
            let path = entry.path();
            let disk = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("disk-"));
            let old = |t: SystemTime| t.elapsed().is_ok_and(|age| age > Duration::from_secs(14 * 86400));
            if disk && path != self.path && entry.metadata()?.accessed().is_ok_and(old) {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

/// What stands for a file's contents: reading hundreds of megabytes at each start would cost more than it gives.
fn identity(path: &Path) -> Result<String> {
    let stamp = path.with_extension("digest");
    if let Ok(digest) = fs::read_to_string(&stamp) {
        return Ok(digest);
    }
    let meta = path.metadata().with_context(|| format!("looking at {}", path.display()))?;
    Ok(format!("{} {} {:?}", path.display(), meta.len(), meta.modified()?))
}
