//! A peer that answers each call as a test says, and the way to it. Neither simulated nor an array: it knows no rule.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use perilune_array::{Chap, ConnectSpec, Credentials, Endpoint, Secret, Settings, Trust, Vendor};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Given path and body of a request, the body of the answer.
pub(crate) type Answer = dyn Fn(&str, &Value) -> Vec<u8> + Send + Sync;

pub(crate) struct Player {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Player {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Player {
    pub(crate) async fn start(answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = acceptor();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, &*answer).await;
                    }
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn spec(&self) -> ConnectSpec {
        ConnectSpec {
            vendor: Vendor::Solidfire,
            endpoints: vec![Endpoint {
                address: self.address.ip().to_string(),
                port: Some(self.address.port()),
            }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::Nothing,
            server_name: None,
            chap: Some(Chap {
                username: "kubernetes".into(),
                password: Secret::new("initiatorchap"),
                mutual: None,
            }),
            timeout: Duration::from_secs(20),
            settings: Settings(vec![("tenant".into(), "kubernetes".into())]),
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.into()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(mut stream: TlsStream<TcpStream>, answer: &Answer) {
    while let Some((path, body)) = read(&mut stream).await {
        let body = answer(&path, &body);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err()
            || stream.flush().await.is_err()
        {
            return;
        }
    }
}

/// Path and body of one request, or nothing at the end of the connection.
async fn read(stream: &mut TlsStream<TcpStream>) -> Option<(String, Value)> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return Some((head.split(' ').nth(1)?.to_owned(), body));
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        text.push_str(std::str::from_utf8(&chunk[..count]).ok()?);
    }
}
