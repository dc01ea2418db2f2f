//! OCI image archives: tar files that hold layers, which are tar files again, and the JSON documents that name them.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One file, folder or link of a layer.
#[derive(Debug)]
pub(super) struct Entry {
    /// Without a leading slash.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Folder,
    File(PathBuf),
    Link(String),
}

impl Entry {
    pub(super) fn folder(path: &str) -> Self {
        Self { path: path.into(), mode: if path == "tmp" { 0o1777 } else { 0o755 }, content: Content::Folder }
    }

    pub(super) fn program(path: &str, source: &Path) -> Self {
        Self { path: path.into(), mode: 0o755, content: Content::File(source.into()) }
    }
}

/// Everything below a folder, in an order that does not depend on the file system.
pub(super) fn tree(root: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let meta = path.symlink_metadata()?;
            let content = if meta.is_symlink() {
                Content::Link(fs::read_link(&path)?.display().to_string())
            } else if meta.is_dir() {
                folders.push(path.clone());
                Content::Folder
            } else {
                Content::File(path.clone())
            };
            let name = path.strip_prefix(root)?.display().to_string();
            entries.push(Entry { path: name, mode: meta.permissions().mode() & 0o7777, content });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// A layer that lies in an archive.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    digest: String,
    size: u64,
}

/// What an image is made of.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) layers: Vec<Layer>,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) user: String,
}

/// An archive being written.
#[derive(Debug)]
pub(super) struct Archive {
    tar: Tar<File>,
    path: PathBuf,
    manifests: Vec<Value>,
}

impl Archive {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
        let mut tar = Tar(file);
        tar.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(Self { tar, path: path.into(), manifests: vec![] })
    }

    pub(super) fn layer(&mut self, entries: &[Entry]) -> Result<Layer> {
        // its digest comes before it in the archive, so it needs a place of its own first
        let draft = self.path.with_extension("layer");
        let mut tar = Tar(Hashed { inner: File::create(&draft)?, hash: Sha256::new(), size: 0 });
        for entry in entries {
            tar.entry(entry)?;
        }
        tar.end()?;
        let layer = Layer { digest: hex::encode(tar.0.hash.finalize()), size: tar.0.size };
        self.tar.header(&blob(&layer.digest), 0o644, b'0', layer.size, "")?;
        self.tar.body(&draft, layer.size)?;
        fs::remove_file(&draft)?;
        Ok(layer)
    }

    pub(super) fn image(&mut self, image: &Image) -> Result<()> {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => bail!("no image architecture is known for {other}"),
        };
        let of = |l: &Layer| format!("sha256:{}", l.digest);
        let config = self.document(
            "application/vnd.oci.image.config.v1+json",
            &json!({"architecture": architecture, "os": "linux",
                "config": {"Entrypoint": image.entrypoint, "Cmd": image.command, "User": image.user,
                    "Env": ["PATH=/usr/bin:/bin"]},
                "rootfs": {"type": "layers", "diff_ids": image.layers.iter().map(of).collect::<Vec<_>>()}}),
        )?;
        let layers: Vec<Value> = image
            .layers
            .iter()
            .map(|l| json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": of(l), "size": l.size}))
            .collect();
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers});
        let mut manifest = self.document(kind, &manifest)?;
        let tag = image.name.rsplit_once(':').map_or("", |(_, tag)| tag);
        manifest["annotations"] =
            json!({"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": tag});
        self.manifests.push(manifest);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let index = serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": self.manifests}))?;
        self.tar.bytes("index.json", &index)?;
        self.tar.end()
    }

    fn document(&mut self, kind: &str, value: &Value) -> Result<Value> {
        let bytes = serde_json::to_vec(value)?;
        let digest = hex::encode(Sha256::digest(&bytes));
        self.tar.bytes(&blob(&digest), &bytes)?;
        Ok(json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
    }
}

fn blob(digest: &str) -> String {
    format!("blobs/sha256/{digest}")
}

/// What tells one archive from another.
pub(super) fn digest_of(path: &Path) -> Result<String> {
    let mut sink = Hashed { inner: io::sink(), hash: Sha256::new(), size: 0 };
    copy(&mut File::open(path)?, &mut sink)?;
    Ok(hex::encode(sink.hash.finalize()))
}

#[derive(Debug)]
struct Hashed<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A POSIX tar stream in which nothing depends on time, user or machine.
#[derive(Debug)]
struct Tar<W>(W);

impl<W: Write> Tar<W> {
    fn entry(&mut self, entry: &Entry) -> Result<()> {
        match &entry.content {
            Content::Folder => self.header(&format!("{}/", entry.path), entry.mode, b'5', 0, ""),
            Content::Link(target) => self.header(&entry.path, entry.mode, b'2', 0, target),
            Content::File(source) => {
                let size =
                    source.metadata().with_context(|| format!("looking at {}", source.display()))?.len();
                self.header(&entry.path, entry.mode, b'0', size, "")?;
                self.body(source, size)
            }
        }
    }

    fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.header(path, 0o644, b'0', bytes.len() as u64, "")?;
        self.0.write_all(bytes)?;
        self.pad(bytes.len() as u64)
    }

    fn body(&mut self, source: &Path, size: u64) -> Result<()> {
        let copied = copy(&mut File::open(source)?, &mut self.0)?;
        ensure!(copied == size, "{} changed while it was read", source.display());
        self.pad(size)
    }

    fn header(&mut self, path: &str, mode: u32, kind: u8, size: u64, link: &str) -> Result<()> {
        ensure!(path.len() <= 100 && link.len() <= 100, "{path}: longer than a tar header allows");
        let mut block = [0_u8; 512];
        let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, path);
        put(100, &format!("{mode:07o}"));
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{size:011o}"));
        put(136, "00000000000");
        put(148, "        ");
        put(157, link);
        put(257, "ustar");
        put(263, "00");
        block[156] = kind;
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.write_all(&block)?;
        Ok(())
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let rest = usize::try_from(size.next_multiple_of(512) - size)?;
        self.0.write_all(&[0; 512][..rest])?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.0.write_all(&[0; 1024])?;
        self.0.flush()?;
        Ok(())
    }
}

/// `io::copy` in pieces worth hashing.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(total);
        }
        to.write_all(&buffer[..read])?;
        total += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_the_same_files_has_the_same_bytes_and_tar_can_list_it() {
        let folder = std::env::temp_dir().join(format!("perilune-archive-{}", std::process::id()));
        let tree_dir = folder.join("tree/usr/bin");
        fs::create_dir_all(&tree_dir).unwrap();
        fs::write(tree_dir.join("program"), b"some bytes").unwrap();
        std::os::unix::fs::symlink("usr/bin", folder.join("tree/bin")).unwrap();
        let make = |name: &str| {
            let path = folder.join(name);
            let mut archive = Archive::new(&path).unwrap();
            let layer = archive.layer(&tree(&folder.join("tree")).unwrap()).unwrap();
            let image = Image {
                name: "localhost/x:1".into(),
                layers: vec![layer],
                entrypoint: vec!["/bin/program".into()],
                command: vec![],
                user: String::new(),
            };
            archive.image(&image).unwrap();
            archive.finish().unwrap();
            path
        };
        let (a, b) = (make("a.tar"), make("b.tar"));
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
        let listed = std::process::Command::new("tar").arg("-tf").arg(&a).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.lines().filter(|l| l.starts_with("blobs/sha256/")).count(), 3, "{listed}");
        assert!(listed.contains("index.json"), "{listed}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
