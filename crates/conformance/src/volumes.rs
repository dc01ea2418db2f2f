//! Volumes: finding, making, growing, ending, marking.

use std::collections::BTreeSet;

use perilune_array::{
    ErrorKind, Name, NewVolume, Origin, PageToken, PoolId, QosWish, Rename, Size, VolumeId, VolumeState,
};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::qos::{above, highest};
use crate::run::checks;

checks! { |_| true;
    find_gives_the_volumes_of_a_name_and_no_other,
    find_never_gives_a_deleted_one,
    get_gives_the_volume_of_an_id,
    get_of_nothing_is_not_found,
    list_gives_every_volume_once_over_all_pages,
    list_from_the_same_token_gives_the_same_place,
    list_refuses_a_token_of_another_array,
    create_makes_an_empty_marked_volume_that_is_ready,
    create_rounds_the_size_up_to_the_step,
    a_second_create_is_refused_or_makes_a_second_one,
    create_refuses_sizes_outside_the_rules,
    create_refuses_a_name_outside_the_rules,
    create_refuses_a_pool_that_is_not_there,
    create_beyond_the_pool_finds_no_capacity,
    create_beyond_the_limit_says_so,
    resize_grows_and_a_second_call_does_nothing,
    resize_refuses_to_shrink_and_to_leave_the_rules,
    resize_beyond_the_pool_finds_no_capacity,
    resize_of_nothing_is_not_found,
    delete_ends_the_volume_and_gives_its_room_back,
    a_second_delete_finds_nothing,
    delete_without_exactly_our_mark_is_forbidden,
    delete_while_mapped_is_refused [|bed| !bed.by_account()],
    mark_writes_and_takes_away_and_changes_nothing_else,
    mark_of_nothing_is_not_found,
    the_origin_stands_beside_the_mark,
    rename_changes_the_name_and_nothing_else [|bed| bed.capabilities.rename],
    rename_refuses_a_name_that_is_taken_or_outside_the_rules [|bed| bed.capabilities.rename],
    a_volume_is_born_with_its_limits [|bed| bed.capabilities.qos],
    create_refuses_limits_that_no_volume_may_have [|bed| bed.capabilities.qos],
}

async fn find_gives_the_volumes_of_a_name_and_no_other(bed: Bed) {
    let volumes = bed.array.volumes();
    let made = bed.volume("wanted").await;
    bed.volume("wanted-2").await;
    assert_eq!(volumes.find(&Name::new("wanted")).await.expect("find"), [made]);
    assert_eq!(volumes.find(&Name::new("unknown")).await.expect("find"), []);
    assert_eq!(volumes.find(&Name::new("want")).await.expect("find"), []);
}

async fn find_never_gives_a_deleted_one(bed: Bed) {
    let made = bed.volume("v").await;
    bed.array.volumes().delete(&made.id, &owner("v")).await.expect("delete");
    assert_eq!(bed.array.volumes().find(&made.name).await.expect("find"), []);
}

async fn get_gives_the_volume_of_an_id(bed: Bed) {
    let made = bed.volume("v").await;
    bed.volume("w").await;
    assert_eq!(bed.array.volumes().get(&made.id).await.expect("get"), made);
    assert_eq!(bed.array.volumes().get(&made.id).await.expect("get again"), made);
}

async fn get_of_nothing_is_not_found(bed: Bed) {
    for id in [NOBODY, "", "no id at all", "-1", "99999999999999999999999"] {
        assert_eq!(kind(bed.array.volumes().get(&VolumeId::new(id)).await), ErrorKind::NotFound, "{id:?}");
    }
}

async fn list_gives_every_volume_once_over_all_pages(bed: Bed) {
    let mut made = BTreeSet::new();
    for number in 0..bed.volumes.min(6) {
        made.insert(bed.volume(&format!("v-{number}")).await.id);
    }
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let page = bed.array.volumes().list(next.as_ref()).await.expect("list");
        seen.extend(page.items.into_iter().map(|volume| volume.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), made.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), made);
}

async fn list_from_the_same_token_gives_the_same_place(bed: Bed) {
    for name in ["a", "b", "c"] {
        bed.volume(name).await;
    }
    let first = bed.array.volumes().list(None).await.expect("list");
    assert_eq!(bed.array.volumes().list(None).await.expect("list"), first);
    if let Some(token) = first.next {
        let page = bed.array.volumes().list(Some(&token)).await.expect("list");
        assert_eq!(bed.array.volumes().list(Some(&token)).await.expect("list"), page);
    }
}

