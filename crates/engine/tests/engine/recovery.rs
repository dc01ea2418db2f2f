//! Looking through an array, adopting, letting go, and making records anew: what is told, what is refused, what stays untouched.

use std::sync::Arc;

use perilune_array::{Array as _, Name, NewVolume, Owner, PoolId, RecordId, Size, Volume};
use perilune_engine::ledger::{Ledger as _, Phase};
use perilune_engine::wishes::{ImportWish, Wishes, memory::MemoryWishes};
use perilune_engine::{Claim, Code, PublishRequest, SnapshotRequest, VolumeRequest};

use crate::bed::{Bed, mapping_array, request, soon};

/// A volume that somebody else made.
async fn foreign(bed: &Bed, name: &str, owner: Option<&Owner>) -> Volume {
    let theirs = Owner::new("other", RecordId::new("r"));
    let new = NewVolume::new(Name::new(name), PoolId::new("pool-1"), Size::gib(7), theirs);
    let made = bed.array.volumes().create(&new).await.expect("made");
    bed.array.volumes().mark(&made.id, owner).await.expect("marked");
    bed.array.volumes().get(&made.id).await.expect("there")
}

/// A claim that wishes to adopt the volume.
fn adopting(bed: &mut Bed, volume: &Volume, gib: u64) -> VolumeRequest {
    let wishes = MemoryWishes::default();
    let claim = Claim { namespace: "shop".to_owned(), name: "data".to_owned() };
    let wish = ImportWish { backend: "a".to_owned(), native: volume.id.clone(), rename: true };
    wishes.put(&claim, Ok(wish));
    bed.engine = fresh(bed).with_wishes(Arc::new(wishes) as Arc<dyn Wishes>);
    VolumeRequest { claim: Some(claim), ..request("pvc-1", gib) }
}

fn fresh(bed: &Bed) -> perilune_engine::Engine {
    let writer = perilune_engine::Writer::new(bed.writer.subscribe());
    perilune_engine::Engine::new(Arc::clone(&bed.fleet), Arc::clone(&bed.ledger) as _, writer, "cluster-1")
}

