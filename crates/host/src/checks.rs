//! Findings about the host, with words on what to do. Reports, never repairs.

use std::{path::Path, time::Duration};

use crate::{
    error::Result,
    os::Os,
    request::{Check, Identity, Verdict},
    target::Iqn,
    tools::multipath::{self, Presence},
    work::Site,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Who the node is, and whether it is fit for use.
pub(crate) fn identity(site: &Site) -> Result<Identity> {
    let os = &*site.os;
    let initiator =
        os.read(&os.host_file("/etc/iscsi/initiatorname.iscsi")).ok().as_deref().and_then(initiator_name);
    let mut checks = vec![initiator_check(initiator.as_ref()), program_check(os), daemon_check(os)];
    checks.extend(multipath_checks(os));
    checks.push(startup_check(os));
    if os.stuck() > 0 {
        checks.push(Check {
            name: "kernel",
            verdict: Verdict::Fault,
            finding: format!("{} calls hang in the kernel", os.stuck()),
            remedy: "look for dead paths in the kernel log; reboot the node if they do not return".into(),
        });
    }
    Ok(Identity { initiator, checks })
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

fn multipath_checks(os: &dyn Os) -> Vec<Check> {
    let deadline = os.now() + PATIENCE;
    let daemon = match multipath::presence(os, deadline) {
        Presence::Running => Ok("multipathd answers".to_owned()),
        Presence::Down => Err((
            Verdict::Fault,
            "multipath is set up, but multipathd does not answer".to_owned(),
            "start multipathd on the host",
        )),
        Presence::Absent => Err((
            Verdict::Advice,
            "the host has no multipathd: volumes get a single path".to_owned(),
            "install and start multipath-tools on the host",
        )),
    };
    let mut checks = vec![check("multipathd", daemon)];
    if checks[0].verdict != Verdict::Good {
        return checks;
    }
    let setting = multipath::find_multipaths(os, deadline).unwrap_or_else(|| "unknown".to_owned());
    checks.push(check("find_multipaths", Ok(format!("find_multipaths is {setting}"))));
    if multipath::queues_for_ever(os, deadline) == Some(true) {
        checks.push(Check {
            name: "no_path_retry",
            verdict: Verdict::Advice,
            finding: "no_path_retry is queue: without paths, IO and unmounting hang for ever".into(),
            remedy: "set a finite no_path_retry (such as 12) in multipath.conf".into(),
        });
    }
    checks
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
