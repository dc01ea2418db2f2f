//! xfsprogs.

use std::{path::Path, time::Instant};

use super::{run, words};
use crate::{
    error::{Error, ErrorKind, Result},
    os::Os,
};

/// Makes a file system. Never with the force flag: it refuses a device that carries anything.
pub(crate) fn make(os: &dyn Os, device: &str, uuid: &str, deadline: Instant) -> Result<()> {
    let uuid = format!("uuid={uuid}");
    let output = run(os, "mkfs.xfs", &["-q", "-K", "-m", &uuid, device], deadline)?;
    match output.code {
        Some(0) => Ok(()),
        code => Err(Error::new(
            ErrorKind::Bug,
            format!("mkfs.xfs {device} ended with {code:?}: {}", words(&output)),
        )),
    }
}

/// Grows the file system mounted here to its device.
pub(crate) fn grow(os: &dyn Os, mounted: &Path, deadline: Instant) -> Result<()> {
    let target = mounted.to_string_lossy();
    let output = run(os, "xfs_growfs", &["-d", &target], deadline)?;
    match output.code {
        Some(0) => Ok(()),
        code => {
            let message = format!("xfs_growfs {target} ended with {code:?}: {}", words(&output));
            Err(Error::new(ErrorKind::Refused, message))
        }
    }
}
