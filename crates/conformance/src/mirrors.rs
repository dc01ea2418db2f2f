//! Copies kept on another array.

use std::slice::from_ref;
use std::sync::Arc;

use perilune_array::{
    Activity, Array, Currency, Direction, ErrorKind, Half, Invitation, Link, Mirrors, Mode, Name, NewMirror,
    NewVolume, Pairing, Result, Role, Subject, VolumeId,
};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::run::checks;

checks! { |bed| bed.capabilities.mirrors && bed.peer.is_some();
    pair_relates_two_copies_and_both_sides_tell_the_same,
    a_second_pair_finds_it_there,
    pair_with_nobody_is_refused,
    a_pair_comes_into_sync_and_carries_writes,
    suspend_stops_and_resume_goes_on_and_second_calls_do_nothing,
    a_pairing_that_was_not_carried_over_goes_on [|bed| !bed.array.profile().mirror_makes_peer],
    a_target_is_judged_before_it_is_overwritten [|bed| !bed.array.profile().mirror_makes_peer],
    several_copies_change_together_or_not_at_all,
    unpair_keeps_both_copies_and_a_second_call_does_nothing,
    promote_makes_the_target_writable_and_a_second_call_does_nothing,
    promote_of_an_inconsistent_copy_is_a_wrong_state,
    demote_gives_the_copy_up_to_be_overwritten,
    demote_of_a_mapped_copy_is_refused,
    two_writable_copies_cannot_resume,
    a_mirrored_volume_is_in_use,
    swap_exchanges_the_roles_in_one_step [|bed| bed.capabilities.role_swap],
    swap_needs_the_source_in_sync [|bed| bed.capabilities.role_swap],
}

fn here(bed: &Bed) -> &dyn Mirrors {
    bed.array.mirrors().expect("mirrors")
}

fn peer(bed: &Bed) -> &Arc<dyn Array> {
    bed.peer.as_ref().expect("a peer")
}

fn there(bed: &Bed) -> &dyn Mirrors {
    peer(bed).mirrors().expect("mirrors")
}

fn subject(volume: &VolumeId) -> Subject {
    Subject::Volume(volume.clone())
}

/// Mirrors this volume, with a copy of the same size made on the other array where the arrays do not make it.
async fn new(bed: &Bed, volume: &VolumeId) -> NewMirror {
    let report = peer(bed).inspect().await.expect("inspect the peer");
    let peer_pool = report.pools.first().expect("a pool").id.clone();
    let mut peer_subject = None;
    if !bed.array.profile().mirror_makes_peer {
        let copy = NewVolume::new(Name::new("copy"), peer_pool.clone(), bed.small(), owner("copy"));
        let there = peer(bed).volumes();
        let copy = match there.find(&copy.name).await.expect("find").pop() {
            Some(copy) => copy,
            None => there.create(&copy).await.expect("the other copy"),
        };
        peer_subject = Some(subject(&copy.id));
    }
    let (mode, invitation) = (Mode::Sync, None);
    let (subject, role) = (subject(volume), Role::Source);
    NewMirror { subject, role, peer_array: report.id, peer_pool, peer_subject, mode, invitation }
}

/// The same mirror as the other array is asked for it.
async fn told(bed: &Bed, new: &NewMirror, invitation: Option<Invitation>) -> NewMirror {
    let report = bed.array.inspect().await.expect("inspect");
    NewMirror {
        subject: new.peer_subject.clone().expect("the other copy"),
        role: Role::Target,
        peer_array: report.id,
        peer_pool: report.pools.first().expect("a pool").id.clone(),
        peer_subject: Some(new.subject.clone()),
        mode: new.mode,
        invitation,
    }
}

/// Carries word between the two arrays until they are related, or one refuses.
async fn carry(bed: &Bed, new: &NewMirror) -> Result<()> {
    let (mut word, mut at_source) = (None, true);
    for _ in 0..400 {
        let answer = if at_source {
            here(bed).pair(&NewMirror { invitation: word.clone(), ..new.clone() }).await
        } else {
            there(bed).pair(&told(bed, new, word.clone()).await).await
        };
        match answer {
            Ok(Pairing::Done(_)) => return Ok(()),
            Ok(Pairing::Tell(invitation)) => (word, at_source) = (Some(invitation), !at_source),
            // They are still getting connected; begin anew.
            Err(error) if error.kind() == ErrorKind::Busy => {
                bed.hands.wait().await;
                (word, at_source) = (None, true);
            }
            Err(error) => return Err(error),
        }
    }
    panic!("the two arrays do not come to an end");
}

async fn relate(bed: &Bed, new: &NewMirror) {
    carry(bed, new).await.expect("relate the two copies");
}

/// A mirrored volume: its subject here and there.
async fn paired(bed: &Bed) -> (VolumeId, Subject, Subject) {
    let volume = bed.volume("v").await.id;
    relate(bed, &new(bed, &volume).await).await;
    let half = look(here(bed), &subject(&volume)).await;
    (volume.clone(), subject(&volume), half.peer.subject)
}

