//! How long a call may take: the caller's word, less what the answer needs to get back, but never more than ours.

use std::time::{Duration, Instant};

use tonic::Request;
use tonic::metadata::MetadataMap;

/// When work on this request must have an answer. `at_most` is our own limit, and holds if the caller names none.
pub fn deadline<T>(request: &Request<T>, at_most: Duration) -> Instant {
    Instant::now() + allowed(asked(request.metadata()), at_most)
}

fn allowed(asked: Option<Duration>, at_most: Duration) -> Duration {
    // A tenth is kept back: an answer that tells the reason is worth more than the last seconds of waiting.
    asked.map_or(at_most, |asked| at_most.min(asked.mul_f32(0.9)))
}

/// The `grpc-timeout` header: up to eight digits and a unit.
fn asked(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u32 = digits.parse().ok()?;
    let one = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    one.checked_mul(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> Option<Duration> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", value.parse().unwrap());
        asked(&metadata)
    }

    #[test]
    fn the_header_is_read_in_all_units() {
        assert_eq!(header("2M"), Some(Duration::from_secs(120)));
        assert_eq!(header("119999912u"), Some(Duration::from_micros(119_999_912)));
        assert_eq!(header("S"), None);
        assert_eq!(header("5x"), None);
        assert_eq!(header("é"), None);
        assert_eq!(asked(&MetadataMap::new()), None);
    }

    #[test]
    fn the_shorter_of_both_limits_holds() {
        let ours = Duration::from_secs(90);
        assert_eq!(allowed(None, ours), ours);
        assert_eq!(allowed(Some(Duration::from_secs(120)), ours), ours);
        assert!(allowed(Some(Duration::from_secs(10)), ours) < Duration::from_secs(10));
    }
}
