//! A simulated cluster and the way to it.

use std::collections::BTreeMap;
use std::time::Duration;

use perilune_array::{Chap, ConnectSpec, Credentials, Endpoint, Result, Secret, Settings, Trust, Vendor};
use perilune_driver_solidfire::Solidfire;
use perilune_simulator::{Config, PoolConfig, Running, Simulator};

/// The name of the simulated array, and how many volumes it takes.
pub(crate) const ARRAY: &str = "sf1";
pub(crate) const VOLUMES: usize = 8;

pub(crate) const TENANT: &str = "kubernetes";
pub(crate) const CHAP_SECRET: &str = "initiatorchap";

pub(crate) struct Rig {
    pub(crate) running: Running,
    pub(crate) spec: ConnectSpec,
}

impl Rig {
    /// A small cluster whose clones take their time.
    pub(crate) async fn start() -> Self {
        let mut config = Config::solidfire(ARRAY);
        let array = &mut config.arrays[0];
        array.pools = vec![PoolConfig::of(20_000_000_000)];
        array.limits = BTreeMap::from([("volumeCountMax".to_owned(), VOLUMES as u64)]);
        array.clone_delay = Duration::from_secs(60);
        let running = Simulator::start(config).await.expect("a simulated cluster");
        let at = &running.arrays()[0];
        let spec = ConnectSpec {
            vendor: Vendor::Solidfire,
            endpoints: vec![Endpoint { address: at.address.to_string(), port: Some(at.port) }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::Bundle(running.ca_pem().to_owned()),
            server_name: None,
            chap: Some(Chap { username: TENANT.into(), password: Secret::new(CHAP_SECRET), mutual: None }),
            timeout: Duration::from_secs(20),
            settings: Settings(vec![("tenant".into(), TENANT.into())]),
        };
        Self { running, spec }
    }

    pub(crate) async fn connect(&self) -> Result<Solidfire> {
        Solidfire::connect(&self.spec).await
    }
}
