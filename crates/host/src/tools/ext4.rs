//! e2fsprogs.

use std::time::Instant;

use super::{run, words};
use crate::{
    error::{Error, ErrorKind, Result},
    os::Os,
};

/// Makes a file system. It overwrites without asking: whoever calls is the only guard.
pub(crate) fn make(
    os: &dyn Os,
    device: &str,
    uuid: &str,
    kernel: (u32, u32),
    deadline: Instant,
) -> Result<()> {
    let mut args = vec!["-q", "-m", "0", "-U", uuid, "-E", "nodiscard"];
    if kernel < (5, 15) {
        args.extend(["-O", "^orphan_file"]);
    }
    args.push(device);
    let output = run(os, "mkfs.ext4", &args, deadline)?;
    match output.code {
        Some(0) => Ok(()),
        code => Err(Error::new(
            ErrorKind::Bug,
            format!("mkfs.ext4 {device} ended with {code:?}: {}", words(&output)),
        )),
    }
}

/// Repairs what can be repaired without a person.
pub(crate) fn check(os: &dyn Os, device: &str, deadline: Instant) -> Result<()> {
    let output = run(os, "e2fsck", &["-p", device], deadline)?;
    if checked(output.code) {
        return Ok(());
    }
    let message = format!(
        "e2fsck -p {device} ended with {:?}: {}; the file system needs a person: run e2fsck by hand on a snapshot first",
        output.code,
        words(&output)
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// 1 corrected, 2 corrected and wants a reboot (only for a root file system).
fn checked(code: Option<i32>) -> bool {
    matches!(code, Some(0..=3))
}

/// Grows a mounted file system to its device.
pub(crate) fn grow(os: &dyn Os, device: &str, deadline: Instant) -> Result<()> {
    let output = run(os, "resize2fs", &[device], deadline)?;
    match output.code {
        Some(0) => Ok(()),
        code => {
            let message = format!("resize2fs {device} ended with {code:?}: {}", words(&output));
            Err(Error::new(ErrorKind::Refused, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repaired_is_fine_and_unrepaired_is_not() {
        assert!([0, 1, 2, 3].iter().all(|&code| checked(Some(code))));
        assert!(![4, 5, 8, 12, 32].iter().any(|&code| checked(Some(code))));
        assert!(!checked(None));
    }
}