#[tokio::test(start_paused = true)]
async fn a_scan_tells_what_each_volume_is_and_alters_nothing() {
    let bed = Bed::new(mapping_array().page(2).build()).await;
    let kept = bed.engine.ensure_volume(&request("kept", 1), soon()).await.expect("made").handle;
    let lost = bed.engine.ensure_volume(&request("lost", 1), soon()).await.expect("made").handle;
    let ours = Owner::new("cluster-1", RecordId::new("nobody-knows"));
    let theirs = Owner::new("other", RecordId::new("r"));
    for (name, owner) in [("free", None), ("theirs", Some(&theirs)), ("orphan", Some(&ours))] {
        foreign(&bed, name, owner).await;
    }
    let native = bed.ledger.get(lost.record()).await.expect("read").and_then(|e| e.native).expect("native");
    bed.array.lose(&native);
    let before = bed.array.inventory();
    let scan = bed.engine.scan("a", soon()).await.expect("scanned");
    assert_eq!((scan.volumes, scan.truncated, bed.array.inventory()), (4, false, before));
    let row = |name: &str| scan.manageable.iter().find(|row| row.name == name).expect("a row");
    assert!(row("free").safe && row("free").gib == 7);
    assert_eq!(row("kept").record.as_ref(), Some(kept.record()));
    assert!(!row("kept").safe && !row("theirs").safe);
    assert!(row("theirs").reason_not_safe.as_ref().is_some_and(|why| why.contains("cluster other")));
    assert_eq!(scan.orphans.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["orphan"]);
    assert_eq!(scan.missing.iter().map(|m| m.record.clone()).collect::<Vec<_>>(), [lost.record().clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_adopts_a_free_volume_and_its_second_call_finds_it_adopted() {
    let mut bed = Bed::new(mapping_array().build()).await;
    let volume = foreign(&bed, "payroll", None).await;
    assert!(bed.array.write(&volume.id, "salaries"));
    let wish = adopting(&mut bed, &volume, 5);
    let view = bed.engine.ensure_volume(&wish, soon()).await.expect("adopted");
    assert!(view.size == Size::gib(7) && !view.born_empty, "a disk with data on it is never formatted");
    assert_eq!(bed.engine.ensure_volume(&wish, soon()).await.expect("again"), view);
    let now = bed.array.volumes().get(&volume.id).await.expect("there");
    assert_eq!((now.name.as_str(), bed.array.content(&volume.id).as_deref()), ("pvc-1", Some("salaries")));
    assert!(now.owner.is_some_and(|owner| owner.record == *view.handle.record()));
}

#[tokio::test(start_paused = true)]
async fn what_anybody_has_or_does_not_fit_is_not_adopted_and_not_touched() {
    let mut bed = Bed::new(mapping_array().build()).await;
    let theirs = Owner::new("other", RecordId::new("r"));
    let marked = foreign(&bed, "marked", Some(&theirs)).await;
    let small = foreign(&bed, "small", None).await;
    let before = bed.array.inventory();
    for (volume, gib, code) in [(&marked, 5, Code::FailedPrecondition), (&small, 8, Code::OutOfRange)] {
        let wish = adopting(&mut bed, volume, gib);
        let failure = bed.engine.ensure_volume(&wish, soon()).await.expect_err("refused");
        assert_eq!(failure.code, code, "{failure}");
    }
    assert_eq!((bed.array.inventory(), bed.ledger.entries().len()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn a_released_volume_loses_the_mark_and_nothing_else_and_deleting_it_leaves_it_there() {
    let bed = Bed::new(mapping_array().build()).await;
    let handle = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let node = PublishRequest { volume: handle.clone(), node: "n".into(), read_only: false, shared: false };
    bed.engine.publish(&node, soon()).await.expect("published");
    let failure = bed.engine.release_volume(&handle, soon()).await.expect_err("in use");
    assert!(failure.message.contains("published to n"), "{failure}");
    bed.engine.unpublish(&handle, None, soon()).await.expect("unpublished");
    bed.engine.release_volume(&handle, soon()).await.expect("released");
    bed.engine.release_volume(&handle, soon()).await.expect("again");
    assert_eq!(bed.ledger.entries()[0].phase, Phase::Released);
    let failure = bed.engine.publish(&node, soon()).await.expect_err("not ours any more");
    assert_eq!(failure.code, Code::FailedPrecondition, "{failure}");
    bed.engine.remove_volume(&handle, soon()).await.expect("the record goes");
    let volumes = bed.array.inventory().volumes;
    assert!(bed.ledger.entries().is_empty() && volumes.len() == 1 && volumes[0].owner.is_none());
}

#[tokio::test(start_paused = true)]
async fn lost_records_come_back_from_the_marks_and_a_false_mark_makes_none() {
    let bed = Bed::new(mapping_array().build()).await;
    let handle = bed.engine.ensure_volume(&request("v", 1), soon()).await.expect("made").handle;
    let take = SnapshotRequest { csi_name: "s".into(), source: handle.clone(), topology: Default::default() };
    let snapshot = bed.engine.ensure_snapshot(&take, soon()).await.expect("taken");
    let before = bed.ledger.entries().remove(0);
    bed.ledger.delete(&before).await.expect("lost");
    foreign(&bed, "false", Some(&Owner::new("cluster-1", RecordId::new("made-up")))).await;
    let restored = bed.engine.restore("a", soon()).await.expect("restored");
    assert_eq!((restored.made.len(), restored.refused.len()), (1, 1), "{restored:?}");
    let again = bed.engine.restore("a", soon()).await.expect("again");
    assert_eq!(again.made, []);
    let after = bed.ledger.entries().remove(0);
    assert_eq!((&after.id, &after.native, &after.wwid), (&before.id, &before.native, &before.wwid));
    assert!(!after.born_empty, "nobody remembers whether it is empty");
    bed.engine.remove_snapshot(&snapshot.handle, soon()).await.expect("its snapshot is known again");
    bed.engine.remove_volume(&handle, soon()).await.expect("it is ours again");
}
