//! The socket of multipathd: one framed command, one framed reply.

use std::{
    io::{self, Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    path::Path,
    time::{Duration, Instant},
};

const ABSTRACT: &str = "/org/kernel/linux/storage/multipathd";
/// A longer reply is not one.
const REPLY_CAP: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends `command`. `socket` is the named socket of newer versions; older ones listen in the abstract name space.
pub(super) fn ask(socket: &Path, command: &str, deadline: Instant) -> io::Result<String> {
    let mut stream = connect(socket)?;
    let patience = deadline.saturating_duration_since(Instant::now()).min(PATIENCE);
    if patience.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    converse(&mut stream, command).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    })
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(socket)
        .or_else(|_| UnixStream::connect_addr(&SocketAddr::from_abstract_name(ABSTRACT.as_bytes())?))
}

fn converse(stream: &mut (impl Read + Write), command: &str) -> io::Result<String> {
    let mut frame = (command.len() + 1).to_ne_bytes().to_vec();
    frame.extend_from_slice(command.as_bytes());
    frame.push(0);
    stream.write_all(&frame)?;
    let mut length = [0; size_of::<usize>()];
    stream.read_exact(&mut length)?;
    let length = usize::from_ne_bytes(length);
    if length > REPLY_CAP {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "multipathd sent a frame of impossible length",
        ));
    }
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply)?;
    while reply.last() == Some(&0) {
        reply.pop();
    }
    Ok(String::from_utf8_lossy(&reply).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line {
        sent: Vec<u8>,
        reply: io::Cursor<Vec<u8>>,
    }

    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.reply.read(buffer)
        }
    }

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.sent.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn frames_count_the_final_nul() {
        let mut reply = 4usize.to_ne_bytes().to_vec();
        reply.extend(b"ok\n\0");
        let mut line = Line { sent: Vec::new(), reply: io::Cursor::new(reply) };
        assert_eq!(converse(&mut line, "del map x").unwrap(), "ok");
        assert_eq!(line.sent[..8], 10usize.to_ne_bytes());
        assert_eq!(&line.sent[8..], b"del map x\0");
    }
}
