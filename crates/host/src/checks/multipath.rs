//! Whether multipathd runs, and what its configuration means for volumes.

use std::time::Duration;

use super::check;
use crate::{
    os::Os,
    request::{Check, Verdict},
    tools::multipath::{self, Config, Presence},
};

const PATIENCE: Duration = Duration::from_secs(5);
/// Descriptors that multipathd needs beside those of its paths, and paths that a volume usually has.
const OTHER_FILES: u32 = 32;
const PATHS: u32 = 4;

/// The findings, and how many volumes multipathd can serve if it has a limit.
pub(super) fn look(os: &dyn Os) -> (Vec<Check>, Option<u32>) {
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
    let config = multipath::config(os, deadline);
    let Some(config) = config.filter(|_| checks[0].verdict == Verdict::Good) else { return (checks, None) };
    checks.extend(of_config(&config));
    let files = config.value("max_fds").and_then(|value| value.parse::<u32>().ok());
    (checks, files.map(|files| (files.saturating_sub(OTHER_FILES) / PATHS).max(1)))
}

fn of_config(config: &Config) -> Vec<Check> {
    let setting = config.value("find_multipaths").unwrap_or("unknown");
    let mut checks = vec![check("find_multipaths", Ok(format!("find_multipaths is {setting}")))];
    let mut advise = |name, finding: &str, remedy| {
        checks.push(check(name, Err((Verdict::Advice, finding.to_owned(), remedy))));
    };
    if config.all("no_path_retry").any(|value| value == "queue") {
        let finding = "no_path_retry is queue: without paths, IO and unmounting hang for ever";
        advise("no_path_retry", finding, "set a finite no_path_retry (such as 12) in multipath.conf");
    }
    if config.value("skip_kpartx") != Some("yes") {
        let finding = "skip_kpartx is not set: the host looks for partitions inside volumes, and holds them";
        advise("skip_kpartx", finding, "set skip_kpartx yes in the defaults of multipath.conf");
    }
    if config.value("recheck_wwid") == Some("no") {
        let finding = "recheck_wwid is no: a LUN that changes hands slowly keeps its place in the old map";
        advise("recheck_wwid", finding, "set recheck_wwid yes in the defaults of multipath.conf");
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::fake::Fake;

    #[test]
    fn a_careful_configuration_draws_no_advice_and_a_careless_one_says_why() {
        let names = |text: &str| -> Vec<&str> {
            let fake = Fake::new();
            fake.world().config = text.to_owned();
            let (checks, _) = look(&fake);
            checks.iter().filter(|check| check.verdict != Verdict::Good).map(|check| check.name).collect()
        };
        let careful = "defaults {\n find_multipaths \"strict\"\n no_path_retry 12\n skip_kpartx \"yes\"\n recheck_wwid \"yes\"\n}";
        assert_eq!(names(careful), Vec::<&str>::new());
        let careless =
            "defaults {\n recheck_wwid \"no\"\n}\ndevices {\n device {\n  no_path_retry \"queue\"\n }\n}";
        assert_eq!(names(careless), ["no_path_retry", "skip_kpartx", "recheck_wwid"]);
    }

    #[test]
    fn a_daemon_with_few_descriptors_serves_few_volumes() {
        let fake = Fake::new();
        fake.world().config = "defaults {\n max_fds 432\n}".into();
        assert_eq!(look(&fake).1, Some(100));
        fake.world().config = "defaults {\n max_fds \"max\"\n}".into();
        assert_eq!(look(&fake).1, None);
    }
}
