//! Our mark: metadata of the object, and a tag at the end of the names that we give.

use std::collections::HashMap;

use perilune_array::{Error, ErrorKind, Name, Origin, Owner, RecordId, Result};
use sha2::{Digest, Sha256};

use super::Xiv;
use crate::protocol::{Command, Row};

/// Stands between name and tag.
const BEFORE: char = '~';
const TAG: usize = 13;
/// What the array takes as a name, less the tag.
pub(super) const LONGEST_NAME: usize = 63 - 1 - TAG;
/// The key of the metadata.
pub(super) const KEY: &str = "perilune";
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Sixty-five bits of the mark's hash.
pub(super) fn tag(owner: &Owner) -> String {
    shortened(&format!("{}\0{}", owner.cluster, owner.record))
}

/// The hash of a text, in so many letters and digits as a tag has.
pub(super) fn shortened(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let bits = hash.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..TAG).map(|at| char::from(DIGITS[(bits >> (123 - 5 * at)) as usize & 31])).collect()
}

/// What an object of that name and mark is called on the array.
pub(super) fn tagged(name: &str, owner: &Owner) -> String {
    format!("{name}{BEFORE}{}", tag(owner))
}

/// A name on the array, without the tag, and the tag.
pub(super) fn untagged(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(BEFORE) {
        Some((rest, tag))
            if tag.len() == TAG && tag.bytes().all(|b| DIGITS.contains(&b)) && !rest.is_empty() =>
        {
            (rest, Some(tag))
        }
        _ => (name, None),
    }
}

/// Does the name end in the tag of this mark? Then we gave it to what this mark stands on.
pub(super) fn proves(name: &str, owner: &Owner) -> bool {
    untagged(name).1 == Some(tag(owner).as_str())
}

/// The mark as metadata holds it: fields that hold no bar, since it divides them.
pub(super) fn written(owner: &Owner) -> String {
    let (space, claim) = owner.origin.claim.clone().unwrap_or_default();
    let name = owner.origin.csi_name.clone().unwrap_or_default();
    let fields =
        [&owner.cluster, owner.record.as_str(), &name, &space, &claim].map(|field| field.replace('|', "%7C"));
    fields.join("|")
}

/// The same, with the name that was asked for where the object bears another.
pub(super) fn written_with(owner: &Owner, name: &str) -> String {
    format!("{}|{}", written(owner), name.replace('|', "%7C"))
}

/// That name.
pub(super) fn name_in(value: &str) -> Option<String> {
    value.split('|').nth(5).map(|name| name.replace("%7C", "|")).filter(|name| !name.is_empty())
}

pub(super) fn read(value: &str) -> Option<Owner> {
    let mut fields: Vec<String> = value.split('|').map(|field| field.replace("%7C", "|")).collect();
    if fields.len() == 6 {
        fields.pop();
    }
    let [cluster, record, name, space, claim] = <[String; 5]>::try_from(fields).ok()?;
    if cluster.is_empty() || record.is_empty() {
        return None;
    }
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let claim = some(space).zip(some(claim));
    Some(Owner::new(cluster, RecordId::new(record)).with_origin(Origin { csi_name: some(name), claim }))
}

/// Marks by the names of what bears them.
pub(super) type Marks = HashMap<String, Owner>;

fn marks(rows: &[Row]) -> Marks {
    let mark = |row: &Row| {
        let ours = row.get("key") == Some(KEY);
        ours.then(|| Some((row.get("name")?.to_owned(), read(row.get("value")?)?))).flatten()
    };
    rows.iter().filter_map(mark).collect()
}

impl Xiv {
    /// The mark of the object of that kind and name.
    pub(super) async fn mark_of(&self, kind: &'static str, name: &str) -> Result<Option<Owner>> {
        let list =
            Command::new("metadata_list").with("object_type", kind).with("name", name).with("key", KEY);
        match self.call(list).await {
            // gone since its row was read
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            rows => Ok(marks(&rows?).remove(name)),
        }
    }

    /// All marks of objects of that kind.
    pub(super) async fn marks(&self, kind: &'static str) -> Result<Marks> {
        let list = Command::new("metadata_list").with("object_type", kind).with("key", KEY);
        Ok(marks(&self.call(list).await?))
    }

    pub(super) async fn write_mark(&self, kind: &'static str, name: &str, owner: &Owner) -> Result<()> {
        let set = || {
            let object = Command::new("metadata_set").with("object_type", kind).with("name", name);
            object.with("key", KEY).with("value", written(owner))
        };
        match self.act(set()).await {
            // some versions do not write over what is there
            Err(error) if error.kind() == ErrorKind::Exists => {
                self.erase_mark(kind, name).await?;
                self.act(set()).await
            }
            answer => answer,
        }
    }

    pub(super) async fn erase_mark(&self, kind: &'static str, name: &str) -> Result<()> {
        let delete =
            Command::new("metadata_delete").with("object_type", kind).with("name", name).with("key", KEY);
        match self.act(delete).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            answer => answer,
        }
    }

    /// Proves that what has this name on the array bears exactly this mark.
    pub(super) async fn prove(&self, kind: &'static str, name: &str, owner: &Owner) -> Result<()> {
        if proves(name, owner) {
            return Ok(());
        }
        let text = match self.mark_of(kind, name).await? {
            Some(bears) if bears == *owner => return Ok(()),
            Some(_) => format!("{name} bears another mark than ours"),
            None => format!("{name} bears no mark of ours"),
        };
        Err(Error::new(ErrorKind::Forbidden, text))
    }
}

/// The name that people gave.
pub(super) fn shown(name: &str) -> Name {
    Name::new(untagged(name).0)
}

#[cfg(test)]
mod tests {
    use perilune_array::{Origin, Owner, RecordId};

    use super::{LONGEST_NAME, name_in, proves, read, shown, tagged, untagged, written, written_with};

    fn owner(record: &str) -> Owner {
        Owner::new("c", RecordId::new(record))
    }

    #[test]
    fn a_tag_tells_one_mark_from_another_and_comes_off_again() {
        let name = tagged(&"n".repeat(LONGEST_NAME), &owner("1"));
        assert_eq!(name.len(), 63);
        assert!(proves(&name, &owner("1")) && !proves(&name, &owner("2")));
        assert!(!proves(&name, &Owner::new("d", RecordId::new("1"))));
        assert_eq!(shown(&tagged("pvc-1", &owner("1"))).as_str(), "pvc-1");
        for foreign in ["pvc-1", "a~b", "~abcdefghijklm", "a~ABCDEFGHIJKLM"] {
            assert_eq!(untagged(foreign), (foreign, None));
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let origin = Origin { csi_name: Some("pvc|1".into()), claim: Some(("space".into(), "claim".into())) };
        let marked = owner("r").with_origin(origin.clone());
        let seen = read(&written(&marked)).unwrap();
        assert_eq!((&seen, &seen.origin), (&marked, &origin));
        assert_eq!(read(&written(&owner("r"))).unwrap().origin, Origin::default());
        let with_name = written_with(&owner("r"), "n");
        assert_eq!((read(&with_name), name_in(&with_name)), (Some(owner("r")), Some("n".to_owned())));
        for nonsense in ["", "a", "|r|||", "c||||", "a|b|c|d|e|f|g"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
