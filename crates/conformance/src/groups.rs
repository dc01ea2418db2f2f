//! Consistency groups.

use perilune_array::{ErrorKind, Group, GroupId, Groups, Name, NewGroup, PoolId, VolumeId};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::run::checks;

checks! { |bed| bed.capabilities.groups;
    create_makes_an_empty_group_that_find_get_and_list_give,
    create_of_a_name_that_is_taken_or_in_no_pool_is_refused,
    add_puts_a_volume_in_and_a_second_call_does_nothing,
    a_volume_is_in_one_group_only,
    add_beyond_the_limit_says_so [|bed| bed.array.profile().volumes_per_group.is_some()],
    remove_takes_a_volume_out_which_stays,
    what_is_not_there_is_not_found,
    delete_ends_an_empty_group_only_and_a_second_call_finds_nothing,
    a_volume_in_a_group_is_in_use,
}

pub(crate) fn groups(bed: &Bed) -> &dyn Groups {
    bed.array.groups().expect("groups")
}

pub(crate) async fn group(bed: &Bed, name: &str) -> Group {
    let new = NewGroup { name: Name::new(name), pool: bed.pool().await };
    groups(bed).create(&new).await.expect("make a group")
}

async fn create_makes_an_empty_group_that_find_get_and_list_give(bed: Bed) {
    let made = group(&bed, "g").await;
    assert_eq!((&made.name, made.members.len()), (&Name::new("g"), 0));
    assert_eq!(groups(&bed).find(&made.name).await.expect("find"), Some(made.clone()));
    assert_eq!(groups(&bed).find(&Name::new("h")).await.expect("find"), None);
    assert_eq!(groups(&bed).get(&made.id).await.expect("get"), made);
    assert_eq!(groups(&bed).list().await.expect("list"), [made]);
}

async fn create_of_a_name_that_is_taken_or_in_no_pool_is_refused(bed: Bed) {
    group(&bed, "g").await;
    let new = NewGroup { name: Name::new("g"), pool: bed.pool().await };
    assert_eq!(kind(groups(&bed).create(&new).await), ErrorKind::Exists);
    let new = NewGroup { name: Name::new("h"), pool: PoolId::new("no-such-pool") };
    assert_eq!(kind(groups(&bed).create(&new).await), ErrorKind::NotFound);
}

async fn add_puts_a_volume_in_and_a_second_call_does_nothing(bed: Bed) {
    let (made, volume) = (group(&bed, "g").await, bed.volume("v").await);
    for _ in 0..2 {
        groups(&bed).add(&made.id, &volume.id).await.expect("add");
        let members = groups(&bed).get(&made.id).await.expect("get").members;
        assert_eq!(members, std::slice::from_ref(&volume.id));
    }
}

async fn a_volume_is_in_one_group_only(bed: Bed) {
    let (one, other) = (group(&bed, "g").await, group(&bed, "h").await);
    let volume = bed.volume("v").await;
    groups(&bed).add(&one.id, &volume.id).await.expect("add");
    assert_eq!(kind(groups(&bed).add(&other.id, &volume.id).await), ErrorKind::InUse);
}

async fn add_beyond_the_limit_says_so(bed: Bed) {
    let limit = bed.array.profile().volumes_per_group.expect("a limit");
    assert!((limit as usize) < bed.volumes, "the bed must leave room for one volume more than a group takes");
    let made = group(&bed, "g").await;
    for number in 0..=limit {
        let volume = bed.volume(&format!("v-{number}")).await;
        let answer = groups(&bed).add(&made.id, &volume.id).await;
        if number < limit {
            answer.expect("add");
        } else {
            assert_eq!(kind(answer), ErrorKind::LimitReached);
        }
    }
}

async fn remove_takes_a_volume_out_which_stays(bed: Bed) {
    let (made, volume) = (group(&bed, "g").await, bed.volume("v").await);
    groups(&bed).add(&made.id, &volume.id).await.expect("add");
    for _ in 0..2 {
        groups(&bed).remove(&made.id, &volume.id).await.expect("remove");
        assert!(groups(&bed).get(&made.id).await.expect("get").members.is_empty());
    }
    bed.array.volumes().get(&volume.id).await.expect("the volume stays");
}

async fn what_is_not_there_is_not_found(bed: Bed) {
    let (made, volume) = (group(&bed, "g").await, bed.volume("v").await);
    let nobody = GroupId::new(NOBODY);
    assert_eq!(kind(groups(&bed).get(&nobody).await), ErrorKind::NotFound);
    assert_eq!(kind(groups(&bed).add(&nobody, &volume.id).await), ErrorKind::NotFound);
    assert_eq!(kind(groups(&bed).remove(&nobody, &volume.id).await), ErrorKind::NotFound);
    assert_eq!(kind(groups(&bed).add(&made.id, &VolumeId::new(NOBODY)).await), ErrorKind::NotFound);
}

async fn delete_ends_an_empty_group_only_and_a_second_call_finds_nothing(bed: Bed) {
    let (made, volume) = (group(&bed, "g").await, bed.volume("v").await);
    groups(&bed).add(&made.id, &volume.id).await.expect("add");
    assert_eq!(kind(groups(&bed).delete(&made.id).await), ErrorKind::InUse);
    groups(&bed).remove(&made.id, &volume.id).await.expect("remove");
    groups(&bed).delete(&made.id).await.expect("delete");
    assert_eq!(kind(groups(&bed).delete(&made.id).await), ErrorKind::NotFound);
    bed.array.volumes().get(&volume.id).await.expect("the volume stays");
}

async fn a_volume_in_a_group_is_in_use(bed: Bed) {
    let (made, volume) = (group(&bed, "g").await, bed.volume("v").await);
    groups(&bed).add(&made.id, &volume.id).await.expect("add");
    assert_eq!(kind(bed.array.volumes().delete(&volume.id, &owner("v")).await), ErrorKind::InUse);
}
