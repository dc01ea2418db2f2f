//! Counting what `cargo test` did, by the lines that each of its test programs prints.

use std::{fmt, ops::AddAssign};

/// How many checks passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The count of a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; …`.
pub(crate) fn summary(line: &str) -> Option<Count> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut count = Count::default();
    for part in numbers.split("; ") {
        match part.split_once(' ') {
            Some((n, "passed")) => count.passed = n.parse().ok()?,
            Some((n, "failed")) => count.failed = n.parse().ok()?,
            Some((n, "ignored")) => count.skipped = n.parse().ok()?,
            _ => {}
        }
    }
    Some(count)
}

/// The name and reason of a line such as `test name ... ignored, reason`.
pub(crate) fn ignored(line: &str) -> Option<String> {
    let (name, how) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let reason = how.strip_prefix("ignored")?;
    Some(format!("{name}: {}", reason.strip_prefix(", ").unwrap_or("ignored without a reason")))
}

/// Picks the lines that tell what failed, so that a long log need not be searched: where something panicked, what it
/// said first, and what is called `FAILED`.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    lines: Vec<String>,
    message_follows: bool,
}

impl Failures {
    /// More of them are consequences.
    const MOST: usize = 40;

    pub(crate) fn hear(&mut self, line: &str) {
        let tells = line.contains("panicked at ")
            || line.contains("FAILED")
            || line.starts_with("error: test failed");
        if (tells || self.message_follows) && self.lines.len() < Self::MOST {
            self.lines.push(line.trim().to_owned());
        }
        self.message_follows = line.contains("panicked at ");
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failure_place_and_message_are_kept() {
        let mut failures = Failures::default();
        let log = "test a ... ok\nthread 'b' panicked at src/b.rs:1:2:\n  no such disk\nnote: more\ntest b ... FAILED";
        log.lines().for_each(|line| failures.hear(line));
        let kept = ["thread 'b' panicked at src/b.rs:1:2:", "no such disk", "test b ... FAILED"];
        assert_eq!(failures.into_lines(), kept);
    }

    #[test]
    fn a_summary_line_gives_its_numbers_and_another_line_none() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(summary(line), Some(Count { passed: 5, failed: 2, skipped: 1 }));
        assert_eq!(summary("test a::b ... ok"), None);
    }

    #[test]
    fn an_ignored_test_is_named_with_its_reason() {
        assert_eq!(ignored("test a::b ... ignored, needs a disk").as_deref(), Some("a::b: needs a disk"));
        assert_eq!(ignored("test a ... ignored").as_deref(), Some("a: ignored without a reason"));
        assert_eq!(ignored("test a ... ok"), None);
    }
}
