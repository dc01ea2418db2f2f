//! Where volumes can be reached from, and where they are wanted: pure functions over segment maps.
//!
//! A volume's topology is a list of segment maps: a node reaches it that has all segments of one of them. Labels of
//! places come from the administrator (`ArrayBackend.spec.topology`), the protocol segments from what the nodes measured.

use std::collections::BTreeMap;

use perilune_array::Protocol;

/// Labels of a place, or of a node.
pub type Segments = BTreeMap<String, String>;

/// A node that has a working iSCSI initiator says `true` here.
pub const ISCSI: &str = "topology.perilune.dev/iscsi";

/// A node that has a Fibre Channel port says `true` here.
pub const FC: &str = "topology.perilune.dev/fc";

/// Where a volume is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopologyRequirement {
    /// It must be reachable from one of these; empty: anywhere will do.
    pub requisite: Vec<Segments>,
    /// Better from an earlier one of these.
    pub preferred: Vec<Segments>,
}

const fn key(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Iscsi => ISCSI,
        Protocol::Fc => FC,
    }
}

/// From where a pool's volumes can be reached: each place of the pool, or else of its backend, by each protocol served.
pub fn accessible(backend: &[Segments], pool: &[Segments], protocols: &[Protocol]) -> Vec<Segments> {
    let places = if pool.is_empty() { backend } else { pool };
    let everywhere = [Segments::new()];
    let places = if places.is_empty() { &everywhere } else { places };
    let by = |place: &Segments, protocol: Protocol| {
        let mut by = place.clone();
        by.insert(key(protocol).to_owned(), "true".to_owned());
        by
    };
    if protocols.is_empty() {
        return places.to_vec();
    }
    places.iter().flat_map(|place| protocols.iter().map(|protocol| by(place, *protocol))).collect()
}

/// Is there somewhere that both describe? A key that one side does not name says nothing against the other.
fn meet(accessible: &Segments, wanted: &Segments) -> bool {
    accessible.iter().all(|(key, value)| wanted.get(key).is_none_or(|other| other == value))
}

fn within(accessible: &[Segments], wanted: &Segments) -> bool {
    accessible.is_empty() || accessible.iter().any(|place| meet(place, wanted))
}

/// Can what is reachable from `accessible` be where it is wanted?
pub fn satisfies(accessible: &[Segments], wanted: &TopologyRequirement) -> bool {
    wanted.requisite.is_empty() || wanted.requisite.iter().any(|place| within(accessible, place))
}

/// How far down the list of preferred places the first one stands that this can be in; less is better.
pub fn preference(accessible: &[Segments], wanted: &TopologyRequirement) -> usize {
    wanted.preferred.iter().position(|place| within(accessible, place)).unwrap_or(wanted.preferred.len())
}

/// Segment maps for people to read.
pub fn told(places: &[Segments]) -> String {
    if places.is_empty() {
        return "everywhere".to_owned();
    }
    let place = |place: &Segments| {
        let pairs: Vec<String> = place.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{{{}}}", pairs.join(","))
    };
    places.iter().map(place).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::{FC, ISCSI, Segments, TopologyRequirement, accessible, preference, satisfies};
    use perilune_array::Protocol;

    fn place(pairs: &[(&str, &str)]) -> Segments {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_pools_places_come_before_the_backends_and_each_protocol_is_a_way() {
        let (a, b) = (place(&[("zone", "a")]), place(&[("zone", "b")]));
        let both = [Protocol::Iscsi, Protocol::Fc];
        assert_eq!(accessible(&[], &[], &[Protocol::Fc]), [place(&[(FC, "true")])]);
        assert_eq!(
            accessible(std::slice::from_ref(&a), &[], &[Protocol::Iscsi]),
            [place(&[("zone", "a"), (ISCSI, "true")])]
        );
        assert_eq!(
            accessible(&[a], &[b], &both),
            [place(&[("zone", "b"), (ISCSI, "true")]), place(&[("zone", "b"), (FC, "true")])]
        );
    }

    #[test]
    fn a_node_without_the_protocol_or_in_another_zone_does_not_reach_it() {
        let there = accessible(&[place(&[("zone", "a")])], &[], &[Protocol::Iscsi]);
        let wanted = |pairs: &[(&str, &str)]| TopologyRequirement {
            requisite: vec![place(pairs)],
            preferred: Vec::new(),
        };
        assert!(satisfies(&there, &wanted(&[("zone", "a"), (ISCSI, "true"), (FC, "false")])));
        assert!(satisfies(&there, &wanted(&[("zone", "a")])), "a class that names the zone only");
        assert!(!satisfies(&there, &wanted(&[("zone", "a"), (ISCSI, "false")])));
        assert!(!satisfies(&there, &wanted(&[("zone", "b"), (ISCSI, "true")])));
        assert!(satisfies(&there, &TopologyRequirement::default()));
    }

    #[test]
    fn the_earlier_preferred_place_is_the_better_one() {
        let wanted = TopologyRequirement {
            requisite: Vec::new(),
            preferred: vec![place(&[("zone", "b")]), place(&[("zone", "a")])],
        };
        let rank = |zone: &str| preference(&[place(&[("zone", zone)])], &wanted);
        assert_eq!((rank("b"), rank("a"), rank("c")), (0, 1, 2));
    }
}
