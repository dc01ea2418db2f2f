//! A look around at start: what records say, and what nobody's record owns. Removes nothing.

use std::collections::BTreeSet;

use crate::{
    error::Result,
    record::{Phase, Record},
    request::Reconciled,
    sysfs,
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
    let sessions = sysfs::sessions(os);
    let mut all: Vec<String> = sessions
        .iter()
        .filter(|session| !paths.iter().any(|path| session.serves(path)))
        .map(|session| format!("session to {} at {}", session.iqn, session.portal))
        .collect();
    let maps = sysfs::maps(os);
    all.extend(
        maps.iter().filter(|map| !names.contains(&map.wwid)).map(|map| format!("multipath map {}", map.name)),
    );
    let ours = |address: sysfs::Address| {
        let mut of = sessions.iter().filter(|session| session.address(address.lun) == address);
        of.any(|session| paths.iter().any(|path| path.iqn == session.iqn && path.lun == address.lun))
    };
    let of_iscsi = |address: &sysfs::Address| sessions.iter().any(|session| session.host == address.host);
    let disks = sysfs::scsi_devices(os).into_iter().filter(of_iscsi).filter(|&address| !ours(address));
    all.extend(disks.map(|address| format!("SCSI device {address}")));
    all
}
