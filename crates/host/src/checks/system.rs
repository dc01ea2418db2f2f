//! The kernel's side: modules, events, calls that hang, mounts that reach the node; and LVM, which likes to grab disks.

use std::path::Path;

use super::check;
use crate::{
    os::Os,
    request::{Check, Verdict},
    sysfs,
    work::Site,
};

pub(super) fn look(site: &Site) -> Vec<Check> {
    let os = &*site.os;
    let mut checks = vec![events(os), lvm(os)];
    checks.extend(propagation(site));
    checks.extend(modules(os));
    if os.stuck() > 0 {
        let finding = format!("{} calls hang in the kernel", os.stuck());
        let remedy = "look for dead paths in the kernel log; reboot the node if they do not return";
        checks.push(check("kernel", Err((Verdict::Fault, finding, remedy))));
    }
    checks
}

fn events(os: &dyn Os) -> Check {
    let deaf = || {
        let finding =
            "the kernel's events cannot be heard, so the plugin looks four times a second".to_owned();
        (Verdict::Advice, finding, "run the plugin with hostNetwork")
    };
    check("uevents", os.hears().then(|| "the kernel's events are heard".to_owned()).ok_or_else(deaf))
}

/// Where volumes are mounted must be shared with the node, or its pods see empty directories.
fn propagation(site: &Site) -> Option<Check> {
    let mounts = site.os.mounts().ok()?;
    let holding = |place: &&Path| {
        let under = mounts.iter().filter(|mount| place.starts_with(&mount.target));
        under.max_by_key(|mount| mount.target.as_os_str().len()).is_some_and(|mount| !mount.shared)
    };
    let places = site.settings.places.iter().map(|place| place.as_path());
    let closed: Vec<String> = places.filter(holding).map(|place| place.display().to_string()).collect();
    if site.settings.places.is_empty() {
        return None;
    }
    let bad = || {
        let finding = format!("mounts below {} do not reach the node", closed.join(", "));
        (Verdict::Fault, finding, "mount it with mountPropagation: Bidirectional")
    };
    let good = closed.is_empty().then(|| "mounts reach the node".to_owned());
    Some(check("propagation", good.ok_or_else(bad)))
}

/// Volume groups inside volumes must stay asleep: an active one holds the volume, and may be a pod's.
fn lvm(os: &dyn Os) -> Check {
    let Ok(config) = os.read(&os.host_file("/etc/lvm/lvm.conf")) else {
        return check("lvm", Ok("the host has no LVM".to_owned()));
    };
    let set = |key: &str| {
        let lines = config.lines().map(str::trim);
        lines.filter_map(|line| line.strip_prefix(key)).any(|rest| rest.trim_start().starts_with('='))
    };
    let listed = os.read(&os.host_file("/etc/lvm/devices/system.devices")).is_ok();
    let careless = || {
        let finding = "LVM on the host looks into every disk, volumes included".to_owned();
        let remedy =
            "set global_filter in lvm.conf to the host's own disks, or use a devices file (lvmdevices)";
        (Verdict::Advice, finding, remedy)
    };
    let good = listed || set("global_filter") || set("filter");
    check("lvm", good.then(|| "LVM keeps to the host's own disks".to_owned()).ok_or_else(careless))
}

fn modules(os: &dyn Os) -> Option<Check> {
    let there = |path: &str| os.list(Path::new(path)).is_ok();
    let maps = there("/sys/module/dm_multipath") || !sysfs::maps(os).is_empty();
    let transports = there("/sys/class/iscsi_transport/tcp") || there("/sys/class/fc_host");
    let lacking: Vec<&str> = [(maps, "dm_multipath"), (transports, "iscsi_tcp")]
        .into_iter()
        .filter_map(|(there, name)| (!there).then_some(name))
        .collect();
    let finding = format!("not loaded yet: {}", lacking.join(", "));
    let remedy = "have them loaded at boot (/etc/modules-load.d), unless the host loads them on demand";
    (!lacking.is_empty()).then(|| check("modules", Err((Verdict::Advice, finding, remedy))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        linux::Settings,
        os::{DevNum, Mount, fake::Fake},
    };

    fn mount(target: &str, shared: bool) -> Mount {
        Mount {
            number: DevNum { major: 8, minor: 1 },
            root: "/".into(),
            target: target.into(),
            fs: "ext4".into(),
            read_only: false,
            fs_read_only: false,
            shared,
        }
    }

    #[test]
    fn a_place_whose_own_mount_is_private_is_a_fault() {
        let fake = Arc::new(Fake::new());
        fake.world().mounts = vec![mount("/", true), mount("/k/pods", false), mount("/k/plugins", true)];
        let places = vec!["/k/pods".into(), "/k/plugins/csi".into()];
        let settings = Settings { host_root: "/".into(), records: "/r".into(), places };
        let site = Site::new(Arc::<Fake>::clone(&fake), settings).unwrap();
        let found = propagation(&site).unwrap();
        assert_eq!(found.verdict, Verdict::Fault);
        assert!(found.finding.contains("/k/pods") && !found.finding.contains("plugins"), "{}", found.finding);
        fake.world().mounts[1].shared = true;
        assert_eq!(propagation(&site).unwrap().verdict, Verdict::Good);
    }

    #[test]
    fn a_commented_filter_of_lvm_is_none() {
        let fake = Fake::new();
        assert_eq!(lvm(&fake).verdict, Verdict::Good);
        fake.world().file("/etc/lvm/lvm.conf", "devices {\n\t# global_filter = [ \"a|.*|\" ]\n}");
        assert_eq!(lvm(&fake).verdict, Verdict::Advice);
        fake.world().file("/etc/lvm/lvm.conf", "devices {\n\tglobal_filter = [ \"r|.*|\" ]\n}");
        assert_eq!(lvm(&fake).verdict, Verdict::Good);
    }
}
