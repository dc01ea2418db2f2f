//! Answers: what the array says of a command, and the rows it gives.

use std::collections::HashMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// One object of an answer: members by name, all text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row(HashMap<String, String>);

impl Row {
    /// The member, if the row has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The member, if it says anything.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    pub(crate) fn is_yes(&self, name: &str) -> bool {
        self.get(name) == Some("yes")
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done(Vec<Row>),
    Refused {
        code: String,
        text: String,
    },
    /// The array's front could not bring it to whoever was to carry it out.
    Undelivered(String),
}

/// What was read of a document.
#[derive(Debug, Default)]
struct Found {
    id: Option<String>,
    delivery: Option<String>,
    code: Option<String>,
    text: Option<String>,
    rows: Vec<Row>,
    /// Rows in a form that was not asked for.
    packed: bool,
}

/// Reads the answer to the command of that number.
pub(crate) fn read(text: &str, id: u64) -> Result<Answer, String> {
    let found = parse(text)?;
    if found.id != Some(id.to_string()) {
        return Err("it belongs to another command".to_owned());
    }
    match (found.delivery.as_deref(), found.code) {
        (None, _) => Err("it says nothing of its delivery".to_owned()),
        (Some("DELIVERY_SUCCESSFUL"), None) => Err("it holds no code".to_owned()),
        (Some("DELIVERY_SUCCESSFUL"), Some(code)) if code == "SUCCESS" && found.packed => {
            Err("its rows are packed, though nobody asked for that".to_owned())
        }
        (Some("DELIVERY_SUCCESSFUL"), Some(code)) if code == "SUCCESS" => Ok(Answer::Done(found.rows)),
        (Some("DELIVERY_SUCCESSFUL"), Some(code)) => {
            Ok(Answer::Refused { code, text: found.text.unwrap_or_default() })
        }
        (Some(_), Some(_)) => Err("it was not delivered and was answered".to_owned()),
        (Some(status), None) => Ok(Answer::Undelivered(status.to_owned())),
    }
}

fn parse(text: &str) -> Result<Found, String> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut path) = (Found::default(), Vec::<String>::new());
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(element) => {
                found.take(&path, &element)?;
                path.push(element.local_name().into_inner().to_owned());
            }
            Event::Empty(element) => found.take(&path, &element)?,
            Event::End(_) => {
                path.pop();
            }
            Event::Eof if path.is_empty() => return Ok(found),
            Event::Eof => return Err("it was cut off".to_owned()),
            Event::DocType(_) | Event::GeneralRef(_) => return Err("it holds entities".to_owned()),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn value(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("an attribute makes no sense: {error}");
    let found = element.try_get_attribute(name).map_err(|error| wrong(&error))?;
    let text =
        found.map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(|text| text.into_owned()));
    text.transpose().map_err(|error| wrong(&error))
}

fn once(slot: &mut Option<String>, value: Option<String>) -> Result<(), String> {
    if slot.is_some() || value.is_none() {
        return Err("it says the same thing twice, or not at all".to_owned());
    }
    *slot = value;
    Ok(())
}

