//! Room for new volumes.

use perilune_csi::Failure;
use perilune_csi::proto::csi::v1;
use perilune_engine::{Capacity, CapacityRequest, Size};

use super::{capability, parameters, topology};

/// Whose room is asked for; `None`: volumes that nobody can make, for which there is none.
pub(crate) fn wanted(request: &v1::GetCapacityRequest) -> Result<Option<CapacityRequest>, Failure> {
    let uses = capability::each(&request.volume_capabilities)?;
    let parameters = parameters::of_volume(&request.parameters)?;
    let place = request.accessible_topology.as_ref();
    let place = place.map(|place| topology::segments("accessible_topology", place)).transpose()?;
    Ok(capability::all_offered(&uses).is_ok().then_some(CapacityRequest {
        backend: parameters.backend,
        pool: parameters.pool,
        topology: place,
    }))
}

/// The room there is. Where there is none for even the smallest volume, the largest one has size zero: to leave it out
/// would say that it may be as large as all the room.
pub(crate) fn told(room: &Capacity) -> v1::GetCapacityResponse {
    v1::GetCapacityResponse {
        available_capacity: bytes(room.available),
        maximum_volume_size: Some(room.largest.map_or(0, bytes)),
        minimum_volume_size: room.smallest.map(bytes),
    }
}

/// More than CSI has numbers for is as much as it has numbers for.
fn bytes(size: Size) -> i64 {
    i64::try_from(size.get()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_told_as_a_largest_volume_of_nothing() {
        let answer = told(&Capacity::default());
        assert_eq!((answer.available_capacity, answer.maximum_volume_size), (0, Some(0)));
        assert_eq!(answer.minimum_volume_size, None);
        let vast = Capacity {
            available: Size::bytes(u64::MAX),
            largest: Some(Size::gib(3)),
            smallest: Some(Size::gib(1)),
        };
        let answer = told(&vast);
        assert_eq!((answer.available_capacity, answer.maximum_volume_size), (i64::MAX, Some(3 << 30)));
        assert_eq!(answer.minimum_volume_size, Some(1 << 30));
    }
}
