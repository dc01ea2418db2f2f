//! The layer around every call of either plugin: a span with the method and the object, one line in the log with the
//! outcome, and the guarantee that a call that was begun runs to its end and has an answer. Bodies are not looked at.

use std::task::{Context, Poll};
use std::time::Instant;

use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tower::Layer;
use tracing::{Instrument, Span, field};

use crate::status::{Code, Failure};

/// Puts the object of the present call on its log lines. Takes ids only, never a body.
pub fn note_object(id: &str) {
    Span::current().record("object", id);
}

/// Wraps the services of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observe;

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Observed<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Response<Body>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let span = tracing::info_span!("csi", method, object = field::Empty);
        // A task of its own: a caller that hangs up must not cut an attach or a create in the middle, and a panic
        // ends the task, not the connection.
        let work = tokio::spawn(self.inner.call(request).instrument(span.clone()));
        Box::pin(finish(work, method).instrument(span))
    }
}

async fn finish<E>(work: JoinHandle<Result<Response<Body>, E>>, method: String) -> Result<Response<Body>, E> {
    let started = Instant::now();
    let outcome = work.await.unwrap_or_else(|error| {
        // The words of a panic may hold anything; they are on standard error, and stay there.
        let what = if error.is_panic() { "the code panicked" } else { "the task was cancelled" };
        let message =
            format!("{method} ended without an answer: {what}; this is a fault of the plugin, see its log");
        Ok(Status::from(Failure::new(Code::Internal, message)).into_http())
    });
    if let Ok(response) = &outcome {
        report(response, &method, started);
    }
    outcome
}

/// Failures are told with their reason. What sidecars and kubelet ask all day long is told at debug level.
fn report(response: &Response<Body>, method: &str, started: Instant) {
    let took = format!("{:.3}s", started.elapsed().as_secs_f32());
    let failed =
        Status::from_header_map(response.headers()).filter(|status| status.code() != tonic::Code::Ok);
    match failed {
        Some(status) if status.code() == tonic::Code::Aborted => {
            tracing::info!(code = ?status.code(), took, "not done now: {}", status.message());
        }
        Some(status) => tracing::warn!(code = ?status.code(), took, "failed: {}", status.message()),
        None if is_chatter(method) => tracing::debug!(took, "done"),
        None => tracing::info!(took, "done"),
    }
}

fn is_chatter(method: &str) -> bool {
    matches!(method, "Probe" | "GetPluginInfo" | "GetCapacity" | "NodeGetVolumeStats" | "ListVolumes")
        || method.ends_with("Capabilities") && method.contains("Get")
}