async fn look(mirrors: &dyn Mirrors, subject: &Subject) -> Half {
    mirrors.find(subject).await.expect("find").expect("a half")
}

async fn in_sync(bed: &Bed, subject: &Subject) -> Half {
    for _ in 0..400 {
        let half = look(here(bed), subject).await;
        if half.activity == Activity::Active {
            return half;
        }
        bed.hands.wait().await;
    }
    panic!("the mirror of {subject:?} does not come into sync");
}

async fn pair_relates_two_copies_and_both_sides_tell_the_same(bed: Bed) {
    let volume = bed.volume("v").await.id;
    assert_eq!(here(&bed).find(&subject(&volume)).await.expect("find"), None);
    relate(&bed, &new(&bed, &volume).await).await;
    let half = look(here(&bed), &subject(&volume)).await;
    assert_eq!((half.role, half.writable, half.link), (Role::Source, true, Link::Up));
    let other = look(there(&bed), &half.peer.subject).await;
    assert_eq!((other.role, other.writable), (Role::Target, false));
    assert_eq!(other.peer.subject, subject(&volume));
    assert_eq!(other.peer.array, bed.array.inspect().await.expect("inspect").id);
    assert_eq!(here(&bed).list().await.expect("list").len(), 1);
    assert_eq!(there(&bed).list().await.expect("list").len(), 1);
}

async fn a_second_pair_finds_it_there(bed: Bed) {
    let (volume, ..) = paired(&bed).await;
    assert_eq!(kind(here(&bed).pair(&new(&bed, &volume).await).await), ErrorKind::Exists);
}

async fn pair_with_nobody_is_refused(bed: Bed) {
    let nobody = new(&bed, &VolumeId::new(NOBODY)).await;
    assert_eq!(kind(here(&bed).pair(&nobody).await), ErrorKind::NotFound);
    assert_eq!(kind(here(&bed).find(&nobody.subject).await), ErrorKind::NotFound);
    let volume = bed.volume("v").await.id;
    let stranger = perilune_array::ArrayId::new("no such array");
    let new = NewMirror { peer_array: stranger, ..new(&bed, &volume).await };
    // Neither array does it, nor hears word that is meant for another one.
    assert_eq!(kind(carry(&bed, &new).await), ErrorKind::WrongState);
}

async fn a_pair_comes_into_sync_and_carries_writes(bed: Bed) {
    let (volume, subject, other) = paired(&bed).await;
    assert_eq!(in_sync(&bed, &subject).await.currency, Currency::InSync);
    bed.hands.write(&volume, "first").await;
    here(&bed).suspend(&subject).await.expect("suspend");
    bed.hands.write(&volume, "second").await;
    assert_eq!(bed.hands.read(&volume).await, "second");
    // The other copy stopped at the first write, and says so by overwriting this one.
    there(&bed).promote(from_ref(&other)).await.expect("promote");
    here(&bed).demote(from_ref(&subject)).await.expect("demote");
    here(&bed).resume(&subject, Direction::ToHere).await.expect("resume");
    in_sync(&bed, &subject).await;
    assert_eq!(bed.hands.read(&volume).await, "first");
}

async fn suspend_stops_and_resume_goes_on_and_second_calls_do_nothing(bed: Bed) {
    let (_, subject, _) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    for _ in 0..2 {
        here(&bed).suspend(&subject).await.expect("suspend");
        assert_eq!(look(here(&bed), &subject).await.activity, Activity::Suspended);
    }
    for _ in 0..2 {
        here(&bed).resume(&subject, Direction::FromHere).await.expect("resume");
        assert_ne!(look(here(&bed), &subject).await.activity, Activity::Suspended);
    }
    in_sync(&bed, &subject).await;
}

async fn a_pairing_that_was_not_carried_over_goes_on(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let new = new(&bed, &volume).await;
    // The first word is lost on its way.
    let first = here(&bed).pair(&new).await;
    assert!(matches!(first, Ok(Pairing::Tell(_))), "{first:?}");
    relate(&bed, &new).await;
    let half = look(here(&bed), &new.subject).await;
    assert_eq!(Some(half.peer.subject), new.peer_subject);
}

async fn a_target_is_judged_before_it_is_overwritten(bed: Bed) {
    let volume = bed.volume("v").await.id;
    let new = new(&bed, &volume).await;
    let uninvited = told(&bed, &new, None).await;
    assert_eq!(kind(there(&bed).pair(&uninvited).await), ErrorKind::Invalid);
    let Subject::Volume(copy) = new.peer_subject.clone().expect("the copy") else { panic!("a volume") };
    peer(&bed).volumes().resize(&copy, bed.larger(1)).await.expect("resize");
    assert_eq!(kind(carry(&bed, &new).await), ErrorKind::WrongState);
    assert_eq!(there(&bed).find(&subject(&copy)).await.expect("find"), None);
}

