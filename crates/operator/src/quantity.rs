//! Sizes as Kubernetes quantities, for people.

use perilune_engine::Size;

const UNITS: [(&str, u32); 5] = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10), ("", 0)];

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

#[cfg(test)]
mod tests {
    use super::{exact, rough};
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
}
