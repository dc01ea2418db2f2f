//! The kernel's SCSI target, written into configfs: an IQN for each disk, or one that many disks share.
//!
//! At a disk's own target whoever proves to be the account gets in, whatever its initiator is called: the kernel makes an
//! ACL for it as it comes and asks for the target's own credentials. All others have ACLs that are made here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::{Export, Guests, Login, Reach, Session};
use super::FabricError;
use crate::config::Chap;

const ROOT: &str = "/sys/kernel/config/target";

#[derive(Debug)]
pub(super) struct Target {
    portals: Vec<SocketAddr>,
    chap: Chap,
}

/// What a disk had at a target before, or is to have: LUNs by initiator.
type Seen<'a> = BTreeMap<&'a str, u32>;

impl Target {
    pub(super) fn new(portals: &[SocketAddr], chap: Chap) -> Result<Self, FabricError> {
        if !Path::new(ROOT).is_dir() {
            return Err(FabricError(format!(
                "{ROOT} does not exist; load target_core_mod, target_core_iblock and iscsi_target_mod and mount configfs"
            )));
        }
        make(&PathBuf::from(ROOT).join("iscsi"))?;
        Ok(Self { portals: portals.to_vec(), chap })
    }

    /// Brings the target from what was applied before to what is wanted.
    pub(super) fn apply(
        &self,
        before: Option<&Export>,
        export: &Export,
        device: &str,
    ) -> Result<(), FabricError> {
        let group = group(&export.iqn);
        if before.is_none() {
            back(export, device)?;
            let alone = matches!(export.reach, Reach::Alone { .. });
            if alone {
                self.listen(&group)?;
            }
            let lun = lun_of(&group, export, device);
            make(&lun)?;
            link(&backstore(device), &lun.join(device))?;
        }
        let (login, guests) = match &export.reach {
            Reach::Among(_) => return show(&group, before, export, device),
            Reach::Alone { login, initiators } => (login, initiators),
        };
        let (old_login, old_guests) = match before.map(|before| &before.reach) {
            Some(Reach::Alone { login, initiators }) => (login.as_ref(), Some(initiators)),
            _ => (None, None),
        };
        let read_only_changed = before.is_some_and(|before| before.read_only != export.read_only);
        if read_only_changed || (old_login.is_some() && login.is_none()) {
            // Takes effect on sessions that begin later, so the running ones are ended.
            write(&group.join("enable"), "0")?;
        }
        self.welcome(&group, login.as_ref(), export.read_only)?;
        self.guests(&group, old_guests, guests)?;
        show(&group, before, export, device)?;
        write(&group.join("enable"), "1")
    }

    /// Opens a target that many disks share to these initiators.
    pub(super) fn admit(
        &self,
        iqn: &str,
        before: Option<&Guests>,
        guests: &Guests,
    ) -> Result<(), FabricError> {
        let group = group(iqn);
        if before.is_none() {
            self.listen(&group)?;
            write(&group.join("attrib/generate_node_acls"), "0")?;
        }
        self.guests(&group, before, guests)?;
        write(&group.join("enable"), "1")
    }

    fn listen(&self, group: &Path) -> Result<(), FabricError> {
        make(group)?;
        for portal in &self.portals {
            make(&group.join("np").join(portal.to_string()))?;
        }
        write(&group.join("attrib/cache_dynamic_acls"), "1")?;
        write(&group.join("attrib/authentication"), "1")
    }

    /// Lets in whoever proves to be the account.
    fn welcome(&self, group: &Path, login: Option<&Login>, read_only: bool) -> Result<(), FabricError> {
        write(&group.join("attrib/generate_node_acls"), if login.is_some() { "1" } else { "0" })?;
        write(&group.join("attrib/demo_mode_write_protect"), if read_only { "1" } else { "0" })?;
        login.map_or(Ok(()), |login| self.credentials(&group.join("auth"), login))
    }

    /// Without a newline: the kernel would take it for a part of the secret.
    fn credentials(&self, auth: &Path, login: &Login) -> Result<(), FabricError> {
        write(&auth.join("userid"), &login.username)?;
        write(&auth.join("password"), &login.secret)?;
        if self.chap == Chap::Mutual {
            write(&auth.join("userid_mutual"), &login.username)?;
            write(&auth.join("password_mutual"), &login.target_secret)?;
        }
        Ok(())
    }

