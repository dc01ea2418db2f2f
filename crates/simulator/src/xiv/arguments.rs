//! The arguments of one command: all are text, and one that a command does not know is refused before it acts.

use std::collections::BTreeMap;

use super::codes::{self, Refusal};

/// The array's block.
pub(crate) const BLOCK: u64 = 512;
/// The array's GB.
pub(crate) const GB: u64 = 1_000_000_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(BTreeMap<String, String>);

type Read<T> = Result<T, Refusal>;

impl Arguments {
    pub(crate) fn new(given: BTreeMap<String, String>) -> Self {
        Self(given)
    }

    /// Refuses what the command does not take.
    pub(crate) fn only(&self, known: &[&str]) -> Read<()> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(codes::bad_arguments(format!("Unrecognized argument '{name}'"))),
            None => Ok(()),
        }
    }

    /// The text, unless it is absent or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn needed(&self, name: &str) -> Read<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| codes::bad_arguments(format!("Missing argument '{name}'")))
    }

    pub(crate) fn number(&self, name: &str) -> Read<Option<u64>> {
        self.text(name).map(|text| text.parse().map_err(|_| codes::bad_value(name, text))).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Read<bool> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => Err(codes::bad_value(name, other)),
        }
    }

    /// A size in blocks, or in GB, as bytes; and whether it was given in GB, which some models round.
    pub(crate) fn size(&self) -> Read<(u64, bool)> {
        let too_large = || codes::bad_value("size", "too large");
        match (self.number("size_blocks")?, self.number("size")?) {
            (Some(blocks), None) => Ok((blocks.checked_mul(BLOCK).ok_or_else(too_large)?, false)),
            (None, Some(gb)) => Ok((gb.checked_mul(GB).ok_or_else(too_large)?, true)),
            _ => Err(codes::bad_arguments("Exactly one of 'size' and 'size_blocks' must be given")),
        }
    }
}

/// A name for a new object: 1 to 63 of the characters that the array takes.
pub(crate) fn new_name(name: &str) -> Read<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | ' ');
    let length = name.chars().count();
    if !(1..=63).contains(&length) || !name.chars().all(fits) || name.trim() != name {
        return Err(codes::bad_name(name));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Arguments, new_name};

    fn arguments(given: &[(&str, &str)]) -> Arguments {
        let pairs = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Arguments::new(pairs.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn what_a_command_does_not_take_is_refused() {
        assert!(arguments(&[("vol", "v")]).only(&["vol", "pool"]).is_ok());
        assert_eq!(arguments(&[("vok", "v")]).only(&["vol"]).expect_err("refused").code, "BAD_PARAMS");
    }

    #[test]
    fn a_size_is_given_in_one_unit_only() {
        assert_eq!(arguments(&[("size_blocks", "2")]).size(), Ok((1024, false)));
        assert_eq!(arguments(&[("size", "17")]).size(), Ok((17_000_000_000, true)));
        assert!(arguments(&[("size", "1"), ("size_blocks", "1")]).size().is_err());
        assert!(arguments(&[("size_blocks", "99999999999999999999")]).size().is_err());
    }

    #[test]
    fn names_are_short_and_plain() {
        assert!(new_name("volume-1.of ~mine_").is_ok());
        for bad in ["", " a", "a/b", "ä", &"x".repeat(64)] {
            assert_eq!(new_name(bad).expect_err("refused").code, "ILLEGAL_NAME");
        }
    }
}
