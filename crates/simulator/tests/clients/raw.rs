//! The array as anyone sees it: plain JSON-RPC, written here on its own.

use std::net::SocketAddr;
use std::time::Duration;

use perilune_simulator::{ArrayConfig, ArrayInfo, Config, Control, Running, Simulator};
use serde_json::{Value, json};

/// Running arrays and a plain client of them.
pub(crate) struct Lab {
    running: Running,
    http: reqwest::Client,
}

impl Lab {
    /// An array whose clones take this long.
    pub(crate) async fn start(clone_delay: Duration) -> Self {
        let mut config = Config::solidfire("sf1");
        config.arrays[0].clone_delay = clone_delay;
        Self::of(config).await
    }

    /// Two arrays, `sf1` and `sf2`, at addresses of their own, whose pairs catch up in this time.
    pub(crate) async fn pair(sync_delay: Duration) -> Self {
        let mut config = Config::solidfire("sf1");
        config.arrays.push(ArrayConfig::solidfire("sf2", SocketAddr::from(([127, 0, 0, 2], 0))));
        for array in &mut config.arrays {
            (array.clone_delay, array.replication.sync_delay) = (Duration::from_millis(100), sync_delay);
        }
        Self::of(config).await
    }

    pub(crate) async fn of(config: Config) -> Self {
        // Another test of this program may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let running = Simulator::start(config).await.expect("simulator starts");
        let ca = reqwest::Certificate::from_pem(running.ca_pem().as_bytes()).expect("certificate");
        let http = reqwest::Client::builder().tls_certs_only([ca]).build().expect("client");
        Self { running, http }
    }

    fn array(&self, name: &str) -> &ArrayInfo {
        self.running.arrays().iter().find(|array| array.name == name).expect("array")
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.running.arrays().iter().map(|array| array.name.as_str()).collect()
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.running.arrays().iter().map(|array| array.port).collect()
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
        self.call_at("sf1", method, params).await
    }

    pub(crate) async fn call_at(&self, array: &str, method: &str, params: Value) -> Value {
        let array = self.array(array);
        let url = format!("https://{}:{}/json-rpc/12.3", array.address, array.port);
        let request = self.http.post(url).basic_auth("admin", Some("secret"));
        let request = request.json(&json!({"method": method, "params": params, "id": 1}));
        let mut answer: Value = request.send().await.expect("answer").json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Waits until an array that was off the network answers again.
    pub(crate) async fn until_served(&self, array: &str) {
        let array = self.array(array);
        let url = format!("https://{}:{}/json-rpc/12.3", array.address, array.port);
        let served = async { while self.http.post(&url).send().await.is_err() {} };
        tokio::time::timeout(Duration::from_secs(20), served).await.expect("comes back");
    }

    /// The volume, or null.
    pub(crate) async fn volume(&self, id: &Value) -> Value {
        let listed = self.call("ListVolumes", json!({"volumeIDs": [id]})).await;
        listed["volumes"].get(0).cloned().unwrap_or(Value::Null)
    }

    /// The one volume of this name, or null.
    pub(crate) async fn named_at(&self, array: &str, name: &Value) -> Value {
        let listed = self.call_at(array, "ListVolumes", json!({"volumeName": name})).await;
        assert!(listed["volumes"].as_array().is_some_and(|volumes| volumes.len() < 2), "{listed}");
        listed["volumes"].get(0).cloned().unwrap_or(Value::Null)
    }

    pub(crate) async fn snapshots(&self, volume: &Value) -> Vec<Value> {
        let mut answer = self.call("ListSnapshots", json!({"volumeID": volume})).await;
        answer["snapshots"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn write(&self, volume: &Value, text: &str) {
        self.write_at("sf1", volume, text);
    }

    pub(crate) fn write_at(&self, array: &str, volume: &Value, text: &str) {
        let volume = volume.as_u64().expect("id");
        self.control().write(array, volume, 8192, text.as_bytes()).expect("written");
    }

    pub(crate) fn read(&self, volume: &Value, length: usize) -> String {
        self.read_at("sf1", volume, length)
    }

    pub(crate) fn read_at(&self, array: &str, volume: &Value, length: usize) -> String {
        let volume = volume.as_u64().expect("id");
        String::from_utf8(self.control().read(array, volume, 8192, length).expect("read")).expect("text")
    }

    /// Nothing is left and everything adds up.
    pub(crate) fn expect_empty(&self) {
        for name in self.names() {
            let left = self.control().statistics(name).expect("statistics");
            let kinds = (left.volumes, left.snapshots, left.group_snapshots, left.images, left.mirrors);
            assert_eq!(kinds, (0, 0, 0, 0, 0), "{name}: {left:?}");
            assert_eq!((left.provisioned_bytes, left.access_groups), (0, 0), "{name}: {left:?}");
            assert_eq!(self.control().audit(name).expect("audit"), Vec::<String>::new(), "{name}");
        }
    }
}
