//! Where the things lie that the tests start.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The version of the Kubernetes components, which names their folder.
const KUBERNETES: &str = "v1.36.3";

/// The folders of this checkout.
#[derive(Debug)]
pub struct Places {
    pub root: PathBuf,
    /// Our binaries.
    pub programs: PathBuf,
    /// The components of Kubernetes.
    pub kubernetes: PathBuf,
    /// What one run leaves for the next.
    pub cache: PathBuf,
}

impl Places {
    pub fn find() -> Result<Self> {
        let root = std::env::var_os("PERILUNE_ROOT").map(PathBuf::from);
        let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        let root = root.canonicalize().context("finding the checkout")?;
        // a test binary lies one folder deeper than the programs
        let exe = std::env::current_exe()?;
        let programs = exe.ancestors().find(|dir| dir.join("perilune-lab").is_file());
        let programs =
            programs.context("perilune-lab is not built; run this through `cargo xtask`")?.to_path_buf();
        let kubernetes = std::env::var_os("KUBEBUILDER_ASSETS")
            .map_or_else(|| root.join("target/kubernetes").join(KUBERNETES).join("bin"), PathBuf::from);
        let cache = root.join("target/lab");
        fs::create_dir_all(&cache)?;
        Ok(Self { root, programs, kubernetes, cache })
    }
}
