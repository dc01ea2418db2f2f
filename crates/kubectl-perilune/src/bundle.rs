//! `support-bundle`: what support needs, in one file: our objects, what happened to them, and the logs of our pods.
//!
//! Secrets are not read at all, and what is collected goes through [`redact`] besides: people write passwords into the oddest places.

mod collect;
mod redact;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use crate::args::SupportBundle;
use crate::cluster::Cluster;
use crate::output;

pub(crate) async fn run(cluster: &Cluster, wanted: &SupportBundle) -> Result<()> {
    let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let root = format!("perilune-{stamp}");
    let path = wanted.file.clone().unwrap_or_else(|| PathBuf::from(format!("{root}.tar.gz")));
    let mut bundle = Bundle::create(&path, &root)?;
    let gathered = collect::everything(cluster, &mut bundle, wanted.tail).await;
    let outcome = gathered.and_then(|()| bundle.finish());
    if let Err(error) = outcome {
        // half a bundle misleads
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    output::print(&format!("{}\n", path.display()))
}

/// A file that grows entry by entry.
pub(crate) struct Bundle {
    tar: tar::Builder<GzEncoder<File>>,
    root: String,
    path: PathBuf,
    /// What could not be collected, and why.
    gaps: Vec<String>,
}

impl Bundle {
    /// Readable by its owner only; a file that is there stays.
    fn create(path: &Path, root: &str) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("creating {}", path.display()))?;
        let tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        Ok(Self { tar, root: root.to_owned(), path: path.to_owned(), gaps: Vec::new() })
    }

    /// Adds text, redacted.
    fn add(&mut self, name: &str, text: &str) -> Result<()> {
        let text = redact::text(text);
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len())?);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(Timestamp::now().as_second()).unwrap_or_default());
        let name = format!("{}/{name}", self.root);
        self.tar
            .append_data(&mut header, name, text.as_bytes())
            .with_context(|| format!("writing {}", self.path.display()))
    }

    /// Adds data as JSON, redacted.
    fn add_json(&mut self, name: &str, mut data: serde_json::Value) -> Result<()> {
        redact::value(&mut data);
        self.add(name, &serde_json::to_string_pretty(&data)?)
    }

    /// Something is missing; the rest is still worth having.
    fn gap(&mut self, what: &str, error: &anyhow::Error) {
        let gap = format!("{what}: {error:#}");
        output::note(&format!("not in the bundle: {gap}"));
        self.gaps.push(gap);
    }

    fn finish(mut self) -> Result<()> {
        let gaps =
            if self.gaps.is_empty() { "nothing is missing\n".to_owned() } else { self.gaps.join("\n") };
        self.add("gaps.txt", &gaps)?;
        let path = self.path.display().to_string();
        let file =
            self.tar.into_inner().and_then(GzEncoder::finish).with_context(|| format!("writing {path}"))?;
        (&file).flush().and_then(|()| file.sync_all()).with_context(|| format!("writing {path}"))
    }
}
