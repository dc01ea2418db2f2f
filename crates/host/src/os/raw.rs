//! The only unsafe code of the crate: ioctls without a safe wrapper, and changing the root of a child.
#![expect(unsafe_code, reason = "ioctl(2) and pre_exec have no safe form; each block states why it is sound")]

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::{ffi::OsStrExt, process::CommandExt},
    },
    path::Path,
    process::Command,
};

use super::scsi::Outcome;

const SG_IO: nix::libc::c_ulong = 0x2285;
const SG_DXFER_FROM_DEV: i32 = -3;

/// `struct sg_io_hdr` of `<scsi/sg.h>`.
#[repr(C)]
struct SgIoHdr {
    interface_id: i32,
    dxfer_direction: i32,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: u32,
    dxferp: *mut u8,
    cmdp: *mut u8,
    sbp: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: i32,
    usr_ptr: *mut u8,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: i32,
    duration: u32,
    info: u32,
}

/// Sends a command that only reads, and collects up to `length` bytes.
pub(super) fn sg_read(
    fd: BorrowedFd<'_>,
    command: &[u8],
    length: usize,
    timeout_ms: u32,
) -> io::Result<Outcome> {
    let (mut command, mut data, mut sense) = (command.to_vec(), vec![0; length], vec![0; 64]);
    let mut header = SgIoHdr {
        interface_id: i32::from(b'S'),
        dxfer_direction: SG_DXFER_FROM_DEV,
        cmd_len: command.len() as u8,
        mx_sb_len: sense.len() as u8,
        iovec_count: 0,
        dxfer_len: length as u32,
        dxferp: data.as_mut_ptr(),
        cmdp: command.as_mut_ptr(),
        sbp: sense.as_mut_ptr(),
        timeout: timeout_ms,
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: the three pointers and lengths in the header describe live buffers owned by this frame, which the
    // kernel fills before the call returns; the descriptor is open for as long as the borrow lasts.
    let result = unsafe { nix::libc::ioctl(fd.as_raw_fd(), SG_IO as _, &raw mut header) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    data.truncate(length.saturating_sub(usize::try_from(header.resid).unwrap_or(0)));
    sense.truncate(usize::from(header.sb_len_wr));
    let SgIoHdr { status, host_status, driver_status, .. } = header;
    Ok(Outcome { status, host_status, driver_status, sense, data })
}

/// The calls of `<linux/fs.h>` on block devices.
mod blk {
    nix::ioctl_read!(size64, 0x12, 114, u64);
    nix::ioctl_none_bad!(flush, 0x1261);
    nix::ioctl_write_ptr_bad!(set_read_only, 0x125d, i32);
}

/// BLKGETSIZE64.
pub(super) fn size(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut bytes = 0;
    // SAFETY: the kernel writes one u64 to the live pointer. (The request number carries size_t, 8 bytes as u64.)
    unsafe { blk::size64(fd.as_raw_fd(), &raw mut bytes) }?;
    Ok(bytes)
}

/// BLKFLSBUF.
pub(super) fn flush_buffers(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes no argument.
    unsafe { blk::flush(fd.as_raw_fd()) }?;
    Ok(())
}

/// BLKROSET.
pub(super) fn set_read_only(fd: BorrowedFd<'_>, read_only: bool) -> io::Result<()> {
    let value = i32::from(read_only);
    // SAFETY: the kernel reads one int from the live pointer.
    unsafe { blk::set_read_only(fd.as_raw_fd(), &raw const value) }?;
    Ok(())
}

/// Makes the child see `root` as its root, if one is given, and `die_along` with the thread that starts it.
///
/// A file-system tool that outlived a killed plugin would work on beside the plugin's next life: mkfs twice at a time.
/// The host's `iscsiadm` is let live: killed while it holds the node database's lock file it leaves that for ever.
pub(super) fn prepare_child(command: &mut Command, root: Option<&Path>, die_along: bool) -> io::Result<()> {
    let root = root.map(|root| std::ffi::CString::new(root.as_os_str().as_bytes())).transpose()?;
    let prepare = move || {
        if die_along {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
        }
        if let Some(root) = &root {
            nix::unistd::chroot(root.as_c_str())?;
            nix::unistd::chdir(c"/")?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes system calls on a string allocated before; it neither
    // allocates nor takes a lock.
    unsafe { command.pre_exec(prepare) };
    Ok(())
}
