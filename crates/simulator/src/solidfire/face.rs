//! The cluster's HTTP face: path and version, credentials, the envelope of request and answer, faults and the journal.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request};
use serde_json::{Map, Value, json};

use super::codes::Refusal;
use super::{Array, methods};
use crate::config::Credentials;
use crate::kernel::clock;
use crate::kernel::faults::Action;
use crate::kernel::journal::Entry;
use crate::kernel::listener::{Answer, Cut, Face, answer};
use crate::kernel::lock::hold;

pub(crate) fn authorization(credentials: &Credentials) -> String {
    format!("Basic {}", BASE64.encode(format!("{}:{}", credentials.username, credentials.password)))
}

/// A request as far as it could be understood.
struct Call {
    method: String,
    params: Map<String, Value>,
    id: Value,
    version: String,
}

/// What goes back, and what the journal calls it.
struct Outcome {
    answer: Result<Answer, Cut>,
    name: String,
}

impl Outcome {
    fn html(status: u16, title: &str) -> Self {
        let body = format!(
            "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {title}</title>\n\
             </head><body>\n<h1>{status} {title}.</h1>\n</body></html>\n"
        );
        Self { answer: Ok(answer(status, "text/html; charset=iso-8859-1", body)), name: status.to_string() }
    }

    fn cut(name: &str) -> Self {
        Self { answer: Err(Cut), name: name.to_owned() }
    }

    fn refused(id: &Value, refusal: &Refusal) -> Self {
        let error = json!({"code": 500, "name": refusal.name, "message": refusal.message});
        Self::json(&json!({"id": id, "error": error}), &refusal.name)
    }

    fn json(body: &Value, name: &str) -> Self {
        Self { answer: Ok(answer(200, "application/json-rpc", body.to_string())), name: name.to_owned() }
    }
}

impl Face for Array {
    async fn answer(&self, connection: u64, request: Request<Bytes>) -> Result<Answer, Cut> {
        let started = std::time::Instant::now();
        let at = clock::micros(self.clock.now());
        let call = read(&request);
        let outcome = self.outcome(&request, &call).await;
        self.journal.write(Entry {
            sequence: 0,
            connection,
            at,
            version: call.version,
            method: call.method,
            parameters: Value::Object(call.params),
            outcome: outcome.name,
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        });
        outcome.answer
    }
}

impl Array {
    async fn outcome(&self, request: &Request<Bytes>, call: &Call) -> Outcome {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if given != Some(self.authorization.as_str()) {
            return Outcome::html(401, "Unauthorized");
        }
        if !methods::SUPPORTED_VERSIONS.contains(&call.version.as_str()) {
            return Outcome::html(404, "Not Found");
        }
        if request.method() != Method::POST {
            return Outcome::html(405, "Method Not Allowed");
        }
        if call.method.is_empty() {
            return Outcome::refused(
                &Value::Null,
                &Refusal::new("xParseError", "The request is no JSON-RPC call."),
            );
        }
        match self.faults.strike(&call.method) {
            None => self.act(call).await,
            Some(Action::DropBefore) => Outcome::cut("fault: dropped before acting"),
            Some(Action::DropAfter) => {
                self.act(call).await;
                Outcome::cut("fault: dropped after acting")
            }
            Some(Action::Late(milliseconds)) => {
                let outcome = self.act(call).await;
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                outcome
            }
            Some(Action::Garbage) => {
                self.act(call).await;
                let garbage = answer(200, "application/json-rpc", "{\"id\":1,\"resu");
                Outcome { answer: Ok(garbage), name: "fault: garbage".to_owned() }
            }
            Some(Action::Error(name)) => Outcome::refused(&call.id, &Refusal::new(&name, name.clone())),
            Some(Action::Status(401)) => Outcome::html(401, "Unauthorized"),
            Some(Action::Status(status)) => Outcome::html(status, "Fault"),
        }
    }

    /// Lets the cluster carry out the call, after its latency.
    async fn act(&self, call: &Call) -> Outcome {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let cluster = Arc::clone(&self.cluster);
        let (method, version, params) = (call.method.clone(), call.version.clone(), call.params.clone());
        let work = move || hold(&cluster).call(&method, &version, params);
        let result = if self.blocking {
            match tokio::task::spawn_blocking(work).await {
                Ok(result) => result,
                Err(_) => return Outcome::cut("simulator: the call panicked"),
            }
        } else {
            work()
        };
        match result {
            Ok((result, unused)) => {
                let mut body = json!({"id": call.id, "result": result});
                if !unused.is_empty() {
                    body["unusedParameters"] = Value::Object(unused);
                }
                Outcome::json(&body, "ok")
            }
            Err(refusal) => Outcome::refused(&call.id, &refusal),
        }
    }
}

/// What can be read of a request; an empty method says that the body is no call.
fn read(request: &Request<Bytes>) -> Call {
    let path = request.uri().path();
    let version = path.strip_prefix("/json-rpc/").map_or("", |rest| rest.strip_suffix('/').unwrap_or(rest));
    let body = serde_json::from_slice(request.body());
    let Ok(Value::Object(mut body)) = body else { return Call::unreadable(version) };
    let params = match body.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Call::unreadable(version),
    };
    let Some(Value::String(method)) = body.remove("method") else { return Call::unreadable(version) };
    Call { method, params, id: body.remove("id").unwrap_or(Value::Null), version: version.to_owned() }
}

impl Call {
    fn unreadable(version: &str) -> Self {
        Self { method: String::new(), params: Map::new(), id: Value::Null, version: version.to_owned() }
    }
}
