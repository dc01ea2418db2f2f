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
    create_beyond_the_limit_says_so [|bed| bed.array.profile().ad_hoc_group_snapshots && bed.array.profile().volumes_per_group.is_some()],
    a_member_says_so_and_is_not_deleted_alone,
    a_retention_ends_it_or_is_refused_as_the_profile_says,
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

async fn create_beyond_the_limit_says_so(bed: Bed) {
    let limit = bed.array.profile().volumes_per_group.expect("a limit") as usize;
    let volume = bed.volume("v").await.id;
    // The number is judged before the members are looked at.
    let many = (0..=limit).map(|n| if n == 0 { volume.clone() } else { VolumeId::new(format!("{n}")) });
    let answer = taker(&bed).create(&new(&Members::Volumes(many.collect()))).await;
    assert_eq!(kind(answer), ErrorKind::LimitReached);
}

async fn a_member_says_so_and_is_not_deleted_alone(bed: Bed) {
    let (_, _, members) = two(&bed).await;
    let taken = taken(&bed, &members).await;
    assert_eq!(taken.owner, Some(owner("s")));
    for member in &taken.snapshots {
        assert_eq!((member.group.as_ref(), member.owner.as_ref()), (Some(&taken.id), Some(&owner("s"))));
        assert_eq!(kind(bed.snapshots().delete(&member.id, &owner("s")).await), ErrorKind::InUse);
    }
    assert_eq!(taker(&bed).get(&taken.id).await.expect("get"), taken);
}

async fn a_retention_ends_it_or_is_refused_as_the_profile_says(bed: Bed) {
    let (_, _, members) = two(&bed).await;
    let kept = std::time::Duration::from_secs(3600);
    let answer = taker(&bed).create(&NewGroupSnapshot { retention: Some(kept), ..new(&members) }).await;
    if !bed.array.profile().snapshot_retention {
        assert_eq!(kind(answer), ErrorKind::Invalid);
        return;
    }
    for member in answer.expect("take a group snapshot").snapshots {
        assert_eq!(member.expires, Some(member.created + kept));
    }
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
