//! The host's `iscsiadm`: three calls to a cold portal, two to leave it, never a listing.

use std::time::Instant;

use super::words;
use crate::{
    error::{Error, ErrorKind, Result},
    os::{Invocation, Os, Output, Root},
    target::{Chap, IscsiPath},
};

/// What an exit code means for what we do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Done, or done before.
    Fine,
    /// There is no such session or record.
    Nothing,
    /// The record vanished under the tool while it walked the target's records: once more.
    Database,
    TimedOut,
    ChapRefused,
    NoDaemon,
    Busy,
    /// Look at sysfs, then decide.
    Unknown,
}

fn meaning(output: &Output) -> Meaning {
    match output.code {
        _ if output.timed_out => Meaning::TimedOut,
        Some(0 | 15) => Meaning::Fine,
        Some(21) => Meaning::Nothing,
        Some(6) => Meaning::Database,
        Some(8 | 11) => Meaning::TimedOut,
        Some(24) => Meaning::ChapRefused,
        Some(18 | 20) => Meaning::NoDaemon,
        Some(28) => Meaning::Busy,
        _ => Meaning::Unknown,
    }
}

/// What one call came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) meaning: Meaning,
    words: String,
}

impl Answer {
    /// The failure in words for a person.
    pub(crate) fn error(&self, doing: &str, path: &IscsiPath) -> Error {
        let (kind, remedy) = match self.meaning {
            Meaning::ChapRefused => {
                (ErrorKind::ChapRefused, "the target refused the CHAP name or secret; compare both sides")
            }
            Meaning::NoDaemon => (ErrorKind::NotReady, "iscsid does not answer; start iscsid on the host"),
            Meaning::TimedOut => {
                (ErrorKind::NotReady, "the portal did not answer in time; check network and portal")
            }
            Meaning::Database => (
                ErrorKind::NotReady,
                "the node database is locked or damaged; look at iscsiadm -m node on the host",
            ),
            _ => (ErrorKind::NotReady, "see iscsid's log on the host"),
        };
        let said = if self.words.is_empty() { String::new() } else { format!(" ({})", self.words) };
        Error::new(kind, format!("{doing} {} at {}: {remedy}{said}", path.iqn, path.portal))
    }
}

fn node(
    os: &dyn Os,
    path: &IscsiPath,
    more: &[&str],
    secrets: Vec<String>,
    deadline: Instant,
) -> Result<Answer> {
    let portal = path.portal.to_string();
    let mut args: Vec<String> =
        ["-m", "node", "-T", path.iqn.as_str(), "-p", &portal].iter().map(|&arg| arg.to_owned()).collect();
    if path.iser {
        args.extend(["-I".to_owned(), path.interface().to_owned()]);
    }
    args.extend(more.iter().map(|&arg| arg.to_owned()));
    let secret_from = args.len();
    let quiet = !secrets.is_empty();
    args.extend(secrets);
    let invocation = Invocation { root: Root::Host, program: "iscsiadm", args, secret_from, deadline };
    let output = os.run(&invocation).map_err(|error| super::not_started("iscsiadm", error))?;
    // the tool repeats values it does not like
    let words = if quiet { String::new() } else { words(&output) };
    Ok(Answer { meaning: meaning(&output), words })
}

/// Makes (or makes anew) the record of a portal.
pub(crate) fn create(os: &dyn Os, path: &IscsiPath, deadline: Instant) -> Result<Answer> {
    node(os, path, &["-o", "new"], Vec::new(), deadline)
}

/// Sets every value that we care about in one call.
pub(crate) fn update(
    os: &dyn Os,
    path: &IscsiPath,
    chap: Option<&Chap>,
    multipath: bool,
    deadline: Instant,
) -> Result<Answer> {
    let pairs = settings(chap, multipath);
    let secrets = pairs
        .into_iter()
        .flat_map(|(name, value)| ["-n".to_owned(), name.to_owned(), "-v".to_owned(), value]);
    node(os, path, &["-o", "update"], secrets.collect(), deadline)
}

fn settings(chap: Option<&Chap>, multipath: bool) -> Vec<(&'static str, String)> {
    let account = |account: Option<&crate::target::ChapAccount>| {
        account.map_or_else(Default::default, |account| (account.name.clone(), account.secret.clone()))
    };
    let (name, secret) = account(chap.map(|chap| &chap.outgoing));
    let (name_in, secret_in) = account(chap.and_then(|chap| chap.incoming.as_ref()));
    vec![
        ("node.startup", "manual".into()),
        ("node.session.scan", "manual".into()),
        ("node.session.nr_sessions", "1".into()),
        ("node.session.initial_login_retry_max", "1".into()),
        ("node.conn[0].timeo.login_timeout", "10".into()),
        ("node.session.timeo.replacement_timeout", if multipath { "5" } else { "120" }.into()),
        ("node.session.auth.authmethod", if chap.is_some() { "CHAP" } else { "None" }.into()),
        ("node.session.auth.username", name),
        ("node.session.auth.password", secret),
        ("node.session.auth.username_in", name_in),
        ("node.session.auth.password_in", secret_in),
    ]
}

/// Logs in. Killing this does not stop the daemon's attempt.
pub(crate) fn login(os: &dyn Os, path: &IscsiPath, deadline: Instant) -> Result<Answer> {
    node(os, path, &["--login"], Vec::new(), deadline)
}

/// Logs out.
pub(crate) fn logout(os: &dyn Os, path: &IscsiPath, deadline: Instant) -> Result<Answer> {
    node(os, path, &["--logout"], Vec::new(), deadline)
}

/// Removes the record.
pub(crate) fn delete(os: &dyn Os, path: &IscsiPath, deadline: Instant) -> Result<Answer> {
    node(os, path, &["-o", "delete"], Vec::new(), deadline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ChapAccount;

    fn code(code: i32) -> Meaning {
        meaning(&Output { code: Some(code), stdout: String::new(), stderr: String::new(), timed_out: false })
    }

    #[test]
    fn exit_codes_have_the_meaning_that_open_iscsi_gives_them() {
        assert_eq!([code(0), code(15)], [Meaning::Fine; 2]);
        assert_eq!([code(8), code(11)], [Meaning::TimedOut; 2]);
        assert_eq!([code(18), code(20)], [Meaning::NoDaemon; 2]);
        assert_eq!(
            (code(6), code(21), code(24)),
            (Meaning::Database, Meaning::Nothing, Meaning::ChapRefused)
        );
        assert_eq!((code(28), code(4)), (Meaning::Busy, Meaning::Unknown));
        let killed = Output { code: None, stdout: String::new(), stderr: String::new(), timed_out: true };
        assert_eq!(meaning(&killed), Meaning::TimedOut);
    }

    #[test]
    fn unused_chap_values_are_emptied_and_used_ones_set() {
        let value =
            |pairs: &[(&str, String)], name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        let none = settings(None, true);
        assert_eq!(value(&none, "node.session.auth.authmethod").as_deref(), Some("None"));
        assert_eq!(value(&none, "node.session.auth.password").as_deref(), Some(""));
        assert_eq!(value(&none, "node.session.timeo.replacement_timeout").as_deref(), Some("5"));
        let outgoing = ChapAccount { name: "u".into(), secret: "s".into() };
        let one_way = settings(Some(&Chap { outgoing, incoming: None }), false);
        assert_eq!(value(&one_way, "node.session.auth.password").as_deref(), Some("s"));
        assert_eq!(value(&one_way, "node.session.auth.password_in").as_deref(), Some(""));
        assert_eq!(value(&one_way, "node.session.timeo.replacement_timeout").as_deref(), Some("120"));
    }
}
