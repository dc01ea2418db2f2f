//! Our mark in the attributes of volumes, snapshots and the account.

use perilune_array::{Error, ErrorKind, Owner, RecordId, Result};
use serde_json::{Map, Value};

const CLUSTER: &str = "perilune-cluster";
const RECORD: &str = "perilune-record";
const ACCOUNT: &str = "perilune-account";
/// The array refuses attributes whose JSON is longer.
const LONGEST: usize = 1000;

pub(super) fn of(attributes: &Map<String, Value>) -> Option<Owner> {
    let text = |key: &str| attributes.get(key).and_then(Value::as_str);
    Some(Owner::new(text(CLUSTER)?, RecordId::new(text(RECORD)?)))
}

/// The attributes with this mark, or without any; what others wrote stays.
pub(super) fn set(mut attributes: Map<String, Value>, owner: Option<&Owner>) -> Result<Map<String, Value>> {
    attributes.retain(|key, _| key != CLUSTER && key != RECORD);
    if let Some(owner) = owner {
        attributes.insert(CLUSTER.to_owned(), owner.cluster.clone().into());
        attributes.insert(RECORD.to_owned(), owner.record.as_str().into());
    }
    let length = serde_json::to_string(&attributes).map_or(usize::MAX, |text| text.len());
    if length > LONGEST {
        let text = format!("the attributes would take {length} bytes; the array keeps {LONGEST}");
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    Ok(attributes)
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

#[cfg(test)]
mod tests {
    use perilune_array::{ErrorKind, Owner, RecordId};
    use serde_json::{Map, Value, json};

    use super::{check, of, set};

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
}