async fn several_copies_change_together_or_not_at_all(bed: Bed) {
    let (_, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    let nobody = Subject::Volume(VolumeId::new(NOBODY));
    let answer = there(&bed).promote(&[other.clone(), nobody.clone()]).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    assert!(!look(there(&bed), &other).await.writable);
    assert_eq!(kind(here(&bed).demote(&[subject.clone(), nobody]).await), ErrorKind::NotFound);
    assert!(look(here(&bed), &subject).await.writable);
}

async fn unpair_keeps_both_copies_and_a_second_call_does_nothing(bed: Bed) {
    let (volume, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    if let Err(error) = here(&bed).unpair(&subject).await {
        assert_eq!(error.kind(), ErrorKind::WrongState, "only because it is active");
        here(&bed).suspend(&subject).await.expect("suspend");
    }
    for _ in 0..2 {
        here(&bed).unpair(&subject).await.expect("unpair");
        there(&bed).unpair(&other).await.expect("unpair on the other side");
    }
    assert_eq!(here(&bed).find(&subject).await.expect("find"), None);
    assert_eq!(there(&bed).find(&other).await.expect("the other copy stays"), None);
    bed.array.volumes().get(&volume).await.expect("this copy stays");
}

async fn promote_makes_the_target_writable_and_a_second_call_does_nothing(bed: Bed) {
    let (_, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    for _ in 0..2 {
        assert!(there(&bed).promote(from_ref(&other)).await.expect("promote")[0].writable);
        assert!(look(there(&bed), &other).await.writable);
    }
    assert!(look(here(&bed), &subject).await.writable, "promoting one side does not take the other's writes");
}

async fn promote_of_an_inconsistent_copy_is_a_wrong_state(bed: Bed) {
    let (_, _, other) = paired(&bed).await;
    if look(there(&bed), &other).await.currency == Currency::Inconsistent {
        assert_eq!(kind(there(&bed).promote(from_ref(&other)).await), ErrorKind::WrongState);
    }
    assert_eq!(
        kind(there(&bed).promote(&[Subject::Volume(VolumeId::new(NOBODY))]).await),
        ErrorKind::NotFound
    );
}

async fn demote_gives_the_copy_up_to_be_overwritten(bed: Bed) {
    let (volume, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    bed.hands.write(&volume, "first").await;
    there(&bed).promote(from_ref(&other)).await.expect("promote");
    bed.hands.write(&volume, "alone").await;
    for _ in 0..2 {
        let half = here(&bed).demote(from_ref(&subject)).await.expect("demote").remove(0);
        assert_eq!((half.writable, half.role), (false, Role::Target));
    }
    here(&bed).resume(&subject, Direction::ToHere).await.expect("resume");
    in_sync(&bed, &subject).await;
    assert_eq!(bed.hands.read(&volume).await, "first");
}

async fn demote_of_a_mapped_copy_is_refused(bed: Bed) {
    let (volume, subject, _) = paired(&bed).await;
    let host = bed.host("h", &[1]).await;
    bed.array.access().map(&volume, &host.id, false).await.expect("map");
    if bed.by_account() && !bed.hands.login(&volume).await {
        return;
    }
    assert_eq!(kind(here(&bed).demote(from_ref(&subject)).await), ErrorKind::InUse);
    assert!(look(here(&bed), &subject).await.writable);
}

async fn two_writable_copies_cannot_resume(bed: Bed) {
    let (_, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    there(&bed).promote(from_ref(&other)).await.expect("promote");
    for direction in [Direction::FromHere, Direction::ToHere] {
        assert_eq!(kind(here(&bed).resume(&subject, direction).await), ErrorKind::WrongState);
    }
}

async fn a_mirrored_volume_is_in_use(bed: Bed) {
    let (volume, ..) = paired(&bed).await;
    assert_eq!(kind(bed.array.volumes().delete(&volume, &owner("v")).await), ErrorKind::InUse);
}

async fn swap_exchanges_the_roles_in_one_step(bed: Bed) {
    let swap = bed.array.role_swap().expect("role swap");
    let (_, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    let half = swap.swap(&subject).await.expect("swap");
    assert_eq!((half.role, half.writable), (Role::Target, false));
    let half = look(there(&bed), &other).await;
    assert_eq!((half.role, half.writable, half.activity), (Role::Source, true, Activity::Active));
}

async fn swap_needs_the_source_in_sync(bed: Bed) {
    let swap = bed.array.role_swap().expect("role swap");
    let (_, subject, other) = paired(&bed).await;
    in_sync(&bed, &subject).await;
    let over_there = peer(&bed).role_swap().expect("both sides can");
    assert_eq!(kind(over_there.swap(&other).await), ErrorKind::WrongState);
    here(&bed).suspend(&subject).await.expect("suspend");
    assert_eq!(kind(swap.swap(&subject).await), ErrorKind::WrongState);
}