    /// Sees to it that these initiators have ACLs and no others.
    fn guests(&self, group: &Path, before: Option<&Guests>, guests: &Guests) -> Result<(), FabricError> {
        let nobody = Guests::new();
        let before = before.unwrap_or(&nobody);
        for gone in before.keys().filter(|name| !guests.contains_key(*name)) {
            expel(&acl(group, gone))?;
        }
        for (name, login) in guests.iter().filter(|(name, login)| before.get(*name) != Some(*login)) {
            let acl = acl(group, name);
            make(&acl)?;
            write(&acl.join("attrib/authentication"), if login.is_some() { "1" } else { "0" })?;
            if let Some(login) = login {
                self.credentials(&acl.join("auth"), login)?;
            }
        }
        Ok(())
    }

    /// Takes the disk away from everyone, with its target if that is its own.
    pub(super) fn remove(&self, export: &Export, device: &str) -> Result<(), FabricError> {
        let group = group(&export.iqn);
        match &export.reach {
            Reach::Alone { .. } => {
                write(&group.join("enable"), "0")?;
                entries(&group.join("acls")).iter().try_for_each(|acl| expel(acl))?;
            }
            Reach::Among(seen) => {
                for (name, lun) in seen {
                    hide(&acl(&group, name), *lun)?;
                }
            }
        }
        let lun = lun_of(&group, export, device);
        unlink(&lun.join(device))?;
        remove_directory(&lun)?;
        if matches!(export.reach, Reach::Alone { .. }) {
            end(&group)?;
        }
        let backstore = backstore(device);
        remove_directory(&backstore)?;
        backstore.parent().map_or(Ok(()), remove_directory)
    }

    /// Closes a target that many disks shared.
    pub(super) fn close(&self, iqn: &str) -> Result<(), FabricError> {
        let group = group(iqn);
        write(&group.join("enable"), "0")?;
        entries(&group.join("acls")).iter().try_for_each(|acl| expel(acl))?;
        end(&group)
    }

    /// Who is logged in: initiators the kernel made an ACL for, and members with one of their own.
    pub(super) fn sessions(&self, iqn: &str) -> Vec<Session> {
        let group = group(iqn);
        let session = |initiator: &str, address: &str| Session {
            iqn: iqn.to_owned(),
            initiator: initiator.to_owned(),
            address: address.to_owned(),
        };
        let dynamic = fs::read_to_string(group.join("dynamic_sessions")).unwrap_or_default();
        let names = dynamic.split(['\n', '\0']).map(str::trim).filter(|name| !name.is_empty());
        let mut sessions: Vec<Session> = names.map(|name| session(name, "")).collect();
        for acl in entries(&group.join("acls")) {
            let info = fs::read_to_string(acl.join("info")).unwrap_or_default();
            if let Some((initiator, address)) = parse_info(&info) {
                sessions.push(session(initiator, address));
            }
        }
        sessions
    }
}

/// Name and address of the initiator in the text the kernel shows of an ACL in use.
fn parse_info(info: &str) -> Option<(&str, &str)> {
    let initiator = info.lines().find_map(|line| line.strip_prefix("InitiatorName: "))?;
    let address = info.lines().find_map(|line| line.trim().strip_prefix("Address "));
    Some((initiator.trim(), address.and_then(|rest| rest.split_whitespace().next()).unwrap_or("")))
}

fn group(iqn: &str) -> PathBuf {
    PathBuf::from(ROOT).join("iscsi").join(iqn).join("tpgt_1")
}

fn acl(group: &Path, initiator: &str) -> PathBuf {
    group.join("acls").join(initiator)
}

/// The disk's place in the target; initiators see it at LUNs of their own.
fn lun_of(group: &Path, export: &Export, device: &str) -> PathBuf {
    match &export.reach {
        Reach::Alone { .. } => group.join("lun/lun_0"),
        Reach::Among(_) => group.join(format!("lun/lun_{}", number(device))),
    }
}

fn number(device: &str) -> &str {
    device.rsplit('-').next().unwrap_or(device)
}

fn seen(export: &Export) -> Seen<'_> {
    match &export.reach {
        Reach::Alone { initiators, .. } => initiators.keys().map(|name| (name.as_str(), 0)).collect(),
        Reach::Among(luns) => luns.iter().map(|(name, lun)| (name.as_str(), *lun)).collect(),
    }
}

