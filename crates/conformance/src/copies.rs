//! Volumes made from volumes and snapshots.

use perilune_array::{ErrorKind, Name, NewVolume, SnapshotId, Source, VolumeId, VolumeState};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::run::checks;

checks! { |_| true;
    a_copy_has_its_sources_content_and_a_mark_of_its_own,
    a_copy_and_its_source_go_different_ways,
    a_copy_may_be_asked_for_larger,
    a_copy_is_never_smaller_than_its_source,
    a_second_copy_is_refused_or_makes_a_second_one,
    a_copy_of_nothing_is_not_found,
    more_copies_than_the_array_makes_at_once_find_it_busy [|bed| bed.copies_at_once < bed.volumes],
    a_copy_beyond_the_limit_says_so,
    a_copy_under_way_cannot_be_mapped,
    a_copy_of_a_snapshot_has_the_content_of_that_moment [|bed| bed.capabilities.snapshots],
    a_copy_of_a_snapshot_that_is_not_of_that_volume_is_not_found [|bed| bed.capabilities.snapshots],
}

async fn a_copy_has_its_sources_content_and_a_mark_of_its_own(bed: Bed) {
    let source = bed.volume("source").await;
    bed.hands.write(&source.id, "first").await;
    let new = bed.new_volume("copy").await;
    let copy = bed.array.volumes().copy(&new, &Source::Volume(source.id.clone())).await.expect("copy");
    assert_eq!((&copy.name, &copy.owner), (&new.name, &Some(owner("copy"))));
    let copy = bed.ready(&copy.id).await;
    assert_eq!((copy.state, copy.size, copy.owner), (VolumeState::Ready, source.size, Some(owner("copy"))));
    assert!(copy.id != source.id && copy.wwid != source.wwid);
    assert_eq!(bed.hands.read(&copy.id).await, "first");
    assert_eq!(bed.array.volumes().get(&source.id).await.expect("get"), source);
}

async fn a_copy_and_its_source_go_different_ways(bed: Bed) {
    let source = bed.volume("source").await;
    bed.hands.write(&source.id, "first").await;
    let new = bed.new_volume("copy").await;
    let copy = bed.array.volumes().copy(&new, &Source::Volume(source.id.clone())).await.expect("copy");
    bed.ready(&copy.id).await;
    bed.hands.write(&source.id, "second").await;
    bed.hands.write(&copy.id, "third").await;
    assert_eq!(bed.hands.read(&source.id).await, "second");
    assert_eq!(bed.hands.read(&copy.id).await, "third");
    bed.array.volumes().delete(&source.id, &owner("source")).await.expect("delete the source");
    assert_eq!(bed.hands.read(&copy.id).await, "third");
}

async fn a_copy_may_be_asked_for_larger(bed: Bed) {
    let source = bed.volume("source").await;
    bed.hands.write(&source.id, "first").await;
    let new = NewVolume { size: bed.larger(2), ..bed.new_volume("copy").await };
    let copy = bed.array.volumes().copy(&new, &Source::Volume(source.id.clone())).await.expect("copy");
    let copy = bed.ready(&copy.id).await;
    let expected = if bed.array.profile().copy_may_grow { new.size } else { source.size };
    assert_eq!(copy.size, expected);
    let grown = bed.array.volumes().resize(&copy.id, new.size).await.expect("resize");
    assert_eq!(grown.size, new.size);
    assert_eq!(bed.hands.read(&copy.id).await, "first");
}

async fn a_copy_is_never_smaller_than_its_source(bed: Bed) {
    let source = bed.volume("source").await;
    bed.array.volumes().resize(&source.id, bed.larger(2)).await.expect("resize");
    let new = NewVolume { size: bed.larger(1), ..bed.new_volume("copy").await };
    let answer = bed.array.volumes().copy(&new, &Source::Volume(source.id.clone())).await;
    if bed.array.profile().copy_may_grow {
        assert_eq!(kind(answer), ErrorKind::OutOfRange);
        assert_eq!(bed.array.volumes().find(&new.name).await.expect("find"), []);
    } else {
        let copy = bed.ready(&answer.expect("copy").id).await;
        assert_eq!(copy.size, bed.larger(2));
    }
}

