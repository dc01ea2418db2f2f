//! The system on its socket: one document after another, credentials in each, faults and the journal.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::arguments::Arguments;
use super::codes::{self, Refusal};
use super::document::{self, Answer, Read, Request};
use super::{Array, World};
use crate::kernel::clock;
use crate::kernel::faults::Action;
use crate::kernel::journal::Entry;
use crate::kernel::listener::Speak;
use crate::kernel::lock::hold;

/// What goes back, and what the journal calls it. No text: the connection is cut instead.
struct Outcome {
    text: Option<String>,
    name: String,
}

impl Outcome {
    fn of(request: &Request, answer: &Answer) -> Self {
        let name = answer.as_ref().map_or_else(|refusal| refusal.code.clone(), |_| "ok".to_owned());
        Self { text: Some(document::answer(request, answer)), name }
    }

    fn undelivered(request: &Request, status: &str) -> Self {
        Self { text: Some(document::undelivered(request, status)), name: status.to_owned() }
    }

    fn cut(name: &str) -> Self {
        Self { text: None, name: name.to_owned() }
    }
}

impl Speak for Array {
    /// Ends without the parting words of TLS where a fault cuts the connection, as a dying peer would.
    async fn speak<S>(self: Arc<Self>, mut stream: S, connection: u64)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            match document::read(&bytes) {
                Read::Broken => return,
                Read::Whole(request, length) => {
                    bytes.drain(..length);
                    let Some(text) = self.answer(connection, &request).await else { return };
                    if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                Read::More => match stream.read(&mut chunk).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                },
            }
        }
    }
}

impl Array {
    async fn answer(&self, connection: u64, request: &Request) -> Option<String> {
        let started = std::time::Instant::now();
        let at = clock::micros(self.clock.now());
        let outcome = self.outcome(request).await;
        let parameters: Map<String, Value> = request
            .arguments
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect();
        self.journal.write(Entry {
            sequence: 0,
            connection,
            at,
            version: request.remote_target.clone().unwrap_or_default(),
            method: request.name.clone(),
            parameters: Value::Object(parameters),
            outcome: outcome.name,
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        });
        outcome.text
    }

    async fn outcome(&self, request: &Request) -> Outcome {
        let option = |name: &str| request.options.get(name).map(String::as_str);
        let login = (option("user"), option("password"));
        if login != (Some(self.credentials.username.as_str()), Some(self.credentials.password.as_str())) {
            return Outcome::of(request, &Err(codes::bad_login()));
        }
        match self.faults.strike(&request.name) {
            None => self.act(request).await,
            Some(Action::DropBefore) => Outcome::cut("fault: dropped before acting"),
            Some(Action::DropAfter) => {
                self.act(request).await;
                Outcome::cut("fault: dropped after acting")
            }
            Some(Action::Late(milliseconds)) => {
                let outcome = self.act(request).await;
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                outcome
            }
            Some(Action::Garbage) => {
                self.act(request).await;
                let text = Some("<command id=\"1\"><aserver status=\"DELI</command>".to_owned());
                Outcome { text, name: "fault: garbage".to_owned() }
            }
            Some(Action::Error(code)) => match code.strip_prefix("aserver:") {
                Some(status) => Outcome::undelivered(request, status),
                None => {
                    Outcome::of(request, &Err(Refusal::new(&code, code.replace('_', " ").to_lowercase())))
                }
            },
            Some(Action::Status(status)) => Outcome::undelivered(request, &format!("FAULT_{status}")),
        }
    }

    /// Lets the system, or the one it relays to, carry out the command after its latency.
    async fn act(&self, request: &Request) -> Outcome {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let (world, at) = (Arc::clone(&self.world), self.at);
        let (name, remote) = (request.name.clone(), request.remote_target.clone());
        let arguments = Arguments::new(request.arguments.clone());
        let work = move || carry_out(&world, at, remote.as_deref(), &name, &arguments);
        let done = if self.blocking {
            match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                Err(_) => return Outcome::cut("simulator: the command panicked"),
            }
        } else {
            work()
        };
        match done {
            Ok(answer) => Outcome::of(request, &answer),
            Err(status) => Outcome::undelivered(request, status),
        }
    }
}

/// The answer, or why it could not be brought to the system that it was meant for.
fn carry_out(
    world: &World,
    at: usize,
    remote: Option<&str>,
    name: &str,
    arguments: &Arguments,
) -> Result<Answer, &'static str> {
    let mut net = hold(&world.net);
    let Some(remote) = remote else { return Ok(net.call(at, name, arguments)) };
    let there = net.target(at, remote).map_err(|_| "TARGET_DOES_NOT_EXIST")?;
    net.reachable(at, there).map_err(|_| "TARGET_IS_NOT_CONNECTED")?;
    Ok(net.call(there, name, arguments))
}