async fn list_refuses_a_token_of_another_array(bed: Bed) {
    for token in ["", "7", "another-array/7", "/", "x/y/z"] {
        let answer = bed.array.volumes().list(Some(&PageToken(token.to_owned()))).await;
        assert_eq!(kind(answer), ErrorKind::Invalid, "{token:?}");
    }
}

async fn create_makes_an_empty_marked_volume_that_is_ready(bed: Bed) {
    let new = bed.new_volume("v").await;
    let made = bed.array.volumes().create(&new).await.expect("create");
    assert_eq!((&made.name, &made.pool, made.state), (&new.name, &new.pool, VolumeState::Ready));
    assert_eq!(made.owner, Some(new.owner));
    assert_eq!(made.size, bed.small());
    let other = bed.volume("w").await;
    assert!(made.wwid != other.wwid && made.id != other.id);
    for wwid in [Some(&made.wwid), made.wwid_alt.as_ref()].into_iter().flatten() {
        let (form, digits) = wwid.as_str().split_once('.').expect("a form and digits");
        assert!(matches!(form, "naa" | "eui" | "t10") && !digits.is_empty(), "{wwid}");
    }
}

async fn create_rounds_the_size_up_to_the_step(bed: Bed) {
    let rules = bed.array.profile().sizes;
    let odd = Size::bytes(bed.small().get() + 1);
    let new = NewVolume { size: odd, ..bed.new_volume("v").await };
    let made = bed.array.volumes().create(&new).await.expect("create");
    assert_eq!(Some(made.size), odd.round_up(rules.step));
}

async fn a_second_create_is_refused_or_makes_a_second_one(bed: Bed) {
    let first = bed.volume("v").await;
    let again = bed.array.volumes().create(&bed.new_volume("v").await).await;
    let found = bed.array.volumes().find(&first.name).await.expect("find");
    if bed.names_repeat {
        assert_ne!(again.expect("a second one").id, first.id);
        assert_eq!(found.len(), 2);
    } else {
        assert_eq!(kind(again), ErrorKind::Exists);
        assert_eq!(found, [first]);
    }
}

async fn create_refuses_sizes_outside_the_rules(bed: Bed) {
    let rules = bed.array.profile().sizes;
    for size in [0, rules.min.get() - 1, rules.max.get() + 1, u64::MAX] {
        let new = NewVolume { size: Size::bytes(size), ..bed.new_volume("v").await };
        assert_eq!(kind(bed.array.volumes().create(&new).await), ErrorKind::OutOfRange, "{size}");
    }
    assert_eq!(bed.array.volumes().find(&Name::new("v")).await.expect("find"), []);
}

async fn create_refuses_a_name_outside_the_rules(bed: Bed) {
    let rules = bed.array.profile().volume_names;
    for name in [String::new(), "x".repeat(rules.max_chars + 1), "sp ace".to_owned(), "bell\u{7}".to_owned()]
    {
        assert!(!rules.accepts(&name), "the rules must not accept {name:?}");
        let new = NewVolume { name: Name::new(name.clone()), ..bed.new_volume("v").await };
        assert_eq!(kind(bed.array.volumes().create(&new).await), ErrorKind::Invalid, "{name:?}");
    }
    bed.volume(&"x".repeat(rules.max_chars)).await;
}

async fn create_refuses_a_pool_that_is_not_there(bed: Bed) {
    let new = NewVolume { pool: PoolId::new("no-such-pool"), ..bed.new_volume("v").await };
    assert_eq!(kind(bed.array.volumes().create(&new).await), ErrorKind::NotFound);
}

/// What the first pool can still promise, in whole steps and one step more.
async fn too_much(bed: &Bed) -> Size {
    let pool = bed.array.inspect().await.expect("inspect").pools.remove(0);
    let step = bed.array.profile().sizes.step.get();
    let left = pool.provisionable.get() - pool.provisioned.get();
    Size::bytes((left / step + 1) * step)
}

async fn create_beyond_the_pool_finds_no_capacity(bed: Bed) {
    let new = NewVolume { size: too_much(&bed).await, ..bed.new_volume("v").await };
    assert_eq!(kind(bed.array.volumes().create(&new).await), ErrorKind::NoCapacity);
}

