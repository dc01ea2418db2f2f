//! `/proc/self/mountinfo`: what is mounted where, without touching the mounts.

use std::path::PathBuf;

use super::DevNum;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) number: DevNum,
    /// The part of the file system that is mounted.
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) fs: String,
    /// Options of this mount and of the file system.
    pub(crate) read_only: bool,
    pub(crate) fs_read_only: bool,
    /// Mounts below it reach others, and theirs reach us.
    pub(crate) shared: bool,
}

/// Parses the file; lines it does not understand are skipped.
pub(crate) fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(2);
    let number = left.next()?.parse().ok()?;
    let (root, target, options) = (left.next()?, left.next()?, left.next()?);
    let shared = left.any(|tag| tag.starts_with("shared:"));
    let mut right = right.split(' ');
    let fs = right.next()?.to_owned();
    let ro = |options: &str| options.split(',').any(|option| option == "ro");
    Some(Mount {
        number,
        root: unescape(root),
        target: unescape(target),
        fs,
        read_only: ro(options),
        fs_read_only: right.nth(1).is_some_and(ro),
        shared,
    })
}

/// Undoes the octal escapes of blanks, tabs, line ends and backslashes.
fn unescape(text: &str) -> PathBuf {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let (bytes, mut out, mut index) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while index < bytes.len() {
        let octal = (bytes[index] == b'\\')
            .then(|| text.get(index + 1..index + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok()))
            .flatten();
        out.push(octal.unwrap_or(bytes[index]));
        index += if octal.is_some() { 4 } else { 1 };
    }
    OsString::from_vec(out).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_optional_fields_and_escapes_is_read() {
        let text = "36 35 253:0 / /var/lib/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/dm-0 ro,errors=continue\nnonsense\n\
                    40 35 0:5 /dm-1 /pods/x ro - devtmpfs devtmpfs rw\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].target, PathBuf::from("/var/lib/a b"));
        assert_eq!(mounts[0].number, DevNum { major: 253, minor: 0 });
        assert!(mounts[0].fs_read_only && !mounts[0].read_only && mounts[0].shared && !mounts[1].shared);
        assert_eq!((mounts[1].root.as_path(), mounts[1].read_only), (std::path::Path::new("/dm-1"), true));
    }
}
