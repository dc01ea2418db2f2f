//! One session with one array: JSON over HTTP, on whichever of its addresses answers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Redaction, Result, Trust, trust};

/// No wait for a connection is longer, so that a dead address does not eat the time of a living one.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// Idle connections go before an array is likely to close them under a call.
const IDLE: Duration = Duration::from_secs(30);

/// A management address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// DNS name or IP address, without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

/// A login sent with every call.
#[derive(Clone)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What it takes to reach an array.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Tried in order; the last that answered is tried first.
    pub addresses: Vec<Address>,
    pub trust: Trust,
    /// The name to ask the certificate for, where it is not the address.
    pub server_name: Option<String>,
    pub login: Login,
    /// The longest wait for one answer.
    pub timeout: Duration,
    /// Longer answers are not read.
    pub longest_answer: usize,
    /// Secrets beside the login's that an answer might quote.
    pub redaction: Redaction,
}

/// A keep-alive session. Calls may run side by side.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    plan: Plan,
    /// Which address answered last.
    good: AtomicUsize,
}

impl Client {
    /// Prepares a session; sends nothing yet.
    pub fn new(mut plan: Plan) -> Result<Self> {
        plan.redaction = plan.redaction.and(&plan.login.password);
        if plan.addresses.is_empty() {
            return Err(Error::Setup("an array needs a management address".to_owned()));
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::config(&plan.trust, plan.server_name.as_deref())?)
            .https_only(true)
            // The credentials go to the array and to nobody else.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(LONGEST_CONNECT.min(plan.timeout / 2))
            .timeout(plan.timeout)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| Error::Setup(format!("HTTP client cannot be set up: {error}")))?;
        Ok(Self { http, plan, good: AtomicUsize::new(0) })
    }

    /// Posts JSON and reads JSON. Goes on to the next address only while the call was certainly not delivered.
    pub async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A> {
        let body =
            serde_json::to_vec(body).map_err(|error| Error::Setup(format!("request is no JSON: {error}")))?;
        let count = self.plan.addresses.len();
        let first = self.good.load(Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let at = (first + tried) % count;
            tried += 1;
            let address = &self.plan.addresses[at];
            let answer = self.post_to(address, path, body.clone()).await;
            match answer {
                Err(error) if error.certainly_not_delivered() && tried < count => {
                    tracing::warn!(address = %address, %error, "trying the array's next address");
                }
                Err(error) if error.certainly_not_delivered() => return Err(error),
                answered => {
                    self.good.store(at, Ordering::Relaxed);
                    return answered;
                }
            }
        }
    }

    async fn post_to<A: DeserializeOwned>(&self, address: &Address, path: &str, body: Vec<u8>) -> Result<A> {
        let address_text = address.to_string();
        let login = &self.plan.login;
        let response = self
            .http
            .post(format!("https://{address_text}{path}"))
            .basic_auth(&login.username, Some(&login.password))
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| Error::of_send(&address_text, error.without_url()))?;
        let code = response.status();
        let bytes = self.read(&address_text, response).await?;
        if !code.is_success() {
            let text = self.clean(&String::from_utf8_lossy(&bytes));
            return Err(Error::Status { address: address_text, code: code.as_u16(), text });
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let reason = self.clean(&error.to_string());
            Error::Garbled { address: address_text, reason }
        })
    }

    async fn read(&self, address: &str, mut response: reqwest::Response) -> Result<Vec<u8>> {
        let longest = self.plan.longest_answer;
        let mut bytes = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| Error::of_body(address, error.without_url()))?
        {
            if bytes.len() + chunk.len() > longest {
                let reason = format!("it is longer than {longest} bytes");
                return Err(Error::Garbled { address: address.to_owned(), reason });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Text of the array's, fit to be shown.
    pub fn clean(&self, text: &str) -> String {
        self.plan.redaction.clean(text)
    }
}
