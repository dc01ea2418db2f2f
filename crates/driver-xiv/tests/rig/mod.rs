//! Simulated systems of the family and the ways to them.

use std::collections::BTreeMap;
use std::time::Duration;

use perilune_array::{ConnectSpec, Credentials, Endpoint, Result, Secret, Settings, Trust, Vendor};
use perilune_driver_xiv::Xiv;
use perilune_simulator::{Config, PoolConfig, Running, Simulator};

/// The names of the simulated arrays.
pub(crate) const ARRAY: &str = "xiv1";
pub(crate) const PEER: &str = "xiv2";

pub(crate) struct Rig {
    pub(crate) running: Running,
}

impl Rig {
    /// Two systems of a model that mirror to each other, whose first copies take their time.
    pub(crate) async fn start(model: &str, volumes: u64) -> Self {
        let mut config = Config::xiv(&[ARRAY, PEER]);
        for array in &mut config.arrays {
            model.clone_into(&mut array.model);
            let firmware = if model == "Gen3" { "11.6.2.a" } else { "12.3.2.a" };
            firmware.clone_into(&mut array.firmware);
            let mut pool = PoolConfig::of(1 << 44);
            pool.name = Some("pool1".to_owned());
            array.pools = vec![pool];
            array.limits = BTreeMap::from([("volumes".to_owned(), volumes)]);
            array.clone_delay = Duration::from_secs(60);
        }
        Self { running: Simulator::start(config).await.expect("simulated systems") }
    }

    pub(crate) fn spec(&self, array: &str) -> ConnectSpec {
        let at = self.running.arrays().iter().find(|at| at.name == array).expect("one of the arrays");
        ConnectSpec {
            vendor: Vendor::Xiv,
            endpoints: vec![Endpoint { address: at.address.to_string(), port: Some(at.port) }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::Bundle(self.running.ca_pem().to_owned()),
            server_name: None,
            chap: None,
            timeout: Duration::from_secs(20),
            settings: Settings::default(),
        }
    }

    pub(crate) async fn connect(&self, array: &str) -> Result<Xiv> {
        Xiv::connect(&self.spec(array)).await
    }
}
