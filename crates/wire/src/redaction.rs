//! Text from an array, made fit for errors and logs: an array may quote what it was sent, secrets too.

use std::fmt;

/// Longer text says no more to a person.
const LONGEST: usize = 300;

/// Knows the secrets of one array and keeps them out of text.
#[derive(Clone, Default)]
pub struct Redaction(Vec<String>);

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redaction({} secrets)", self.0.len())
    }
}

impl Redaction {
    /// Secrets to keep out. Empty ones are no secret.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        // The longest first, so that one that contains another leaves no rest.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// The same and one secret more.
    #[must_use]
    pub fn and(self, secret: &str) -> Self {
        Self::new(self.0.into_iter().chain([secret.to_owned()]))
    }

    /// The text on one line, without the secrets and not too long.
    pub fn clean(&self, text: &str) -> String {
        let shown = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "<secret>"));
        let mut line = shown
            .split(|c: char| c.is_control() || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .fold(String::new(), |mut line, word| {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
                line
            });
        if let Some((end, _)) = line.char_indices().nth(LONGEST) {
            line.truncate(end);
            line.push('…');
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Redaction};

    #[test]
    fn a_secret_that_the_array_quotes_is_blotted_out() {
        let redaction = Redaction::new(["hunter2".to_owned(), "hunter2hunter2".to_owned(), String::new()]);
        assert_eq!(
            redaction.clean("bad secret 'hunter2hunter2'\r\nor hunter2"),
            "bad secret '<secret>' or <secret>"
        );
        assert!(!format!("{redaction:?}").contains("hunter2"));
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let cut = Redaction::default().clean(&"ä".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
    }
}
