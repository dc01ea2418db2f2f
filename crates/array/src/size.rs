//! Sizes in bytes and the rules an array puts on them.

use std::fmt;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(u64);

impl Size {
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    pub const fn gib(gib: u64) -> Self {
        Self(gib << 30)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// Rounds up to a multiple of `step`; `None` if that leaves 64 bits.
    pub fn round_up(self, step: Self) -> Option<Self> {
        self.0.checked_next_multiple_of(step.0.max(1)).map(Self)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        match UNITS.into_iter().find(|(_, shift)| self.0 != 0 && self.0.trailing_zeros() >= *shift) {
            Some((unit, shift)) => write!(f, "{} {unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// Which sizes an array accepts for a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeRules {
    pub min: Size,
    pub max: Size,
    /// Volumes are a multiple of this; the array rounds up.
    pub step: Size,
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn a_size_rounds_up_to_the_step_and_never_overflows() {
        assert_eq!(Size::bytes(1).round_up(Size::bytes(512)), Some(Size::bytes(512)));
        assert_eq!(Size::gib(2).round_up(Size::gib(1)), Some(Size::gib(2)));
        assert_eq!(Size::bytes(u64::MAX).round_up(Size::gib(1)), None);
    }

    #[test]
    fn a_size_reads_in_the_largest_whole_unit() {
        assert_eq!(Size::gib(5).to_string(), "5 GiB");
        assert_eq!(Size::gib(1024).to_string(), "1 TiB");
        assert_eq!(Size::bytes(1_000_000_000).to_string(), "1000000000 bytes");
        assert_eq!(Size::bytes(0).to_string(), "0 bytes");
    }
}
