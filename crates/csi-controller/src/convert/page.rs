//! Pages of a listing: how much, and from where on. Tokens are the engine's; nobody else looks into them.

use perilune_csi::{Failure, field};

/// What CSI lets a token carry.
const TOKEN_LIMIT: usize = field::TEXT_LIMIT;

/// The page that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    pub(crate) token: Option<&'a str>,
    /// Zero: as much as suits us.
    pub(crate) max: usize,
}

/// Reads `max_entries` and `starting_token`.
pub(crate) fn asked(max_entries: i32, starting_token: &str) -> Result<Page<'_>, Failure> {
    let negative = |_| Failure::field("max_entries", format!("{max_entries} is negative"));
    let max = usize::try_from(max_entries).map_err(negative)?;
    let token = Some(starting_token).filter(|token| !token.is_empty());
    token.map(|token| field::text("starting_token", token, TOKEN_LIMIT)).transpose()?;
    Ok(Page { token, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_nothing_mean_from_the_start_and_as_much_as_suits() {
        assert_eq!(asked(0, ""), Ok(Page { token: None, max: 0 }));
        assert_eq!(asked(7, "v1:x"), Ok(Page { token: Some("v1:x"), max: 7 }));
    }

    #[test]
    fn what_is_no_page_is_refused_with_its_field() {
        for (refused, says) in [
            (asked(-1, ""), "max_entries: -1 is negative"),
            (asked(0, "a\u{7}"), "starting_token: contains"),
            (asked(0, "x".repeat(129).as_str()), "starting_token: has 129 bytes"),
        ] {
            assert!(refused.unwrap_err().message.starts_with(says), "{says}");
        }
    }
}