async fn a_second_copy_is_refused_or_makes_a_second_one(bed: Bed) {
    let source = Source::Volume(bed.volume("source").await.id);
    let new = bed.new_volume("copy").await;
    let first = bed.array.volumes().copy(&new, &source).await.expect("copy");
    bed.ready(&first.id).await;
    let again = bed.array.volumes().copy(&new, &source).await;
    if bed.names_repeat {
        assert_ne!(again.expect("a second one").id, first.id);
    } else {
        assert_eq!(kind(again), ErrorKind::Exists);
    }
}

async fn a_copy_of_nothing_is_not_found(bed: Bed) {
    let new = bed.new_volume("copy").await;
    let nobody = VolumeId::new(NOBODY);
    let answer = bed.array.volumes().copy(&new, &Source::Volume(nobody.clone())).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = bed.array.volumes().copy(&new, &Source::Snapshot(SnapshotId::new(NOBODY), nobody)).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    assert_eq!(bed.array.volumes().find(&Name::new("copy")).await.expect("find"), []);
}

async fn more_copies_than_the_array_makes_at_once_find_it_busy(bed: Bed) {
    let source = Source::Volume(bed.volume("source").await.id);
    for number in 0..bed.copies_at_once {
        let new = bed.new_volume(&format!("copy-{number}")).await;
        bed.array.volumes().copy(&new, &source).await.expect("copy");
    }
    let new = bed.new_volume("one-more").await;
    assert_eq!(kind(bed.array.volumes().copy(&new, &source).await), ErrorKind::Busy);
}

async fn a_copy_beyond_the_limit_says_so(bed: Bed) {
    for number in 0..bed.volumes {
        bed.volume(&format!("v-{number}")).await;
    }
    let source = bed.array.volumes().find(&Name::new("v-0")).await.expect("find").remove(0);
    let new = bed.new_volume("one-more").await;
    let answer = bed.array.volumes().copy(&new, &Source::Volume(source.id)).await;
    assert_eq!(kind(answer), ErrorKind::LimitReached);
}

async fn a_copy_under_way_cannot_be_mapped(bed: Bed) {
    let source = Source::Volume(bed.volume("source").await.id);
    let host = bed.host("h", &[1]).await;
    let copy = bed.array.volumes().copy(&bed.new_volume("copy").await, &source).await.expect("copy");
    if copy.state == VolumeState::Copying {
        let answer = bed.array.access().map(&copy.id, &host.id, false).await;
        assert_eq!(kind(answer), ErrorKind::WrongState);
    }
    bed.ready(&copy.id).await;
    bed.array.access().map(&copy.id, &host.id, false).await.expect("map");
}

async fn a_copy_of_a_snapshot_has_the_content_of_that_moment(bed: Bed) {
    let source = bed.volume("source").await;
    bed.hands.write(&source.id, "first").await;
    let snapshot = bed.snapshot(&source.id, "s").await;
    bed.hands.write(&source.id, "second").await;
    let from = Source::Snapshot(snapshot.id.clone(), source.id.clone());
    let copy = bed.array.volumes().copy(&bed.new_volume("copy").await, &from).await.expect("copy");
    let copy = bed.ready(&copy.id).await;
    assert_eq!((copy.size, copy.owner), (snapshot.size, Some(owner("copy"))));
    assert_eq!(bed.hands.read(&copy.id).await, "first");
}

async fn a_copy_of_a_snapshot_that_is_not_of_that_volume_is_not_found(bed: Bed) {
    let (one, other) = (bed.volume("one").await, bed.volume("other").await);
    let snapshot = bed.snapshot(&one.id, "s").await;
    let from = Source::Snapshot(snapshot.id, other.id);
    let answer = bed.array.volumes().copy(&bed.new_volume("copy").await, &from).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}
