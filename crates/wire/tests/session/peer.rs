//! A peer that speaks TLS and HTTP as a test tells it to, well or badly.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What happens to a request once it was read.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// HTTP 200 with this body; the connection stays.
    Body(&'static str),
    /// The same, and the connection ends.
    Last(&'static str),
    Status(&'static str, &'static str),
    /// A body of this many bytes.
    Huge(usize),
    /// The head of an answer and half its body.
    Half,
    /// The connection ends.
    Close,
    /// Nothing, for ever.
    Hang,
}

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Presents a certificate of the authority for `name` and answers the n-th request with the n-th answer, the last
    /// one for ever.
    pub(crate) async fn start(authority: &Authority, name: &str, answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let acceptor = authority.acceptor(name);
        let (counted, noted) = (Arc::clone(&connections), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, answers, &noted).await;
                    }
                });
            }
        });
        Self { address, connections, requests, task }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, answers: &[Answer], noted: &Mutex<Vec<String>>) {
    while let Some(request) = read(&mut stream).await {
        let answer = {
            let mut noted = noted.lock().unwrap();
            noted.push(request);
            answers[(noted.len() - 1).min(answers.len() - 1)]
        };
        let text = |status: &str, length: usize, body: &str| {
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
        };
        let (text, goes_on) = match answer {
            Answer::Body(body) => (text("200 OK", body.len(), body), true),
            Answer::Last(body) => (text("200 OK", body.len(), body), false),
            Answer::Status(status, body) => (text(status, body.len(), body), true),
            Answer::Huge(length) => (text("200 OK", length, &"x".repeat(length)), true),
            Answer::Half => (text("200 OK", 100, "{\"result\""), false),
            Answer::Close => (String::new(), false),
            Answer::Hang => std::future::pending().await,
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// One request: its head and body, or nothing at the end of the connection.
async fn read(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}
