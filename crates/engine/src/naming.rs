//! Names for ledger records and array objects, derived so that a repeated request meets its first attempt.

use perilune_array::{Initiator, Name, NameRules, RecordId};
use uuid::Uuid;

/// The namespace of all our record ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x9e3b_52d6_31f4_4c0e_8b3e_7d1d_70c3_a51e);

/// The record of a CSI name in a cluster.
pub(crate) fn record(cluster: &str, csi_name: &str) -> RecordId {
    let space = Uuid::new_v5(&NAMESPACE, cluster.as_bytes());
    RecordId::new(Uuid::new_v5(&space, csi_name.as_bytes()).hyphenated().to_string())
}

/// What to call an array object: the CSI name where the array takes it, since people search by it, else one made from the
/// record id and cut to the array's limit. Uniqueness does not rest on it: the mark tells whose an object is.
pub(crate) fn fit(rules: &NameRules, csi_name: &str, record: &RecordId) -> Name {
    if rules.accepts(csi_name) {
        return Name::new(csi_name);
    }
    let hex: String = record.as_str().chars().filter(char::is_ascii_hexdigit).collect();
    let mut name = format!("pl{hex}");
    name.truncate(rules.max_chars);
    Name::new(name)
}

/// What to call a node's host object: the node's name as far as the array takes it.
pub(crate) fn host(rules: &NameRules, node: &str) -> Name {
    if rules.accepts(node) {
        return Name::new(node);
    }
    let hex: String = Uuid::new_v5(&NAMESPACE, node.as_bytes()).simple().to_string();
    let mut name = format!("pl{hex}");
    name.truncate(rules.max_chars);
    Name::new(name)
}

/// What to call it where that name is taken: another name for other ports, the same for the same.
pub(crate) fn host_again(rules: &NameRules, name: &Name, initiators: &[Initiator]) -> Name {
    let mut ports: Vec<&str> = initiators.iter().map(port).collect();
    ports.sort_unstable();
    let words = format!("{name} {}", ports.join(" "));
    let hex: String = Uuid::new_v5(&NAMESPACE, words.as_bytes()).simple().to_string();
    let mut again = format!("pl{hex}");
    again.truncate(rules.max_chars);
    Name::new(again)
}

fn port(initiator: &Initiator) -> &str {
    match initiator {
        Initiator::Iqn(text) | Initiator::Wwpn(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{fit, record};
    use perilune_array::NameRules;

    #[test]
    fn one_name_in_one_cluster_is_one_record() {
        assert_eq!(record("a", "pvc-1"), record("a", "pvc-1"));
        assert_ne!(record("a", "pvc-1"), record("b", "pvc-1"));
        assert_ne!(record("a", "pvc-1"), record("a", "pvc-2"));
    }

    #[test]
    fn a_name_that_the_array_refuses_is_replaced_by_one_it_takes() {
        let rules = NameRules { max_chars: 16, allows: |c| c.is_ascii_alphanumeric() };
        let id = record("a", "pvc-1");
        assert_eq!(fit(&rules, "short", &id).as_str(), "short");
        let fitted = fit(&rules, "a/name with blanks", &id);
        assert!(rules.accepts(fitted.as_str()), "{fitted}");
        assert_eq!(fitted, fit(&rules, "a/name with blanks", &id));
    }
}
