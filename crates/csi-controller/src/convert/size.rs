//! Sizes and ranges of them.

use perilune_csi::proto::csi::v1;
use perilune_csi::{Code, Failure};
use perilune_engine::{Size, SizeRange};

/// The range in `capacity_range`. Without one any size will do.
pub(crate) fn range(given: Option<&v1::CapacityRange>) -> Result<SizeRange, Failure> {
    given.map_or(Ok(SizeRange { required: Size::default(), limit: None }), read)
}

/// As [`range`], for calls that need one.
pub(crate) fn required(given: Option<&v1::CapacityRange>) -> Result<SizeRange, Failure> {
    given.ok_or_else(|| Failure::field("capacity_range", "is missing")).and_then(read)
}

fn read(given: &v1::CapacityRange) -> Result<SizeRange, Failure> {
    let required = count("required_bytes", given.required_bytes)?;
    let limit = Some(count("limit_bytes", given.limit_bytes)?).filter(|limit| *limit != Size::default());
    if required == Size::default() && limit.is_none() {
        let problem = "has neither required_bytes nor limit_bytes";
        return Err(Failure::field("capacity_range", problem));
    }
    if let Some(limit) = limit.filter(|limit| *limit < required) {
        let problem = format!("{limit} is less than required_bytes, {required}");
        return Err(Failure::field("capacity_range.limit_bytes", problem));
    }
    Ok(SizeRange { required, limit })
}

fn count(name: &str, bytes: i64) -> Result<Size, Failure> {
    u64::try_from(bytes)
        .map(Size::bytes)
        .map_err(|_| Failure::field(&format!("capacity_range.{name}"), format!("{bytes} is negative")))
}

/// A size for an answer.
pub(crate) fn bytes(size: Size) -> Result<i64, Failure> {
    i64::try_from(size.get()).map_err(|_| {
        Failure::new(Code::Internal, format!("the array says {size}, more than CSI has numbers for"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(required_bytes: i64, limit_bytes: i64) -> Result<SizeRange, Failure> {
        range(Some(&v1::CapacityRange { required_bytes, limit_bytes }))
    }

    #[test]
    fn a_limit_of_zero_is_no_limit() {
        let gib = Size::gib(1);
        assert_eq!(of(1 << 30, 0), Ok(SizeRange { required: gib, limit: None }));
        assert_eq!(of(0, 1 << 30), Ok(SizeRange { required: Size::default(), limit: Some(gib) }));
        assert_eq!(range(None), Ok(SizeRange { required: Size::default(), limit: None }));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_field() {
        for (required, limit, says) in [
            (0, 0, "capacity_range: has neither"),
            (-1, 0, "capacity_range.required_bytes: -1 is negative"),
            (0, i64::MIN, "capacity_range.limit_bytes: -9223372036854775808 is negative"),
            (2, 1, "capacity_range.limit_bytes: 1 bytes is less than required_bytes"),
        ] {
            let failure = of(required, limit).unwrap_err();
            assert_eq!(failure.code, Code::InvalidArgument);
            assert!(failure.message.starts_with(says), "{failure}");
        }
        assert_eq!(required(None).unwrap_err().message, "capacity_range: is missing");
    }

    #[test]
    fn a_size_beyond_csi_is_not_wrapped_around() {
        assert_eq!(bytes(Size::gib(1)), Ok(1 << 30));
        assert_eq!(bytes(Size::bytes(u64::MAX)).unwrap_err().code, Code::Internal);
    }
}
