//! What holds of every request, whatever is in it.

use std::collections::HashMap;

use perilune_csi::proto::csi::v1;
use perilune_csi::{Code, Failure};
use proptest::collection::hash_map;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{handle, page, parameters, size, topology};

/// Keys that are known, keys that nearly are, and anything else.
fn maps() -> impl Strategy<Value = HashMap<String, String>> {
    let key = prop_oneof![
        "perilune\\.dev/(backend|backend-selector|pool|min-iops|max-iops|qos-tier)",
        "csi\\.storage\\.k8s\\.io/(pvc/name|pvc/namespace|pv/name|other)",
        ".{0,20}",
    ];
    let value = prop_oneof!["[a-z0-9=,. -]{0,12}", ".{0,200}"];
    hash_map(key, value, 0..5)
}

/// Ids as we make them, with a flaw here and there, and anything else.
fn ids() -> impl Strategy<Value = String> {
    prop_oneof![
        "v[12]:[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "v1:[a-z0-9.-]{0,20}:.{0,130}",
        ".{0,140}",
    ]
}

/// A refusal of a field is INVALID_ARGUMENT and begins with its name.
fn names(failure: &Failure, field: &str) -> bool {
    failure.code == Code::InvalidArgument && failure.message.starts_with(field)
}

proptest! {
    #[test]
    fn parameters_are_kept_whole_or_refused_by_name(given in maps()) {
        match parameters::of_volume(&given) {
            Err(failure) => prop_assert!(names(&failure, "parameters"), "{failure}"),
            Ok(read) => {
                for (key, value) in &given {
                    let kept = read.of_class.get(key) == Some(value);
                    prop_assert!(kept || key.starts_with("csi.storage.k8s.io/"), "{key} was lost");
                }
                prop_assert!(read.of_class.iter().all(|(key, value)| given.get(key) == Some(value)));
            }
        }
        match parameters::mutable(&given) {
            Err(failure) => prop_assert!(names(&failure, "mutable_parameters"), "{failure}"),
            Ok(read) => prop_assert_eq!(read.into_iter().collect::<HashMap<_, _>>(), given),
        }
    }

    #[test]
    fn an_id_is_ours_in_one_spelling_only(id in ids()) {
        match handle::volume("volume_id", &id) {
            Ok(read) => prop_assert_eq!(read.to_string(), id.clone()),
            Err(failure) => prop_assert!(failure.code == Code::NotFound || names(&failure, "volume_id"), "{failure}"),
        }
        match handle::snapshot("snapshot_id", &id) {
            Ok(read) => prop_assert_eq!(read.to_string(), id),
            Err(failure) => prop_assert!(failure.code == Code::NotFound || names(&failure, "snapshot_id"), "{failure}"),
        }
    }

    #[test]
    fn a_page_is_taken_as_asked_or_refused_by_name(max in any::<i32>(), token in ".{0,140}") {
        match page::asked(max, &token) {
            Ok(read) => {
                prop_assert_eq!(i32::try_from(read.max), Ok(max));
                prop_assert_eq!(read.token.unwrap_or_default(), token.as_str());
            }
            Err(failure) => prop_assert!(names(&failure, "max_entries") || names(&failure, "starting_token")),
        }
    }

    #[test]
    fn a_range_has_an_order_or_is_refused_by_name(required_bytes in any::<i64>(), limit_bytes in any::<i64>()) {
        match size::range(Some(&v1::CapacityRange { required_bytes, limit_bytes })) {
            Ok(read) => prop_assert!(read.limit.is_none_or(|limit| limit >= read.required)),
            Err(failure) => prop_assert!(names(&failure, "capacity_range"), "{failure}"),
        }
    }

    #[test]
    fn a_place_is_kept_whole_or_refused_by_name(segments in maps()) {
        match topology::segments("accessible_topology", &v1::Topology { segments: segments.clone() }) {
            Ok(read) => prop_assert_eq!(topology::told(&[read]), [v1::Topology { segments }]),
            Err(failure) => prop_assert!(names(&failure, "accessible_topology.segments"), "{failure}"),
        }
    }
}
