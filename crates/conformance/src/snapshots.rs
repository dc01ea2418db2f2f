//! Snapshots of one volume.

use std::slice::from_ref;
use std::time::{Duration, SystemTime};

use perilune_array::{ErrorKind, Name, NewSnapshot, SnapshotId, VolumeId};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::run::checks;

checks! { |bed| bed.capabilities.snapshots;
    create_takes_a_marked_snapshot_that_find_get_and_list_give,
    a_second_create_is_refused_or_takes_a_second_one,
    create_of_nothing_is_not_found,
    create_beyond_the_limit_says_so [|bed| bed.array.profile().snapshots_per_volume.is_some()],
    a_retention_ends_the_snapshot_or_is_refused_as_the_profile_says,
    what_is_not_there_is_not_found,
    find_and_list_keep_volumes_apart,
    the_size_is_that_of_the_moment,
    delete_ends_it_and_a_second_call_finds_nothing,
    delete_without_exactly_our_mark_is_forbidden,
    snapshots_go_with_their_volume_or_stay_as_the_profile_says,
    revert_brings_the_content_back_and_a_second_call_does_it_again,
    revert_of_nothing_is_not_found,
    revert_of_a_volume_in_use_is_refused,
    revert_of_a_volume_resized_since_is_a_wrong_state,
}

async fn create_takes_a_marked_snapshot_that_find_get_and_list_give(bed: Bed) {
    let volume = bed.volume("v").await;
    let snapshots = bed.snapshots();
    let taken = bed.snapshot(&volume.id, "s").await;
    assert_eq!((&taken.volume, &taken.name, taken.size), (&volume.id, &Name::new("s"), volume.size));
    assert_eq!(taken.owner, Some(owner("s")));
    assert!(taken.ready && taken.created > SystemTime::UNIX_EPOCH);
    assert_eq!(snapshots.get(&taken.id).await.expect("get"), taken);
    assert_eq!(snapshots.find(&volume.id, &taken.name).await.expect("find"), from_ref(&taken));
    assert_eq!(snapshots.list(Some(&volume.id)).await.expect("list"), from_ref(&taken));
    assert_eq!(snapshots.list(None).await.expect("list"), [taken]);
}

async fn a_second_create_is_refused_or_takes_a_second_one(bed: Bed) {
    let volume = bed.volume("v").await;
    let first = bed.snapshot(&volume.id, "s").await;
    let new = NewSnapshot::new(volume.id.clone(), first.name.clone(), owner("s"));
    let again = bed.snapshots().create(&new).await;
    if bed.names_repeat {
        assert_ne!(again.expect("a second one").id, first.id);
    } else {
        assert_eq!(kind(again), ErrorKind::Exists);
    }
    let found = bed.snapshots().find(&volume.id, &first.name).await.expect("find").len();
    assert_eq!(found, if bed.names_repeat { 2 } else { 1 });
}

async fn create_of_nothing_is_not_found(bed: Bed) {
    let new = NewSnapshot::new(VolumeId::new(NOBODY), Name::new("s"), owner("s"));
    assert_eq!(kind(bed.snapshots().create(&new).await), ErrorKind::NotFound);
}

async fn create_beyond_the_limit_says_so(bed: Bed) {
    let limit = bed.array.profile().snapshots_per_volume.expect("a limit");
    let volume = bed.volume("v").await;
    for number in 0..limit {
        bed.snapshot(&volume.id, &format!("s-{number}")).await;
    }
    let new = NewSnapshot::new(volume.id, Name::new("one-more"), owner("s"));
    assert_eq!(kind(bed.snapshots().create(&new).await), ErrorKind::LimitReached);
}

async fn a_retention_ends_the_snapshot_or_is_refused_as_the_profile_says(bed: Bed) {
    let volume = bed.volume("v").await;
    let kept = Some(Duration::from_secs(90 * 60));
    let new = NewSnapshot { retention: kept, ..NewSnapshot::new(volume.id, Name::new("s"), owner("s")) };
    let answer = bed.snapshots().create(&new).await;
    if !bed.array.profile().snapshot_retention {
        assert_eq!(kind(answer), ErrorKind::Invalid);
        return;
    }
    let taken = answer.expect("take a snapshot");
    assert_eq!(taken.expires, Some(taken.created + Duration::from_secs(90 * 60)));
    assert_eq!(bed.snapshots().get(&taken.id).await.expect("get").expires, taken.expires);
}

async fn what_is_not_there_is_not_found(bed: Bed) {
    let volume = bed.volume("v").await;
    for id in [NOBODY, "", "no id"] {
        assert_eq!(kind(bed.snapshots().get(&SnapshotId::new(id)).await), ErrorKind::NotFound, "{id:?}");
        let nobody = VolumeId::new(id);
        assert_eq!(kind(bed.snapshots().list(Some(&nobody)).await), ErrorKind::NotFound, "{id:?}");
        assert_eq!(bed.snapshots().find(&nobody, &Name::new("s")).await.expect("find"), []);
    }
    assert_eq!(bed.snapshots().find(&volume.id, &Name::new("s")).await.expect("find"), []);
    assert_eq!(bed.snapshots().list(Some(&volume.id)).await.expect("list"), []);
}