async fn create_beyond_the_limit_says_so(bed: Bed) {
    for number in 0..bed.volumes {
        bed.volume(&format!("v-{number}")).await;
    }
    let answer = bed.array.volumes().create(&bed.new_volume("one-more").await).await;
    assert_eq!(kind(answer), ErrorKind::LimitReached);
}

async fn resize_grows_and_a_second_call_does_nothing(bed: Bed) {
    let made = bed.volume("v").await;
    bed.hands.write(&made.id, "kept").await;
    for _ in 0..2 {
        let grown = bed.array.volumes().resize(&made.id, bed.larger(3)).await.expect("resize");
        assert_eq!((grown.size, &grown.id, &grown.owner), (bed.larger(3), &made.id, &made.owner));
    }
    assert_eq!(bed.array.volumes().get(&made.id).await.expect("get").size, bed.larger(3));
    assert_eq!(bed.hands.read(&made.id).await, "kept");
}

async fn resize_refuses_to_shrink_and_to_leave_the_rules(bed: Bed) {
    let made = bed.volume("v").await;
    bed.array.volumes().resize(&made.id, bed.larger(2)).await.expect("resize");
    let over = Size::bytes(bed.array.profile().sizes.max.get() + 1);
    for size in [bed.small(), bed.larger(1), over] {
        assert_eq!(kind(bed.array.volumes().resize(&made.id, size).await), ErrorKind::OutOfRange, "{size}");
    }
    assert_eq!(bed.array.volumes().get(&made.id).await.expect("get").size, bed.larger(2));
}

async fn resize_beyond_the_pool_finds_no_capacity(bed: Bed) {
    let made = bed.volume("v").await;
    // More than the whole pool: what is taken already may be reckoned in larger units.
    let pool = bed.array.inspect().await.expect("inspect").pools.remove(0);
    let size = Size::bytes(pool.provisionable.get() + made.size.get());
    let size = size.round_up(bed.array.profile().sizes.step).expect("a size");
    assert_eq!(kind(bed.array.volumes().resize(&made.id, size).await), ErrorKind::NoCapacity);
}

