//! The session: one method call and its answer. Knows no volume.

use std::sync::atomic::{AtomicU64, Ordering};

use perilune_array::{ConnectSpec, Error, ErrorKind, Result, Trust, Vendor};
use perilune_wire::{Address, Client, Login, Plan, Redaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault;
use crate::protocol::version::{self, ApiAnswer};
use crate::protocol::{NoParams, Nothing, Request, Response};

/// A whole cluster's snapshots are listed in one answer, about a kilobyte each.
const LONGEST_ANSWER: usize = 64 << 20;

#[derive(Debug)]
pub(crate) struct Session {
    http: Client,
    sent: AtomicU64,
    /// Of the version that is spoken.
    path: String,
}

impl Session {
    /// Prepares a session; sends nothing yet.
    pub(crate) fn new(spec: &ConnectSpec) -> Result<Self> {
        let chap = spec.chap.iter();
        let secrets =
            chap.flat_map(|chap| [Some(&chap.password), chap.mutual.as_ref().map(|login| &login.password)]);
        let address = |endpoint: &perilune_array::Endpoint| Address {
            host: endpoint.address.clone(),
            port: endpoint.port.unwrap_or(Vendor::Solidfire.management_port()),
        };
        let plan = Plan {
            addresses: spec.endpoints.iter().map(address).collect(),
            trust: match &spec.trust {
                Trust::System => perilune_wire::Trust::System,
                Trust::Bundle(pem) => perilune_wire::Trust::Bundle(pem.clone()),
                Trust::Nothing => perilune_wire::Trust::Nothing,
            },
            server_name: spec.server_name.clone(),
            login: Login {
                username: spec.credentials.username.clone(),
                password: spec.credentials.password.reveal().to_owned(),
            },
            timeout: spec.timeout,
            longest_answer: LONGEST_ANSWER,
            redaction: Redaction::new(secrets.flatten().map(|secret| secret.reveal().to_owned())),
        };
        let http = Client::new(plan).map_err(|error| fault::unanswered("connecting", error))?;
        Ok(Self { http, sent: AtomicU64::new(0), path: version::ASKING.to_owned() })
    }

    /// Agrees with the cluster on the version to speak from now on.
    pub(crate) async fn agree(mut self) -> Result<Self> {
        let answer: ApiAnswer = self.call("GetAPI", NoParams {}).await?;
        let agreed = version::best(&answer.supported_versions);
        self.path = agreed.map_err(|what| Error::new(ErrorKind::Unsupported, self.http.clean(&what)))?;
        Ok(self)
    }

    /// Text of the array's, fit to be shown.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.http.clean(text)
    }

    /// Calls a method that answers something.
    pub(crate) async fn call<R: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<R> {
        self.send(method, params)
            .await?
            .ok_or_else(|| fault::garbled(method, "it holds neither result nor error"))
    }

    /// Calls a method whose answer says only that it was done; some versions answer null then.
    pub(crate) async fn act(&self, method: &str, params: impl Serialize) -> Result<()> {
        self.send::<Nothing>(method, params).await.map(|_| ())
    }

    async fn send<R: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<Option<R>> {
        let id = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let request = Request { method, params, id };
        let response: Response<R> =
            self.http.post(&self.path, &request).await.map_err(|error| fault::unanswered(method, error))?;
        if response.id != Some(id) {
            return Err(fault::garbled(method, "it belongs to another call"));
        }
        match response.error {
            Some(_) if response.result.is_some() => {
                Err(fault::garbled(method, "it holds both result and error"))
            }
            Some(refusal) => {
                let (name, text) = (self.http.clean(&refusal.name), self.http.clean(&refusal.message));
                Err(fault::refused(method, &name, &text))
            }
            None => Ok(response.result),
        }
    }
}
