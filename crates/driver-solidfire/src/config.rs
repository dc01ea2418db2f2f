//! The vendor's own block and the CHAP secrets, read and checked before anything is sent.

use std::net::{IpAddr, SocketAddr};

use perilune_array::{Chap, ConnectSpec, Error, ErrorKind, Result};

const ISCSI_PORT: u16 = 3260;
/// What the array takes as a secret.
const SECRET: std::ops::RangeInclusive<usize> = 12..=16;
const LONGEST_USERNAME: usize = 64;

/// What this driver needs to know beyond the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The account that owns our volumes.
    pub(crate) tenant: String,
    /// The portal, where it is not the cluster's first.
    pub(crate) portal: Option<String>,
    pub(crate) chap: Chap,
}

impl Config {
    pub(crate) fn read(spec: &ConnectSpec) -> Result<Self> {
        if let Some((key, _)) =
            spec.settings.0.iter().find(|(key, _)| !matches!(key.as_str(), "tenant" | "svip"))
        {
            return Err(invalid(format!("setting {key} is not known; a SolidFire takes tenant and svip")));
        }
        let tenant = spec.settings.get("tenant").unwrap_or_default();
        if tenant.is_empty() || tenant.chars().count() > LONGEST_USERNAME {
            return Err(invalid(
                "setting tenant must name the account that is to own the volumes, in 1 to 64 characters",
            ));
        }
        let portal = spec.settings.get("svip").map(portal).transpose()?;
        let chap = spec.chap.clone().ok_or_else(|| {
            invalid("CHAP credentials are missing; hosts reach a SolidFire's volumes by the account's CHAP secret alone")
        })?;
        check_chap(&chap, tenant)?;
        Ok(Self { tenant: tenant.to_owned(), portal, chap })
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

    use super::{Config, portal};

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
        assert_eq!(config.unwrap().portal.as_deref(), Some("192.0.2.9:3260"));
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
        ] {
            let error = Config::read(&spec(&settings, chap)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("secretsecret"), "{error}");
        }
    }

    #[test]
    fn a_portal_is_an_address_with_a_port() {
        assert_eq!(portal("192.0.2.9:3261").unwrap(), "192.0.2.9:3261");
        assert_eq!(portal("2001:db8::9").unwrap(), "[2001:db8::9]:3260");
    }
}
