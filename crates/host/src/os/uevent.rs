//! Kernel and udev events, counted: enough to wake whoever waits, who then looks at sysfs for himself.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Instant,
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt,
        socket, sockopt,
    },
};

use super::LOOK_EVERY;

/// Multicast groups: 1 the kernel's, 2 udev's.
const GROUPS: u32 = 1 | 2;
/// Room for a burst of thousands of devices.
const BUFFER: usize = 8 << 20;

/// A running count of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    shared: Arc<(Mutex<u64>, Condvar)>,
}

impl Events {
    /// Starts listening. Where the socket is not to be had, waiting falls back to looking regularly.
    pub(crate) fn listen() -> (Self, io::Result<()>) {
        let events = Self::default();
        let heard = events.clone();
        let result = open().and_then(|fd| {
            thread::Builder::new().name("host-uevent".into()).spawn(move || heard.follow(&fd)).map(|_| ())
        });
        (events, result)
    }

    fn follow(&self, fd: &OwnedFd) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                // events were lost: whoever waits must look again, as for any event
                Ok(_) | Err(Errno::ENOBUFS) => self.tick(),
                Err(Errno::EINTR) => {}
                Err(error) => {
                    tracing::warn!(%error, "uevents are not readable any more, looking regularly instead");
                    return;
                }
            }
        }
    }

    fn tick(&self) {
        let (count, bell) = &*self.shared;
        *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        bell.notify_all();
    }

    pub(crate) fn count(&self) -> u64 {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait(&self, seen: u64, until: Instant) {
        let (count, bell) = &*self.shared;
        let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = until.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
        let _ = bell.wait_timeout_while(guard, patience, |count| *count == seen);
    }
}

fn open() -> io::Result<OwnedFd> {
    let fd = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkKObjectUEvent,
    )?;
    if setsockopt(&fd, sockopt::RcvBufForce, &BUFFER).is_err() {
        setsockopt(&fd, sockopt::RcvBuf, &BUFFER)?;
    }
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_event_between_looking_and_waiting_is_not_missed() {
        let events = Events::default();
        let seen = events.count();
        events.tick();
        let started = Instant::now();
        events.wait(seen, started + Duration::from_secs(60));
        assert!(started.elapsed() < LOOK_EVERY);
    }
}
