//! The connected cluster: how it is connected, what it accepts, how it is.

mod access;
mod account;
mod clones;
mod group_snapshots;
mod groups;
mod known;
mod mark;
mod mirrors;
mod pairing;
mod ports;
mod profile;
mod qos;
mod snapshots;
mod volumes;

use std::sync::{Mutex, MutexGuard, PoisonError};

use known::Known;
use perilune_array::{
    Access, AccessModel, Array, ArrayId, ConnectSpec, Error, ErrorKind, GroupSnapshots, Health, Mirrors,
    Pool, PoolId, Profile, Protocol, Qos, Result, Size, Snapshots, SystemReport, Volumes,
};

use crate::client::Session;
use crate::config::Config;
use crate::protocol::{Capacity, CapacityAnswer, ClusterInfo, ClusterInfoAnswer, NoParams, VersionInfo};

/// Above this share of a space the cluster wants attention.
const NEARLY_FULL: u64 = 90;

/// One connected SolidFire cluster.
#[derive(Debug)]
pub struct Solidfire {
    session: Session,
    config: Config,
    profile: Profile,
    known: Mutex<Known>,
}

impl Solidfire {
    /// Agrees on a version, proves the credentials, learns who the cluster is, and makes sure of the account.
    pub async fn connect(spec: &ConnectSpec) -> Result<Self> {
        let config = Config::read(spec)?;
        let session = Session::new(spec)?.agree().await?;
        let cluster = session.call::<ClusterInfoAnswer>("GetClusterInfo", NoParams {}).await?.cluster_info;
        let limits = session.call("GetLimits", NoParams {}).await?;
        let profile = profile::of(&config, &limits)?;
        let mut this = Self { session, config, profile, known: Mutex::new(Known::new(cluster)) };
        let account = this.ensure_account().await?;
        this.known().account = Some(account);
        if this.profile.access == AccessModel::Mapping && !this.fibre_ports().await?.is_empty() {
            this.profile.protocols.push(Protocol::Fc);
        }
        this.profile.qos_tiers = this.policy_names().await?;
        Ok(this)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self) -> PoolId {
        PoolId::new(self.known().cluster.unique_id.clone())
    }

    /// Identity and version, read again when they have become old.
    async fn identity(&self) -> Result<(ClusterInfo, VersionInfo)> {
        let fresh = {
            let known = self.known();
            known.version.get().map(|version| (known.cluster.clone(), version))
        };
        if let Some(fresh) = fresh {
            return Ok(fresh);
        }
        let cluster =
            self.session.call::<ClusterInfoAnswer>("GetClusterInfo", NoParams {}).await?.cluster_info;
        let version: VersionInfo = self.session.call("GetClusterVersionInfo", NoParams {}).await?;
        let mut known = self.known();
        known.cluster = cluster.clone();
        known.version.put(version.clone());
        Ok((cluster, version))
    }
}

#[async_trait::async_trait]
impl Array for Solidfire {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn inspect(&self) -> Result<SystemReport> {
        let (cluster, version) = self.identity().await?;
        let capacity =
            self.session.call::<CapacityAnswer>("GetClusterCapacity", NoParams {}).await?.cluster_capacity;
        Ok(SystemReport {
            id: ArrayId::new(cluster.uuid),
            name: cluster.name.clone(),
            model: format!("SolidFire, {} nodes", version.nodes.len()),
            firmware: version.version,
            api_version: version.api_version,
            health: health(&capacity),
            pools: vec![Pool {
                id: PoolId::new(cluster.unique_id),
                name: cluster.name,
                total: Size::bytes(capacity.max_used_space),
                free: Size::bytes(capacity.max_used_space.saturating_sub(capacity.used_space)),
                provisioned: Size::bytes(capacity.provisioned_space),
                provisionable: Size::bytes(capacity.max_over_provisionable_space),
            }],
        })
    }

    fn volumes(&self) -> &dyn Volumes {
        self
    }

    fn access(&self) -> &dyn Access {
        self
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        Some(self)
    }

    fn mirrors(&self) -> Option<&dyn Mirrors> {
        Some(self)
    }

    fn qos(&self) -> Option<&dyn Qos> {
        Some(self)
    }
}

/// The cluster refuses new volumes when either space runs out, so both are watched.
fn health(capacity: &Capacity) -> Health {
    let share = |used: u64, of: u64| u128::from(used) * 100 / u128::from(of.max(1));
    let spaces = [
        ("block", share(capacity.used_space, capacity.max_used_space)),
        ("metadata", share(capacity.used_metadata_space, capacity.max_used_metadata_space)),
    ];
    match spaces
        .into_iter()
        .filter(|(_, share)| *share >= u128::from(NEARLY_FULL))
        .max_by_key(|(_, share)| *share)
    {
        Some((space, share)) => Health::Degraded(format!("{share} % of the cluster's {space} space is used")),
        None => Health::Good,
    }
}

fn not_found(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} is not there"))
}

#[cfg(test)]
mod tests {
    use perilune_array::Health;

    use super::health;
    use crate::protocol::Capacity;

    fn capacity(used: u64, metadata: u64) -> Capacity {
        Capacity {
            max_used_space: u64::MAX,
            used_space: u64::MAX / 100 * used,
            max_used_metadata_space: 1000,
            used_metadata_space: metadata,
            provisioned_space: 0,
            max_over_provisionable_space: 0,
        }
    }

    #[test]
    fn a_cluster_nearly_out_of_either_space_wants_attention() {
        assert_eq!(health(&capacity(80, 899)), Health::Good);
        assert!(matches!(health(&capacity(92, 0)), Health::Degraded(words) if words.contains("block")));
        assert!(
            matches!(health(&capacity(0, 950)), Health::Degraded(words) if words.contains("95 % of the cluster's metadata"))
        );
    }
}
