//! The cluster's rules, asked through calls as a client would make them.

mod access;
mod interleavings;
mod many;
mod pair_interleavings;
mod pairing;
mod qos;
mod scale;
mod snapshots;
mod volumes;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::{Value, json};

use super::Cluster;
use crate::config::{ArrayConfig, Config};
use crate::kernel::clock::Clock;
use crate::solidfire::Links;

const GIB: u64 = 1 << 30;

/// A cluster with one account, and its clock.
struct Bench {
    cluster: Cluster,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ArrayConfig)) -> Self {
        let mut config = Config::solidfire("sf1").arrays.remove(0);
        config.unique_id = Some("3eeu".to_owned());
        config.clone_delay = Duration::from_secs(10);
        change(&mut config);
        Self::among(&config, Ipv4Addr::LOCALHOST, Clock::new(), Links::default())
    }

    fn among(config: &ArrayConfig, mvip: Ipv4Addr, clock: Clock, links: Links) -> Self {
        let cluster = Cluster::new(config, IpAddr::V4(mvip), clock.clone(), links);
        let mut bench = Self { cluster, clock };
        bench.call("AddAccount", json!({"username": "tenant"}));
        bench
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let Value::Object(params) = params else { panic!("parameters are an object") };
        self.cluster.call(method, "12.3", params).map(|(result, _)| result).map_err(|refusal| refusal.name)
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.answer(method, params).unwrap_or_else(|name| panic!("{method} was refused: {name}"))
    }

    fn refusal(&mut self, method: &str, params: Value) -> String {
        self.answer(method, params).expect_err("refused")
    }

    fn create(&mut self, name: &str, bytes: u64) -> u64 {
        let params = json!({"name": name, "accountID": 1, "totalSize": bytes, "enable512e": true});
        self.call("CreateVolume", params)["volumeID"].as_u64().expect("id")
    }

    fn volume(&mut self, id: u64) -> Value {
        let listed = self.call("ListVolumes", json!({"volumeIDs": [id]}));
        listed["volumes"].get(0).cloned().unwrap_or(Value::Null)
    }

    fn snapshot(&mut self, volume: u64) -> u64 {
        self.call("CreateSnapshot", json!({"volumeID": volume}))["snapshotID"].as_u64().expect("id")
    }

    fn write(&mut self, volume: u64, text: &str) {
        self.cluster.write(volume, 0, text.as_bytes()).expect("written");
    }

    fn read(&mut self, volume: u64) -> String {
        let bytes = self.cluster.read(volume, 0, 16).expect("read");
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
    }

    fn later(&mut self, by: Duration) {
        self.clock.advance(by);
        self.cluster.settle().expect("settles");
    }

    fn expect_sound(&self) {
        assert_eq!(self.cluster.audit(), Vec::<String>::new());
    }
}