async fn resize_of_nothing_is_not_found(bed: Bed) {
    let answer = bed.array.volumes().resize(&VolumeId::new(NOBODY), bed.larger(1)).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

async fn delete_ends_the_volume_and_gives_its_room_back(bed: Bed) {
    let before = bed.array.inspect().await.expect("inspect").pools.remove(0).provisioned;
    let made = bed.volume("v").await;
    bed.array.volumes().delete(&made.id, &owner("v")).await.expect("delete");
    assert_eq!(kind(bed.array.volumes().get(&made.id).await), ErrorKind::NotFound);
    assert_eq!(bed.array.inspect().await.expect("inspect").pools.remove(0).provisioned, before);
}

async fn a_second_delete_finds_nothing(bed: Bed) {
    let made = bed.volume("v").await;
    bed.array.volumes().delete(&made.id, &owner("v")).await.expect("delete");
    for id in [made.id, VolumeId::new(NOBODY)] {
        assert_eq!(kind(bed.array.volumes().delete(&id, &owner("v")).await), ErrorKind::NotFound);
    }
}

async fn delete_without_exactly_our_mark_is_forbidden(bed: Bed) {
    let volumes = bed.array.volumes();
    let made = bed.volume("v").await;
    assert_eq!(kind(volumes.delete(&made.id, &owner("w")).await), ErrorKind::Forbidden);
    let stranger = perilune_array::Owner { cluster: "another".to_owned(), ..owner("v") };
    assert_eq!(kind(volumes.delete(&made.id, &stranger).await), ErrorKind::Forbidden);
    volumes.mark(&made.id, None).await.expect("take the mark away");
    assert_eq!(kind(volumes.delete(&made.id, &owner("v")).await), ErrorKind::Forbidden);
    volumes.get(&made.id).await.expect("it is still there");
}

async fn delete_while_mapped_is_refused(bed: Bed) {
    let made = bed.volume("v").await;
    let host = bed.host("h", &[1]).await;
    bed.array.access().map(&made.id, &host.id, false).await.expect("map");
    assert_eq!(kind(bed.array.volumes().delete(&made.id, &owner("v")).await), ErrorKind::InUse);
    bed.array.access().unmap(&made.id, &host.id).await.expect("unmap");
    bed.array.volumes().delete(&made.id, &owner("v")).await.expect("delete");
}

async fn mark_writes_and_takes_away_and_changes_nothing_else(bed: Bed) {
    let volumes = bed.array.volumes();
    let made = bed.volume("v").await;
    for mark in [Some(owner("w")), None, Some(owner("v"))] {
        for _ in 0..2 {
            volumes.mark(&made.id, mark.as_ref()).await.expect("mark");
            let seen = volumes.get(&made.id).await.expect("get");
            assert_eq!(seen, perilune_array::Volume { owner: mark.clone(), ..made.clone() });
        }
    }
}

async fn mark_of_nothing_is_not_found(bed: Bed) {
    let answer = bed.array.volumes().mark(&VolumeId::new(NOBODY), Some(&owner("v"))).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

async fn the_origin_stands_beside_the_mark(bed: Bed) {
    let origin =
        Origin { csi_name: Some("pvc-1".to_owned()), claim: Some(("shop".to_owned(), "data".to_owned())) };
    let marked = owner("v").with_origin(origin.clone());
    let new = NewVolume { owner: marked.clone(), ..bed.new_volume("v").await };
    let made = bed.array.volumes().create(&new).await.expect("create");
    let seen = bed.array.volumes().get(&made.id).await.expect("get").owner.expect("a mark");
    // An array with little room keeps it shortened or not at all, but never another one.
    for (kept, given) in [
        (seen.origin.csi_name.as_ref(), origin.csi_name.as_ref()),
        (seen.origin.claim.as_ref().map(|(_, name)| name), origin.claim.as_ref().map(|(_, name)| name)),
    ] {
        assert!(kept.is_none() || kept == given, "{kept:?}");
    }
    bed.array.volumes().delete(&made.id, &owner("v")).await.expect("the origin is no part of whose it is");
}

fn rename(bed: &Bed) -> &dyn Rename {
    bed.array.rename().expect("rename")
}

async fn rename_changes_the_name_and_nothing_else(bed: Bed) {
    let made = bed.volume("v").await;
    for _ in 0..2 {
        let renamed = rename(&bed).rename(&made.id, &Name::new("w")).await.expect("rename");
        assert_eq!(renamed, perilune_array::Volume { name: Name::new("w"), ..made.clone() });
    }
    assert_eq!(bed.array.volumes().find(&made.name).await.expect("find"), []);
    assert_eq!(bed.array.volumes().find(&Name::new("w")).await.expect("find")[0].id, made.id);
    let nobody = VolumeId::new(NOBODY);
    assert_eq!(kind(rename(&bed).rename(&nobody, &Name::new("x")).await), ErrorKind::NotFound);
}

async fn rename_refuses_a_name_that_is_taken_or_outside_the_rules(bed: Bed) {
    let (made, other) = (bed.volume("v").await, bed.volume("w").await);
    if !bed.names_repeat {
        assert_eq!(kind(rename(&bed).rename(&made.id, &other.name).await), ErrorKind::Exists);
    }
    assert_eq!(kind(rename(&bed).rename(&made.id, &Name::new("sp ace")).await), ErrorKind::Invalid);
    assert_eq!(bed.array.volumes().get(&made.id).await.expect("get"), made);
}

async fn a_volume_is_born_with_its_limits(bed: Bed) {
    let qos = Some(QosWish::Limits(highest(&bed)));
    let new = NewVolume { qos: qos.clone(), ..bed.new_volume("v").await };
    let made = bed.array.volumes().create(&new).await.expect("create");
    let by = bed.array.qos().expect("qos");
    assert_eq!(by.get(&made.id).await.expect("get"), highest(&bed));
    let source = perilune_array::Source::Volume(made.id);
    let copy = NewVolume { qos: None, ..bed.new_volume("copy").await };
    let copy = bed.array.volumes().copy(&copy, &source).await.expect("copy");
    bed.ready(&copy.id).await;
    assert_eq!(by.get(&copy.id).await.expect("get"), highest(&bed), "a copy has its source's");
}

async fn create_refuses_limits_that_no_volume_may_have(bed: Bed) {
    for (wish, expected) in [
        (QosWish::Limits(above(&bed)), ErrorKind::OutOfRange),
        (QosWish::Tier("no such tier".to_owned()), ErrorKind::Invalid),
    ] {
        let new = NewVolume { qos: Some(wish), ..bed.new_volume("v").await };
        assert_eq!(kind(bed.array.volumes().create(&new).await), expected);
    }
    assert_eq!(bed.array.volumes().find(&Name::new("v")).await.expect("find"), []);
}
