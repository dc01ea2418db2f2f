//! Mounting a verified device, and unmounting whatever lies at a place.

use std::path::Path;

use crate::{
    error::{Error, ErrorKind, Result},
    options,
    os::{Mount, MountCall},
    request::FsType,
    usage,
    verify::{self, Device, Verified},
    work::Work,
};

/// Mounts the device at `target` and proves afterwards that it is the one that lies there; undoes it if not.
pub(crate) fn mount(
    work: &Work,
    device: &Verified<Device>,
    attachment: &crate::request::Attachment,
    target: &Path,
    wish: (FsType, &[String], bool),
) -> Result<()> {
    let (fs, words, read_only) = wish;
    let os = work.os();
    os.make_dir(target)
        .map_err(|error| Error::io(format!("making the directory {}", target.display()), error))?;
    let options = options::translate(fs, words, read_only);
    let call = MountCall {
        source: device.node().into(),
        target: target.to_owned(),
        fs: Some(fs.as_str()),
        flags: options.flags,
        data: options.data,
    };
    os.mount(&call, work.deadline).map_err(|error| {
        let message = format!(
            "mounting {} ({}) at {} with options {:?}: the kernel log says why",
            device.node(),
            fs.as_str(),
            target.display(),
            call.data
        );
        Error::io(message, error)
    })?;
    let proof = prove(work, device, attachment, target);
    if proof.is_err() {
        os.unmount(target, work.deadline)
            .map_err(|error| Error::io(format!("undoing the mount at {}", target.display()), error))?;
    }
    proof
}

fn prove(work: &Work, device: &Device, attachment: &crate::request::Attachment, target: &Path) -> Result<()> {
    let layers = usage::layers(work, target)?;
    if layers.len() != 1 || layers[0].number != device.block.number {
        let message = format!(
            "{} should bear one mount of {} and bears {}",
            target.display(),
            device.block.number,
            describe(&layers)
        );
        return Err(Error::new(ErrorKind::WrongIdentity, message));
    }
    verify::verify(work, &device.block, attachment, 1).map(|_| ())
}

/// The layers in words.
pub(crate) fn describe(layers: &[Mount]) -> String {
    if layers.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<String> = layers.iter().map(|layer| format!("{} {}", layer.fs, layer.number)).collect();
    words.join(", ")
}

/// Unmounts every layer at a place, never by force.
pub(crate) fn unmount_all(work: &Work, target: &Path) -> Result<()> {
    loop {
        let layers = usage::layers(work, target)?;
        let Some(top) = layers.last() else { return Ok(()) };
        if let Err(error) = work.os().unmount(target, work.deadline) {
            if error.raw_os_error() == Some(nix::libc::EBUSY) {
                let others: Vec<String> = usage::mounts_of(work, top.number)?
                    .into_iter()
                    .filter(|mount| mount.target != target)
                    .map(|mount| mount.target.display().to_string())
                    .collect();
                let message = format!(
                    "{} is in use and not unmounted{}",
                    target.display(),
                    if others.is_empty() {
                        String::new()
                    } else {
                        format!("; also mounted at {}", others.join(", "))
                    }
                );
                return Err(Error::new(ErrorKind::InUse, message).because(error));
            }
            return Err(Error::io(format!("unmounting {}", target.display()), error));
        }
        if usage::layers(work, target)?.len() >= layers.len() {
            return Err(Error::new(
                ErrorKind::Bug,
                format!("unmounting {} changed nothing", target.display()),
            ));
        }
    }
}

/// Unmounts what our own copy of the host's tree kept of the device.
pub(crate) fn unmount_copies(work: &Work, number: crate::os::DevNum) -> Result<()> {
    for target in usage::copies_of(work, number)?.into_iter().rev() {
        let gone = work.os().unmount(&target, work.deadline);
        // the unmount above may have reached the copy in the meantime
        if let Err(error) = gone
            && !usage::layers(work, &target)?.is_empty()
        {
            return Err(Error::io(format!("unmounting the copy at {}", target.display()), error));
        }
    }
    Ok(())
}
