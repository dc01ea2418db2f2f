//! The health endpoint: `/healthz` while the process can answer, `/readyz` once it is ready, `/metrics` for
//! Prometheus. Plain HTTP, read only, nothing in it is secret.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// How long a peer may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A health endpoint that listens; [`Health::serve`] answers.
#[derive(Debug)]
pub struct Health {
    listener: TcpListener,
    ready: watch::Receiver<bool>,
    metrics: Metrics,
}

impl Health {
    /// Listens at `address`.
    pub async fn bind(
        address: SocketAddr,
        ready: watch::Receiver<bool>,
        metrics: Metrics,
    ) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, ready, metrics })
    }

    /// Where it listens, for a bind to port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    pub async fn serve(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(answer_one(stream, self.ready.clone(), self.metrics.clone()));
                }
                // Out of descriptors, most likely: it passes, and a tight loop would not help it pass.
                Err(error) => {
                    tracing::warn!("the health endpoint could not take a connection: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn answer_one(stream: TcpStream, ready: watch::Receiver<bool>, metrics: Metrics) {
    let respond = service_fn(move |request: Request<Incoming>| {
        let response = route(request.uri().path(), *ready.borrow(), &metrics);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), respond);
    if let Err(error) = connection.await {
        tracing::debug!("a connection to the health endpoint ended early: {error}");
    }
}

fn route(path: &str, ready: bool, metrics: &Metrics) -> Response<Full<Bytes>> {
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if ready => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n"),
        "/metrics" => match metrics.text() {
            Ok(families) => {
                let mut response = text(StatusCode::OK, families);
                let kind =
                    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n"),
        },
        _ => text(StatusCode::NOT_FOUND, "try /healthz, /readyz or /metrics\n"),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test]
    async fn readiness_follows_the_process_and_health_does_not() {
        let (ready, watched) = watch::channel(false);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let health = Health::bind(address, watched, Metrics::new("test", "0")).await.unwrap();
        let address = health.address().unwrap();
        tokio::spawn(health.serve());
        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        ready.send(true).unwrap();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").await.contains("perilune_build_info"));
        assert!(get(address, "/secret").await.starts_with("HTTP/1.1 404"));
    }
}
