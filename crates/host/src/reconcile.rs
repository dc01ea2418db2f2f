//! A look around at start: what records say, and what nobody's record owns. Removes nothing.

use std::collections::BTreeSet;

use crate::{
    error::Result,
    fabric::Fabric,
    record::{Phase, Record},
    request::Reconciled,
    sysfs::{self, Session},
    work::Site,
};

/// Voids the phases of an earlier boot and reports the rest.
pub(crate) fn reconcile(site: &Site) -> Result<Reconciled> {
    let found = site.records.list()?;
    for record in &found.records {
        if record.boot != site.boot && record.phase == Phase::Staged {
            // after a reboot nothing is attached; identity and sessions stay for the clean-up
            let void = Record { phase: Phase::Attaching, ..record.clone() };
            site.records.save(&void)?;
        }
    }
    let foreign = foreign(site, &found.records);
    for what in foreign.iter().chain(&found.unreadable) {
        tracing::info!(what, "found at start, left alone");
    }
    Ok(Reconciled {
        volumes: found.records.into_iter().map(|record| record.volume).collect(),
        unreadable: found.unreadable,
        foreign,
    })
}

fn foreign(site: &Site, records: &[Record]) -> Vec<String> {
    let os = &*site.os;
    let paths: Vec<_> = records.iter().flat_map(|record| &record.attachment.paths).collect();
    let names: BTreeSet<String> =
        records.iter().flat_map(|record| record.attachment.wwid.multipath_names()).collect();
    let fabric = Fabric::read(os);
    let serves =
        |session: &&Session| paths.iter().filter_map(|path| path.by_iscsi()).any(|path| session.serves(path));
    let mut all: Vec<String> = fabric
        .sessions
        .iter()
        .filter(|session| !serves(session))
        .map(|session| format!("session to {} at {}", session.iqn, session.portal))
        .collect();
    let maps = sysfs::maps(os);
    all.extend(
        maps.iter().filter(|map| !names.contains(&map.wwid)).map(|map| format!("multipath map {}", map.name)),
    );
    let ours = |address: sysfs::Address| {
        paths
            .iter()
            .any(|path| fabric.to_target(path).iter().any(|nexus| nexus.address(path.lun()) == address))
    };
    let networked = |address: &sysfs::Address| fabric.has_host(address.host);
    let disks = sysfs::scsi_devices(os).into_iter().filter(networked).filter(|&address| !ours(address));
    all.extend(disks.map(|address| format!("SCSI device {address}")));
    all
}
