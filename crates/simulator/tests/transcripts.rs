//! Recorded exchanges under `tests/fixtures/solidfire`, asked of the simulator again.
//!
//! An answer must have every member of the recorded one, of the same type, and say the same where a client decides by
//! it. Identifiers may differ: each recorded one stands for the one that was answered in its place.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use perilune_simulator::{Config, Simulator};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Transcript {
    source: String,
    path: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    method: String,
    /// Where it differs from the transcript's.
    path: Option<String>,
    params: Value,
    result: Option<Value>,
    error: Option<Value>,
}

/// Members whose values are part of the protocol, not of the moment.
const TELLING: &[&str] = &[
    "status",
    "access",
    "blockSize",
    "enable512e",
    "username",
    "checksum",
    "maxIOPS",
    "minIOPS",
    "burstIOPS",
    "enableChap",
];

/// Recorded identifiers and those that stand for them now, by the member's name.
#[derive(Default)]
struct Identifiers(HashMap<(String, i64), Value>);

/// The name under which an identifier is known wherever it is used.
fn kind(member: &str) -> Option<&str> {
    match member {
        "volumeIDs" | "volumes" | "startVolumeID" | "volumeID" => Some("volumeID"),
        "accountID" | "newAccountID" | "accounts" => Some("accountID"),
        "snapshotID" | "groupSnapshotID" | "volumeAccessGroupID" | "asyncHandle" | "cloneID" => Some(member),
        _ => None,
    }
}

impl Identifiers {
    fn learn(&mut self, member: &str, recorded: &Value, answered: &Value) {
        if let (Some(kind), Some(number)) = (kind(member), recorded.as_i64()) {
            self.0.insert((kind.to_owned(), number), answered.clone());
        }
    }

    /// The parameters with the identifiers of now.
    fn translate(&self, member: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members.iter().map(|(name, v)| (name.clone(), self.translate(name, v))).collect(),
            ),
            Value::Array(items) => items.iter().map(|item| self.translate(member, item)).collect(),
            _ => {
                let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                let known = kind(member).zip(number).and_then(|(kind, n)| self.0.get(&(kind.to_owned(), n)));
                known.unwrap_or(value).clone()
            }
        }
    }

    /// What of the recorded answer is missing or otherwise in the answer.
    fn compare(
        &mut self,
        at: &str,
        member: &str,
        recorded: &Value,
        answered: &Value,
        found: &mut Vec<String>,
    ) {
        match (recorded, answered) {
            (Value::Object(recorded), Value::Object(answered)) => {
                for (name, value) in recorded {
                    let free = member == "attributes" || member == "curve";
                    match answered.get(name) {
                        Some(answer) => self.compare(&format!("{at}.{name}"), name, value, answer, found),
                        None if free => {}
                        None => found.push(format!("{at}.{name} is missing")),
                    }
                }
            }
            (Value::Array(recorded), Value::Array(answered)) => {
                for (index, (recorded, answered)) in recorded.iter().zip(answered).enumerate() {
                    self.compare(&format!("{at}[{index}]"), member, recorded, answered, found);
                }
                if recorded.len() > answered.len() {
                    found.push(format!("{at} has {} items, recorded are {}", answered.len(), recorded.len()));
                }
            }
            _ if TELLING.contains(&member) && recorded != answered => {
                found.push(format!("{at} is {answered}, recorded is {recorded}"));
            }
            _ if recorded.is_null() || answered.is_null() => {}
            _ if std::mem::discriminant(recorded) != std::mem::discriminant(answered) => {
                found.push(format!("{at} is {answered}, recorded is {recorded}"));
            }
            _ => self.learn(member, recorded, answered),
        }
    }
}

async fn replay(file: &Path) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = std::fs::read_to_string(file).expect("readable");
    let transcript: Transcript = serde_json::from_str(&text).expect("a transcript");
    assert!(!transcript.source.is_empty(), "{} names no source", file.display());
    let mut config = Config::solidfire("sf1");
    config.arrays[0].clone_delay = Duration::ZERO;
    let running = Simulator::start(config).await.expect("starts");
    let ca = reqwest::Certificate::from_pem(running.ca_pem().as_bytes()).expect("certificate");
    let client = reqwest::Client::builder().tls_certs_only([ca]).build().expect("client");
    let (mut identifiers, mut found) = (Identifiers::default(), Vec::new());
    for (index, exchange) in transcript.exchanges.into_iter().enumerate() {
        let at = format!("{}: {index} {}", file.display(), exchange.method);
        let path = exchange.path.as_deref().unwrap_or(&transcript.path);
        let url = format!("https://127.0.0.1:{}{path}", running.arrays()[0].port);
        let params = identifiers.translate("", &exchange.params);
        let body = json!({"method": exchange.method, "params": params, "id": index});
        let request = client.post(url).basic_auth("admin", Some("secret")).json(&body);
        let answer: Value = request.send().await.expect("answer").json().await.expect("JSON");
        match (exchange.result, exchange.error) {
            (Some(recorded), _) if answer["result"].is_object() => {
                identifiers.compare(&at, "", &recorded, &answer["result"], &mut found);
            }
            (None, Some(recorded)) if answer["error"]["name"] == recorded["name"] => {}
            _ => found.push(format!("{at} was answered {answer}")),
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/solidfire");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("fixtures").flatten().map(|e| e.path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    assert!(files.len() >= 2, "{files:?}");
    for file in &files {
        println!("{}", file.display());
        replay(file).await;
    }
}
