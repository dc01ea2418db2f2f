//! The vendor's own block and the CHAP secret, read and checked before anything is sent.

use perilune_array::{Chap, ConnectSpec, Error, ErrorKind, Result};

/// What the array takes as a plain secret: 96 to 128 bits.
const SECRET: std::ops::RangeInclusive<usize> = 12..=16;

/// What this driver needs to know beyond the address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    /// The domain that our pools and hosts are in.
    pub(crate) domain: Option<String>,
    /// What hosts that we define prove themselves with over iSCSI.
    pub(crate) chap: Option<Chap>,
}

impl Config {
    pub(crate) fn read(spec: &ConnectSpec) -> Result<Self> {
        if let Some((key, _)) = spec.settings.0.iter().find(|(key, _)| key != "domain") {
            return Err(invalid(format!(
                "setting {key} is not known; an array of the XIV family takes domain"
            )));
        }
        let domain = spec.settings.get("domain").filter(|domain| !domain.is_empty());
        if let Some(chap) = &spec.chap {
            check_chap(chap)?;
        }
        Ok(Self { domain: domain.map(str::to_owned), chap: spec.chap.clone() })
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

fn check_chap(chap: &Chap) -> Result<()> {
    if chap.mutual.is_some() {
        return Err(invalid("this family does not prove itself to hosts; CHAP can go one way only"));
    }
    if chap.username.is_empty() {
        return Err(invalid("the CHAP username is missing"));
    }
    if !SECRET.contains(&chap.password.reveal().chars().count()) {
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

    use super::Config;

    fn spec(settings: &[(&str, &str)], secret: Option<&str>, mutual: bool) -> ConnectSpec {
        let login = || Credentials { username: "array".into(), password: Secret::new("secretsecret") };
        ConnectSpec {
            vendor: Vendor::Xiv,
            endpoints: vec![Endpoint { address: "192.0.2.1".into(), port: None }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::System,
            server_name: None,
            chap: secret.map(|secret| Chap {
                username: "k8s".into(),
                password: Secret::new(secret),
                mutual: mutual.then(login),
            }),
            timeout: Duration::from_secs(30),
            settings: Settings(settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()),
        }
    }

    #[test]
    fn a_whole_block_is_read() {
        let config = Config::read(&spec(&[("domain", "d")], Some("secretsecret"), false)).unwrap();
        assert_eq!(config.domain.as_deref(), Some("d"));
        assert_eq!(Config::read(&spec(&[], None, false)).unwrap(), Config::default());
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_reason_and_without_the_secret() {
        for (settings, secret, mutual, part) in [
            (&[("pool", "p")][..], None, false, "pool"),
            (&[], Some("short"), false, "12 to 16"),
            (&[], Some("secretsecret"), true, "one way"),
        ] {
            let error = Config::read(&spec(settings, secret, mutual)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(
                error.to_string().contains(part) && !error.to_string().contains("secretsecret"),
                "{error}"
            );
        }
    }
}