async fn find_and_list_keep_volumes_apart(bed: Bed) {
    let (one, other) = (bed.volume("v").await, bed.volume("w").await);
    // Where names may not repeat, snapshots of two volumes may not share one either.
    let second = if bed.names_repeat { "s" } else { "t" };
    let (of_one, of_other) = (bed.snapshot(&one.id, "s").await, bed.snapshot(&other.id, second).await);
    assert_eq!(bed.snapshots().find(&one.id, &Name::new("s")).await.expect("find"), [of_one]);
    assert_eq!(bed.snapshots().list(Some(&other.id)).await.expect("list"), [of_other]);
    assert_eq!(bed.snapshots().list(None).await.expect("list").len(), 2);
}

async fn the_size_is_that_of_the_moment(bed: Bed) {
    let volume = bed.volume("v").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    bed.array.volumes().resize(&volume.id, bed.larger(2)).await.expect("resize");
    assert_eq!(bed.snapshots().get(&taken.id).await.expect("get").size, volume.size);
    assert_eq!(bed.snapshot(&volume.id, "t").await.size, bed.larger(2));
}

async fn delete_ends_it_and_a_second_call_finds_nothing(bed: Bed) {
    let volume = bed.volume("v").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    bed.snapshots().delete(&taken.id, &owner("s")).await.expect("delete");
    assert_eq!(kind(bed.snapshots().delete(&taken.id, &owner("s")).await), ErrorKind::NotFound);
    assert_eq!(kind(bed.snapshots().get(&taken.id).await), ErrorKind::NotFound);
    assert_eq!(bed.array.volumes().get(&volume.id).await.expect("the volume stays"), volume);
}

async fn delete_without_exactly_our_mark_is_forbidden(bed: Bed) {
    let volume = bed.volume("v").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    assert_eq!(kind(bed.snapshots().delete(&taken.id, &owner("v")).await), ErrorKind::Forbidden);
    let stranger = perilune_array::Owner { cluster: "another".to_owned(), ..owner("s") };
    assert_eq!(kind(bed.snapshots().delete(&taken.id, &stranger).await), ErrorKind::Forbidden);
    bed.snapshots().get(&taken.id).await.expect("it is still there");
}

async fn snapshots_go_with_their_volume_or_stay_as_the_profile_says(bed: Bed) {
    let volume = bed.volume("v").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    bed.array.volumes().delete(&volume.id, &owner("v")).await.expect("delete");
    let left = bed.snapshots().get(&taken.id).await;
    if bed.array.profile().snapshots_outlive_volume {
        assert_eq!(left.expect("it stays"), taken);
    } else {
        assert_eq!(kind(left), ErrorKind::NotFound);
    }
}

async fn revert_brings_the_content_back_and_a_second_call_does_it_again(bed: Bed) {
    let volume = bed.volume("v").await;
    bed.hands.write(&volume.id, "first").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    for _ in 0..2 {
        bed.hands.write(&volume.id, "second").await;
        bed.snapshots().revert(&volume.id, &taken.id).await.expect("revert");
        assert_eq!(bed.hands.read(&volume.id).await, "first");
    }
    assert_eq!(bed.snapshots().get(&taken.id).await.expect("the snapshot stays"), taken);
    assert_eq!(bed.array.volumes().get(&volume.id).await.expect("get").owner, volume.owner);
}

async fn revert_of_nothing_is_not_found(bed: Bed) {
    let (volume, other) = (bed.volume("v").await, bed.volume("w").await);
    let of_other = bed.snapshot(&other.id, "s").await;
    let pairs = [
        (volume.id.clone(), SnapshotId::new(NOBODY)),
        (VolumeId::new(NOBODY), of_other.id.clone()),
        (volume.id, of_other.id),
    ];
    for (volume, snapshot) in pairs {
        assert_eq!(kind(bed.snapshots().revert(&volume, &snapshot).await), ErrorKind::NotFound);
    }
}

async fn revert_of_a_volume_in_use_is_refused(bed: Bed) {
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    let taken = bed.snapshot(&volume.id, "s").await;
    bed.hands.write(&volume.id, "second").await;
    bed.array.access().map(&volume.id, &host.id, false).await.expect("map");
    // With an account it is a session that makes the use, where there can be one.
    if bed.by_account() && !bed.hands.login(&volume.id).await {
        return;
    }
    assert_eq!(kind(bed.snapshots().revert(&volume.id, &taken.id).await), ErrorKind::InUse);
    assert_eq!(bed.hands.read(&volume.id).await, "second");
}

async fn revert_of_a_volume_resized_since_is_a_wrong_state(bed: Bed) {
    let volume = bed.volume("v").await;
    let taken = bed.snapshot(&volume.id, "s").await;
    bed.array.volumes().resize(&volume.id, bed.larger(1)).await.expect("resize");
    assert_eq!(kind(bed.snapshots().revert(&volume.id, &taken.id).await), ErrorKind::WrongState);
}
