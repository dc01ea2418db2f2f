//! Who may see a volume over iSCSI: derived from mappings, hosts and locks, and handed to the disks below.

use std::collections::BTreeMap;

use super::System;
use super::hosts::Host;
use super::mapping::Owner;
use crate::kernel::fabric::{Export, FabricError, Guests, Identity, Image, Login, Reach};

/// Where each initiator sees each volume.
type Views = BTreeMap<u64, BTreeMap<String, u32>>;

impl System {
    /// Makes volumes visible to exactly those who may see them now. What goes, goes first: a LUN may have got another volume.
    pub(crate) fn expose(&mut self) -> Result<(), FabricError> {
        if !self.shows_disks {
            return Ok(());
        }
        let wanted = self.exports();
        let obsolete: Vec<Image> =
            self.exposed.keys().filter(|image| !wanted.contains_key(*image)).copied().collect();
        for image in obsolete {
            self.exposed.remove(&image);
            if self.volumes.values().any(|volume| volume.image == image) {
                self.fabric.export(image, None)?;
            }
        }
        let cut: Vec<(Image, Export)> = self
            .exposed
            .iter()
            .filter_map(|(image, had)| Some((*image, kept(had, wanted.get(image)?)?)))
            .collect();
        for (image, export) in cut {
            self.fabric.export(image, Some(export))?;
        }
        self.fabric.admit(&self.facts.iqn(), &self.guests())?;
        for (image, export) in wanted {
            self.fabric.export(image, Some(export.clone()))?;
            self.exposed.insert(image, export);
        }
        Ok(())
    }

    /// Whoever is a port of a host may log in, mapped volumes or not.
    fn guests(&self) -> Guests {
        let ports =
            self.hosts.values().flat_map(|host| host.iscsi.iter().map(|port| (port.clone(), login(host))));
        ports.collect()
    }

    fn exports(&self) -> BTreeMap<Image, Export> {
        let shown = |(number, luns): (u64, BTreeMap<String, u32>)| {
            let volume = self.volumes.get(&number)?;
            let export = Export {
                iqn: self.facts.iqn(),
                identity: self.disk_identity(number),
                reach: Reach::Among(luns),
                read_only: volume.locked,
            };
            Some((volume.image, export))
        };
        self.views().into_iter().filter_map(shown).collect()
    }

    fn views(&self) -> Views {
        let mut views = Views::new();
        for (owner, mapped) in &self.mapped {
            let of = |(name, host): &(&String, &Host)| match owner {
                Owner::Host(owner) => owner == *name,
                Owner::Cluster(owner) => host.cluster.as_ref() == Some(owner),
            };
            let ports: Vec<&String> =
                self.hosts.iter().filter(of).flat_map(|(_, host)| &host.iscsi).collect();
            for (lun, number) in mapped {
                let seen = ports.iter().map(|port| ((*port).clone(), *lun));
                views.entry(*number).or_default().extend(seen);
            }
        }
        views.retain(|_, seen| !seen.is_empty());
        views
    }

    fn disk_identity(&self, volume: u64) -> Identity {
        Identity {
            company: super::facts::COMPANY,
            serial: self.facts.naa_serial(volume),
            vendor: "IBM",
            product: "2810XIV",
        }
    }
}

/// What remains of an export on the way to another: `None` if nothing has to go.
fn kept(had: &Export, wanted: &Export) -> Option<Export> {
    let (Reach::Among(old), Reach::Among(new)) = (&had.reach, &wanted.reach) else { return None };
    let stays: BTreeMap<String, u32> = old
        .iter()
        .filter(|(name, lun)| new.get(*name) == Some(lun))
        .map(|(name, lun)| (name.clone(), *lun))
        .collect();
    (stays.len() < old.len()).then(|| Export { reach: Reach::Among(stays), ..had.clone() })
}

/// A host proves itself if it was given something to prove; the array never does.
fn login(host: &Host) -> Option<Login> {
    host.chap.as_ref().map(|(username, secret)| Login {
        username: username.clone(),
        secret: secret.clone(),
        target_secret: String::new(),
    })
}
