//! The journal of requests: what was asked, on which connection, how it was answered and how long it took.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::hold;

/// The oldest entries give way beyond this many, so that a long run does not grow without end.
const KEPT: usize = 200_000;

/// One request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 since the array started, also across clearing.
    pub sequence: u64,
    /// Counts connections; calls with one number shared a connection.
    pub connection: u64,
    /// When the request had arrived, on the simulator's clock.
    pub at: String,
    /// Endpoint version of the request's path.
    pub version: String,
    pub method: String,
    /// As sent, secrets blotted out.
    pub parameters: Value,
    /// `ok`, the array's error name, or what a fault did instead.
    pub outcome: String,
    pub milliseconds: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Entry>,
    written: u64,
}

impl Journal {
    /// Adds an entry and gives it its sequence number.
    pub(crate) fn write(&self, mut entry: Entry) {
        let mut inner = hold(&self.0);
        inner.written += 1;
        entry.sequence = inner.written;
        redact(&mut entry.parameters);
        inner.entries.push_back(entry);
        if inner.entries.len() > KEPT {
            inner.entries.pop_front();
        }
    }

    pub(crate) fn read(&self) -> Vec<Entry> {
        hold(&self.0).entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        hold(&self.0).entries.clear();
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let lower = name.to_lowercase();
                if lower.contains("secret") || lower.contains("password") || lower.contains("pairingkey") {
                    *member = Value::from("***");
                } else {
                    redact(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
