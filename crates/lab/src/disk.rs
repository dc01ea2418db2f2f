//! The disk that every node starts from: an ext4 file system, the guest's /var/lib, with the lab's
//! images already unpacked by containerd. Made once in a guest, kept in the cache under a name that follows from its
//! contents, then shared read-only by all nodes, each of which writes to a sparse file of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
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

/// Gives the finished disk for this lab, making what the cache lacks: first one with the images that seldom change, then
/// from a copy of it one with the others, so that a new build of the product costs only its own image.
pub(crate) fn ensure(spec: &Spec, mut tell: impl FnMut(&str)) -> Result<PathBuf> {
    fs::create_dir_all(&spec.cache).with_context(|| format!("making the cache {}", spec.cache.display()))?;
    let base = Template { path: spec.cache.join(format!("disk-{}.ext4", key(&spec.images)?)), from: None };
    let made = base.ensure(spec, &spec.images, &mut tell)?;
    if spec.fresh_images.is_empty() {
        return Ok(made);
    }
    let all: Vec<PathBuf> = spec.images.iter().chain(&spec.fresh_images).cloned().collect();
    let path = spec.cache.join(format!("fresh-{}.ext4", key(&all)?));
    Template { path, from: Some(made) }.ensure(spec, &spec.fresh_images, &mut tell)
}

/// A disk that is or will be in the cache.
#[derive(Debug)]
struct Template {
    path: PathBuf,
    /// The disk that it begins as; an empty one if there is none.
    from: Option<PathBuf>,
}

impl Template {
    fn ensure(&self, spec: &Spec, images: &[PathBuf], tell: &mut impl FnMut(&str)) -> Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().display();
        // another lab may be making it; one made twice would be another to those that already run on it
        let lock = self.path.with_extension("lock");
        let lock = fs::File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
        lock.lock().with_context(|| format!("waiting for another lab to make {name}"))?;
        if self.path.exists() {
            tell(&format!("{name} with the images found in the cache"));
            return Ok(self.path.clone());
        }
        self.make(spec, images).with_context(|| format!("making the nodes' disk {}", self.path.display()))?;
        tell(&format!("{name} with the images made"));
        self.forget_older()?;
        Ok(self.path.clone())
    }

    fn make(&self, spec: &Spec, images: &[PathBuf]) -> Result<()> {
        let Some(first) = spec.guests.iter().find(|g| g.role == Role::Node) else { return Ok(()) };
        let maker = GuestSpec { name: "disk".into(), ..first.clone() };
        let folder = maker.dir(spec);
        fs::create_dir_all(&folder)?;
        // on the state folder's tmpfs, where containerd's many flushes cost nothing
        let (disk, done) = (folder.join("disk"), folder.join("done"));
        match &self.from {
            Some(from) => run(Command::new("cp").arg("--sparse=always").args([from, &disk]), None)?,
            None => {
                fs::File::create(&disk)?.set_len(SIZE)?;
                run(
                    Command::new("mkfs.ext4").args(["-qF", "-E", "nodiscard", "-N", "65536"]).arg(&disk),
                    None,
                )?;
            }
        }
        let _ = fs::remove_file(&done);
        let settings = guest::settings(spec, &maker, guest::Task::Unpack(images));
        let mut machine = guest::boot(spec, &maker, [format!("ubda={}", disk.display())], &settings)?;
        let made = wait_for("the guest that unpacks images", LIMIT, || None, || machine.ended());
        machine.kill()?;
        made?;
        ensure!(done.exists(), "unpacking failed:\n{}", tail(&folder.join("console"), 10));
        // under another name first, so that only a finished disk is ever found
        let draft = self.path.with_extension(format!("draft-{}", spec.state_name()));
        run(Command::new("cp").arg("--sparse=always").args([&disk, &draft]), None)?;
        fs::rename(&draft, &self.path)?;
        fs::remove_file(&disk)?;
        Ok(())
    }

    /// A disk has some hundred megabytes: of each sort the newest three stay, for labs that may run beside this one.
    fn forget_older(&self) -> Result<()> {
        let (Some(cache), Some(name)) = (self.path.parent(), self.path.file_name()) else { return Ok(()) };
        let name = name.to_string_lossy();
        let sort = name.split('-').next().unwrap_or(&name);
        let mut alike = Vec::new();
        for entry in fs::read_dir(cache)?.flatten() {
            let same = |n: &str| n.starts_with(sort) && n.ends_with(".ext4");
            if entry.file_name().to_str().is_some_and(same) {
                alike.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        alike.sort();
        for (_, path) in alike.iter().rev().skip(3) {
            fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }
}

/// Changes with whatever changes the disk.
fn key(images: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(guest::INIT);
    for image in images {
        hash.update(identity(image)?);
    }
    for program in ["/usr/bin/containerd", "/usr/bin/ctr"] {
        hash.update(identity(Path::new(program)).unwrap_or_default());
    }
    Ok(hex::encode(&hash.finalize()[..8]))
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
