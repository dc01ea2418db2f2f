//! The parameters of a class. A key that is not known is refused: a typing error must not become a volume elsewhere.

use std::collections::{BTreeMap, HashMap};

use perilune_csi::{Failure, field};
use perilune_engine::{BackendChoice, Claim, qos};

const BACKEND: &str = "perilune.dev/backend";
const SELECTOR: &str = "perilune.dev/backend-selector";
const POOL: &str = "perilune.dev/pool";

/// What the provisioner adds (`--extra-create-metadata`): for people, not part of what is asked for.
const ADDED: &str = "csi.storage.k8s.io/";
const CLAIM_NAME: &str = "csi.storage.k8s.io/pvc/name";
const CLAIM_NAMESPACE: &str = "csi.storage.k8s.io/pvc/namespace";
const VOLUME_NAME: &str = "csi.storage.k8s.io/pv/name";

/// What the snapshotter adds.
const ADDED_TO_SNAPSHOTS: [&str; 3] = [
    "csi.storage.k8s.io/volumesnapshot/name",
    "csi.storage.k8s.io/volumesnapshot/namespace",
    "csi.storage.k8s.io/volumesnapshotcontent/name",
];

/// The parameters of a StorageClass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) backend: BackendChoice,
    pub(crate) pool: Option<String>,
    pub(crate) claim: Option<Claim>,
    /// As the class has them, to compare a repeated request with.
    pub(crate) of_class: BTreeMap<String, String>,
}

/// Reads the parameters of a StorageClass.
pub(crate) fn of_volume(given: &HashMap<String, String>) -> Result<Parameters, Failure> {
    let known = [BACKEND, SELECTOR, POOL];
    check("parameters", given, &known, &[CLAIM_NAME, CLAIM_NAMESPACE, VOLUME_NAME])?;
    let value = |key: &str| {
        given
            .get(key)
            .map(|value| field::id(&format!("parameters.{key}"), value).map(str::to_owned))
            .transpose()
    };
    let backend = match (value(BACKEND)?, given.get(SELECTOR)) {
        (Some(_), Some(_)) => {
            let problem = format!("has both {BACKEND} and {SELECTOR}; keep one");
            return Err(Failure::field("parameters", problem));
        }
        (Some(name), None) => BackendChoice::Named(name),
        (None, Some(selector)) => BackendChoice::Labelled(labels(selector)?),
        (None, None) => BackendChoice::Any,
    };
    let claim = value(CLAIM_NAMESPACE)?.zip(value(CLAIM_NAME)?);
    Ok(Parameters {
        backend,
        pool: value(POOL)?,
        claim: claim.map(|(namespace, name)| Claim { namespace, name }),
        of_class: given
            .iter()
            .filter(|(key, _)| !key.starts_with(ADDED))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

/// A VolumeSnapshotClass has no parameters of ours.
pub(crate) fn of_snapshot(given: &HashMap<String, String>) -> Result<(), Failure> {
    check("parameters", given, &[], &ADDED_TO_SNAPSHOTS)
}

/// The parameters of a VolumeAttributesClass. What their values may be is the array's to say.
pub(crate) fn mutable(given: &HashMap<String, String>) -> Result<BTreeMap<String, String>, Failure> {
    check("mutable_parameters", given, &qos::KEYS, &[])?;
    for (key, value) in given {
        field::id(&format!("mutable_parameters.{key}"), value)?;
    }
    Ok(given.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Keys only: a value could be anything.
fn check(of: &str, given: &HashMap<String, String>, known: &[&str], added: &[&str]) -> Result<(), Failure> {
    field::map(of, given)?;
    let mut odd: Vec<&str> =
        given.keys().map(String::as_str).filter(|key| !known.contains(key) && !added.contains(key)).collect();
    if odd.is_empty() {
        return Ok(());
    }
    odd.sort_unstable();
    let offer = if known.is_empty() {
        "there are none".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    Err(Failure::field(of, format!("{} is not known; {offer}", odd.join(", "))))
}

/// `a=b,c=d`
fn labels(selector: &str) -> Result<BTreeMap<String, String>, Failure> {
    let odd = |problem: String| Failure::field(&format!("parameters.{SELECTOR}"), problem);
    let mut labels = BTreeMap::new();
    for pair in selector.split(',').map(str::trim) {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(odd(format!("{pair:?} is not key=value; write it as in tier=gold,room=2")));
        };
        if let Some(other) = labels.insert(key.to_owned(), value.to_owned()) {
            return Err(odd(format!("{key} is asked to be {other} and {value} at once")));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_the_provisioner_adds_is_the_claim_and_not_compared() {
        let read =
            of_volume(&map(&[(BACKEND, "sf1"), (CLAIM_NAME, "data"), (CLAIM_NAMESPACE, "shop")])).unwrap();
        assert_eq!(read.backend, BackendChoice::Named("sf1".into()));
        assert_eq!(read.claim, Some(Claim { namespace: "shop".into(), name: "data".into() }));
        assert_eq!(read.of_class.keys().collect::<Vec<_>>(), [BACKEND]);
    }

    #[test]
    fn a_selector_is_a_list_of_labels() {
        let read = of_volume(&map(&[(SELECTOR, "tier=gold, room=2"), (POOL, "p")])).unwrap();
        let labels = [("room", "2"), ("tier", "gold")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(read.backend, BackendChoice::Labelled(labels.into()));
        assert_eq!(read.pool.as_deref(), Some("p"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_key() {
        for (given, says) in [
            (
                map(&[("perilune.dev/pol", "p")]),
                "parameters: perilune.dev/pol is not known; known are perilune.dev/backend,",
            ),
            (map(&[(BACKEND, "")]), "parameters.perilune.dev/backend: is missing"),
            (map(&[(BACKEND, "a"), (SELECTOR, "b=c")]), "parameters: has both"),
            (
                map(&[(SELECTOR, "gold")]),
                "parameters.perilune.dev/backend-selector: \"gold\" is not key=value",
            ),
            (map(&[(SELECTOR, "")]), "parameters.perilune.dev/backend-selector: \"\" is not key=value"),
            (
                map(&[(SELECTOR, "a=b,a=c")]),
                "parameters.perilune.dev/backend-selector: a is asked to be b and c",
            ),
            (
                map(&[(CLAIM_NAME, "x"), ("csi.storage.k8s.io/other", "y")]),
                "parameters: csi.storage.k8s.io/other is not known",
            ),
        ] {
            let failure = of_volume(&given).unwrap_err();
            assert!(failure.message.starts_with(says), "{failure}");
        }
        assert!(of_snapshot(&map(&[(ADDED_TO_SNAPSHOTS[0], "x")])).is_ok());
        assert_eq!(
            of_snapshot(&map(&[("a", "b")])).unwrap_err().message,
            "parameters: a is not known; there are none"
        );
    }
}
