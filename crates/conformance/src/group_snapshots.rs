//! Snapshots of several volumes at one moment.

use std::slice::from_ref;

use perilune_array::{
    ErrorKind, GroupId, GroupSnapshot, GroupSnapshotId, GroupSnapshots, Members, Name, NewGroupSnapshot,
    VolumeId,
};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::groups::{group, groups};
use crate::run::checks;

checks! { |bed| bed.capabilities.group_snapshots;
    create_takes_one_of_all_members_that_find_get_and_list_give,
    a_second_create_is_refused_or_takes_a_second_one,
    create_takes_one_of_volumes_in_no_group_where_the_profile_says_so,
    create_takes_of_all_members_or_of_none [|bed| bed.array.profile().ad_hoc_group_snapshots],
    create_without_a_member_is_invalid,
    what_is_not_there_is_not_found,
    delete_ends_it_with_its_members_if_it_bears_our_mark,
    revert_puts_all_members_back_and_a_second_call_does_it_again,
    revert_with_a_member_in_use_puts_none_back,
}

fn taker(bed: &Bed) -> &dyn GroupSnapshots {
    bed.array.group_snapshots().expect("group snapshots")
}

/// Two volumes and what names them together: a group where there are groups.
async fn two(bed: &Bed) -> (VolumeId, VolumeId, Members) {
    let (one, other) = (bed.volume("v").await.id, bed.volume("w").await.id);
    if !bed.capabilities.groups {
        let members = Members::Volumes(vec![one.clone(), other.clone()]);
        return (one, other, members);
    }
    let made = group(bed, "g").await;
    for volume in [&one, &other] {
        groups(bed).add(&made.id, volume).await.expect("add");
    }
    (one, other, Members::Group(made.id))
}

fn new(members: &Members) -> NewGroupSnapshot {
    NewGroupSnapshot { name: Name::new("s"), members: members.clone(), owner: owner("s"), retention: None }
}

async fn taken(bed: &Bed, members: &Members) -> GroupSnapshot {
    taker(bed).create(&new(members)).await.expect("take a group snapshot")
}

async fn create_takes_one_of_all_members_that_find_get_and_list_give(bed: Bed) {
    let (one, other, members) = two(&bed).await;
    let taken = taken(&bed, &members).await;
    let mut of: Vec<_> = taken.snapshots.iter().map(|snapshot| snapshot.volume.clone()).collect();
    of.sort();
    assert_eq!(of, [one, other]);
    assert_eq!(taker(&bed).find(&taken.name).await.expect("find"), from_ref(&taken));
    assert_eq!(taker(&bed).find(&Name::new("t")).await.expect("find"), []);
    assert_eq!(taker(&bed).get(&taken.id).await.expect("get"), taken);
    assert_eq!(taker(&bed).list().await.expect("list"), [taken]);
}

async fn a_second_create_is_refused_or_takes_a_second_one(bed: Bed) {
    let (_, _, members) = two(&bed).await;
    let first = taken(&bed, &members).await;
    let again = taker(&bed).create(&new(&members)).await;
    if bed.names_repeat {
        assert_ne!(again.expect("a second one").id, first.id);
    } else {
        assert_eq!(kind(again), ErrorKind::Exists);
    }
}

async fn create_takes_one_of_volumes_in_no_group_where_the_profile_says_so(bed: Bed) {
    let members = Members::Volumes(vec![bed.volume("x").await.id, bed.volume("y").await.id]);
    let answer = taker(&bed).create(&new(&members)).await;
    if bed.array.profile().ad_hoc_group_snapshots {
        assert_eq!(answer.expect("take one").snapshots.len(), 2);
    } else {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
    }
}

async fn create_takes_of_all_members_or_of_none(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let members = Members::Volumes(vec![volume, VolumeId::new(NOBODY)]);
    assert_eq!(kind(taker(&bed).create(&new(&members)).await), ErrorKind::NotFound);
    assert_eq!(taker(&bed).list().await.expect("list"), []);
    assert_eq!(bed.snapshots().list(None).await.expect("list"), []);
}

async fn create_without_a_member_is_invalid(bed: Bed) {
    if bed.capabilities.groups {
        let empty = Members::Group(group(&bed, "g").await.id);
        assert_eq!(kind(taker(&bed).create(&new(&empty)).await), ErrorKind::Invalid);
        let nobody = Members::Group(GroupId::new(NOBODY));
        assert_eq!(kind(taker(&bed).create(&new(&nobody)).await), ErrorKind::NotFound);
    }
    if bed.array.profile().ad_hoc_group_snapshots {
        assert_eq!(kind(taker(&bed).create(&new(&Members::Volumes(Vec::new()))).await), ErrorKind::Invalid);
    }
}

async fn what_is_not_there_is_not_found(bed: Bed) {
    let nobody = GroupSnapshotId::new(NOBODY);
    assert_eq!(kind(taker(&bed).get(&nobody).await), ErrorKind::NotFound);
    assert_eq!(kind(taker(&bed).revert(&nobody).await), ErrorKind::NotFound);
    assert_eq!(kind(taker(&bed).delete(&nobody, &owner("s")).await), ErrorKind::NotFound);
}

async fn delete_ends_it_with_its_members_if_it_bears_our_mark(bed: Bed) {
    let (_, _, members) = two(&bed).await;
    let taken = taken(&bed, &members).await;
    assert_eq!(kind(taker(&bed).delete(&taken.id, &owner("t")).await), ErrorKind::Forbidden);
    taker(&bed).delete(&taken.id, &owner("s")).await.expect("delete");
    assert_eq!(kind(taker(&bed).delete(&taken.id, &owner("s")).await), ErrorKind::NotFound);
    assert_eq!(bed.snapshots().list(None).await.expect("list"), []);
}

async fn revert_puts_all_members_back_and_a_second_call_does_it_again(bed: Bed) {
    let (one, other, members) = two(&bed).await;
    bed.hands.write(&one, "first").await;
    bed.hands.write(&other, "primary").await;
    let taken = taken(&bed, &members).await;
    for _ in 0..2 {
        bed.hands.write(&one, "second").await;
        taker(&bed).revert(&taken.id).await.expect("revert");
        assert_eq!(
            (bed.hands.read(&one).await, bed.hands.read(&other).await),
            ("first".into(), "primary".into())
        );
    }
}

async fn revert_with_a_member_in_use_puts_none_back(bed: Bed) {
    let (one, other, members) = two(&bed).await;
    let taken = taken(&bed, &members).await;
    let host = bed.host("h", &[1]).await;
    bed.array.access().map(&other, &host.id, false).await.expect("map");
    if bed.by_account() && !bed.hands.login(&other).await {
        return;
    }
    bed.hands.write(&one, "second").await;
    assert_eq!(kind(taker(&bed).revert(&taken.id).await), ErrorKind::InUse);
    assert_eq!(bed.hands.read(&one).await, "second");
}
