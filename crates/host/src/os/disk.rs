//! A block device that this process holds open.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::AsFd,
        unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
    sync::Arc,
    time::Instant,
};

use nix::libc;

use super::{Access, Answer, DevNum, Disk, guard::Guard, raw, scsi};

/// Alignment that every device's direct IO accepts.
const ALIGN: usize = 4096;
/// How often a device that says "later" is asked at once before the caller has to come back.
const RETRIES: usize = 3;

/// The real [`Disk`].
#[derive(Debug)]
pub(super) struct OpenDisk {
    name: String,
    file: Arc<File>,
    guard: Guard,
}

impl OpenDisk {
    /// Opens `/dev/<name>` and makes sure that it is device `number`.
    pub(super) fn open(
        guard: &Guard,
        name: &str,
        number: DevNum,
        access: Access,
        deadline: Instant,
    ) -> io::Result<Self> {
        let path = Path::new("/dev").join(name);
        let file = guard.call(name, deadline, move || open(&path, access))?;
        let found = DevNum::of(file.metadata()?.rdev());
        if found != number {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("/dev/{name} is device {found}, the kernel says {number}"),
            ));
        }
        Ok(Self { name: name.to_owned(), file: Arc::new(file), guard: guard.clone() })
    }

    fn call<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let file = Arc::clone(&self.file);
        self.guard.call(&self.name, deadline, move || work(&file))
    }

    fn command(&self, command: &'static [u8], length: usize, deadline: Instant) -> Answer<Vec<u8>> {
        let mut last = Answer::Silent("no time left to ask".to_owned());
        for _ in 0..RETRIES {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let timeout = u32::try_from(left).unwrap_or(u32::MAX).clamp(1, 10_000);
            let sent = self.call(deadline, move |file| raw::sg_read(file.as_fd(), command, length, timeout));
            last = match sent {
                Ok(outcome) => outcome.meaning(),
                Err(error) => Answer::Silent(error.to_string()),
            };
            if !matches!(last, Answer::Later(_)) {
                break;
            }
        }
        last
    }
}

fn open(path: &Path, access: Access) -> io::Result<File> {
    let flags = match access {
        Access::Look => libc::O_NONBLOCK,
        Access::Data => libc::O_DIRECT,
        Access::Exclusive | Access::Overwrite => libc::O_DIRECT | libc::O_EXCL,
    };
    OpenOptions::new().read(true).write(access == Access::Overwrite).custom_flags(flags).open(path)
}

/// A buffer of `length` bytes that starts on an aligned address, as offset into the vector.
fn aligned(length: usize) -> (Vec<u8>, usize) {
    let buffer = vec![0; length + ALIGN];
    let start = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
    (buffer, start)
}

impl Disk for OpenDisk {
    fn identification(&self, deadline: Instant) -> Answer<Vec<u8>> {
        self.command(&scsi::IDENTIFICATION, scsi::IDENTIFICATION_LENGTH, deadline).map(scsi::identification)
    }

    fn capacity(&self, deadline: Instant) -> Answer<u64> {
        self.command(&scsi::CAPACITY, 32, deadline).map(|data| scsi::capacity(&data))
    }

    fn size(&self) -> io::Result<u64> {
        raw::size(self.file.as_fd())
    }

    fn read_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<Vec<u8>> {
        self.call(deadline, move |file| {
            let (mut buffer, start) = aligned(length);
            file.read_exact_at(&mut buffer[start..start + length], offset)?;
            Ok(buffer[start..start + length].to_vec())
        })
    }

    fn zero_at(&self, offset: u64, length: usize, deadline: Instant) -> io::Result<()> {
        self.call(deadline, move |file| {
            let (buffer, start) = aligned(length);
            file.write_all_at(&buffer[start..start + length], offset)
        })
    }

    fn flush(&self, deadline: Instant) -> io::Result<()> {
        self.call(deadline, |file| {
            file.sync_all()?;
            raw::flush_buffers(file.as_fd())
        })
    }

    fn set_read_only(&self, read_only: bool) -> io::Result<()> {
        raw::set_read_only(self.file.as_fd(), read_only)
    }

    fn lock(&self) -> io::Result<()> {
        Ok(self.file.try_lock()?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_that_passed_to_another_device_is_not_opened() {
        let open = |major, minor| {
            let deadline = Instant::now() + Duration::from_secs(20);
            OpenDisk::open(&Guard::default(), "null", DevNum { major, minor }, Access::Look, deadline)
        };
        assert!(open(1, 3).is_ok());
        let error = open(1, 5).unwrap_err();
        assert_eq!(error.to_string(), "/dev/null is device 1:3, the kernel says 1:5");
    }
}
