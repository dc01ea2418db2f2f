//! Pools: room that is promised to volumes (soft), room that is there (hard), and the part kept for snapshots.

use super::System;
use crate::config::ArrayConfig;
use crate::xiv::arguments::{Arguments, GB, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

const MIB: u64 = 1 << 20;
/// What flash systems round pools to; the others have units of their own.
const GIB: u64 = 1 << 30;

#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) id: u64,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
    pub(crate) snapshots: u64,
    pub(crate) domain: Option<String>,
    lock_behavior: String,
}

/// What a pool's volumes have of it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) volumes: u64,
    pub(crate) snapshots: u64,
}

impl System {
    pub(crate) fn predefine_pools(&mut self, config: &ArrayConfig) {
        let usual = [crate::config::PoolConfig::of(config.data.usual_capacity())];
        let pools = if config.pools.is_empty() { &usual[..] } else { &config.pools };
        for (at, pool) in pools.iter().enumerate() {
            let name = pool.name.clone().unwrap_or_else(|| format!("pool{}", at + 1));
            let hard = self.whole_units(pool.capacity);
            let soft = self.whole_units(pool.soft_capacity.unwrap_or(pool.capacity));
            let snapshots = pool.snapshot_capacity.unwrap_or(hard / 10);
            let id = self.fresh_object();
            let domain = pool.domain.clone();
            self.pools.insert(
                name,
                Pool { id, soft, hard, snapshots, domain, lock_behavior: "read_only".to_owned() },
            );
        }
    }

    fn whole_units(&self, bytes: u64) -> u64 {
        bytes.next_multiple_of(self.facts.model.unit().max(GIB))
    }

    pub(crate) fn pool(&self, name: &str) -> Result<&Pool, Refusal> {
        self.pools.get(name).ok_or_else(codes::no_pool)
    }

    /// What a volume of this size takes of its pool.
    pub(crate) fn taken(&self, bytes: u64) -> u64 {
        bytes.next_multiple_of(self.facts.model.unit())
    }

    pub(crate) fn used(&self, pool: &str) -> Used {
        let mut used = Used::default();
        for volume in self.volumes.values().filter(|volume| volume.pool == pool) {
            match volume.master {
                None => used.volumes += self.taken(volume.bytes),
                Some(_) => used.snapshots += self.facts.model.unit().max(GIB),
            }
        }
        used
    }

    /// Refuses to promise so much more where the pool has not got it.
    pub(crate) fn check_room(&self, pool: &str, more: u64) -> Result<(), Refusal> {
        let limits = self.pool(pool)?;
        let used = self.used(pool).volumes;
        if self.fullness >= 4 || used + more > limits.soft {
            return Err(codes::pool_full());
        }
        if self.fabric.used() > self.pools.values().map(|pool| pool.hard).sum() {
            return Err(Refusal::new("NOT_ENOUGH_HARD_SPACE", "Not enough hard space in the pool"));
        }
        Ok(())
    }

    /// Refuses so many snapshots more where their part of the pool is used up.
    pub(crate) fn check_snapshot_room(&self, pool: &str, more: u64) -> Result<(), Refusal> {
        let limits = self.pool(pool)?;
        let each = self.facts.model.unit().max(GIB);
        if self.fullness >= 5 || self.used(pool).snapshots + more * each > limits.snapshots {
            return Err(Refusal::new(
                "POOL_SNAPSHOT_LIMIT_REACHED",
                "Maximum number of snapshots in the pool reached: no snapshot space is left",
            ));
        }
        Ok(())
    }

    pub(crate) fn pool_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("pool");
        let found = self.pools.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        Ok(found.map(|(name, pool)| self.show_pool(name, pool)).collect())
    }

    fn show_pool(&self, name: &str, pool: &Pool) -> Row {
        let used = self.used(name);
        let hard_used = self.fabric.used().min(pool.hard);
        let room = |all: u64, used: u64| if self.fullness >= 4 { 0 } else { all.saturating_sub(used) };
        let (soft_left, hard_left) = (room(pool.soft, used.volumes), room(pool.hard, hard_used));
        let sizes = if self.facts.model.flash() {
            vec![("size", "size_MiB", pool.soft), ("empty_space", "empty_space_MiB", soft_left)]
        } else {
            vec![
                ("soft_size", "soft_size_MiB", pool.soft),
                ("hard_size", "hard_size_MiB", pool.hard),
                ("empty_space_soft", "empty_space_soft_MiB", soft_left),
                ("empty_space_hard", "empty_space_hard_MiB", hard_left),
            ]
        };
        let common = [
            ("snapshot_size", "snapshot_size_MiB", pool.snapshots),
            ("used_by_volumes", "used_by_volumes_MiB", used.volumes),
            ("used_by_snapshots", "used_by_snapshots_MiB", used.snapshots),
        ];
        let row = Row::new("pool", pool.id).with("id", pool.id).with("name", name);
        let row = sizes
            .into_iter()
            .chain(common)
            .fold(row, |row, (gb, mib, bytes)| row.with(gb, bytes / GB).with(mib, bytes / MIB));
        row.with("domain", pool.domain.as_deref().unwrap_or_default())
            .with("creator", "admin")
            .flag("locked", self.fullness >= 5)
            .with("lock_behavior", &pool.lock_behavior)
    }

    pub(crate) fn pool_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("pool")?)?;
        let gb = |name: &str| Ok::<_, Refusal>(arguments.number(name)?.map(|gb| gb.saturating_mul(GB)));
        let (soft, hard) = match (gb("size")?, gb("soft_size")?, gb("hard_size")?) {
            (Some(size), None, None) => (size, size),
            (None, Some(soft), Some(hard)) if !self.facts.model.flash() => (soft, hard),
            _ => return Err(codes::bad_arguments("Give size, or hard_size and soft_size")),
        };
        let snapshots = match gb("snapshot_size")? {
            Some(bytes) => bytes,
            None if self.facts.model.flash() => hard / 10,
            None => return Err(codes::bad_arguments("Missing argument 'snapshot_size'")),
        };
        let domain = self.known_domain(arguments)?;
        let refused = |code, text| Err(Refusal::new(code, text));
        if self.pools.contains_key(&name) {
            return refused("POOL_NAME_EXISTS", "Pool name already exists");
        }
        if self.limits.reached("pools", self.pools.len()) {
            return refused("MAX_POOLS_REACHED", "Maximum number of pools already defined");
        }
        if soft < hard {
            return refused("SOFT_SIZE_SMALLER_THAN_HARD_SIZE", "Soft size is smaller than hard size");
        }
        if hard < snapshots {
            return refused(
                "HARD_SIZE_SMALLER_THAN_SNAPSHOT_SIZE",
                "Hard size is smaller than snapshot size",
            );
        }
        let (soft, hard, id) = (self.whole_units(soft), self.whole_units(hard), self.fresh_object());
        let lock_behavior = arguments.text("lock_behavior").unwrap_or("read_only").to_owned();
        self.pools.insert(name, Pool { id, soft, hard, snapshots, domain, lock_behavior });
        Ok(Vec::new())
    }

    pub(crate) fn pool_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("pool")?;
        self.pool(name)?;
        let used = self.volumes.values().any(|volume| volume.pool == name)
            || self.groups.values().any(|group| group.pool == name);
        if used {
            return Err(Refusal::new("POOL_NOT_EMPTY", "Pool is not empty"));
        }
        self.pools.remove(name);
        Ok(Vec::new())
    }
}
