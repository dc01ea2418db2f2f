//! multipathd, by its socket, and `multipath -a`. Replies are hints; what happened is read from sysfs.

use std::{collections::BTreeSet, io, time::Instant};

use super::words;
use crate::{
    error::{Error, ErrorKind, Result},
    os::{Invocation, Os, Root},
    sysfs,
};

/// What multipathd said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Ok,
    /// Open, unknown or not supported: it does not say which.
    Fail,
    Blacklisted,
    /// Busy: nothing is known.
    TimedOut,
    Other,
}

fn reply(text: &str) -> Reply {
    match text.trim() {
        "ok" => Reply::Ok,
        "blacklisted" => Reply::Blacklisted,
        "timeout" => Reply::TimedOut,
        text if text.starts_with("fail") => Reply::Fail,
        _ => Reply::Other,
    }
}

/// Sends a command. An error means that the daemon is not there.
pub(crate) fn tell(os: &dyn Os, command: &str, deadline: Instant) -> Result<Reply> {
    match os.multipathd(command, deadline) {
        Ok(text) => {
            tracing::debug!(command, reply = text, "multipathd");
            Ok(reply(&text))
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(Reply::TimedOut),
        Err(error) => {
            Err(Error::new(ErrorKind::NotReady, "multipathd does not answer; start it on the host")
                .because(error))
        }
    }
}

/// Whether maps are to be had on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Running,
    /// Set up on the host, but the daemon does not answer: an `sd` could get a map at any time.
    Down,
    Absent,
}

/// Asks the daemon, without a process.
pub(crate) fn presence(os: &dyn Os, deadline: Instant) -> Presence {
    match os.multipathd("show daemon", deadline) {
        Ok(_) => return Presence::Running,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Presence::Running,
        Err(_) => {}
    }
    let set_up = ["/etc/multipath.conf", "/etc/multipath/wwids"]
        .iter()
        .any(|file| os.read(&os.host_file(file)).is_ok());
    if set_up || !sysfs::maps(os).is_empty() { Presence::Down } else { Presence::Absent }
}

/// The SCSI addresses of paths that the daemon found dead; none if it does not answer.
pub(crate) fn failed_paths(os: &dyn Os, deadline: Instant) -> BTreeSet<String> {
    os.multipathd("show paths raw format \"%i %t\"", deadline)
        .map(|list| failed_in(&list))
        .unwrap_or_default()
}

fn failed_in(list: &str) -> BTreeSet<String> {
    let mut failed = BTreeSet::new();
    for line in list.lines() {
        let mut words = line.split_whitespace();
        if let (Some(address), Some("failed")) = (words.next(), words.next()) {
            failed.insert(address.to_owned());
        }
    }
    failed
}

/// The daemon's configuration as it prints it.
#[derive(Clone, Debug)]
pub(crate) struct Config(String);

impl Config {
    /// Every value that the setting has anywhere, the defaults' first.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(move |line| {
            let (name, value) = line.trim().split_once(char::is_whitespace)?;
            (name == key).then(|| value.trim().trim_matches('"'))
        })
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }
}

/// Asks the daemon for its configuration; none if it does not tell.
pub(crate) fn config(os: &dyn Os, deadline: Instant) -> Option<Config> {
    os.multipathd("show config local", deadline).ok().map(Config)
}

/// Whether maps of a single path, or of a WWID never seen, come by themselves under this setting.
fn by_itself(setting: Option<&str>) -> bool {
    matches!(setting, Some("off" | "no" | "greedy"))
}

fn known(wwids: &str, wwid: &str) -> bool {
    wwids
        .lines()
        .any(|line| line.trim().strip_prefix('/').and_then(|line| line.strip_suffix('/')) == Some(wwid))
}

/// Makes sure that multipathd will want this WWID. To be called before the scan, because udev decides by it.
pub(crate) fn expect(os: &dyn Os, wwid: &str, deadline: Instant) -> Result<()> {
    if by_itself(config(os, deadline).as_ref().and_then(|config| config.value("find_multipaths"))) {
        return Ok(());
    }
    let wwids = os.read(&os.host_file("/etc/multipath/wwids")).unwrap_or_default();
    if known(&wwids, wwid) {
        return Ok(());
    }
    let args = vec!["-a".to_owned(), wwid.to_owned()];
    let invocation =
        Invocation { root: Root::Host, program: "multipath", secret_from: args.len(), args, deadline };
    let output = os.run(&invocation).map_err(|error| super::not_started("multipath", error))?;
    match output.code {
        Some(0) => Ok(()),
        code => {
            let message = format!("multipath -a {wwid} ended with {code:?}: {}", words(&output));
            Err(Error::new(ErrorKind::NotReady, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_apart() {
        assert_eq!(reply("ok"), Reply::Ok);
        assert_eq!(reply("fail\n"), Reply::Fail);
        assert_eq!(reply("fail: map in use"), Reply::Fail);
        assert_eq!(reply("timeout"), Reply::TimedOut);
        assert_eq!(reply("blacklisted"), Reply::Blacklisted);
        assert_eq!(reply("permission deny: need to be root"), Reply::Other);
    }

    #[test]
    fn strict_and_unknown_settings_need_the_wwid_beforehand() {
        let config = Config("defaults {\n\tverbosity 2\n\tfind_multipaths \"strict\"\n}".to_owned());
        assert_eq!(config.value("find_multipaths"), Some("strict"));
        assert!(!by_itself(config.value("find_multipaths")) && !by_itself(None) && by_itself(Some("off")));
    }

    #[test]
    fn only_paths_that_device_mapper_gave_up_count_as_failed() {
        let failed = failed_in("2:0:0:1 active\n3:0:0:1 failed\n4:0:0:1 undef\n");
        assert_eq!(failed.into_iter().collect::<Vec<_>>(), ["3:0:0:1"]);
    }

    #[test]
    fn a_wwid_is_known_only_as_a_whole_line() {
        let wwids = "# Valid WWIDs:\n/36001405abcd/\n";
        assert!(known(wwids, "36001405abcd"));
        assert!(!known(wwids, "36001405abc"));
        assert!(!known(wwids, "# Valid WWIDs:"));
    }
}
