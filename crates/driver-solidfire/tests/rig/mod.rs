//! Simulated clusters and the ways to them.
#![allow(dead_code, reason = "each test program uses a part")]

use std::net::SocketAddr;
use std::time::Duration;

use perilune_array::{Chap, ConnectSpec, Credentials, Endpoint, Result, Secret, Settings, Trust, Vendor};
use perilune_driver_solidfire::Solidfire;
use perilune_simulator::{ArrayConfig, Config, PoolConfig, Running, Simulator};
use perilune_wire::{Address, Client, Login, Plan, Redaction};
use serde_json::{Value, json};

/// The name of the simulated array, and how many volumes it takes.
pub(crate) const ARRAY: &str = "sf1";
pub(crate) const VOLUMES: usize = 8;

pub(crate) const TENANT: &str = "kubernetes";
pub(crate) const CHAP_SECRET: &str = "initiatorchap";

/// The other cluster, where there is one.
pub(crate) const PEER: &str = "sf2";

pub(crate) struct Rig {
    pub(crate) running: Running,
    pub(crate) spec: ConnectSpec,
}

/// How hosts reach volumes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Chap,
    Groups,
    /// The same, with Fibre Channel ports too.
    GroupsWithFibre,
}

fn cluster(name: &str, by: By) -> ArrayConfig {
    let address = if name == PEER { [127, 0, 0, 2] } else { [127, 0, 0, 1] };
    let mut array = ArrayConfig::solidfire(name, SocketAddr::from((address, 0)));
    array.pools = vec![PoolConfig::of(20_000_000_000)];
    let limits = [
        ("volumeCountMax", VOLUMES as u64),
        ("volumesPerVolumeAccessGroupCountMax", 3),
        ("snapshotsPerVolumeMax", 5),
    ];
    array.limits = limits.into_iter().map(|(name, limit)| (name.to_owned(), limit)).collect();
    array.clone_delay = Duration::from_secs(60);
    if by == By::GroupsWithFibre {
        array.fc = vec!["5f:47:ac:c0:00:00:00:01".to_owned(), "5f:47:ac:c0:00:00:00:02".to_owned()];
    }
    array
}

impl Rig {
    /// A small cluster whose clones take their time, reached by CHAP.
    pub(crate) async fn start() -> Self {
        Self::of(By::Chap).await
    }

    pub(crate) async fn of(by: By) -> Self {
        Self::of_clusters(by, &[ARRAY]).await
    }

    /// Two clusters that can reach each other.
    pub(crate) async fn two(by: By) -> Self {
        Self::of_clusters(by, &[ARRAY, PEER]).await
    }

    async fn of_clusters(by: By, names: &[&str]) -> Self {
        let mut config = Config::solidfire(ARRAY);
        config.arrays = names.iter().map(|name| cluster(name, by)).collect();
        let running = Simulator::start(config).await.expect("simulated clusters");
        let spec = spec(&running, 0, by);
        Self { running, spec }
    }

    pub(crate) async fn connect(&self) -> Result<Solidfire> {
        Solidfire::connect(&self.spec).await
    }

    pub(crate) async fn connect_peer(&self, by: By) -> Result<Solidfire> {
        Solidfire::connect(&spec(&self.running, 1, by)).await
    }

    /// What an administrator does at the cluster.
    pub(crate) async fn admin(&self, method: &str, params: Value) -> Value {
        let at = &self.running.arrays()[0];
        let plan = Plan {
            addresses: vec![Address { host: at.address.to_string(), port: at.port }],
            trust: perilune_wire::Trust::Bundle(self.running.ca_pem().to_owned()),
            server_name: None,
            login: Login { username: "admin".into(), password: "secret".into() },
            timeout: Duration::from_secs(20),
            longest_answer: 1 << 20,
            redaction: Redaction::default(),
        };
        let request = json!({"method": method, "params": params, "id": 1});
        let answer: Value =
            Client::new(plan).expect("a client").post("/json-rpc/12.3", &request).await.expect("an answer");
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }
}

fn spec(running: &Running, at: usize, by: By) -> ConnectSpec {
    let at = &running.arrays()[at];
    let mut settings = vec![("tenant", TENANT), ("clusterPairing", "Managed")];
    if by != By::Chap {
        settings.push(("useCHAP", "false"));
    }
    let chap = Chap { username: TENANT.into(), password: Secret::new(CHAP_SECRET), mutual: None };
    ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: vec![Endpoint { address: at.address.to_string(), port: Some(at.port) }],
        credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
        trust: Trust::Bundle(running.ca_pem().to_owned()),
        server_name: None,
        chap: (by == By::Chap).then_some(chap),
        timeout: Duration::from_secs(20),
        settings: Settings(settings.into_iter().map(|(key, value)| (key.into(), value.into())).collect()),
    }
}
