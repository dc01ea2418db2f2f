//! Steering a running simulator from a test: journal, faults, clock, fullness, the data of volumes. Over HTTP in [`http`].

pub(crate) mod http;

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use serde::{Deserialize, Serialize};

use crate::kernel::clock::{self, Clock};
use crate::kernel::faults::{Fault, Faults};
use crate::kernel::journal::{Entry, Journal};
use crate::kernel::listener::Switch;

/// Steers the arrays of one [`crate::Running`]. Cheap to clone; arrays are told apart by their configured names.
#[derive(Clone, Debug)]
pub struct Control {
    clock: Clock,
    stations: Arc<Vec<Station>>,
}

/// What any simulated array lets a test see and do. All but the first two bring the array to the present first.
pub(crate) trait Machine: Send + Sync + std::fmt::Debug {
    fn journal(&self) -> &Journal;
    fn faults(&self) -> &Faults;
    fn set_fullness(&self, stage: u8);
    fn statistics(&self) -> Statistics;
    fn audit(&self) -> Vec<String>;
    fn read(&self, volume: u64, offset: u64, length: usize) -> std::result::Result<Vec<u8>, String>;
    fn write(&self, volume: u64, offset: u64, data: &[u8]) -> std::result::Result<(), String>;
    /// Takes down what stands behind its volumes.
    fn close(&self);
    /// Cuts or mends the way to the arrays it replicates to; `false` where it has none that can be cut so.
    fn set_link(&self, _up: bool) -> bool {
        false
    }
    /// The array goes off the network, or comes back: for those it replicates to it is dead meanwhile.
    fn set_online(&self, _online: bool) {}
}

/// One array and the socket it stands behind.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) array: Arc<dyn Machine>,
    pub(crate) switch: Arc<Switch>,
    pub(crate) right: Arc<ServerConfig>,
    /// Signed by an authority nobody trusts.
    pub(crate) wrong: Arc<ServerConfig>,
}

/// What exists on an array, for tests that ask whether anything was left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Connections accepted since the start.
    pub connections: u64,
    pub accounts: usize,
    /// Volumes in any state, the deleted but not yet purged ones included.
    pub volumes: usize,
    pub deleted_volumes: usize,
    pub snapshots: usize,
    pub group_snapshots: usize,
    pub access_groups: usize,
    pub provisioned_bytes: u64,
    pub used_bytes: u64,
    /// Images that hold data below the array: one for each volume and snapshot.
    pub images: usize,
    /// Volumes that an initiator could log in to.
    pub exports: usize,
    /// Hosts that volumes can be mapped to, where the array keeps such.
    pub hosts: usize,
    pub mappings: usize,
    pub groups: usize,
    pub mirrors: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("no array is named {0:?}")]
    NoSuchArray(String),
    #[error("array {array:?}: {problem}")]
    Refused { array: String, problem: String },
}

type Result<T> = std::result::Result<T, ControlError>;

impl Control {
    pub(crate) fn new(clock: Clock, stations: Vec<Station>) -> Self {
        Self { clock, stations: Arc::new(stations) }
    }

    pub(crate) fn stations(&self) -> &[Station] {
        &self.stations
    }

    fn station(&self, array: &str) -> Result<&Station> {
        self.stations
            .iter()
            .find(|station| station.name == array)
            .ok_or_else(|| ControlError::NoSuchArray(array.to_owned()))
    }

    /// The requests that arrived since the start or the last clearing, oldest first.
    pub fn journal(&self, array: &str) -> Result<Vec<Entry>> {
        Ok(self.station(array)?.array.journal().read())
    }

    pub fn clear_journal(&self, array: &str) -> Result<()> {
        self.station(array)?.array.journal().clear();
        Ok(())
    }

    /// Orders a fault; several may wait at once.
    pub fn order(&self, array: &str, fault: Fault) -> Result<()> {
        self.station(array)?.array.faults().order(fault);
        Ok(())
    }

    /// Faults that still can strike.
    pub fn faults(&self, array: &str) -> Result<Vec<Fault>> {
        Ok(self.station(array)?.array.faults().pending())
    }

    pub fn clear_faults(&self, array: &str) -> Result<()> {
        self.station(array)?.array.faults().clear();
        Ok(())
    }

    /// Takes the management address off the network (connections are cut and refused) or puts it back.
    pub fn set_online(&self, array: &str, online: bool) -> Result<()> {
        let station = self.station(array)?;
        station.array.set_online(online);
        station.switch.set_online(online);
        Ok(())
    }

    /// Cuts the array's way to those it replicates to, or mends it. The management address stays where it is.
    pub fn set_link(&self, array: &str, up: bool) -> Result<()> {
        if self.station(array)?.array.set_link(up) {
            return Ok(());
        }
        let problem = "it has no link to another array that could be cut".to_owned();
        Err(ControlError::Refused { array: array.to_owned(), problem })
    }

    /// Presents new connections a certificate of an authority that nobody trusts, or the right one again.
    pub fn set_wrong_certificate(&self, array: &str, wrong: bool) -> Result<()> {
        let station = self.station(array)?;
        station.switch.present(Arc::clone(if wrong { &station.wrong } else { &station.right }));
        Ok(())
    }

    /// Puts the cluster at a fullness stage: 1 happy, 2 aware, 3 low, 4 critical, 5 consumed.
    pub fn set_fullness(&self, array: &str, stage: u8) -> Result<()> {
        if !(1..=5).contains(&stage) {
            return Err(ControlError::Refused {
                array: array.to_owned(),
                problem: format!("fullness stage {stage} is not one of 1 to 5"),
            });
        }
        self.station(array)?.array.set_fullness(stage);
        Ok(())
    }

    /// Moves the clock of all arrays ahead; jobs that fall due are done by the next call.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The arrays' time.
    pub fn now(&self) -> String {
        clock::micros(self.clock.now())
    }

    pub fn statistics(&self, array: &str) -> Result<Statistics> {
        let station = self.station(array)?;
        let connections = station.switch.connections();
        Ok(Statistics { connections, ..station.array.statistics() })
    }

    /// What an initiator would read from a volume.
    pub fn read(&self, array: &str, volume: u64, offset: u64, length: usize) -> Result<Vec<u8>> {
        let refused = |problem| ControlError::Refused { array: array.to_owned(), problem };
        self.station(array)?.array.read(volume, offset, length).map_err(refused)
    }

    /// Writes to a volume as an initiator would.
    pub fn write(&self, array: &str, volume: u64, offset: u64, data: &[u8]) -> Result<()> {
        let refused = |problem| ControlError::Refused { array: array.to_owned(), problem };
        self.station(array)?.array.write(volume, offset, data).map_err(refused)
    }

    /// Names each thing that refers to something gone, and each sum that does not add up. Empty when all is well.
    pub fn audit(&self, array: &str) -> Result<Vec<String>> {
        Ok(self.station(array)?.array.audit())
    }
}
