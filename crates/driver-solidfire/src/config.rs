//! The vendor's own block and the CHAP secrets, read and checked before anything is sent.

use std::net::{IpAddr, SocketAddr};

use perilune_array::{Chap, ConnectSpec, Error, ErrorKind, Result};

const ISCSI_PORT: u16 = 3260;
/// What the array takes as a secret.
const SECRET: std::ops::RangeInclusive<usize> = 12..=16;
const LONGEST_USERNAME: usize = 64;

const KEYS: [&str; 5] = ["clusterPairing", "svip", "tenant", "useCHAP", "volumeAccessGroups"];

/// What this driver needs to know beyond the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The account that owns our volumes.
    pub(crate) tenant: String,
    /// Where hosts log in, if it is not the cluster's first address.
    pub(crate) portals: Vec<String>,
    pub(crate) reach: Reach,
    /// May clusters be paired, or must an administrator have done it?
    pub(crate) pairs_clusters: bool,
}

/// By what hosts reach volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The account's CHAP secret.
    Chap(Chap),
    /// A volume access group for each node: ours, or those of the administrator that bear these names.
    Groups { existing: Vec<String> },
}

impl Config {
    pub(crate) fn read(spec: &ConnectSpec) -> Result<Self> {
        if let Some((key, _)) = spec.settings.0.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(invalid(format!(
                "setting {key} is not known; a SolidFire takes {}",
                KEYS.join(", ")
            )));
        }
        let tenant = spec.settings.get("tenant").unwrap_or_default();
        if tenant.is_empty() || tenant.chars().count() > LONGEST_USERNAME {
            return Err(invalid(
                "setting tenant must name the account that is to own the volumes, in 1 to 64 characters",
            ));
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            portals: items(spec, "svip").map(portal).collect::<Result<_>>()?,
            reach: reach(spec, tenant)?,
            pairs_clusters: match spec.settings.get("clusterPairing") {
                None | Some("Existing") => false,
                Some("Managed") => true,
                Some(other) => {
                    return Err(invalid(format!(
                        "setting clusterPairing must be Existing or Managed, and is {other}"
                    )));
                }
            },
        })
    }

    pub(crate) fn chap(&self) -> Option<&Chap> {
        match &self.reach {
            Reach::Chap(chap) => Some(chap),
            Reach::Groups { .. } => None,
        }
    }
}

/// What stands between the commas.
fn items<'a>(spec: &'a ConnectSpec, key: &str) -> impl Iterator<Item = &'a str> {
    let text = spec.settings.get(key).unwrap_or_default();
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn reach(spec: &ConnectSpec, tenant: &str) -> Result<Reach> {
    let existing: Vec<_> = items(spec, "volumeAccessGroups").map(str::to_owned).collect();
    match spec.settings.get("useCHAP") {
        Some("false") => Ok(Reach::Groups { existing }),
        None | Some("true") if existing.is_empty() => {
            let chap = spec.chap.clone().ok_or_else(|| {
                invalid(
                    "CHAP credentials are missing; without them set useCHAP to false, and hosts reach volumes by volume \
                     access groups",
                )
            })?;
            check_chap(&chap, tenant)?;
            Ok(Reach::Chap(chap))
        }
        None | Some("true") => {
            Err(invalid("setting volumeAccessGroups is for hosts without CHAP; set useCHAP to false as well"))
        }
        Some(other) => Err(invalid(format!("setting useCHAP must be true or false, and is {other}"))),
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

pub(crate) fn portal(text: &str) -> Result<String> {
    let whole = text.parse::<SocketAddr>().ok();
    let bare = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, ISCSI_PORT));
    whole.or_else(bare).map(|address| address.to_string()).ok_or_else(|| {
        invalid(format!(
            "setting svip must be an IP address, with a port if it is not {ISCSI_PORT}, and is {text}"
        ))
    })
}

fn check_chap(chap: &Chap, tenant: &str) -> Result<()> {
    let mutual = chap.mutual.as_ref();
    let names = [Some(&chap.username), mutual.map(|login| &login.username)];
    if let Some(name) = names.into_iter().flatten().find(|name| *name != tenant) {
        return Err(invalid(format!(
            "CHAP username {name} must equal the tenant {tenant}: the account's name is what both sides present"
        )));
    }
    let secrets = [Some(&chap.password), mutual.map(|login| &login.password)];
    if secrets.into_iter().flatten().any(|secret| !SECRET.contains(&secret.reveal().chars().count())) {
        return Err(invalid("a CHAP secret must have 12 to 16 characters here"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use perilune_array::{
        Chap, ConnectSpec, Credentials, Endpoint, ErrorKind, Secret, Settings, Trust, Vendor,
    };

    use super::{Config, Reach, portal};

    fn spec(settings: &[(&str, &str)], chap: Option<(&str, &str)>) -> ConnectSpec {
        ConnectSpec {
            vendor: Vendor::Solidfire,
            endpoints: vec![Endpoint { address: "192.0.2.1".into(), port: None }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::System,
            server_name: None,
            chap: chap.map(|(name, secret)| Chap {
                username: name.into(),
                password: Secret::new(secret),
                mutual: None,
            }),
            timeout: Duration::from_secs(30),
            settings: Settings(settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()),
        }
    }

    #[test]
    fn a_whole_block_is_read() {
        let config =
            Config::read(&spec(&[("tenant", "k8s"), ("svip", "192.0.2.9")], Some(("k8s", "secretsecret"))));
        let config = config.unwrap();
        assert_eq!(config.portals, ["192.0.2.9:3260"]);
        assert!(config.chap().is_some() && !config.pairs_clusters);
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_reason_and_without_the_secret() {
        let chap = Some(("k8s", "secretsecret"));
        for (settings, chap, part) in [
            (vec![("tenant", "k8s"), ("vlan", "7")], chap, "vlan"),
            (vec![], chap, "tenant"),
            (vec![("tenant", "k8s"), ("svip", "array.example")], chap, "svip"),
            (vec![("tenant", "k8s")], None, "CHAP credentials"),
            (vec![("tenant", "k8s")], Some(("other", "secretsecret")), "other"),
            (vec![("tenant", "k8s")], Some(("k8s", "short")), "12 to 16"),
            (vec![("tenant", "k8s"), ("useCHAP", "no")], chap, "true or false"),
            (vec![("tenant", "k8s"), ("volumeAccessGroups", "a")], chap, "useCHAP"),
            (vec![("tenant", "k8s"), ("clusterPairing", "Always")], chap, "Managed"),
        ] {
            let error = Config::read(&spec(&settings, chap)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("secretsecret"), "{error}");
        }
    }

    #[test]
    fn access_by_groups_needs_no_secret() {
        let settings = [("tenant", "k8s"), ("useCHAP", "false"), ("svip", "192.0.2.9, 192.0.2.10:3261")];
        let config = Config::read(&spec(&settings, None)).unwrap();
        assert_eq!(config.reach, Reach::Groups { existing: Vec::new() });
        assert_eq!(config.portals, ["192.0.2.9:3260", "192.0.2.10:3261"]);
        let settings = [("tenant", "k8s"), ("useCHAP", "false"), ("volumeAccessGroups", "a, b")];
        let config = Config::read(&spec(&settings, None)).unwrap();
        assert_eq!(config.reach, Reach::Groups { existing: vec!["a".into(), "b".into()] });
    }

    #[test]
    fn a_portal_is_an_address_with_a_port() {
        assert_eq!(portal("192.0.2.9:3261").unwrap(), "192.0.2.9:3261");
        assert_eq!(portal("2001:db8::9").unwrap(), "[2001:db8::9]:3260");
    }
}
