//! Places: where volumes are wanted, and from where they can be reached. What fits what is the engine's to say.

use std::collections::HashMap;

use perilune_csi::proto::csi::v1;
use perilune_csi::{Failure, field};
use perilune_engine::topology::{Segments, TopologyRequirement};

/// What Kubernetes and CSI let a key's prefix, a key's name and a value have.
const PREFIX_LIMIT: usize = 253;
const NAME_LIMIT: usize = 63;

/// The requirement in `field`. Without one any place will do.
pub(crate) fn wanted(
    field: &str,
    given: Option<&v1::TopologyRequirement>,
) -> Result<TopologyRequirement, Failure> {
    let Some(given) = given else { return Ok(TopologyRequirement::default()) };
    let list = |part: &str, places: &[v1::Topology]| -> Result<Vec<Segments>, Failure> {
        let at = |(n, place): (usize, &v1::Topology)| segments(&format!("{field}.{part}[{n}]"), place);
        places.iter().enumerate().map(at).collect()
    };
    let requisite = list("requisite", &given.requisite)?;
    let preferred = list("preferred", &given.preferred)?;
    let outside = preferred.iter().position(|place| !requisite.contains(place));
    if let Some(at) = outside.filter(|_| !requisite.is_empty()) {
        let problem = "is not among the requisite places, as it must be";
        return Err(Failure::field(&format!("{field}.preferred[{at}]"), problem));
    }
    Ok(TopologyRequirement { requisite, preferred })
}

/// One place.
pub(crate) fn segments(field: &str, place: &v1::Topology) -> Result<Segments, Failure> {
    let field = format!("{field}.segments");
    field::map(&field, &place.segments)?;
    if place.segments.is_empty() {
        return Err(Failure::field(&field, "is missing: a place has at least one segment"));
    }
    if let Some(key) = place.segments.keys().find(|key| !is_key(key)) {
        let problem = format!("{key:?} is no key such as topology.kubernetes.io/zone");
        return Err(Failure::field(&field, problem));
    }
    if let Some((key, value)) = place.segments.iter().find(|(_, value)| !is_label(value)) {
        let problem = format!(
            "{key}: {value:?} is no value: 1 to {NAME_LIMIT} letters, digits, dots, dashes and underscores"
        );
        return Err(Failure::field(&field, problem));
    }
    Ok(place.segments.clone().into_iter().collect())
}

/// What to tell one who asked for these places about the reach: nothing new if all of them are wholly within it; else those
/// that are; else, and where none was asked for, the reach itself.
pub(crate) fn news(reach: &[Segments], asked: &TopologyRequirement) -> Vec<Segments> {
    let within = |place: &Segments, reach: &Segments| reach.iter().all(|(k, v)| place.get(k) == Some(v));
    let mut places = asked.requisite.clone();
    places.retain(|place| reach.iter().any(|reach| within(place, reach)));
    match places.len() {
        0 => reach.to_vec(),
        all if all == asked.requisite.len() => Vec::new(),
        _ => places,
    }
}

/// Places for an answer.
pub(crate) fn told(places: &[Segments]) -> Vec<v1::Topology> {
    let told =
        |place: &Segments| v1::Topology { segments: place.clone().into_iter().collect::<HashMap<_, _>>() };
    places.iter().map(told).collect()
}

fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_label(key),
        Some((prefix, name)) => {
            prefix.len() <= PREFIX_LIMIT && prefix.split('.').all(is_label) && is_label(name)
        }
    }
}

fn is_label(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= NAME_LIMIT
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pairs: &[(&str, &str)]) -> v1::Topology {
        v1::Topology { segments: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
    }

    fn of(
        requisite: Vec<v1::Topology>,
        preferred: Vec<v1::Topology>,
    ) -> Result<TopologyRequirement, Failure> {
        wanted("accessibility_requirements", Some(&v1::TopologyRequirement { requisite, preferred }))
    }

    #[test]
    fn places_pass_through_in_their_order() {
        let (a, b) = (place(&[("topology.kubernetes.io/zone", "a")]), place(&[("zone", "b_2.x")]));
        let read = of(vec![a.clone(), b.clone()], vec![b.clone()]).unwrap();
        assert_eq!(told(&read.requisite), [a.clone(), b.clone()]);
        assert_eq!(told(&read.preferred), [b]);
        assert_eq!(of(Vec::new(), vec![a.clone()]).map(|read| told(&read.preferred)), Ok(vec![a]));
        assert_eq!(wanted("x", None), Ok(TopologyRequirement::default()));
    }

    #[test]
    fn who_asks_for_places_is_told_what_is_new_to_him() {
        let segments = |pairs| segments("x", &place(pairs)).unwrap();
        let reach = [segments(&[("zone", "a"), ("iscsi", "true")])];
        let asked =
            |places: &[Segments]| TopologyRequirement { requisite: places.to_vec(), preferred: vec![] };
        let node = segments(&[("zone", "a"), ("iscsi", "true"), ("fc", "false")]);
        let other = segments(&[("zone", "b"), ("iscsi", "true")]);
        assert_eq!(news(&reach, &asked(std::slice::from_ref(&node))), []);
        assert_eq!(news(&reach, &asked(&[other, node.clone()])), [node]);
        assert_eq!(news(&reach, &asked(&[segments(&[("zone", "a")])])), reach);
        assert_eq!(news(&reach, &asked(&[])), reach);
    }

    #[test]
    fn what_is_no_place_is_refused_with_its_field() {
        let good = || place(&[("zone", "a")]);
        let long = "x".repeat(64);
        for (refused, says) in [
            (
                of(vec![good(), place(&[])], vec![]),
                "accessibility_requirements.requisite[1].segments: is missing",
            ),
            (
                of(vec![], vec![place(&[("", "a")])]),
                "accessibility_requirements.preferred[0].segments: \"\" is no key",
            ),
            (
                of(vec![place(&[("a/b/c", "a")])], vec![]),
                "accessibility_requirements.requisite[0].segments: \"a/b/c\"",
            ),
            (
                of(vec![place(&[("zone", "")])], vec![]),
                "accessibility_requirements.requisite[0].segments: zone: \"\"",
            ),
            (
                of(vec![place(&[("zone", &long)])], vec![]),
                "accessibility_requirements.requisite[0].segments: zone: ",
            ),
            (
                of(vec![good()], vec![place(&[("zone", "b")])]),
                "accessibility_requirements.preferred[0]: is not among",
            ),
            (
                of(vec![place(&[("zone", &"x".repeat(4100))])], vec![]),
                "accessibility_requirements.requisite[0].segments: has 41",
            ),
        ] {
            let failure = refused.unwrap_err();
            assert!(failure.message.starts_with(says), "{failure}");
        }
    }
}
