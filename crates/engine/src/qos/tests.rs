//! What becomes of wishes, and how wrong ones are refused.

use std::collections::BTreeMap;

use perilune_array::{ErrorKind, Limit, QosLimits, QosWish, Throughput};

use super::{Offer, Wish, covers, wish};

fn limits(min: u32, max: u32, burst: u32) -> Throughput {
    let some = |n: u32| (n > 0).then_some(n);
    Throughput { min_iops: some(min), max_iops: some(max), burst_iops: some(burst) }
}

fn offer() -> Offer {
    let range = |min, max| Some(Limit { min, max });
    Offer {
        limits: Some(QosLimits {
            min_iops: range(50, 15_000),
            max_iops: range(100, 200_000),
            burst_iops: range(100, 200_000),
        }),
        named: vec!["policy-1".to_owned()],
        spelled: BTreeMap::from([("gold".to_owned(), limits(500, 1000, 2000))]),
        default: None,
    }
}

fn read(pairs: &[(&str, &str)]) -> Result<Wish, String> {
    let map = pairs.iter().map(|(k, v)| (format!("perilune.dev/{k}"), (*v).to_owned())).collect();
    wish(&map).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    })
}

#[test]
fn a_wish_is_read_whole_or_refused_by_key() {
    assert_eq!(read(&[]), Ok(Wish::Nothing));
    assert_eq!(read(&[("max-iops", "1000")]), Ok(Wish::Limits(limits(0, 1000, 0))));
    assert_eq!(read(&[("qos-tier", "gold")]), Ok(Wish::Tier("gold".to_owned())));
    for (pairs, says) in [
        (&[("color", "red")][..], "perilune.dev/color cannot be set; what can be is perilune.dev/min-iops"),
        (&[("max-iops", "fast")], "perilune.dev/max-iops: \"fast\" is not a whole number"),
        (&[("max-iops", "-1")], "is not a whole number"),
        (&[("max-iops", "+5")], "is not a whole number"),
        (&[("max-iops", "007")], "is not a whole number"),
        (&[("max-iops", "4294967296")], "is not a whole number"),
        (&[("max-iops", "")], "is not a whole number"),
        (&[("qos-tier", "gold"), ("min-iops", "100")], "keep either it or them"),
    ] {
        let refusal = read(pairs).expect_err("refused");
        assert!(refusal.contains(says), "{pairs:?}: {refusal}");
    }
}

#[test]
fn only_what_is_listed_changes_and_what_is_so_already_costs_nothing() {
    let have = limits(100, 1000, 2000);
    let change = |wish: &Wish| offer().change(wish, have).map_err(|error| error.to_string());
    let max = |max| Wish::Limits(limits(0, max, 0));
    assert_eq!(change(&max(1500)), Ok(Some(QosWish::Limits(limits(100, 1500, 2000)))));
    assert_eq!(change(&max(1000)), Ok(None));
    assert_eq!(change(&Wish::Nothing), Ok(None));
    assert_eq!(change(&Wish::Tier("gold".into())), Ok(Some(QosWish::Limits(limits(500, 1000, 2000)))));
    assert_eq!(change(&Wish::Tier("policy-1".into())), Ok(Some(QosWish::Tier("policy-1".into()))));
    assert!(change(&Wish::Tier("lead".into())).expect_err("refused").contains("it has gold, policy-1"));
    assert!(
        change(&max(2500))
            .expect_err("refused")
            .contains("max-iops would be 2500, over perilune.dev/burst-iops")
    );
    assert!(change(&max(50)).expect_err("refused").contains("50 is not from 100 to 200000"));
}

#[test]
fn a_volume_is_born_with_what_its_class_says_over_what_the_backend_does() {
    let mut offer = offer();
    assert_eq!(offer.at_birth(&Wish::Nothing).ok(), Some(None));
    offer.default = Some(limits(100, 500, 600));
    assert_eq!(offer.at_birth(&Wish::Nothing).ok(), Some(Some(QosWish::Limits(limits(100, 500, 600)))));
    let asked = Wish::Limits(limits(0, 550, 0));
    assert_eq!(offer.at_birth(&asked).ok(), Some(Some(QosWish::Limits(limits(100, 550, 600)))));
    offer.default = Some(limits(0, 50, 0));
    let refused = offer.at_birth(&Wish::Nothing).unwrap_err().to_string();
    assert!(refused.contains("spec.defaults.qos") && refused.contains("50 is not from"), "{refused}");
}

#[test]
fn an_array_without_limits_refuses_any_wish_and_takes_none() {
    let bare =
        Offer { limits: None, named: Vec::new(), spelled: BTreeMap::new(), default: Some(limits(1, 2, 3)) };
    assert_eq!(bare.at_birth(&Wish::Nothing).ok(), Some(None));
    for wish in [Wish::Tier("gold".into()), Wish::Limits(limits(0, 500, 0))] {
        assert_eq!(bare.at_birth(&wish).map_err(|e| e.kind()), Err(ErrorKind::Invalid));
    }
}

#[test]
fn limits_cover_what_they_name_alike() {
    assert!(covers(&limits(1, 2, 3), &limits(0, 2, 0)));
    assert!(!covers(&limits(1, 2, 3), &limits(0, 4, 0)));
}
