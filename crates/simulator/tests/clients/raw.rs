//! The array as anyone sees it: plain JSON-RPC, written here on its own.

use std::time::Duration;

use perilune_simulator::{Config, Control, Running, Simulator};
use serde_json::{Value, json};

/// A running array and a plain client of it.
pub(crate) struct Lab {
    running: Running,
    http: reqwest::Client,
}

impl Lab {
    /// An array whose clones take this long.
    pub(crate) async fn start(clone_delay: Duration) -> Self {
        // Another test of this program may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::solidfire("sf1");
        config.arrays[0].clone_delay = clone_delay;
        let running = Simulator::start(config).await.expect("simulator starts");
        let ca = reqwest::Certificate::from_pem(running.ca_pem().as_bytes()).expect("certificate");
        let http = reqwest::Client::builder().tls_certs_only([ca]).build().expect("client");
        Self { running, http }
    }

    pub(crate) fn port(&self) -> u16 {
        self.running.arrays()[0].port
    }

    pub(crate) fn uuid(&self) -> &str {
        &self.running.arrays()[0].serial
    }

    pub(crate) fn ca_pem(&self) -> &str {
        self.running.ca_pem()
    }

    pub(crate) fn control(&self) -> &Control {
        self.running.control()
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let url = format!("https://127.0.0.1:{}/json-rpc/12.3", self.port());
        let request = self.http.post(url).basic_auth("admin", Some("secret"));
        let request = request.json(&json!({"method": method, "params": params, "id": 1}));
        let mut answer: Value = request.send().await.expect("answer").json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The volume, or null.
    pub(crate) async fn volume(&self, id: &Value) -> Value {
        let listed = self.call("ListVolumes", json!({"volumeIDs": [id]})).await;
        listed["volumes"].get(0).cloned().unwrap_or(Value::Null)
    }

    pub(crate) async fn snapshots(&self, volume: &Value) -> Vec<Value> {
        let mut answer = self.call("ListSnapshots", json!({"volumeID": volume})).await;
        answer["snapshots"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn write(&self, volume: &Value, text: &str) {
        let volume = volume.as_u64().expect("id");
        self.control().write("sf1", volume, 8192, text.as_bytes()).expect("written");
    }

    pub(crate) fn read(&self, volume: &Value, length: usize) -> String {
        let volume = volume.as_u64().expect("id");
        String::from_utf8(self.control().read("sf1", volume, 8192, length).expect("read")).expect("text")
    }

    /// Nothing is left and everything adds up.
    pub(crate) fn expect_empty(&self) {
        let left = self.control().statistics("sf1").expect("statistics");
        assert_eq!(
            (left.volumes, left.snapshots, left.group_snapshots, left.images),
            (0, 0, 0, 0),
            "{left:?}"
        );
        assert_eq!((left.provisioned_bytes, left.access_groups), (0, 0), "{left:?}");
        assert_eq!(self.control().audit("sf1").expect("audit"), Vec::<String>::new());
    }
}
