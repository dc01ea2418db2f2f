//! What a volume is used as: from its capability to a file system with options, or a raw device.

use perilune_csi::Failure;
use perilune_csi::capability::{AccessType, Capability};
use perilune_host::{FsType, Usage};

/// What is made if nobody says.
const DEFAULT: FsType = FsType::Ext4;

/// The file system asked for, or the raw device. `ro` and `rw` are left out of the options, see [`read_only`].
pub(super) fn usage(field: &str, capability: &Capability, discard: bool) -> Result<Usage, Failure> {
    let AccessType::Mount { fs_type, mount_flags } = &capability.access_type else {
        return Ok(Usage::Block);
    };
    let fs = fs_type
        .as_deref()
        .map_or(Ok(DEFAULT), |text| file_system(&format!("{field}.mount.fs_type"), text))?;
    let plain = mount_flags.iter().filter(|flag| !matches!(flag.as_str(), "ro" | "rw")).cloned();
    let mut options: Vec<String> = plain.collect();
    let said = options.iter().any(|option| matches!(option.as_str(), "discard" | "nodiscard"));
    if discard && !said {
        options.push("discard".to_owned());
    }
    Ok(Usage::Filesystem { fs, options })
}

/// Whether nothing may be written: by access mode or by mount option, which must not contradict each other.
pub(super) fn read_only(field: &str, capability: &Capability) -> Result<bool, Failure> {
    let by_mode = capability.access_mode.read_only();
    let AccessType::Mount { mount_flags, .. } = &capability.access_type else {
        return Ok(by_mode);
    };
    let has = |flag: &str| mount_flags.iter().any(|given| given == flag);
    if has("rw") && (by_mode || has("ro")) {
        let problem = "has rw, but the access mode or another option says read only";
        return Err(Failure::field(&format!("{field}.mount.mount_flags"), problem));
    }
    Ok(by_mode || has("ro"))
}

fn file_system(field: &str, text: &str) -> Result<FsType, Failure> {
    [FsType::Ext4, FsType::Xfs]
        .into_iter()
        .find(|fs| fs.as_str() == text)
        .ok_or_else(|| Failure::field(field, format!("{text:?} is not offered; ext4 and xfs are")))
}

#[cfg(test)]
mod tests {
    use perilune_csi::capability::AccessMode;

    use super::*;

    fn mounted(fs_type: Option<&str>, flags: &[&str], access_mode: AccessMode) -> Capability {
        let mount_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Capability {
            access_type: AccessType::Mount { fs_type: fs_type.map(str::to_owned), mount_flags },
            access_mode,
        }
    }

    #[test]
    fn the_file_system_is_the_one_asked_for_and_ext4_otherwise() {
        let options = vec!["noatime".to_owned(), "discard".to_owned()];
        let given = mounted(Some("xfs"), &["noatime", "ro"], AccessMode::SingleNodeWriter);
        assert_eq!(usage("c", &given, true), Ok(Usage::Filesystem { fs: FsType::Xfs, options }));
        let given = mounted(None, &[], AccessMode::SingleNodeWriter);
        assert_eq!(usage("c", &given, false), Ok(Usage::Filesystem { fs: FsType::Ext4, options: vec![] }));
        let given = mounted(Some("btrfs"), &[], AccessMode::SingleNodeWriter);
        assert!(usage("c", &given, false).unwrap_err().message.starts_with("c.mount.fs_type: \"btrfs\""));
    }

    #[test]
    fn read_only_comes_from_mode_or_option_and_may_not_be_contradicted() {
        let of = |flags: &[&str], mode| read_only("c", &mounted(None, flags, mode));
        assert_eq!(of(&[], AccessMode::SingleNodeWriter), Ok(false));
        assert_eq!(of(&["ro"], AccessMode::SingleNodeWriter), Ok(true));
        assert_eq!(of(&[], AccessMode::MultiNodeReader), Ok(true));
        assert!(of(&["rw"], AccessMode::MultiNodeReader).is_err());
        assert!(of(&["rw", "ro"], AccessMode::SingleNodeWriter).is_err());
    }
}
