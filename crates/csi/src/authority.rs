//! Makes what kubelet sends readable to the HTTP/2 library beneath tonic.
//!
//! On a Unix socket gRPC's Go library may send the socket's path, percent-encoded, as the request's `:authority`
//! (kubelet does so when it registers a plugin). The authority of a Unix socket means nothing, but `%` is not allowed in
//! it, and our library resets such a stream before anybody can look at it. [`Mended`] therefore reads the frames as they
//! come and puts `localhost` in the place of every literal authority.
//!
//! Both ends keep a table of recent headers. Its entries are told apart by age alone, and ours is never larger than the
//! sender's, so an index that the sender still knows is known to our library too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::transport::server::Connected;

/// What a connection begins with.
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
const FRAME_HEAD: usize = 9;
/// Header frames that our library would take; a larger one is its business to refuse.
const FRAME_LIMIT: usize = 16_384;
const HEADERS: u8 = 1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// `:authority` in the table that every HPACK peer has.
const AUTHORITY: usize = 1;
const INSTEAD: &[u8] = b"localhost";

/// A connection whose reads are mended; writes pass as they are.
#[derive(Debug)]
pub(crate) struct Mended {
    stream: UnixStream,
    mend: Mend,
}

impl Mended {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, mend: Mend::default() }
    }
}

impl Connected for Mended {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Mended {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; 8192];
        while self.mend.done.is_empty() {
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                // the peer hung up; what is incomplete stays unread
                return Poll::Ready(Ok(()));
            }
            self.mend.feed(read.filled());
        }
        let amount = self.mend.done.len().min(out.remaining());
        out.put_slice(&self.mend.done[..amount]);
        self.mend.done.drain(..amount);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Mended {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Frames on their way through.
#[derive(Debug)]
struct Mend {
    /// Came, and not yet a whole head or header frame.
    waiting: Vec<u8>,
    /// Ready to be read.
    done: Vec<u8>,
    /// So much passes unseen: the preface, or the rest of a frame that has no headers.
    pass: usize,
}

impl Default for Mend {
    fn default() -> Self {
        Self { waiting: Vec::new(), done: Vec::new(), pass: PREFACE }
    }
}

impl Mend {
    fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        while self.step() {}
    }

    /// Moves one piece on; `false` if more must come first.
    fn step(&mut self) -> bool {
        if self.pass > 0 {
            let amount = self.pass.min(self.waiting.len());
            self.done.extend(self.waiting.drain(..amount));
            self.pass -= amount;
            return amount > 0;
        }
        let [a, b, c, kind, flags, _, _, _, _, ..] = self.waiting[..] else { return false };
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let whole_headers = kind == HEADERS && flags & END_HEADERS != 0 && length <= FRAME_LIMIT;
        if !whole_headers {
            self.pass = FRAME_HEAD + length;
            return true;
        }
        if self.waiting.len() < FRAME_HEAD + length {
            return false;
        }
        let frame: Vec<u8> = self.waiting.drain(..FRAME_HEAD + length).collect();
        let mended = mended(&frame);
        self.done.extend(mended.unwrap_or(frame));
        true
    }
}

/// The header frame with another authority; `None` if it has none, or cannot be read.
fn mended(frame: &[u8]) -> Option<Vec<u8>> {
    let (head, payload) = frame.split_at_checked(FRAME_HEAD)?;
    let flags = head[4];
    let (padding, payload) = match flags & PADDED {
        0 => (0, payload),
        _ => (usize::from(*payload.first()?), payload.get(1..)?),
    };
    let (priority, rest) = payload.split_at_checked(if flags & PRIORITY == 0 { 0 } else { 5 })?;
    let block = rest.get(..rest.len().checked_sub(padding)?)?;
    let (start, end) = authority(block)?;
    let mut body = priority.to_vec();
    body.extend_from_slice(&block[..start]);
    body.push(u8::try_from(INSTEAD.len()).ok()?);
    body.extend_from_slice(INSTEAD);
    body.extend_from_slice(&block[end..]);
    let length = u32::try_from(body.len()).ok()?.to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], head[3], flags & !PADDED];
    frame.extend_from_slice(&head[5..]);
    frame.extend(body);
    Some(frame)
}

