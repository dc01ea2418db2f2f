//! The same control over HTTP, for tests that have the simulator in another process.
//!
//! `GET /clock`, `POST /clock {"advance":"8h"}`, and below `/arrays/NAME`: `GET|DELETE journal`, `GET|POST|DELETE
//! faults`, `PUT online true|false`, `PUT link true|false`, `PUT wrong-certificate true|false`, `PUT fullness 1..5`, `GET statistics`,
//! `GET audit`, `GET|PUT volumes/ID/data?offset=N&length=N` (octets).

use bytes::Bytes;
use hyper::{Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Control, ControlError};
use crate::config::parse_duration;
use crate::kernel::listener::{Answer, Cut, Face, answer};

#[derive(Debug)]
pub(crate) struct ControlFace(pub(crate) Control);

/// Status and text of a request that was not carried out.
struct Refusal(u16, String);

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::NoSuchArray(_) => 404,
            ControlError::Refused { .. } => 409,
        };
        Self(status, error.to_string())
    }
}

type Reply = Result<Answer, Refusal>;

impl Face for ControlFace {
    async fn answer(&self, _connection: u64, request: Request<Bytes>) -> Result<Answer, Cut> {
        let path = request.uri().path().trim_matches('/').to_owned();
        let segments: Vec<&str> = path.split('/').collect();
        let reply = match segments.as_slice() {
            ["clock"] => self.clock(&request),
            ["arrays", array, "volumes", volume, "data"] => self.data(array, volume, &request),
            ["arrays", array, what] => self.array(array, what, &request),
            _ => Err(unknown(&request)),
        };
        Ok(reply.unwrap_or_else(|Refusal(status, text)| answer(status, "text/plain", text + "\n")))
    }
}

impl ControlFace {
    fn clock(&self, request: &Request<Bytes>) -> Reply {
        if *request.method() == Method::POST {
            let body: Value = body(request)?;
            let by = body["advance"].as_str().and_then(parse_duration);
            self.0
                .advance(by.ok_or_else(|| Refusal(400, "advance must be a duration such as 8h".to_owned()))?);
        }
        reply(&json!({"now": self.0.now()}))
    }

    fn array(&self, array: &str, what: &str, request: &Request<Bytes>) -> Reply {
        let control = &self.0;
        match (request.method().as_str(), what) {
            ("GET", "journal") => reply(&control.journal(array)?),
            ("DELETE", "journal") => done(control.clear_journal(array)),
            ("GET", "faults") => reply(&control.faults(array)?),
            ("POST", "faults") => done(control.order(array, body(request)?)),
            ("DELETE", "faults") => done(control.clear_faults(array)),
            ("PUT", "online") => done(control.set_online(array, body(request)?)),
            ("PUT", "link") => done(control.set_link(array, body(request)?)),
            ("PUT", "wrong-certificate") => done(control.set_wrong_certificate(array, body(request)?)),
            ("PUT", "fullness") => done(control.set_fullness(array, body(request)?)),
            ("GET", "statistics") => reply(&control.statistics(array)?),
            ("GET", "audit") => reply(&control.audit(array)?),
            _ => Err(unknown(request)),
        }
    }

    fn data(&self, array: &str, volume: &str, request: &Request<Bytes>) -> Reply {
        let bad = || Refusal(400, "the volume's number, offset and length must be numbers".to_owned());
        let volume = volume.parse().map_err(|_| bad())?;
        let number = |name: &str| {
            let query = request.uri().query().unwrap_or_default();
            let value =
                query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
            value.map_or(Ok(0), |(_, value)| value.parse::<u64>().map_err(|_| bad()))
        };
        let offset = number("offset")?;
        match request.method().as_str() {
            "GET" => {
                let length = usize::try_from(number("length")?).map_err(|_| bad())?;
                let data = self.0.read(array, volume, offset, length)?;
                Ok(answer(200, "application/octet-stream", data))
            }
            "PUT" => done(self.0.write(array, volume, offset, request.body())),
            _ => Err(unknown(request)),
        }
    }
}

fn unknown(request: &Request<Bytes>) -> Refusal {
    Refusal(404, format!("the control knows no {} {}", request.method(), request.uri().path()))
}

fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body()).map_err(|error| Refusal(400, format!("request body: {error}")))
}

fn reply<T: Serialize>(value: &T) -> Reply {
    let text = serde_json::to_vec(value).map_err(|error| Refusal(500, error.to_string()))?;
    Ok(answer(200, "application/json", text))
}

fn done(result: Result<(), ControlError>) -> Reply {
    result?;
    Ok(answer(204, "text/plain", ""))
}
