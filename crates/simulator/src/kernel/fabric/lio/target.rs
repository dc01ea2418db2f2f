//! The kernel's SCSI target: one IQN with one LUN for each exported image, written into configfs.
//!
//! Whoever proves to be the account gets in, whatever its initiator is called: the kernel makes an ACL for it as it
//! comes and asks for the target's own credentials. Members of access groups have ACLs of their own.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::{Export, Login, Session};
use super::FabricError;
use crate::config::Chap;

const ROOT: &str = "/sys/kernel/config/target";

#[derive(Debug)]
pub(super) struct Target {
    portals: Vec<SocketAddr>,
    chap: Chap,
}

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
            make(&group)?;
            for portal in &self.portals {
                make(&group.join("np").join(portal.to_string()))?;
            }
            let lun = group.join("lun/lun_0");
            make(&lun)?;
            link(&backstore(device), &lun.join(device))?;
            write(&group.join("attrib/cache_dynamic_acls"), "1")?;
            write(&group.join("attrib/authentication"), "1")?;
        }
        let read_only_changed = before.is_some_and(|before| before.read_only != export.read_only);
        let proof_gone = before.is_some_and(|before| before.login.is_some()) && export.login.is_none();
        if read_only_changed || proof_gone {
            // Takes effect on sessions that begin later, so the running ones are ended.
            write(&group.join("enable"), "0")?;
        }
        self.admit(&group, export)?;
        self.admit_members(&group, before, export)?;
        write(&group.join("enable"), "1")
    }

    /// Lets in whoever proves to be the account.
    fn admit(&self, group: &Path, export: &Export) -> Result<(), FabricError> {
        write(&group.join("attrib/generate_node_acls"), if export.login.is_some() { "1" } else { "0" })?;
        write(&group.join("attrib/demo_mode_write_protect"), if export.read_only { "1" } else { "0" })?;
        match &export.login {
            Some(login) => self.credentials(&group.join("auth"), login),
            None => Ok(()),
        }
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

    fn admit_members(
        &self,
        group: &Path,
        before: Option<&Export>,
        export: &Export,
    ) -> Result<(), FabricError> {
        let old = before.map(|before| before.initiators.as_slice()).unwrap_or_default();
        for (name, _) in old.iter().filter(|(name, _)| export.initiators.iter().all(|(kept, _)| kept != name))
        {
            expel(&group.join("acls").join(name))?;
        }
        for (name, login) in export.initiators.iter().filter(|member| !old.contains(member)) {
            let acl = group.join("acls").join(name);
            make(&acl)?;
            let lun = acl.join("lun_0");
            make(&lun)?;
            link(&group.join("lun/lun_0"), &lun.join("disk"))?;
            write(&lun.join("write_protect"), if export.read_only { "1" } else { "0" })?;
            match login {
                Some(login) => self.credentials(&acl.join("auth"), login)?,
                None => write(&acl.join("attrib/authentication"), "0")?,
            }
        }
        Ok(())
    }

    /// Cuts the sessions and removes the target and the disk behind it.
    pub(super) fn remove(&self, iqn: &str, device: &str) -> Result<(), FabricError> {
        let group = group(iqn);
        write(&group.join("enable"), "0")?;
        for acl in entries(&group.join("acls")) {
            expel(&acl)?;
        }
        unlink(&group.join("lun/lun_0").join(device))?;
        remove_directory(&group.join("lun/lun_0"))?;
        for portal in entries(&group.join("np")) {
            remove_directory(&portal)?;
        }
        remove_directory(&group)?;
        group.parent().map_or(Ok(()), remove_directory)?;
        let backstore = backstore(device);
        remove_directory(&backstore)?;
        backstore.parent().map_or(Ok(()), remove_directory)
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

/// Each backstore has a host bus adapter of its own, named by the number at the end of the device's name.
fn backstore(device: &str) -> PathBuf {
    let number = device.rsplit('-').next().unwrap_or(device);
    PathBuf::from(ROOT).join(format!("core/iblock_{number}")).join(device)
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

fn expel(acl: &Path) -> Result<(), FabricError> {
    unlink(&acl.join("lun_0/disk"))?;
    remove_directory(&acl.join("lun_0"))?;
    remove_directory(acl)
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
