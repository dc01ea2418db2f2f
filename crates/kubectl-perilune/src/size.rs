//! Sizes and times for people.

use jiff::Timestamp;

/// A size as a quantity: exactly if it is a multiple of a mebibyte, else in bytes.
pub(crate) fn quantity(bytes: u64) -> String {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20)];
    let fits = units.into_iter().find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift);
    fits.map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift))
}

/// What a claim must ask for to get at least this: whole gibibytes, rounded up.
pub(crate) fn gibibytes(bytes: u64) -> String {
    format!("{}Gi", bytes.div_ceil(1 << 30))
}

/// How long ago, in one or two units, as kubectl says it.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{age, gibibytes, quantity};

    #[test]
    fn sizes_lose_nothing_and_claims_ask_for_enough() {
        assert_eq!(
            (quantity(3 << 30), quantity(1_000_000), quantity(0)),
            ("3Gi".into(), "1000000".into(), "0".into())
        );
        assert_eq!(
            (gibibytes(1), gibibytes(1 << 30), gibibytes((1 << 30) + 1)),
            ("1Gi".into(), "1Gi".into(), "2Gi".into())
        );
    }

    #[test]
    fn ages_are_told_in_the_unit_that_matters() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        for (seconds, text) in [(5, "5s"), (119, "119s"), (600, "10m"), (7200, "2h"), (200_000, "2d")] {
            assert_eq!(age(now - SignedDuration::from_secs(seconds), now), text);
        }
        assert_eq!(age(now + SignedDuration::from_secs(5), now), "0s", "clocks differ");
    }
}
