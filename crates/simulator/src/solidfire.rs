//! A simulated SolidFire cluster: NetApp Element's JSON-RPC as its reference and its public clients show it.
//!
//! Cluster and volume pairing are not modelled; their methods are answered as unknown ones.

mod codes;
mod face;
pub(crate) mod limits;
mod methods;
mod model;
mod params;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::config::{ArrayConfig, Data};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::{Fabric, FabricError, Lio, Memory};
use crate::kernel::faults::Faults;
use crate::kernel::journal::Journal;
use crate::kernel::lock::hold;
use crate::running::{ArrayInfo, IscsiPort, PoolInfo};

use model::Cluster;

/// One cluster behind its management address.
pub(crate) struct Array {
    name: String,
    /// `Basic …` as the one administrator sends it.
    authorization: String,
    latency: Duration,
    /// Calls wait for processes and so must not hold up the runtime.
    blocking: bool,
    clock: Clock,
    cluster: Arc<Mutex<Cluster>>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Array {
    pub(crate) fn new(config: &ArrayConfig, mvip: SocketAddr, clock: Clock) -> Result<Self, FabricError> {
        let cluster = Cluster::new(config, mvip.ip(), clock.clone());
        let fabric: Box<dyn Fabric> = match config.data {
            Data::Memory => Box::new(Memory::default()),
            Data::Lio => Box::new(Lio::new(config, cluster.portals(), cluster.capacity_bytes())?),
        };
        Ok(Self {
            name: config.name.clone(),
            authorization: face::authorization(&config.credentials),
            latency: config.latency,
            blocking: config.data == Data::Lio,
            clock,
            cluster: Arc::new(Mutex::new(cluster.with_fabric(fabric))),
            faults: Faults::default(),
            journal: Journal::default(),
        })
    }

    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        hold(&self.cluster)
    }

    /// The cluster brought to the present, for looking at it from outside a call.
    pub(crate) fn settled(&self) -> MutexGuard<'_, Cluster> {
        let mut cluster = self.cluster();
        // What fails here fails again, and is answered, at the next call.
        let _ = cluster.settle();
        cluster
    }

    pub(crate) fn info(&self, address: SocketAddr) -> ArrayInfo {
        let cluster = self.cluster();
        let portal = |portal: &SocketAddr| IscsiPort { iqn: model::IQN_PREFIX.to_owned(), portal: *portal };
        ArrayInfo {
            name: self.name.clone(),
            vendor: "solidfire".to_owned(),
            address: address.ip(),
            port: address.port(),
            serial: cluster.uuid().to_owned(),
            pools: vec![PoolInfo {
                name: cluster.pool_name().to_owned(),
                id: cluster.unique_id().to_owned(),
            }],
            iscsi: cluster.portals().iter().map(portal).collect(),
            fc: Vec::new(),
        }
    }
}
