//! Simulated SolidFire clusters: NetApp Element's JSON-RPC as its reference and its public clients show it.

mod codes;
mod face;
mod keys;
pub(crate) mod limits;
mod links;
mod methods;
mod model;
mod params;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::config::{ArrayConfig, Data};
use crate::control::{Machine, Statistics};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::{Fabric, FabricError, Lio, Memory};
use crate::kernel::faults::Faults;
use crate::kernel::journal::Journal;
use crate::kernel::lock::hold;
use crate::running::{ArrayInfo, IscsiPort, PoolInfo};

use model::Cluster;

pub(crate) use links::Links;

/// One cluster behind its management address.
pub(crate) struct Array {
    name: String,
    /// `Basic …` as the one administrator sends it.
    authorization: String,
    latency: Duration,
    /// Calls wait for processes and so must not hold up the runtime.
    blocking: bool,
    clock: Clock,
    links: Links,
    cluster: Arc<Mutex<Cluster>>,
    faults: Faults,
    journal: Journal,
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Array {
    pub(crate) fn new(
        config: &ArrayConfig,
        mvip: SocketAddr,
        clock: &Clock,
        links: &Links,
    ) -> Result<Self, FabricError> {
        let cluster = Cluster::new(config, mvip.ip(), clock.clone(), links.clone());
        let fabric: Box<dyn Fabric> = match config.data {
            Data::Memory => Box::new(Memory::default()),
            Data::Lio => Box::new(Lio::new(config, cluster.portals(), cluster.capacity_bytes())?),
        };
        Ok(Self {
            name: config.name.clone(),
            authorization: face::authorization(&config.credentials),
            latency: config.latency,
            blocking: config.data == Data::Lio,
            clock: clock.clone(),
            links: links.clone(),
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
            fc: cluster.fibre_channel().to_vec(),
        }
    }
}

impl Machine for Array {
    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn set_fullness(&self, stage: u8) {
        self.cluster().set_stage(stage);
    }

    fn statistics(&self) -> Statistics {
        self.settled().statistics()
    }

    fn audit(&self) -> Vec<String> {
        self.settled().audit()
    }

    fn read(&self, volume: u64, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.settled().read(volume, offset, length)
    }

    fn write(&self, volume: u64, offset: u64, data: &[u8]) -> Result<(), String> {
        self.settled().write(volume, offset, data)
    }

    fn close(&self) {
        self.cluster().close();
    }

    fn set_link(&self, up: bool) -> bool {
        let seat = self.cluster().seat();
        self.links.board().set_plugged(seat, up, self.clock.now());
        true
    }

    fn set_online(&self, online: bool) {
        let seat = self.cluster().seat();
        self.links.board().set_powered(seat, online, self.clock.now());
    }
}
