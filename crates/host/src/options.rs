//! Mount options: words of fstab to flags and data, with what safety adds.

use nix::mount::MsFlags;

use crate::request::FsType;

/// Arguments of mount(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountOptions {
    pub(crate) flags: MsFlags,
    pub(crate) data: String,
}

/// Translates; words that are no flag go to the file system.
pub(crate) fn translate(fs: FsType, words: &[String], read_only: bool) -> MountOptions {
    let (mut flags, mut data) = (MsFlags::empty(), Vec::new());
    for word in words.iter().flat_map(|words| split(words)) {
        match flag(word) {
            Some((bit, true)) => flags |= bit,
            Some((bit, false)) => flags &= !bit,
            None if matches!(word, "" | "defaults" | "auto" | "noauto" | "nofail" | "_netdev" | "rw") => {}
            None => data.push(word),
        }
    }
    let read_only = read_only || flags.contains(MsFlags::MS_RDONLY);
    flags.set(MsFlags::MS_RDONLY, read_only);
    // a clone may be mounted beside its source, so XFS must not look at the UUID; a read-only mount must not write
    let safety: &[&str] = match (fs, read_only) {
        (FsType::Ext4, false) => &[],
        (FsType::Ext4, true) => &["noload"],
        (FsType::Xfs, false) => &["nouuid"],
        (FsType::Xfs, true) => &["nouuid", "norecovery"],
    };
    for word in safety {
        if !data.contains(word) {
            data.push(word);
        }
    }
    MountOptions { flags, data: data.join(",") }
}

/// Splits at commas outside quotes, which SELinux contexts need.
fn split(words: &str) -> Vec<&str> {
    let mut quoted = false;
    words
        .split(move |c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .map(str::trim)
        .collect()
}

fn flag(word: &str) -> Option<(MsFlags, bool)> {
    Some(match word {
        "ro" => (MsFlags::MS_RDONLY, true),
        "noatime" => (MsFlags::MS_NOATIME, true),
        "atime" => (MsFlags::MS_NOATIME, false),
        "nodiratime" => (MsFlags::MS_NODIRATIME, true),
        "relatime" => (MsFlags::MS_RELATIME, true),
        "strictatime" => (MsFlags::MS_STRICTATIME, true),
        "lazytime" => (MsFlags::MS_LAZYTIME, true),
        "nosuid" => (MsFlags::MS_NOSUID, true),
        "suid" => (MsFlags::MS_NOSUID, false),
        "nodev" => (MsFlags::MS_NODEV, true),
        "dev" => (MsFlags::MS_NODEV, false),
        "noexec" => (MsFlags::MS_NOEXEC, true),
        "exec" => (MsFlags::MS_NOEXEC, false),
        "sync" => (MsFlags::MS_SYNCHRONOUS, true),
        "async" => (MsFlags::MS_SYNCHRONOUS, false),
        "dirsync" => (MsFlags::MS_DIRSYNC, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn flags_and_data_are_told_apart() {
        let options =
            translate(FsType::Ext4, &words(&["noatime,nodev", "errors=remount-ro", "_netdev"]), false);
        assert_eq!(options.flags, MsFlags::MS_NOATIME | MsFlags::MS_NODEV);
        assert_eq!(options.data, "errors=remount-ro");
    }

    #[test]
    fn a_context_keeps_its_commas() {
        let options =
            translate(FsType::Xfs, &words(&["context=\"system_u:object_r:svirt_t:s0:c1,c2\""]), false);
        assert_eq!(options.data, "context=\"system_u:object_r:svirt_t:s0:c1,c2\",nouuid");
    }

    #[test]
    fn read_only_never_replays_a_journal() {
        assert_eq!(translate(FsType::Ext4, &words(&["ro"]), false).data, "noload");
        assert_eq!(translate(FsType::Xfs, &words(&["nouuid"]), true).data, "nouuid,norecovery");
        assert!(translate(FsType::Xfs, &[], true).flags.contains(MsFlags::MS_RDONLY));
    }
}
