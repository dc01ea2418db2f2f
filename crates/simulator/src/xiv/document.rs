//! Documents on the wire: reading a command, writing an answer. Every value is an attribute named `value`.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::codes::Refusal;

/// A command as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The system that is to relay it to this target of its own.
    pub(crate) remote_target: Option<String>,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) arguments: BTreeMap<String, String>,
}

/// How far the bytes of a connection go.
#[derive(Debug)]
pub(crate) enum Read {
    /// A whole document, and how many bytes it took.
    Whole(Box<Request>, usize),
    More,
    /// Nothing that this array would ever understand.
    Broken,
}

/// The longest command that is read; the clients' own stay far below.
const LONGEST: usize = 1 << 20;

/// Reads one document from the beginning of the bytes, if it is all there: it ends where its root element does.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let Ok(text) = std::str::from_utf8(bytes) else { return Read::Broken };
    let mut reader = Reader::from_str(text);
    let (mut request, mut depth) = (Request::default(), 0_u32);
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(quick_xml::Error::Syntax(_)) if bytes.len() < LONGEST => return Read::More,
            Err(_) => return Read::Broken,
        };
        let ended = match &event {
            Event::Start(start) => {
                depth += 1;
                take(&mut request, start).is_none().then_some(Read::Broken)
            }
            Event::Empty(start) => match take(&mut request, start) {
                None => Some(Read::Broken),
                Some(()) if depth == 0 => Some(whole(&mut request, &reader)),
                Some(()) => None,
            },
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                (depth == 0).then(|| whole(&mut request, &reader))
            }
            Event::Eof if bytes.len() < LONGEST => Some(Read::More),
            Event::Eof | Event::DocType(_) => Some(Read::Broken),
            _ => None,
        };
        if let Some(ended) = ended {
            return ended;
        }
    }
}

fn whole(request: &mut Request, reader: &Reader<&[u8]>) -> Read {
    let length = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    Read::Whole(Box::new(std::mem::take(request)), length)
}

/// Takes what an element says; nothing of it is refused for being unknown.
fn take(request: &mut Request, element: &BytesStart<'_>) -> Option<()> {
    let mut attributes = BTreeMap::new();
    for attribute in element.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        attributes.insert(attribute.key.local_name().into_inner().to_owned(), value);
    }
    match element.local_name().into_inner() {
        "command" => {
            request.id = attributes.remove("id").unwrap_or_default();
            request.name = attributes.remove("type").unwrap_or_default();
            request.remote_target = attributes.remove("remote_target").filter(|target| !target.is_empty());
        }
        "option" => {
            request.options.insert(attributes.remove("name")?, attributes.remove("value")?);
        }
        "argument" => {
            request.arguments.insert(attributes.remove("name")?, attributes.remove("value")?);
        }
        _ => {}
    }
    Some(())
}

/// One row of an answer: clients read its members, its tag is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) tag: &'static str,
    pub(crate) id: String,
    pub(crate) members: Vec<(&'static str, String)>,
}

impl Row {
    #[expect(clippy::needless_pass_by_value, reason = "a value is most often made where it is given")]
    pub(crate) fn new(tag: &'static str, id: impl ToString) -> Self {
        Self { tag, id: id.to_string(), members: Vec::new() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a value is most often made where it is given")]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.members.push((name, value.to_string()));
        self
    }

    pub(crate) fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, yes(value))
    }
}

pub(crate) fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// What a command answers.
pub(crate) type Answer = Result<Vec<Row>, Refusal>;

const DELIVERED: &str = "DELIVERY_SUCCESSFUL";

/// The whole answer of the array to a command.
pub(crate) fn answer(request: &Request, result: &Answer) -> String {
    let mut text = frame(request, DELIVERED);
    // what another system answered stands within what this one says of it
    if request.remote_target.is_some() {
        text.push_str("<command>");
        administrator(&mut text, result);
        text.push_str("</command>");
    } else {
        administrator(&mut text, result);
    }
    text.push_str("</command>");
    text
}

/// The answer of a system that could not bring the command to the one meant.
pub(crate) fn undelivered(request: &Request, status: &str) -> String {
    frame(request, status) + "</command>"
}

fn frame(request: &Request, status: &str) -> String {
    let (id, name) = (escaped(&request.id), escaped(&request.name));
    format!("<command id=\"{id}\" type=\"{name}\" close_on_return=\"no\"><aserver status=\"{status}\"/>")
}

fn administrator(text: &mut String, result: &Answer) {
    let (code, level, status) = match result {
        Ok(_) => ("SUCCESS", 0, "Command completed successfully"),
        Err(refusal) => (refusal.code.as_str(), refusal.level, refusal.text.as_str()),
    };
    let _ = write!(
        text,
        "<administrator><command><code value=\"{}\"/><status value=\"{level}\"/><status_str value=\"{}\"/><return>",
        escaped(code),
        escaped(status)
    );
    for row in result.iter().flatten() {
        let _ = write!(text, "<{} id=\"{}\">", row.tag, escaped(&row.id));
        for (name, value) in &row.members {
            let _ = write!(text, "<{name} value=\"{}\"/>", escaped(value));
        }
        let _ = write!(text, "</{}>", row.tag);
    }
    text.push_str("</return></command></administrator>");
}

/// ASCII only: clients decode each piece of an answer on its own.
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
    use super::{Read, Request, Row, answer, read};

    const LIST: &str = "<command id=\"7\" type=\"vol_list\" close_on_return=\"no\"><option name=\"user\" value=\"admin\"/>\
        <argument name=\"vol\" value=\"v &amp; &#233;\"/></command>";

    #[test]
    fn a_document_ends_with_its_root_wherever_the_bytes_are_cut() {
        for cut in 0..LIST.len() {
            assert!(matches!(read(&LIST.as_bytes()[..cut]), Read::More), "{cut}");
        }
        let Read::Whole(request, length) = read(format!("{LIST}<comm").as_bytes()) else { panic!("whole") };
        assert_eq!((length, request.name.as_str(), request.id.as_str()), (LIST.len(), "vol_list", "7"));
        assert_eq!((request.arguments["vol"].as_str(), request.options["user"].as_str()), ("v & é", "admin"));
    }

    #[test]
    fn what_is_no_command_is_broken() {
        for text in
            ["<!DOCTYPE x [<!ENTITY a \"b\">]><command/>", "<command><argument name=\"a\"/></command>"]
        {
            assert!(matches!(read(text.as_bytes()), Read::Broken), "{text}");
        }
        assert!(matches!(read(b"\xff"), Read::Broken));
    }

    #[test]
    fn an_answer_is_plain_ascii() {
        let request = Request { id: "1".into(), name: "vol_list".into(), ..Request::default() };
        let text = answer(&request, &Ok(vec![Row::new("volume", 7).with("name", "<é>")]));
        assert!(text.is_ascii());
        assert!(text.contains("<volume id=\"7\"><name value=\"&lt;&#233;&gt;\"/></volume>"), "{text}");
    }
}
