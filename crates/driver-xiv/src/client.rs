//! The session: one command and its answer. Knows no volume.

use std::sync::atomic::{AtomicU64, Ordering};

use perilune_array::{ConnectSpec, Credentials, Result, Trust, Vendor};
use perilune_wire::{Address, Line, Login, Plan, Redaction};

use crate::fault;
use crate::protocol::{Answer, Command, Frame, Row, read};

/// All volumes and snapshots of a system come in one answer, less than a kilobyte each.
const LONGEST_ANSWER: usize = 64 << 20;

#[derive(Debug)]
pub(crate) struct Session {
    line: Line,
    login: Credentials,
    sent: AtomicU64,
}

impl Session {
    /// Prepares a session; sends nothing yet.
    pub(crate) fn new(spec: &ConnectSpec) -> Result<Self> {
        let chap = spec.chap.iter().map(|chap| chap.password.reveal().to_owned());
        let address = |endpoint: &perilune_array::Endpoint| Address {
            host: endpoint.address.clone(),
            port: endpoint.port.unwrap_or(Vendor::Xiv.management_port()),
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
            redaction: Redaction::new(chap),
        };
        let line = Line::new(plan).map_err(|error| fault::unanswered("connecting", error))?;
        Ok(Self { line, login: spec.credentials.clone(), sent: AtomicU64::new(0) })
    }

    /// Has a command carried out and gives its rows.
    pub(crate) async fn call(&self, command: Command) -> Result<Vec<Row>> {
        let (name, id) = (command.name, self.sent.fetch_add(1, Ordering::Relaxed) + 1);
        let question = command.written(id, &self.login.username, self.login.password.reveal());
        let mut frame = Frame::default();
        let answer = self.line.ask(question.as_bytes(), |piece| frame.feed(piece)).await;
        let answer = answer.map_err(|error| fault::unanswered(name, error))?;
        let text = std::str::from_utf8(&answer).map_err(|_| fault::garbled(name, "it is no text"))?;
        match read(text, id).map_err(|reason| fault::garbled(name, self.line.clean(&reason)))? {
            Answer::Done(rows) => Ok(rows),
            Answer::Refused { code, text } => {
                Err(fault::refused(name, &self.line.clean(&code), &self.line.clean(&text)))
            }
            Answer::Undelivered(status) => {
                Err(fault::undelivered(name, command.is_relayed(), &self.line.clean(&status)))
            }
        }
    }

    /// Has a command carried out whose rows nobody needs.
    pub(crate) async fn act(&self, command: Command) -> Result<()> {
        self.call(command).await.map(drop)
    }
}
