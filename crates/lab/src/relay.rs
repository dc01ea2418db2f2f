//! Carrying bytes from a socket of one network to a socket of another.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread,
};

/// Two directions, each closed when its source has ended.
pub(crate) trait Duplex: io::Read + io::Write + Send + Sized + 'static {
    fn twin(&self) -> io::Result<Self>;
    fn finish(&self);
}

impl Duplex for TcpStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn finish(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl Duplex for UnixStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn finish(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

/// Joins two connections until both directions have ended.
pub(crate) fn join(a: impl Duplex, b: impl Duplex) -> io::Result<()> {
    let (mut from_a, mut to_b) = (a.twin()?, b.twin()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_a, &mut to_b);
        to_b.finish();
    });
    let (mut from_b, mut to_a) = (b, a);
    let _ = io::copy(&mut from_b, &mut to_a);
    to_a.finish();
    let _ = there.join();
    Ok(())
}

/// Joins every connection to `door` with a new one to `target`, for ever.
pub(crate) fn serve(door: &TcpListener, target: SocketAddr) {
    for caller in door.incoming().flatten() {
        thread::spawn(move || {
            if let Ok(server) = TcpStream::connect(target) {
                let _ = join(caller, server);
            }
        });
    }
}
