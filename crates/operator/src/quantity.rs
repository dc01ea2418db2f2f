//! Sizes as Kubernetes quantities, for people.

use perilune_engine::Size;

const UNITS: [(&str, u32); 7] =
    [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10), ("", 0)];

/// The size exactly, in the largest unit that divides it.
pub(crate) fn exact(size: Size) -> String {
    let bytes = size.get();
    let (unit, shift) = UNITS
        .into_iter()
        .find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .unwrap_or(("", 0));
    format!("{}{unit}", bytes >> shift)
}

/// The size rounded down to about three digits: a pool's free space then changes the object now and then, not at every look.
pub(crate) fn rough(size: Size) -> String {
    let bytes = size.get();
    let (unit, shift) = UNITS.into_iter().find(|(_, shift)| bytes >> shift >= 16).unwrap_or(("", 0));
    format!("{}{unit}", bytes >> shift)
}

/// A quantity as people write it, rounded down to whole bytes; `None` if it is none.
pub(crate) fn read(text: &str) -> Option<Size> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let factor = factor(suffix)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // more digits than that say nothing about bytes
    let fraction = fraction.get(..fraction.len().min(15))?;
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let bytes = whole.checked_mul(factor)?.checked_add(part.checked_mul(factor)? / scale)?;
    u64::try_from(bytes).ok().map(Size::bytes)
}

fn factor(suffix: &str) -> Option<u128> {
    let exponent = |text: &str| text.parse::<u32>().ok().and_then(|power| 10_u128.checked_pow(power));
    if let Some(power) = suffix.strip_prefix(['e', 'E']).filter(|power| !power.is_empty()) {
        return exponent(power);
    }
    let binary = UNITS.into_iter().find(|(unit, _)| *unit == suffix).map(|(_, shift)| 1_u128 << shift);
    let decimal = ["", "k", "M", "G", "T", "P", "E"].iter().position(|unit| *unit == suffix);
    binary.or_else(|| decimal.and_then(|power| 1000_u128.checked_pow(u32::try_from(power).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::{exact, read, rough};
    use perilune_engine::Size;

    #[test]
    fn an_exact_quantity_loses_no_byte() {
        assert_eq!(exact(Size::gib(5)), "5Gi");
        assert_eq!(exact(Size::gib(2048)), "2Ti");
        assert_eq!(exact(Size::bytes(1_000_000)), "1000000");
        assert_eq!(exact(Size::bytes(0)), "0");
    }

    #[test]
    fn a_rough_quantity_rounds_down() {
        assert_eq!(rough(Size::bytes((20 << 30) + 12_345)), "20Gi");
        assert_eq!(rough(Size::bytes((15 << 30) + 12_345)), "15360Mi");
        assert_eq!(rough(Size::gib(40 << 10)), "40Ti");
        assert_eq!(rough(Size::bytes(7)), "7");
    }

    #[test]
    fn a_quantity_is_read_in_every_form_that_the_schema_takes() {
        for (text, bytes) in [
            ("2Ti", 2 << 40),
            ("1.5Gi", 3 << 29),
            ("10G", 10_000_000_000),
            ("1e3", 1000),
            ("7", 7),
            (".5k", 500),
        ] {
            assert_eq!(read(text), Some(Size::bytes(bytes)), "{text}");
        }
        for bad in ["abc", "1Xi", "-1", "1Gi2", "999999999999Ei"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
