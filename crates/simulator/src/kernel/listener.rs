//! A listening socket, with TLS or not, that can be taken off the network and put back; and HTTP/1.1 to speak on it.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::lock::hold;

pub(crate) type Answer = Response<Full<Bytes>>;

/// The connection is to be cut instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("connection cut")]
pub(crate) struct Cut;

/// Talks with one client until either has enough.
pub(crate) trait Speak: Send + Sync + 'static {
    fn speak<S>(self: Arc<Self>, stream: S, connection: u64) -> impl Future<Output = ()> + Send
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static;
}

/// Answers the HTTP requests of one listener.
pub(crate) trait Face: Send + Sync + 'static {
    fn answer(
        &self,
        connection: u64,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Answer, Cut>> + Send;
}

/// What can be changed while the listener runs.
#[derive(Debug)]
pub(crate) struct Switch {
    online: watch::Sender<bool>,
    tls: Option<Mutex<Arc<ServerConfig>>>,
    connections: AtomicU64,
}

impl Switch {
    pub(crate) fn new(tls: Option<Arc<ServerConfig>>) -> Self {
        Self { online: watch::Sender::new(true), tls: tls.map(Mutex::new), connections: AtomicU64::new(0) }
    }

    /// Off: the socket is closed, connections are cut and new ones refused.
    pub(crate) fn set_online(&self, online: bool) {
        self.online.send_replace(online);
    }

    /// New connections get this certificate. Without meaning for a listener without TLS.
    pub(crate) fn present(&self, config: Arc<ServerConfig>) {
        if let Some(tls) = &self.tls {
            *hold(tls) = config;
        }
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    fn acceptor(&self) -> Option<TlsAcceptor> {
        self.tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&hold(tls))))
    }
}

/// Serves `listener` until the task is aborted.
pub(crate) fn serve<F: Speak>(
    listener: TcpListener,
    switch: Arc<Switch>,
    face: Arc<F>,
) -> io::Result<JoinHandle<()>> {
    let address = listener.local_addr()?;
    Ok(tokio::spawn(async move {
        let mut listener = listener;
        let mut online = switch.online.subscribe();
        loop {
            tokio::select! {
                () = accept(&listener, &switch, &face) => return,
                _ = online.wait_for(|online| !online) => {}
            }
            drop(listener);
            if online.wait_for(|online| *online).await.is_err() {
                return;
            }
            listener = match TcpListener::bind(address).await {
                Ok(listener) => listener,
                Err(_) => return,
            };
        }
    }))
}

/// Accepts and serves connections. Dropping it cuts them, because the set aborts what it holds.
async fn accept<F: Speak>(listener: &TcpListener, switch: &Switch, face: &Arc<F>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let number = switch.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let (tls, face) = (switch.acceptor(), Arc::clone(face));
                let _ = socket.set_nodelay(true);
                running.spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(socket).await {
                                face.speak(stream, number).await;
                            }
                        }
                        None => face.speak(socket, number).await,
                    }
                });
            }
            Some(_) = running.join_next() => {}
        }
    }
}

impl<F: Face> Speak for F {
    async fn speak<S>(self: Arc<Self>, stream: S, connection: u64)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let face = Arc::clone(&self);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
                face.answer(connection, Request::from_parts(head, body)).await
            }
        });
        // A connection that ends badly is the client's affair; the journal has what was asked.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}

/// An answer with a body of this type.
pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::OK);
    if let Ok(value) = hyper::header::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, value);
    }
    response
}
