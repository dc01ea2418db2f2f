//! What to do next about a volume that should be: a pure function of what the array shows.

use perilune_array::{NewVolume, Size, Volume, VolumeId, VolumeState};

/// The next act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing of ours is there.
    Make,
    /// A copy is under way.
    Wait(VolumeId),
    /// Ours, and too small yet.
    Grow(VolumeId),
    /// A request carried out twice left a second one, or one cut short left a torn one.
    Surplus(VolumeId),
    Broken(VolumeId),
    /// Larger than anybody wants it: what it was copied from has grown.
    TooLarge(Size),
    Done(Box<Volume>),
}

/// Of several volumes that bear our mark the first stays: the earlier request made it.
pub(super) fn next(seen: &[Volume], wanted: &NewVolume, limit: Option<Size>) -> Next {
    let mut ours = seen.iter().filter(|volume| volume.owner.as_ref() == Some(&wanted.owner));
    let Some(first) = ours.next() else {
        return Next::Make;
    };
    if let Some(surplus) = ours.next() {
        return Next::Surplus(surplus.id.clone());
    }
    match first.state {
        VolumeState::Faulted => Next::Broken(first.id.clone()),
        VolumeState::Torn => Next::Surplus(first.id.clone()),
        _ if limit.is_some_and(|limit| first.size > limit) => Next::TooLarge(first.size),
        VolumeState::Copying => Next::Wait(first.id.clone()),
        VolumeState::Ready if first.size < wanted.size => Next::Grow(first.id.clone()),
        VolumeState::Ready => Next::Done(Box::new(first.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, next};
    use perilune_array::{
        Name, NewVolume, Owner, PoolId, RecordId, Size, Volume, VolumeId, VolumeState, Wwid,
    };

    fn owner(record: &str) -> Owner {
        Owner::new("c", RecordId::new(record))
    }

    fn wanted() -> NewVolume {
        NewVolume::new(Name::new("v"), PoolId::new("p"), Size::gib(2), owner("r"))
    }

    fn seen(id: &str, state: VolumeState, gib: u64, owner: Option<Owner>) -> Volume {
        Volume {
            id: VolumeId::new(id),
            name: Name::new("v"),
            pool: PoolId::new("p"),
            size: Size::gib(gib),
            wwid: Wwid::new("naa.6"),
            wwid_alt: None,
            state,
            owner,
            ties: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_ours_is_never_adopted() {
        assert_eq!(next(&[], &wanted(), None), Next::Make);
        assert_eq!(next(&[seen("1", VolumeState::Ready, 2, None)], &wanted(), None), Next::Make);
        assert_eq!(
            next(&[seen("1", VolumeState::Ready, 2, Some(owner("other")))], &wanted(), None),
            Next::Make
        );
    }

    #[test]
    fn ours_is_brought_to_its_end_from_any_state() {
        let ours = |state, gib| [seen("1", state, gib, Some(owner("r")))];
        assert_eq!(next(&ours(VolumeState::Copying, 2), &wanted(), None), Next::Wait(VolumeId::new("1")));
        assert_eq!(next(&ours(VolumeState::Ready, 1), &wanted(), None), Next::Grow(VolumeId::new("1")));
        assert_eq!(next(&ours(VolumeState::Faulted, 2), &wanted(), None), Next::Broken(VolumeId::new("1")));
        assert_eq!(next(&ours(VolumeState::Torn, 2), &wanted(), None), Next::Surplus(VolumeId::new("1")));
        assert!(matches!(next(&ours(VolumeState::Ready, 2), &wanted(), None), Next::Done(_)));
        let limit = Some(Size::gib(2));
        assert_eq!(next(&ours(VolumeState::Copying, 3), &wanted(), limit), Next::TooLarge(Size::gib(3)));
        assert!(matches!(next(&ours(VolumeState::Ready, 2), &wanted(), limit), Next::Done(_)));
    }

    #[test]
    fn a_second_one_from_a_repeated_request_goes() {
        let two = [
            seen("1", VolumeState::Ready, 2, Some(owner("r"))),
            seen("2", VolumeState::Ready, 2, Some(owner("r"))),
        ];
        assert_eq!(next(&two, &wanted(), None), Next::Surplus(VolumeId::new("2")));
    }
}