impl Found {
    fn take(&mut self, path: &[String], element: &BytesStart<'_>) -> Result<(), String> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let name = element.local_name();
        // what another array answered stands one element deeper
        let (relayed, path) = match path.as_slice() {
            ["command", "command", rest @ ..] if rest.first() == Some(&"administrator") => (true, rest),
            ["command", rest @ ..] => (false, rest),
            [] if name.into_inner() == "command" && self.id.is_none() => {
                return once(&mut self.id, value(element, "id")?);
            }
            _ => return Err("it is no answer to a command".to_owned()),
        };
        match (path, name.into_inner()) {
            ([], "aserver") if !relayed => once(&mut self.delivery, value(element, "status")?),
            (["administrator", "command"], "code") => once(&mut self.code, value(element, "value")?),
            (["administrator", "command"], "status_str") => once(&mut self.text, value(element, "value")?),
            (["administrator", "command"], "compressed_return") => {
                self.packed = true;
                Ok(())
            }
            (["administrator", "command", "return"], _) => {
                self.rows.push(Row::default());
                Ok(())
            }
            (["administrator", "command", "return", _], member) => {
                if let (Some(row), Some(value)) = (self.rows.last_mut(), value(element, "value")?) {
                    row.0.insert(member.to_owned(), value);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, read};

    fn document(within: &str) -> String {
        format!("<command id=\"7\" type=\"x\"><aserver status=\"DELIVERY_SUCCESSFUL\"/>{within}</command>")
    }

    fn administrator(code: &str, rows: &str) -> String {
        format!(
            "<administrator><command><code value=\"{code}\"/><status value=\"0\"/><status_str value=\"as said\"/>\
             <return>{rows}</return></command></administrator>"
        )
    }

    #[test]
    fn rows_are_members_by_name_also_from_another_array() {
        let row = "<volume id=\"1\"><name value=\"a &amp; &#233;\"/><size value=\"17\"/></volume><volume/>";
        let done = administrator("SUCCESS", row);
        for text in [document(&done), document(&format!("<command>{done}</command>"))] {
            let Ok(Answer::Done(rows)) = read(&text, 7) else { panic!("{text}") };
            assert_eq!((rows.len(), rows[0].get("name"), rows[0].get("pool")), (2, Some("a & é"), None));
        }
    }

    #[test]
    fn a_refusal_tells_code_and_text() {
        let text = document(&administrator("VOLUME_BAD_NAME", ""));
        let refused = Answer::Refused { code: "VOLUME_BAD_NAME".into(), text: "as said".into() };
        assert_eq!(read(&text, 7), Ok(refused));
    }

    #[test]
    fn what_could_not_be_delivered_says_why() {
        let text = "<command id=\"7\"><aserver status=\"TARGET_IS_NOT_CONNECTED\"/></command>";
        assert_eq!(read(text, 7), Ok(Answer::Undelivered("TARGET_IS_NOT_CONNECTED".into())));
    }

    #[test]
    fn nonsense_is_refused() {
        let good = document(&administrator("SUCCESS", ""));
        assert!(read(&good, 8).is_err(), "of another command");
        let twice = document(&(administrator("SUCCESS", "") + &administrator("SUCCESS", "")));
        let packed = document(
            "<administrator><command><code value=\"SUCCESS\"/><compressed_return value=\"eJw\"/></command></administrator>",
        );
        let entity = good.replace("as said", "&lol;");
        let no_code = document("");
        let texts =
            ["", "<command id=\"7\"/>", "<html id=\"7\"/>", &twice, &packed, &entity, &no_code, &good[..60]];
        for text in texts {
            assert!(read(text, 7).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        /// Cut off, spoilt at any place, or no answer at all: never a panic, and no success that was not said.
        #[test]
        fn hostile_bytes_never_make_it_panic_or_succeed(
            at in 0_usize..400,
            by in ".{0,12}",
            cut in proptest::bool::ANY,
            noise in "[<>/=\"& a-z!?\\[\\];#0-9]{0,80}",
        ) {
            let good = document(&administrator("VOLUME_BAD_NAME", "<v id=\"1\"><name value=\"x\"/></v>"));
            let at = at.min(good.len());
            let rest = if cut { "" } else { &good[at..] };
            for text in [format!("{}{by}{rest}", &good[..at]), noise] {
                let mut frame = crate::protocol::Frame::default();
                let whole = frame.feed(text.as_bytes());
                proptest::prop_assert!(!matches!(read(&text, 7), Ok(Answer::Done(_))), "{text} ({whole:?})");
            }
        }

        /// Depth costs nothing: it is refused before anything is built.
        #[test]
        fn depth_is_bounded(depth in 17_usize..5000) {
            let text = "<a>".repeat(depth);
            proptest::prop_assert!(crate::protocol::Frame::default().feed(text.as_bytes()).is_err());
        }
    }
}
