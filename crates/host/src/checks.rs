//! Findings about the host, with words on what to do. Reports, never repairs.

mod multipath;
mod system;

use std::path::Path;

use crate::{
    error::Result,
    fabric::{self, LocalPort},
    os::Os,
    request::{Check, Identity, Verdict},
    target::Iqn,
    work::Site,
};

/// More volumes than this nobody has tried on one node.
const ROOM: u32 = 512;

/// Who the node is, and whether it is fit for use.
pub(crate) fn identity(site: &Site) -> Result<Identity> {
    let os = &*site.os;
    let initiator =
        os.read(&os.host_file("/etc/iscsi/initiatorname.iscsi")).ok().as_deref().and_then(initiator_name);
    let ports = fabric::local_ports(os);
    let mut checks = Vec::new();
    // a node that has Fibre Channel alone needs nothing of iSCSI
    if initiator.is_some() || ports.is_empty() {
        checks.extend([initiator_check(initiator.as_ref()), program_check(os), daemon_check(os)]);
        checks.push(startup_check(os));
    }
    checks.extend(port_check(&ports));
    let (multipath, room) = multipath::look(os);
    checks.extend(multipath);
    checks.extend(system::look(site));
    let ports = ports.into_iter().map(|port| port.wwpn).collect();
    Ok(Identity { initiator, ports, room: room.map_or(ROOM, |room| room.min(ROOM)), checks })
}

fn port_check(ports: &[LocalPort]) -> Option<Check> {
    let online = ports.iter().filter(|port| port.state == "Online").count();
    let finding = format!("{online} of {} Fibre Channel ports are online", ports.len());
    let remedy = "look at cables, switch ports and the HBA's driver";
    let verdict = if online == 0 { Verdict::Fault } else { Verdict::Advice };
    let good = if online == ports.len() { Ok(finding) } else { Err((verdict, finding, remedy)) };
    (!ports.is_empty()).then(|| check("fc", good))
}

/// The name in the text of `initiatorname.iscsi`.
fn initiator_name(text: &str) -> Option<Iqn> {
    let mut lines = text.lines().map(str::trim);
    let name = lines.find_map(|line| line.strip_prefix("InitiatorName")?.trim_start().strip_prefix('='))?;
    Iqn::new(name.trim()).ok()
}

fn check(name: &'static str, good: Result<String, (Verdict, String, &str)>) -> Check {
    match good {
        Ok(finding) => Check { name, verdict: Verdict::Good, finding, remedy: String::new() },
        Err((verdict, finding, remedy)) => Check { name, verdict, finding, remedy: remedy.to_owned() },
    }
}

fn initiator_check(initiator: Option<&Iqn>) -> Check {
    let missing = || {
        let finding = "/etc/iscsi/initiatorname.iscsi names no initiator".to_owned();
        (
            Verdict::Fault,
            finding,
            "install open-iscsi on the host, or write InitiatorName=$(iscsi-iname) into the file",
        )
    };
    check("initiator", initiator.map(|name| format!("the initiator is {name}")).ok_or_else(missing))
}

fn program_check(os: &dyn Os) -> Check {
    let places = ["/usr/sbin/iscsiadm", "/sbin/iscsiadm", "/usr/bin/iscsiadm", "/usr/local/sbin/iscsiadm"];
    let found = places.iter().find(|place| os.resolve(&os.host_file(place)).is_ok());
    let missing = || {
        (
            Verdict::Fault,
            "the host has no iscsiadm".to_owned(),
            "install open-iscsi (iscsi-initiator-utils) on the host",
        )
    };
    check("iscsiadm", found.map(|place| format!("the host has {place}")).ok_or_else(missing))
}

/// iscsid listens on an abstract socket, which the kernel lists.
fn daemon_check(os: &dyn Os) -> Check {
    let sockets = os.read(Path::new("/proc/net/unix")).unwrap_or_default();
    let runs = sockets.lines().any(|line| line.ends_with("@ISCSIADM_ABSTRACT_NAMESPACE"));
    let missing = || {
        let finding = "iscsid does not listen in this network namespace".to_owned();
        (
            Verdict::Fault,
            finding,
            "start iscsid (or enable iscsid.socket) on the host; the plugin needs hostNetwork",
        )
    };
    check("iscsid", runs.then(|| "iscsid listens".to_owned()).ok_or_else(missing))
}

fn startup_check(os: &dyn Os) -> Check {
    let text = os.read(&os.host_file("/etc/iscsi/iscsid.conf")).unwrap_or_default();
    let startup = text
        .lines()
        .map(str::trim)
        .find_map(|line| line.strip_prefix("node.startup")?.trim().strip_prefix('='));
    match startup.map(str::trim) {
        Some("automatic") => check(
            "node.startup",
            Err((
                Verdict::Advice,
                "node.startup is automatic: sessions made by hand come back at boot".to_owned(),
                "set node.startup = manual in iscsid.conf; the plugin's own records are manual in any case",
            )),
        ),
        _ => check("node.startup", Ok("sessions do not come back at boot".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initiator_name_is_found_among_comments() {
        let text = "## DO NOT EDIT\n#InitiatorName=iqn.old\nInitiatorName=iqn.2026-01.test:node\n";
        assert_eq!(initiator_name(text).map(String::from).as_deref(), Some("iqn.2026-01.test:node"));
        assert_eq!(initiator_name("GenerateName=yes\n"), None);
    }
}
