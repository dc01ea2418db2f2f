//! Where a volume is and with which credentials: from the publish context and the stage secrets.

use std::collections::HashMap;
use std::fmt;

use perilune_csi::Failure;
use perilune_csi::context::{Path, Protocol as ContextProtocol, PublishContext};
use perilune_host::{
    Attachment, Chap, ChapAccount, ExpectedWwid, Iqn, IscsiPath, Lun, Portal, Protocol, TargetPath, Wwid,
};

/// Turns a decoded context into the host's words; `field` is where it stood in the request.
pub(super) fn attachment(field: &str, context: &PublishContext) -> Result<Attachment, Failure> {
    let key = |key: &str| format!("{field}.{key}");
    let wwid = |name: &str, text: &str| Wwid::new(text).map_err(|error| Failure::field(&key(name), error));
    let alternative = context.wwid_alt.as_deref().map(|text| wwid("wwidAlt", text)).transpose()?;
    let protocol = protocol(context.protocol);
    let field = key("paths");
    let paths = context.paths.iter().map(|path| target_path(&field, protocol, path));
    let paths = paths.collect::<Result<_, _>>()?;
    Ok(Attachment {
        protocol,
        wwid: ExpectedWwid::new(wwid("wwid", &context.wwid)?, alternative),
        size: context.size,
        paths,
        min_paths: context.min_paths,
        generation: context.generation,
        read_only: context.read_only,
    })
}

const fn protocol(protocol: ContextProtocol) -> Protocol {
    match protocol {
        ContextProtocol::Iscsi => Protocol::Iscsi,
        ContextProtocol::Iser => Protocol::Iser,
        ContextProtocol::Fc => Protocol::Fc,
    }
}

fn target_path(field: &str, protocol: Protocol, path: &Path) -> Result<TargetPath, Failure> {
    let bad = |error: perilune_host::Error| Failure::field(field, error);
    Ok(match path {
        Path::Iscsi { portal, iqn, lun } => TargetPath::Iscsi(IscsiPath {
            iqn: Iqn::new(iqn).map_err(bad)?,
            portal: portal.parse::<Portal>().map_err(bad)?,
            lun: Lun::kernel(*lun),
            iser: protocol == Protocol::Iser,
        }),
        Path::Fc { wwpn, lun } => TargetPath::fc(wwpn.parse().map_err(bad)?, Lun::kernel(*lun)),
    })
}

/// Credentials of the iSCSI session. Other keys of the secret are somebody else's.
pub(super) fn chap(secrets: &HashMap<String, String>) -> Result<Option<Chap>, Failure> {
    let outgoing = account(secrets, "username", "password")?;
    let incoming = account(secrets, "mutualUsername", "mutualPassword")?;
    match (outgoing, incoming) {
        (Some(outgoing), incoming) => Ok(Some(Chap { outgoing, incoming })),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(secret("username", "is missing: mutual CHAP needs the node's own credentials as well"))
        }
    }
}

fn account(
    secrets: &HashMap<String, String>,
    name: &str,
    password: &str,
) -> Result<Option<ChapAccount>, Failure> {
    let filled = |key: &str| secrets.get(key).filter(|value| !value.is_empty());
    match (filled(name), filled(password)) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(secret(name, format!("is missing beside {password}"))),
        (Some(_), None) => Err(secret(password, format!("is missing beside {name}"))),
        (Some(user), Some(word)) => {
            for (key, value) in [(name, user), (password, word)] {
                if value.chars().any(char::is_control) {
                    return Err(secret(key, "contains a line break or another control character"));
                }
            }
            Ok(Some(ChapAccount { name: user.clone(), secret: word.clone() }))
        }
    }
}

/// Never takes the value.
fn secret(key: &str, problem: impl fmt::Display) -> Failure {
    Failure::field(&format!("secrets.{key}"), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn credentials_are_whole_or_refused_by_key_without_their_value() {
        assert_eq!(chap(&secrets(&[("other", "x")])), Ok(None));
        let one_way = chap(&secrets(&[("username", "u"), ("password", "hush")])).unwrap().unwrap();
        assert_eq!((one_way.outgoing.secret.as_str(), one_way.incoming), ("hush", None));
        for (pairs, key) in [
            (&[("username", "u")][..], "secrets.password: "),
            (&[("password", "hush")], "secrets.username: "),
            (&[("mutualUsername", "t"), ("mutualPassword", "hush")], "secrets.username: "),
            (&[("username", "u"), ("password", "hush\n")], "secrets.password: "),
            (&[("username", "u"), ("password", "p"), ("mutualPassword", "hush")], "secrets.mutualUsername: "),
        ] {
            let failure = chap(&secrets(pairs)).unwrap_err();
            assert!(failure.message.starts_with(key), "{failure}");
            assert!(!failure.message.contains("hush"), "{failure}");
        }
    }
}
