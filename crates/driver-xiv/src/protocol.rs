//! Words on the wire: commands as they are written, answers as they are read. No IO, no meaning.
//!
//! XCLI is one XML document each way. Every value stands in an attribute named `value`; text and tags of rows say nothing.

mod answer;
mod frame;

use std::fmt::Write;

pub(crate) use answer::{Answer, Row, read};
pub(crate) use frame::Frame;

/// One command. Nothing of it is printed: arguments may hold secrets.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    arguments: Vec<(&'static str, String)>,
    /// The array is to relay it to this target of its own.
    target: Option<String>,
}

impl Command {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, arguments: Vec::new(), target: None }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn with_all(self, more: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        more.into_iter().fold(self, |command, (name, value)| command.with(name, value))
    }

    #[must_use]
    pub(crate) fn at(mut self, target: Option<&str>) -> Self {
        self.target = target.map(str::to_owned);
        self
    }

    pub(crate) fn is_relayed(&self) -> bool {
        self.target.is_some()
    }

    /// The whole document; it holds the password.
    pub(crate) fn written(&self, id: u64, user: &str, password: &str) -> String {
        let mut text = format!("<command id=\"{id}\" type=\"{}\" close_on_return=\"no\"", self.name);
        if let Some(target) = &self.target {
            let _ = write!(text, " remote_target=\"{}\"", escaped(target));
        }
        text.push('>');
        let settings = [
            ("i-am-sure", "yes"),
            ("gui-mode", "yes"),
            ("force-output", "yes"),
            ("print-header", "no"),
            ("compress-output", "no"),
            ("user", user),
            ("password", password),
        ];
        let arguments = self.arguments.iter().map(|(name, value)| ("argument", *name, value.as_str()));
        for (kind, name, value) in
            settings.map(|(name, value)| ("option", name, value)).into_iter().chain(arguments)
        {
            let _ = write!(text, "<{kind} name=\"{name}\" value=\"{}\"/>", escaped(value));
        }
        text.push_str("</command>");
        text
    }
}

/// Fit for an attribute, in ASCII.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            ' '..='~' => text.push(c),
            _ => {
                let _ = write!(text, "&#{};", u32::from(c));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn a_command_is_one_document_with_its_credentials() {
        let text = Command::new("vol_list").with("vol", "a\"<é").at(Some("B&B")).written(7, "admin", "p&w");
        assert!(text.starts_with(
            "<command id=\"7\" type=\"vol_list\" close_on_return=\"no\" remote_target=\"B&amp;B\"><option "
        ));
        assert!(text.contains(
            "<option name=\"user\" value=\"admin\"/><option name=\"password\" value=\"p&amp;w\"/>"
        ));
        assert!(text.ends_with("<argument name=\"vol\" value=\"a&quot;&lt;&#233;\"/></command>"), "{text}");
    }
}
