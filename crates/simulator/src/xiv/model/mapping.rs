//! Which volume a host, or a cluster of hosts, sees at which LUN.

use std::collections::BTreeMap;

use super::System;
use crate::xiv::arguments::Arguments;
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

/// Whom a volume is mapped to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Host(String),
    Cluster(String),
}

impl Owner {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Host(name) => ("host", name),
            Self::Cluster(name) => ("cluster", name),
        }
    }
}

/// Volumes by their LUN.
pub(crate) type Mapped = BTreeMap<u32, u64>;

impl System {
    fn owner(&self, arguments: &Arguments) -> Result<Owner, Refusal> {
        match (arguments.text("host"), arguments.text("cluster")) {
            (Some(host), None) => self.host(host).map(|_| Owner::Host(host.to_owned())),
            (None, Some(cluster)) if self.clusters.contains_key(cluster) => {
                Ok(Owner::Cluster(cluster.to_owned()))
            }
            (None, Some(_)) => Err(codes::no_cluster()),
            _ => Err(codes::bad_arguments("Exactly one of 'host' and 'cluster' must be given")),
        }
    }

    /// What a host sees: its own mappings and those of its cluster.
    pub(crate) fn seen_by(&self, host: &str) -> Mapped {
        let cluster = self.hosts.get(host).and_then(|host| host.cluster.clone()).map(Owner::Cluster);
        let owners = [Some(Owner::Host(host.to_owned())), cluster];
        owners
            .into_iter()
            .flatten()
            .filter_map(|owner| self.mapped.get(&owner))
            .flatten()
            .map(|(l, v)| (*l, *v))
            .collect()
    }

    /// Everything that would see a mapping of this owner.
    fn affected(&self, owner: &Owner) -> Mapped {
        let Owner::Cluster(cluster) = owner else { return self.seen_by(owner.parts().1) };
        let members = self.hosts.iter().filter(|(_, host)| host.cluster.as_ref() == Some(cluster));
        let own = self.mapped.get(owner).cloned().unwrap_or_default();
        members.fold(own, |mut all, (name, _)| {
            all.extend(self.seen_by(name));
            all
        })
    }

    fn same_domain(&self, pool: &str, owner: &Owner) -> bool {
        let of_pool = self.pools.get(pool).and_then(|pool| pool.domain.as_ref());
        let of_host = match owner {
            Owner::Host(name) => self.hosts.get(name).and_then(|host| host.domain.as_ref()),
            Owner::Cluster(_) => return true,
        };
        of_pool == of_host
    }

    pub(crate) fn map_vol(&mut self, arguments: &Arguments) -> Answer {
        let volume = self.volume(arguments.needed("vol")?)?.clone();
        let owner = self.owner(arguments)?;
        let lun = arguments.number("lun")?.ok_or_else(|| codes::bad_arguments("Missing argument 'lun'"))?;
        if lun >= self.limits.get("luns") {
            return Err(codes::bad_value("lun", &lun.to_string()));
        }
        let lun = u32::try_from(lun).unwrap_or(u32::MAX);
        if !self.same_domain(&volume.pool, &owner) {
            return Err(codes::other_domain());
        }
        let overrides = arguments.flag("override")?;
        let seen = self.affected(&owner);
        match seen.get(&lun) {
            Some(there) if *there == volume.number => return Ok(Vec::new()),
            Some(_) if !overrides => return Err(codes::lun_taken()),
            _ => {}
        }
        if !overrides && seen.values().any(|number| *number == volume.number) {
            return Err(Refusal::new(
                "VOLUME_IS_MAPPED",
                "Volume is already mapped to the host at another LUN",
            ));
        }
        let mapped = self.mapped.entry(owner).or_default();
        mapped.retain(|_, number| *number != volume.number);
        mapped.insert(lun, volume.number);
        Ok(Vec::new())
    }

    pub(crate) fn unmap_vol(&mut self, arguments: &Arguments) -> Answer {
        let number = self.number(arguments.needed("vol")?)?;
        let owner = self.owner(arguments)?;
        let by_cluster = match &owner {
            Owner::Host(name) => self.hosts.get(name).and_then(|host| host.cluster.clone()),
            Owner::Cluster(_) => None,
        };
        let own = self.mapped.entry(owner).or_default();
        let before = own.len();
        own.retain(|_, volume| *volume != number);
        if own.len() == before {
            let through = by_cluster.and_then(|cluster| self.mapped.get(&Owner::Cluster(cluster)));
            return match through {
                Some(mapped) if mapped.values().any(|volume| *volume == number) => {
                    Err(Refusal::new("HOST_BELONGS_TO_CLUSTER", "The mapping is one of the host's cluster"))
                }
                _ => Err(codes::no_mapping()),
            };
        }
        Ok(Vec::new())
    }

    pub(crate) fn mapping_list(&mut self, arguments: &Arguments) -> Answer {
        let owner = self.owner(arguments)?;
        let seen = match &owner {
            Owner::Host(name) => self.seen_by(name),
            Owner::Cluster(_) => self.mapped.get(&owner).cloned().unwrap_or_default(),
        };
        let show = |(lun, number): (u32, u64)| {
            let volume = self.volumes.get(&number)?;
            let master = volume.master.and_then(|master| self.volumes.get(&master));
            Some(
                Row::new("map", format!("{}-{lun}", volume.number))
                    .with("lun", lun)
                    .with("volume", &volume.name)
                    .with("size", self.taken(volume.bytes) / 1_000_000_000)
                    .with("master", master.map_or("", |master| master.name.as_str()))
                    .with("serial", volume.number)
                    .flag("locked", volume.locked),
            )
        };
        Ok(seen.into_iter().filter_map(show).collect())
    }

    pub(crate) fn vol_mapping_list(&mut self, arguments: &Arguments) -> Answer {
        let number = self.number(arguments.needed("vol")?)?;
        let rows = self.mapped.iter().flat_map(|(owner, mapped)| {
            let (kind, name) = owner.parts();
            let of = mapped.iter().filter(move |(_, volume)| **volume == number);
            of.map(move |(lun, _)| {
                Row::new("map", format!("{name}-{lun}"))
                    .with("host", name)
                    .with("type", kind)
                    .with("lun", lun)
            })
        });
        Ok(rows.collect())
    }
}
