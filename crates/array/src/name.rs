//! Names of array objects and the rules an array puts on them.

use std::fmt;

/// A name that we give to an object on an array. Names find objects again; ids identify them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which names an array accepts.
#[derive(Debug, Clone, Copy)]
pub struct NameRules {
    pub max_chars: usize,
    /// Is this character allowed in a name?
    pub allows: fn(char) -> bool,
}

impl NameRules {
    pub fn accepts(&self, text: &str) -> bool {
        !text.is_empty() && text.chars().count() <= self.max_chars && text.chars().all(self.allows)
    }
}

#[cfg(test)]
mod tests {
    use super::NameRules;

    #[test]
    fn a_name_is_refused_for_its_length_or_any_character() {
        let rules = NameRules { max_chars: 8, allows: |c| c.is_ascii_alphanumeric() || c == '-' };
        assert!(rules.accepts("pvc-1234"));
        assert!(!rules.accepts("pvc-12345"));
        assert!(!rules.accepts("pvc_1"));
        assert!(!rules.accepts(""));
    }
}
