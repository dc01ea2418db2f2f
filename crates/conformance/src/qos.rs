//! Throughput limits.

use perilune_array::{ErrorKind, Limit, Qos, QosLimits, QosWish, Throughput, VolumeId};

use crate::Bed;
use crate::bed::{NOBODY, kind};
use crate::run::checks;

checks! { |bed| bed.capabilities.qos;
    set_holds_and_a_second_call_does_nothing,
    set_refuses_what_is_out_of_range_or_descends_and_alters_nothing,
    a_tier_is_set_by_its_name [|bed| !bed.array.profile().qos_tiers.is_empty()],
    what_is_not_there_is_not_found,
}

fn qos(bed: &Bed) -> &dyn Qos {
    bed.array.qos().expect("qos")
}

fn limits(bed: &Bed) -> QosLimits {
    bed.array.profile().qos.expect("an array with qos tells its limits")
}

/// Every setting that the array has, at its lowest or highest.
fn at(limits: QosLimits, end: fn(Limit) -> u32) -> Throughput {
    Throughput {
        min_iops: limits.min_iops.map(end),
        max_iops: limits.max_iops.map(end),
        burst_iops: limits.burst_iops.map(end),
    }
}

async fn set_holds_and_a_second_call_does_nothing(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let before = qos(&bed).get(&volume).await.expect("get");
    let wanted = at(limits(&bed), |limit| limit.max);
    for _ in 0..2 {
        qos(&bed).set(&volume, &QosWish::Limits(wanted)).await.expect("set");
        assert_eq!(qos(&bed).get(&volume).await.expect("get"), wanted);
    }
    qos(&bed).set(&volume, &QosWish::Limits(Throughput::default())).await.expect("back to the default");
    assert_eq!(qos(&bed).get(&volume).await.expect("get"), before);
}

async fn set_refuses_what_is_out_of_range_or_descends_and_alters_nothing(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let before = qos(&bed).get(&volume).await.expect("get");
    let over = above(&bed);
    assert_eq!(kind(qos(&bed).set(&volume, &QosWish::Limits(over)).await), ErrorKind::OutOfRange);
    if let (Some(min), Some(max)) = (limits(&bed).min_iops, limits(&bed).max_iops) {
        let descending = Throughput { min_iops: Some(min.max), max_iops: Some(max.min), burst_iops: None };
        assert_eq!(kind(qos(&bed).set(&volume, &QosWish::Limits(descending)).await), ErrorKind::Invalid);
    }
    assert_eq!(qos(&bed).get(&volume).await.expect("get"), before);
}

/// The highest that the array gives.
pub(crate) fn highest(bed: &Bed) -> Throughput {
    at(limits(bed), |limit| limit.max)
}

/// More than the array gives.
pub(crate) fn above(bed: &Bed) -> Throughput {
    at(limits(bed), |limit| limit.max + 1)
}

async fn a_tier_is_set_by_its_name(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let before = qos(&bed).get(&volume).await.expect("get");
    let tier = bed.array.profile().qos_tiers.first().expect("a tier").clone();
    for _ in 0..2 {
        qos(&bed).set(&volume, &QosWish::Tier(tier.clone())).await.expect("set");
    }
    assert_ne!(
        qos(&bed).get(&volume).await.expect("get"),
        before,
        "a tier that changes nothing proves nothing"
    );
    let unknown = QosWish::Tier("no such tier".to_owned());
    assert_eq!(kind(qos(&bed).set(&volume, &unknown).await), ErrorKind::Invalid);
}

async fn what_is_not_there_is_not_found(bed: Bed) {
    let nobody = VolumeId::new(NOBODY);
    assert_eq!(kind(qos(&bed).get(&nobody).await), ErrorKind::NotFound);
    assert_eq!(
        kind(qos(&bed).set(&nobody, &QosWish::Limits(Throughput::default())).await),
        ErrorKind::NotFound
    );
}
