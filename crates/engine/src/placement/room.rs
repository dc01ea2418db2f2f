//! How much room a pool has for new volumes, by the array's word and the administrator's.

use perilune_array::{Pool, Size};

use crate::fleet::PoolSpec;

/// What is left of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// How much may still be promised to volumes.
    pub(crate) promise: Size,
    /// Physical room beyond the reserve.
    pub(crate) physical: Size,
}

/// What may still be promised: the smaller of what array and administrator allow. Nothing at all once physical room is
/// down to the reserve.
pub(crate) fn room(pool: &Pool, spec: Option<&PoolSpec>) -> Room {
    let reserve = share(pool.total, spec.map_or(0, |spec| spec.reserved_percent));
    let physical = minus(pool.free, reserve);
    let allowed = spec.and_then(|spec| spec.max_oversubscription);
    let allowed = allowed.map_or(pool.provisionable, |times| {
        times_of(minus(pool.total, reserve), times).min(pool.provisionable)
    });
    let promise = minus(allowed, pool.provisioned);
    // thick: what is promised is taken at once
    let thick = pool.provisionable <= pool.total && allowed <= pool.total;
    let promise = if thick { promise.min(physical) } else { promise };
    Room { promise: if physical == Size::default() { physical } else { promise }, physical }
}

fn minus(from: Size, take: Size) -> Size {
    Size::bytes(from.get().saturating_sub(take.get()))
}

fn share(of: Size, percent: u8) -> Size {
    let part = u128::from(of.get()) * u128::from(percent.min(100)) / 100;
    Size::bytes(u64::try_from(part).unwrap_or(u64::MAX))
}

/// A ratio in steps of a thousandth, so that no rounding of floats decides about room.
fn times_of(size: Size, times: f64) -> Size {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to where neither happens"
    )]
    let thousandths = (times.clamp(0.0, 1_000_000.0) * 1000.0) as u64;
    let product = u128::from(size.get()) * u128::from(thousandths) / 1000;
    Size::bytes(u64::try_from(product).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Room, room};
    use crate::fleet::PoolSpec;
    use perilune_array::{Pool, PoolId, Size};

    fn pool(total: u64, free: u64, provisioned: u64, provisionable: u64) -> Pool {
        Pool {
            id: PoolId::new("p"),
            name: "p".to_owned(),
            total: Size::gib(total),
            free: Size::gib(free),
            provisioned: Size::gib(provisioned),
            provisionable: Size::gib(provisionable),
        }
    }

    fn spec(oversubscription: Option<f64>, reserved_percent: u8) -> PoolSpec {
        PoolSpec { max_oversubscription: oversubscription, reserved_percent, ..PoolSpec::named("p") }
    }

    fn left(promise: u64, physical: u64) -> Room {
        Room { promise: Size::gib(promise), physical: Size::gib(physical) }
    }

    #[test]
    fn the_stricter_of_array_and_administrator_counts() {
        let thin = pool(100, 80, 150, 500);
        assert_eq!(room(&thin, None), left(350, 80));
        assert_eq!(room(&thin, Some(&spec(Some(2.0), 0))), left(50, 80));
        assert_eq!(room(&thin, Some(&spec(Some(20.0), 0))), left(350, 80));
        assert_eq!(room(&thin, Some(&spec(Some(1.0), 0))), left(0, 80), "promised more than that already");
    }

    #[test]
    fn the_reserve_stays_free() {
        assert_eq!(room(&pool(100, 80, 20, 500), Some(&spec(None, 30))), left(480, 50));
        assert_eq!(
            room(&pool(100, 30, 20, 500), Some(&spec(None, 30))),
            left(0, 0),
            "nothing beyond the reserve"
        );
        assert_eq!(room(&pool(100, 80, 20, 100), Some(&spec(None, 30))), left(50, 50), "thick");
    }
}
