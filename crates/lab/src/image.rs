//! The container images of a lab, made from files without a registry or an engine: archives for
//! `ctr images import`, the same bytes for the same files, and made anew only when a file has changed.

mod archive;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process::run;
use archive::{Archive, Content, Entry, Image};

/// The image for pods that need no more than a shell, and the pod sandbox of every pod.
pub const BUSYBOX: &str = "localhost/busybox:1";

/// The binaries of upstream's sidecars and the images that charts name for them.
pub const SIDECARS: [(&str, &str); 5] = [
    ("csi-provisioner", "v6.3.0"),
    ("csi-attacher", "v4.12.0"),
    ("csi-resizer", "v2.2.0"),
    ("csi-snapshotter", "v8.6.0"),
    ("snapshot-controller", "v8.6.0"),
];

/// One archive with [`BUSYBOX`] and all of [`SIDECARS`], whose static programs share a layer. `binaries` is the folder
/// of the Kubernetes components, `cache` where archives are kept.
pub fn kubernetes(binaries: &Path, cache: &Path) -> Result<PathBuf> {
    let busybox = PathBuf::from("/bin/busybox");
    let sidecars: Vec<PathBuf> = SIDECARS.iter().map(|(name, _)| binaries.join(name)).collect();
    let inputs: Vec<PathBuf> = sidecars.iter().cloned().chain([busybox.clone()]).collect();
    cached(cache, "kubernetes", &inputs, |to| {
        let mut archive = Archive::new(to)?;
        let shell = archive.layer(&shell_entries(&busybox)?)?;
        let programs = archive.layer(
            &sidecars
                .iter()
                .zip(SIDECARS)
                .map(|(path, (name, _))| Entry::program(name, path))
                .collect::<Vec<_>>(),
        )?;
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        archive.image(&Image {
            name: BUSYBOX.into(),
            layers: vec![shell],
            entrypoint: vec![],
            command: words(&["sleep", "infinity"]),
            user: String::new(),
        })?;
        for (name, version) in SIDECARS {
            archive.image(&Image {
                name: format!("registry.k8s.io/sig-storage/{name}:{version}"),
                layers: vec![programs.clone()],
                entrypoint: vec![format!("/{name}")],
                command: vec![],
                user: "65532:65532".into(),
            })?;
        }
        archive.finish()
    })
}

/// The product image from the locally built binaries in `binaries`, assembled by the same script as the Dockerfile's.
pub fn product(root: &Path, binaries: &Path, name: &str, cache: &Path) -> Result<PathBuf> {
    let (script, files) = (root.join("image/assemble.sh"), root.join("image/files.txt"));
    let programs = ["perilune-controller", "perilune-node"];
    let mut inputs: Vec<PathBuf> = programs.iter().map(|p| binaries.join(p)).collect();
    inputs.extend([script.clone(), files.clone()]);
    let listed = fs::read_to_string(&files).with_context(|| format!("reading {}", files.display()))?;
    inputs.extend(listed.lines().filter(|l| l.starts_with('/')).map(PathBuf::from));
    cached(cache, "perilune", &inputs, |to| {
        let work = to.with_extension("root");
        let (stripped, tree) = (work.join("binaries"), work.join("tree"));
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&stripped)?;
        for program in programs {
            // what a release build leaves out; it would be ten times the rest
            run(
                Command::new("strip").arg("-o").arg(stripped.join(program)).arg(binaries.join(program)),
                None,
            )?;
        }
        run(Command::new("/bin/sh").args([&script, &files, &stripped, &tree]), None)?;
        let mut archive = Archive::new(to)?;
        let layer = archive.layer(&archive::tree(&tree)?)?;
        archive.image(&Image {
            name: name.into(),
            layers: vec![layer],
            entrypoint: vec![],
            command: vec![],
            user: "65532:65532".into(),
        })?;
        archive.finish()?;
        fs::remove_dir_all(&work).context("removing the assembled tree")
    })
}

fn shell_entries(busybox: &Path) -> Result<Vec<Entry>> {
    let folders = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"];
    let mut entries: Vec<Entry> = folders.map(Entry::folder).into();
    entries.push(Entry::program("bin/busybox", busybox));
    let output = Command::new(busybox).arg("--list").output().context("asking busybox for its commands")?;
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut names: Vec<&str> = list.lines().filter(|n| *n != "busybox").collect();
    names.sort_unstable();
    names.dedup();
    entries.extend(names.iter().map(|name| Entry {
        path: format!("bin/{name}"),
        mode: 0o777,
        content: Content::Link("busybox".into()),
    }));
    Ok(entries)
}

/// `CACHE/NAME.tar`, made by `make` unless the one there came from the same inputs.
fn cached(
    cache: &Path,
    name: &str,
    inputs: &[PathBuf],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = cache.join("images");
    fs::create_dir_all(&folder).with_context(|| format!("making the cache {}", folder.display()))?;
    let (archive, stamp) = (folder.join(format!("{name}.tar")), folder.join(format!("{name}.inputs")));
    let mut seen = String::from("format 1\n");
    for input in inputs {
        let meta = input.metadata().with_context(|| format!("the image {name} needs {}", input.display()))?;
        seen += &format!("{} {} {:?}\n", input.display(), meta.len(), meta.modified()?);
    }
    if archive.exists() && fs::read_to_string(&stamp).is_ok_and(|before| before == seen) {
        return Ok(archive);
    }
    // another process may read the old archive or make the same one
    let draft = folder.join(format!("{name}-{}.draft", std::process::id()));
    make(&draft).with_context(|| format!("making the image archive {}", archive.display()))?;
    fs::write(archive.with_extension("digest"), archive::digest_of(&draft)?)?;
    fs::rename(&draft, &archive)?;
    fs::write(&stamp, seen)?;
    Ok(archive)
}
