//! Which version of the interface to speak.

use serde::Deserialize;

/// Where any cluster can be asked what it speaks.
pub(crate) const ASKING: &str = "/json-rpc/7.0";
/// All that the driver asks for was there by then.
const OLDEST: (u32, u32) = (10, 0);
/// Nobody has looked at later ones.
const NEWEST: (u32, u32) = (12, 8);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiAnswer {
    pub(crate) supported_versions: Vec<String>,
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The path of the best version that both sides know; if there is none, what the cluster speaks.
pub(crate) fn best(supported: &[String]) -> Result<String, String> {
    let known = supported.iter().filter_map(|text| Some((parse(text)?, text)));
    let fits = known.clone().filter(|(version, _)| (OLDEST..=NEWEST).contains(version));
    match fits.max_by_key(|(version, _)| *version) {
        Some(((major, minor), _)) => Ok(format!("/json-rpc/{major}.{minor}")),
        None => Err(known.max_by_key(|(version, _)| *version).map_or_else(
            || "the cluster names no version of its interface".to_owned(),
            |(_, newest)| {
                format!("the cluster speaks versions up to {newest} of its interface; Element 10.0 to 12.8 are supported")
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::best;

    fn of(versions: &[&str]) -> Result<String, String> {
        best(&versions.iter().map(|&v| v.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_newest_version_that_both_know_is_spoken() {
        assert_eq!(of(&["1.0", "9.6", "10.7", "10.10", "12.3", "13.0", "x"]).unwrap(), "/json-rpc/12.3");
        assert_eq!(of(&["10.7", "10.10"]).unwrap(), "/json-rpc/10.10");
        assert_eq!(of(&["10.0"]).unwrap(), "/json-rpc/10.0");
    }

    #[test]
    fn a_cluster_that_is_too_old_is_told_apart_from_nonsense() {
        assert!(of(&["8.0", "9.6"]).unwrap_err().contains("up to 9.6"));
        assert!(of(&["", "one", "1."]).unwrap_err().contains("names no version"));
    }
}