/// Where in a header block the value of a literal authority lies, its length included (RFC 7541, section 6).
fn authority(block: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while at < block.len() {
        let (prefix, literal) = match block[at] {
            first if first & 0x80 != 0 => (7, false),
            first if first & 0xc0 == 0x40 => (6, true),
            first if first & 0xe0 == 0x20 => (5, false),
            _ => (4, true),
        };
        let (name, next) = integer(block, at, prefix)?;
        at = next;
        if !literal {
            continue;
        }
        if name == 0 {
            at = string_end(block, at)?;
        }
        let end = string_end(block, at)?;
        // a shorter one is no path, and must not grow
        if name == AUTHORITY && end - at > INSTEAD.len() {
            return Some((at, end));
        }
        at = end;
    }
    None
}

fn string_end(block: &[u8], at: usize) -> Option<usize> {
    let (length, start) = integer(block, at, 7)?;
    start.checked_add(length).filter(|end| *end <= block.len())
}

/// An integer with a prefix of so many bits, and where it ends (RFC 7541, section 5.1).
fn integer(block: &[u8], at: usize, prefix: u32) -> Option<(usize, usize)> {
    let most = (1 << prefix) - 1;
    let mut value = usize::from(*block.get(at)?) & most;
    let mut at = at + 1;
    if value < most {
        return Some((value, at));
    }
    for shift in [0, 7, 14] {
        let byte = usize::from(*block.get(at)?);
        at += 1;
        value += (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{FRAME_HEAD, HEADERS, Mend, PADDED, PREFACE};

    /// A header block: `:method POST`, `:path /x`, an authority, and a header with a name of its own.
    fn block(authority: &[u8]) -> Vec<u8> {
        let mut block = vec![0x83, 0x44, 2, b'/', b'x', 0x41, u8::try_from(authority.len()).unwrap()];
        block.extend_from_slice(authority);
        block.extend_from_slice(&[0x40, 2, b't', b'e', 3, b'a', b'b', b'c']);
        block
    }

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    /// What comes out if it comes in by pieces of this size.
    fn through(input: &[u8], piece: usize) -> Vec<u8> {
        let mut mend = Mend::default();
        input.chunks(piece).for_each(|chunk| mend.feed(chunk));
        mend.done
    }

    #[test]
    fn a_path_as_authority_becomes_localhost_however_the_bytes_arrive() {
        let before = [vec![b'p'; PREFACE], frame(4, 0, &[1, 2, 3])].concat();
        let data = frame(0, 1, b"data");
        let sent =
            [before.clone(), frame(HEADERS, 4, &block(b"%2Fvar%2Flib%2Freg.sock")), data.clone()].concat();
        let wanted = [before, frame(HEADERS, 4, &block(b"localhost")), data].concat();
        for piece in [1, 2, 7, 1000] {
            assert_eq!(through(&sent, piece), wanted, "{piece}");
        }
    }

    #[test]
    fn padding_goes_and_priority_stays() {
        let mut payload = vec![3, 9, 9, 9, 9, 9];
        payload.extend(block(b"%2Fvar%2Flib%2Freg.sock"));
        payload.extend([0; 3]);
        let sent = [vec![b'p'; PREFACE], frame(HEADERS, 4 | PADDED | 0x20, &payload)].concat();
        let wanted = frame(HEADERS, 4 | 0x20, &[vec![9; 5], block(b"localhost")].concat());
        assert_eq!(through(&sent, 1000)[PREFACE..], wanted);
    }

    #[test]
    fn what_cannot_be_read_or_needs_no_mending_passes_as_it_came() {
        let unreadable: [&[u8]; 4] = [&[0x41, 0x7f, 0xff], &[0x40], &[], &[0xff; 40]];
        for payload in [block(b"localhost").as_slice()].into_iter().chain(unreadable) {
            let sent = [vec![b'p'; PREFACE], frame(HEADERS, 4, payload), frame(0, 0, b"x")].concat();
            assert_eq!(through(&sent, 3), sent);
        }
        assert_eq!(through(&[0; PREFACE + FRAME_HEAD - 1], 5).len(), PREFACE);
    }
}