/// Shows the disk to whom it is to be shown, at their LUNs, and to nobody else.
fn show(group: &Path, before: Option<&Export>, export: &Export, device: &str) -> Result<(), FabricError> {
    let (old, new) = (before.map(seen).unwrap_or_default(), seen(export));
    let anew = before.is_some_and(|before| before.read_only != export.read_only);
    for (name, lun) in old.iter().filter(|(name, lun)| anew || new.get(*name) != Some(*lun)) {
        hide(&acl(group, name), *lun)?;
    }
    for (name, lun) in new.iter().filter(|(name, lun)| anew || old.get(*name) != Some(*lun)) {
        let place = acl(group, name).join(format!("lun_{lun}"));
        make(&place)?;
        link(&lun_of(group, export, device), &place.join("disk"))?;
        write(&place.join("write_protect"), if export.read_only { "1" } else { "0" })?;
    }
    Ok(())
}

/// Each backstore has a host bus adapter of its own, named by the number at the end of the device's name.
fn backstore(device: &str) -> PathBuf {
    PathBuf::from(ROOT).join(format!("core/iblock_{}", number(device))).join(device)
}

/// The disk with the identity it shows. The serial comes last: the kernel makes the identifier from all of them.
fn back(export: &Export, device: &str) -> Result<(), FabricError> {
    let backstore = backstore(device);
    make(&backstore)?;
    write(&backstore.join("control"), &format!("udev_path=/dev/mapper/{device}"))?;
    let identity = &export.identity;
    write(&backstore.join("wwn/company_id"), &format!("{:#08x}", identity.company))?;
    write(&backstore.join("wwn/vendor_id"), identity.vendor)?;
    write(&backstore.join("wwn/product_id"), identity.product)?;
    write(&backstore.join("enable"), "1")?;
    write(&backstore.join("wwn/vpd_unit_serial"), &identity.serial)
}

/// Takes a disk from an initiator, if it still has it: who was expelled has none.
fn hide(acl: &Path, lun: u32) -> Result<(), FabricError> {
    let place = acl.join(format!("lun_{lun}"));
    if !place.is_dir() {
        return Ok(());
    }
    unlink(&place.join("disk"))?;
    remove_directory(&place)
}

fn expel(acl: &Path) -> Result<(), FabricError> {
    for place in entries(acl) {
        if place.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lun_")) {
            unlink(&place.join("disk"))?;
            remove_directory(&place)?;
        }
    }
    remove_directory(acl)
}

/// Removes a target that shows nothing any more.
fn end(group: &Path) -> Result<(), FabricError> {
    entries(&group.join("np")).iter().try_for_each(|portal| remove_directory(portal))?;
    remove_directory(group)?;
    group.parent().map_or(Ok(()), remove_directory)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(directory).into_iter().flatten();
    read.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn failed<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> FabricError + 'a {
    move |error| FabricError(format!("{what} {}: {error}", path.display()))
}

fn make(path: &Path) -> Result<(), FabricError> {
    // Each missing parent is an object of its own there, so they are made one by one, which this does.
    fs::create_dir_all(path).map_err(failed("making", path))
}

fn write(path: &Path, text: &str) -> Result<(), FabricError> {
    fs::write(path, text).map_err(failed("writing", path))
}

fn link(to: &Path, at: &Path) -> Result<(), FabricError> {
    symlink(to, at).map_err(failed("linking", at))
}

fn unlink(path: &Path) -> Result<(), FabricError> {
    fs::remove_file(path).map_err(failed("unlinking", path))
}

fn remove_directory(path: &Path) -> Result<(), FabricError> {
    fs::remove_dir(path).map_err(failed("removing", path))
}

#[cfg(test)]
mod tests {
    use super::parse_info;

    #[test]
    fn an_acl_in_use_tells_its_initiator_and_address() {
        let info = "InitiatorName: iqn.2026-01.test:a\nInitiatorAlias: \nLIO Session ID: 1\n   Address 10.0.0.2 TCP  StatSN\n";
        assert_eq!(parse_info(info), Some(("iqn.2026-01.test:a", "10.0.0.2")));
        assert_eq!(parse_info("No active iSCSI Session for Initiator Endpoint: iqn.2026-01.test:a\n"), None);
    }
}
