//! One session with one array: a document asked and one answered, over plain TLS, on whichever of its addresses answers.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Address, Error, Plan, Result, trust};

/// No wait for a connection is longer, so that a dead address does not eat the time of a living one.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// Connections that nobody used for so long are not used again.
const IDLE: Duration = Duration::from_secs(60);
/// So many are kept for the next question.
const KEPT: usize = 8;
/// Read at a time.
const CHUNK: usize = 16 * 1024;

type Stream = TlsStream<TcpStream>;

/// A kept session. Questions may be asked side by side: each has a connection of its own meanwhile.
pub struct Line {
    plan: Plan,
    tls: TlsConnector,
    idle: Mutex<Vec<Kept>>,
    /// Which address answered last.
    good: AtomicUsize,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("plan", &self.plan).finish_non_exhaustive()
    }
}

struct Kept {
    stream: Stream,
    /// The address it leads to.
    at: usize,
    since: Instant,
}

impl Line {
    /// Prepares a session; sends nothing yet.
    pub fn new(mut plan: Plan) -> Result<Self> {
        plan.redaction = plan.redaction.and(&plan.login.password);
        if plan.addresses.is_empty() {
            return Err(Error::Setup("an array needs a management address".to_owned()));
        }
        let tls = TlsConnector::from(Arc::new(trust::config(&plan.trust, plan.server_name.as_deref())?));
        Ok(Self { plan, tls, idle: Mutex::default(), good: AtomicUsize::new(0) })
    }

    /// Sends a question and reads its answer, which ends where `ends` says so; it is shown each piece as it comes, and
    /// may say why it can be no answer. Goes on to the next address only while the question was certainly not delivered.
    pub async fn ask(
        &self,
        question: &[u8],
        mut ends: impl FnMut(&[u8]) -> Result<bool, String> + Send,
    ) -> Result<Vec<u8>> {
        let (stream, at) = self.connection().await?;
        let address = self.plan.addresses[at].to_string();
        let talk = self.talk(stream, &address, question, &mut ends);
        match timeout(self.plan.timeout, talk).await {
            Ok(Ok((answer, stream))) => {
                self.keep(Kept { stream, at, since: Instant::now() });
                Ok(answer)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::TimedOut { address }),
        }
    }

    async fn talk(
        &self,
        mut stream: Stream,
        address: &str,
        question: &[u8],
        ends: &mut (impl FnMut(&[u8]) -> Result<bool, String> + Send),
    ) -> Result<(Vec<u8>, Stream)> {
        let garbled =
            |reason: &str| Error::Garbled { address: address.to_owned(), reason: self.clean(reason) };
        let lost = |source: io::Error| Error::NoAnswer { address: address.to_owned(), source: source.into() };
        stream.write_all(question).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let (mut answer, mut chunk) = (Vec::new(), vec![0; CHUNK]);
        loop {
            let count = stream.read(&mut chunk).await.map_err(lost)?;
            if count == 0 && answer.is_empty() {
                return Err(lost(io::ErrorKind::UnexpectedEof.into()));
            }
            if count == 0 {
                return Err(garbled("it was cut off"));
            }
            if answer.len() + count > self.plan.longest_answer {
                return Err(garbled(&format!("it is longer than {} bytes", self.plan.longest_answer)));
            }
            answer.extend_from_slice(&chunk[..count]);
            if ends(&chunk[..count]).map_err(|reason| garbled(&reason))? {
                return Ok((answer, stream));
            }
        }
    }

    /// A kept connection that still stands, or a new one to the first address that takes it.
    async fn connection(&self) -> Result<(Stream, usize)> {
        while let Some(mut kept) = self.kept() {
            if kept.since.elapsed() < IDLE && stands(&mut kept.stream).await {
                return Ok((kept.stream, kept.at));
            }
        }
        let count = self.plan.addresses.len();
        let first = self.good.load(Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let at = (first + tried) % count;
            tried += 1;
            match self.connect(&self.plan.addresses[at]).await {
                Ok(stream) => {
                    self.good.store(at, Ordering::Relaxed);
                    return Ok((stream, at));
                }
                Err(error) if tried < count => {
                    let address = &self.plan.addresses[at];
                    tracing::warn!(address = %address, %error, "trying the array's next address");
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn connect(&self, address: &Address) -> Result<Stream> {
        let name = address.to_string();
        let server = ServerName::try_from(address.host.clone())
            .map_err(|_| Error::Setup(format!("{name} is no usable address")))?;
        let connect = async {
            let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
            stream.set_nodelay(true)?;
            self.tls.connect(server, stream).await
        };
        match timeout(LONGEST_CONNECT.min(self.plan.timeout / 2), connect).await {
            Ok(connected) => connected.map_err(|error| Error::of_connect(&name, error)),
            Err(_) => Err(Error::of_connect(&name, io::ErrorKind::TimedOut.into())),
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, kept: Kept) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(kept);
        }
    }

    /// Text of the array's, fit to be shown.
    pub fn clean(&self, text: &str) -> String {
        self.plan.redaction.clean(text)
    }
}

/// Has the peer neither closed it nor said anything unasked? So that a question is not sent into a closed one.
async fn stands(stream: &mut Stream) -> bool {
    timeout(Duration::ZERO, stream.read(&mut [0; 1])).await.is_err()
}
