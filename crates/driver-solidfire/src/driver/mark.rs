//! Our mark in the attributes of volumes, snapshots and the account.

use perilune_array::{ArrayId, Error, ErrorKind, Origin, Owner, RecordId, Result};
use serde_json::{Map, Value};

const CLUSTER: &str = "perilune-cluster";
const RECORD: &str = "perilune-record";
const CSI_NAME: &str = "perilune-csi-name";
/// Namespace and name, with a slash between.
const CLAIM: &str = "perilune-claim";
const OURS: [&str; 4] = [CLUSTER, RECORD, CSI_NAME, CLAIM];
const ACCOUNT: &str = "perilune-account";
const GROUP: &str = "perilune-node";
const PEER: &str = "perilune-peer";
/// The array refuses attributes whose JSON is longer.
const LONGEST: usize = 1000;

pub(super) fn of(attributes: &Map<String, Value>) -> Option<Owner> {
    let text = |key: &str| attributes.get(key).and_then(Value::as_str);
    let claim = text(CLAIM).and_then(|claim| claim.split_once('/'));
    let origin = Origin {
        csi_name: text(CSI_NAME).map(str::to_owned),
        claim: claim.map(|(namespace, name)| (namespace.to_owned(), name.to_owned())),
    };
    Some(Owner::new(text(CLUSTER)?, RecordId::new(text(RECORD)?)).with_origin(origin))
}

/// The attributes with this mark, or without any; what others wrote stays. Where there is no room for the origin, the
/// claim goes first, for the record names it too.
pub(super) fn set(mut attributes: Map<String, Value>, owner: Option<&Owner>) -> Result<Map<String, Value>> {
    attributes.retain(|key, _| !OURS.contains(&key.as_str()));
    if let Some(owner) = owner {
        let mut write = |key: &str, text: String| attributes.insert(key.to_owned(), text.into());
        write(CLUSTER, owner.cluster.clone());
        write(RECORD, owner.record.to_string());
        owner.origin.csi_name.iter().for_each(|name| drop(write(CSI_NAME, name.clone())));
        owner
            .origin
            .claim
            .iter()
            .for_each(|(namespace, name)| drop(write(CLAIM, format!("{namespace}/{name}"))));
    }
    for spare in [CLAIM, CSI_NAME] {
        if length(&attributes) > LONGEST {
            attributes.remove(spare);
        }
    }
    let length = length(&attributes);
    if length > LONGEST {
        let text = format!("the attributes would take {length} bytes; the array keeps {LONGEST}");
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    Ok(attributes)
}

fn length(attributes: &Map<String, Value>) -> usize {
    serde_json::to_string(attributes).map_or(usize::MAX, |text| text.len())
}

/// Other software that takes the object for its own.
pub(super) fn foreign(attributes: &Map<String, Value>) -> Option<&'static str> {
    let has = |key: &str| attributes.contains_key(key);
    if has("trident") || has("docker-name") {
        return Some("NetApp Trident");
    }
    let cinder = has("cinder-name") || (has("uuid") && has("is_clone"));
    cinder.then_some("OpenStack Cinder")
}

pub(super) fn check(
    what: impl std::fmt::Display,
    attributes: &Map<String, Value>,
    owner: &Owner,
) -> Result<()> {
    match of(attributes) {
        Some(bears) if bears == *owner => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Forbidden, format!("{what} bears another mark than ours"))),
        None => Err(Error::new(ErrorKind::Forbidden, format!("{what} bears no mark of ours"))),
    }
}

/// Marks an account that we made, so that its secrets may be altered.
pub(super) fn account() -> Map<String, Value> {
    Map::from_iter([(ACCOUNT.to_owned(), Value::from(true))])
}

pub(super) fn is_our_account(attributes: &Map<String, Value>) -> bool {
    attributes.get(ACCOUNT) == Some(&Value::from(true))
}

/// Notes which array holds the other copy: clusters call each other by a shorter name than they go by elsewhere.
pub(super) fn with_peer(mut attributes: Map<String, Value>, peer: &ArrayId) -> Map<String, Value> {
    attributes.insert(PEER.to_owned(), peer.to_string().into());
    attributes
}

pub(super) fn peer(attributes: &Map<String, Value>) -> Option<ArrayId> {
    attributes.get(PEER).and_then(Value::as_str).map(ArrayId::new)
}

/// Marks a volume access group that we made for a node.
pub(super) fn group(node: &str) -> Map<String, Value> {
    Map::from_iter([(GROUP.to_owned(), Value::from(node))])
}

pub(super) fn is_our_group(attributes: &Map<String, Value>) -> bool {
    attributes.get(GROUP).is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use perilune_array::{ErrorKind, Origin, Owner, RecordId};
    use serde_json::{Map, Value, json};

    use super::{check, foreign, of, set};

    fn owner(record: &str) -> Owner {
        Owner::new("c", RecordId::new(record))
    }

    #[test]
    fn a_mark_is_read_back_and_leaves_other_attributes_alone() {
        let foreign = Map::from_iter([("uuid".to_owned(), Value::from("x"))]);
        let marked = set(foreign.clone(), Some(&owner("1"))).unwrap();
        assert_eq!(of(&marked), Some(owner("1")));
        assert_eq!(set(marked.clone(), Some(&owner("2"))).unwrap().len(), 3);
        assert_eq!(set(marked, None).unwrap(), foreign);
    }

    #[test]
    fn only_exactly_our_mark_passes() {
        let marked = set(Map::new(), Some(&owner("1"))).unwrap();
        check("volume", &marked, &owner("1")).unwrap();
        let half = json!({"perilune-cluster": "c", "perilune-record": 1});
        for (attributes, asked) in
            [(&marked, owner("2")), (half.as_object().unwrap(), owner("1")), (&Map::new(), owner(""))]
        {
            assert_eq!(check("volume", attributes, &asked).unwrap_err().kind(), ErrorKind::Forbidden);
        }
    }

    #[test]
    fn attributes_that_the_array_would_refuse_are_not_sent() {
        let full = Map::from_iter([("note".to_owned(), Value::from("x".repeat(980)))]);
        assert_eq!(set(full, Some(&owner("1"))).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn the_origin_is_kept_while_there_is_room() {
        let origin = Origin { csi_name: Some("pvc-1".into()), claim: Some(("shop".into(), "db".into())) };
        let asked = owner("1").with_origin(origin.clone());
        assert_eq!(of(&set(Map::new(), Some(&asked)).unwrap()).unwrap().origin, origin);
        let crowded = Map::from_iter([("note".to_owned(), Value::from("x".repeat(895)))]);
        let kept = of(&set(crowded, Some(&asked)).unwrap()).unwrap();
        assert_eq!((kept.origin.csi_name, kept.origin.claim), (Some("pvc-1".into()), None));
    }

    #[test]
    fn the_marks_of_other_software_are_known() {
        let has =
            |keys: &[&str]| foreign(&keys.iter().map(|key| ((*key).to_owned(), Value::from(1))).collect());
        assert_eq!(has(&["uuid", "is_clone"]), Some("OpenStack Cinder"));
        assert_eq!(has(&["trident"]), Some("NetApp Trident"));
        assert_eq!(has(&["uuid", "note"]), None);
    }
}
