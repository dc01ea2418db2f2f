//! The only place where this plugin mounts: below kubelet's directory, and not through a symbolic link in it.

use std::path::{Path, PathBuf};

use perilune_csi::{Failure, field};

/// Kubelet's directory, usually `/var/lib/kubelet`.
#[derive(Clone, Debug)]
pub(crate) struct KubeletDir(PathBuf);

impl KubeletDir {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The path in `name` of a request. Refuses one that is not below this directory, and one that a symbolic link
    /// leads elsewhere: a pod that can make one there must not choose where the node mounts.
    pub(crate) fn path(&self, name: &str, value: &str) -> Result<PathBuf, Failure> {
        let path = Path::new(field::path(name, value)?);
        let below =
            path.strip_prefix(&self.0).ok().filter(|below| !below.as_os_str().is_empty()).ok_or_else(
                || Failure::field(name, format!("{value:?} is not below {}", self.0.display())),
            )?;
        let mut there = self.0.clone();
        for part in below {
            there.push(part);
            // What cannot be looked at, such as the root of a dead file system, is no link.
            if std::fs::symlink_metadata(&there).is_ok_and(|found| found.file_type().is_symlink()) {
                return Err(Failure::field(name, format!("{} is a symbolic link", there.display())));
            }
        }
        Ok(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_directory_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let kubelet = KubeletDir::new(folder.path().to_owned());
        let inside = |rest: &str| format!("{}{rest}", folder.path().display());
        std::fs::create_dir(folder.path().join("pods")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("pods/link")).unwrap();

        assert_eq!(
            kubelet.path("target_path", &inside("/pods/1/mount/")).unwrap(),
            folder.path().join("pods/1/mount")
        );
        for (path, says) in [
            ("/etc/passwd".to_owned(), "is not below"),
            (inside(""), "is not below"),
            (inside("-other/x"), "is not below"),
            (inside("/../etc"), "is not a plain path"),
            (inside("/pods/link"), "is a symbolic link"),
            (inside("/pods/link/deeper"), "is a symbolic link"),
            (String::new(), "is missing"),
        ] {
            let failure = kubelet.path("target_path", &path).unwrap_err();
            assert!(failure.message.starts_with("target_path: "), "{failure}");
            assert!(failure.message.contains(says), "{failure}");
        }
    }
}
