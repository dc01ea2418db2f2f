//! How tests make an in-memory array with the limits and habits they need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::qos::TIER;
use super::state::{Limits, PoolRow, State, World};
use super::{FakeArray, Faults};
use crate::{
    AccessModel, ArrayId, Capabilities, Limit, NameRules, PoolId, Profile, Protocol, QosLimits, Size,
    SizeRules, TargetPort, Vendor,
};

/// An array to be. The defaults have all capabilities, one pool `pool-1` of 1 TiB, unique names, and mappings.
#[derive(Debug, Clone)]
pub struct FakeBuilder {
    id: String,
    profile: Profile,
    capabilities: Capabilities,
    pools: Vec<PoolRow>,
    limits: Limits,
    latency: Duration,
}

impl FakeBuilder {
    pub fn new() -> Self {
        Self {
            id: "fake-1".to_owned(),
            profile: profile(),
            capabilities: Capabilities {
                snapshots: true,
                groups: true,
                group_snapshots: true,
                mirrors: true,
                role_swap: true,
                qos: true,
                rename: true,
            },
            pools: vec![pool("pool-1", Size::gib(1024), Size::gib(1024))],
            limits: Limits {
                names_repeat: false,
                pairs_by_word: false,
                volumes: usize::MAX,
                hosts: usize::MAX,
                groups: usize::MAX,
                mirrors: usize::MAX,
                copies_at_once: usize::MAX,
                polls_to_copy: 1,
                page: 100,
            },
            latency: Duration::ZERO,
        }
    }

    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Alters the profile in place: name rules, sizes, access model, limits.
    #[must_use]
    pub fn profile(mut self, alter: impl FnOnce(&mut Profile)) -> Self {
        alter(&mut self.profile);
        self
    }

    /// Which optional traits there are.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Replaces the pools: id, physical room, room that may be promised.
    #[must_use]
    pub fn pools(mut self, pools: &[(&str, Size, Size)]) -> Self {
        self.pools =
            pools.iter().map(|(id, total, provisionable)| pool(id, *total, *provisionable)).collect();
        self
    }

    /// May two volumes, or two snapshots of one volume, bear the same name?
    #[must_use]
    pub fn names_repeat(mut self, repeat: bool) -> Self {
        self.limits.names_repeat = repeat;
        self
    }

    /// Do two arrays need somebody to carry word between them before they mirror? Then the other copy must exist.
    #[must_use]
    pub fn pairs_by_word(mut self, by_word: bool) -> Self {
        self.limits.pairs_by_word = by_word;
        self.profile.mirror_makes_peer = !by_word;
        self
    }

    #[must_use]
    pub fn max_volumes(mut self, max: usize) -> Self {
        self.limits.volumes = max;
        self
    }

    #[must_use]
    pub fn max_hosts(mut self, max: usize) -> Self {
        self.limits.hosts = max;
        self
    }

    #[must_use]
    pub fn max_groups(mut self, max: usize) -> Self {
        self.limits.groups = max;
        self
    }

    #[must_use]
    pub fn max_mirrors(mut self, max: usize) -> Self {
        self.limits.mirrors = max;
        self
    }

    /// More copies at once are answered `Busy`.
    #[must_use]
    pub fn copies_at_once(mut self, max: usize) -> Self {
        self.limits.copies_at_once = max;
        self
    }

    /// How many looks show a copy still under way.
    #[must_use]
    pub fn polls_to_copy(mut self, polls: u32) -> Self {
        self.limits.polls_to_copy = polls;
        self
    }

    /// Volumes on one page of a listing.
    #[must_use]
    pub fn page(mut self, volumes: usize) -> Self {
        self.limits.page = volumes;
        self
    }

    /// Time that every call takes before it acts.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    pub fn build(self) -> FakeArray {
        let world = Arc::new(Mutex::new(World { arrays: vec![self.state()], link_up: false }));
        self.handle(world, 0)
    }

    fn state(&self) -> State {
        let portals = [
            (Protocol::Iscsi, "192.0.2.1:3260"),
            (Protocol::Iscsi, "192.0.2.2:3260"),
            (Protocol::Fc, "5001738000000001"),
        ];
        let ports = portals.into_iter().filter(|(protocol, _)| self.profile.protocols.contains(protocol));
        State {
            id: ArrayId::new(self.id.clone()),
            profile: Arc::new(self.profile.clone()),
            limits: self.limits,
            unwell: None,
            keeps_maps: false,
            pools: self.pools.clone(),
            ports: ports
                .map(|(protocol, address)| TargetPort { protocol, address: address.to_owned(), up: true })
                .collect(),
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            hosts: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_snapshots: BTreeMap::new(),
            mirrors: Vec::new(),
            offers: Vec::new(),
            qos: BTreeMap::new(),
            counter: 0,
        }
    }

    fn handle(self, world: Arc<Mutex<World>>, at: usize) -> FakeArray {
        FakeArray {
            profile: Arc::new(self.profile),
            capabilities: self.capabilities,
            latency: self.latency,
            faults: Faults::default(),
            world,
            at,
        }
    }
}

impl Default for FakeBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// Two arrays with a link between them, which is up.
pub fn pair(here: FakeBuilder, there: FakeBuilder) -> (FakeArray, FakeArray) {
    let world = Arc::new(Mutex::new(World { arrays: vec![here.state(), there.state()], link_up: true }));
    (here.handle(Arc::clone(&world), 0), there.handle(world, 1))
}

fn pool(id: &str, total: Size, provisionable: Size) -> PoolRow {
    PoolRow { id: PoolId::new(id), name: id.to_owned(), total, provisionable }
}

fn profile() -> Profile {
    let names =
        NameRules { max_chars: 63, allows: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') };
    let iops = Some(Limit { min: 100, max: 200_000 });
    Profile {
        vendor: Vendor::Xiv,
        volume_names: names,
        snapshot_names: names,
        sizes: SizeRules { min: Size::gib(1), max: Size::gib(64 * 1024), step: Size::gib(1) },
        copy_may_grow: true,
        copy_takes_qos: true,
        snapshots_per_volume: Some(16),
        snapshots_outlive_volume: false,
        snapshot_retention: true,
        volumes_per_host: Some(255),
        access: AccessModel::Mapping,
        protocols: vec![Protocol::Iscsi],
        ad_hoc_group_snapshots: true,
        volumes_per_group: Some(32),
        qos: Some(QosLimits { min_iops: iops, max_iops: iops, burst_iops: iops }),
        qos_tiers: vec![TIER.0.to_owned()],
        mirror_makes_peer: true,
    }
}
