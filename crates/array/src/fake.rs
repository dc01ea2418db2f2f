//! The in-memory array: a whole implementation of the port for tests, by honest rules.
//!
//! Capacity adds up, names are checked, nothing that is used can be deleted, copies take a few looks to become ready,
//! and the conformance suite holds it to the same contract as a driver. [`Faults`] fail any call at any moment.
//! What only a test may do (writing content, cutting the link between two arrays) is in `control`.

mod access;
mod builder;
mod connector;
mod control;
mod faults;
mod group_snapshots;
mod groups;
mod mirrors;
mod pairing;
mod qos;
mod snapshots;
mod state;
mod volumes;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use builder::{FakeBuilder, pair};
pub use connector::FakeConnector;
pub use control::Inventory;
pub use faults::{Call, Fault, Faults, When};

use crate::{
    Access, Array, Capabilities, Error, ErrorKind, GroupSnapshots, Groups, Health, Mirrors, Pool, Profile,
    Qos, Rename, Result, RoleSwap, Size, Snapshots, SystemReport, Volumes,
};
use state::{State, World};

/// One array in memory. A clone is another handle of the same array.
#[derive(Clone)]
pub struct FakeArray {
    profile: Arc<Profile>,
    capabilities: Capabilities,
    latency: Duration,
    faults: Faults,
    world: Arc<Mutex<World>>,
    /// Which array of the world this is.
    at: usize,
}

impl fmt::Debug for FakeArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeArray").field("at", &self.at).finish_non_exhaustive()
    }
}

impl FakeArray {
    /// An array with all capabilities and room to spare.
    pub fn new() -> Self {
        FakeBuilder::new().build()
    }

    /// Where tests make calls fail and read which calls came.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Looks at or alters the state, outside any call.
    fn with<T>(&self, look: impl FnOnce(&mut World, usize) -> T) -> T {
        look(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner), self.at)
    }

    /// One call of the port, with whatever fault awaits it.
    async fn call<T>(
        &self,
        verb: &'static str,
        act: impl FnOnce(&mut State) -> Result<T> + Send,
    ) -> Result<T> {
        self.call_both(verb, |world, at| act(&mut world.arrays[at])).await
    }

    /// A call that may reach through the link to the other array.
    async fn call_both<T>(
        &self,
        verb: &'static str,
        act: impl FnOnce(&mut World, usize) -> Result<T> + Send,
    ) -> Result<T> {
        let fault = self.faults.meet(verb);
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        match fault {
            Some(Fault::Before(kind)) => {
                return Err(Error::new(kind, format!("fault injected before {verb}")));
            }
            Some(Fault::HangBefore) => std::future::pending::<()>().await,
            _ => {}
        }
        let answer = self.with(act);
        match fault {
            Some(Fault::After(kind)) => Err(Error::new(kind, format!("fault injected after {verb}"))),
            Some(Fault::HangAfter) => std::future::pending().await,
            Some(Fault::Late(wait)) => {
                tokio::time::sleep(wait).await;
                answer
            }
            _ => answer,
        }
    }
}

impl Default for FakeArray {
    fn default() -> Self {
        Self::new()
    }
}

fn not_found(what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} is not there"))
}

#[async_trait::async_trait]
impl Array for FakeArray {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn inspect(&self) -> Result<SystemReport> {
        self.call("inspect", |state| {
            let pools = state.pools.iter().map(|row| {
                let provisioned = state.provisioned(&row.id);
                Pool {
                    id: row.id.clone(),
                    name: row.name.clone(),
                    total: row.total,
                    free: Size::bytes(row.total.get().saturating_sub(provisioned.get())),
                    provisioned,
                    provisionable: row.provisionable,
                }
            });
            Ok(SystemReport {
                id: state.id.clone(),
                name: state.id.to_string(),
                model: "in-memory".to_owned(),
                firmware: "1.0".to_owned(),
                api_version: "1".to_owned(),
                health: state.unwell.clone().map_or(Health::Good, Health::Degraded),
                pools: pools.collect(),
            })
        })
        .await
    }

    fn volumes(&self) -> &dyn Volumes {
        self
    }

    fn access(&self) -> &dyn Access {
        self
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.capabilities.snapshots.then_some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        self.capabilities.groups.then_some(self)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        self.capabilities.group_snapshots.then_some(self)
    }

    fn mirrors(&self) -> Option<&dyn Mirrors> {
        self.capabilities.mirrors.then_some(self)
    }

    fn role_swap(&self) -> Option<&dyn RoleSwap> {
        self.capabilities.role_swap.then_some(self)
    }

    fn qos(&self) -> Option<&dyn Qos> {
        self.capabilities.qos.then_some(self)
    }

    fn rename(&self) -> Option<&dyn Rename> {
        self.capabilities.rename.then_some(self)
    }
}
