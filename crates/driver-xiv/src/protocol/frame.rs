//! Where an answer ends: with its root element. Nothing is understood here but brackets and quotes.

/// Follows a document byte by byte.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    state: State,
    depth: usize,
    ended: bool,
}

/// No answer of an array nests deeper.
const DEEPEST: usize = 16;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between tags.
    #[default]
    Outside,
    /// Just after `<`.
    Opened,
    /// Within a tag; whether it closes an element, and the last byte.
    Tag { closing: bool, slash: bool },
    /// Within a quoted value of such a tag.
    Quoted { closing: bool, quote: u8 },
    /// Within `<? … >`.
    Declaration,
}

impl Frame {
    /// Takes the next piece; says whether the document is whole, or why it can be none.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<bool, String> {
        for byte in piece {
            if self.ended {
                if !byte.is_ascii_whitespace() {
                    return Err("something follows its end".to_owned());
                }
                continue;
            }
            self.step(*byte)?;
        }
        Ok(self.ended)
    }

    fn step(&mut self, byte: u8) -> Result<(), String> {
        self.state = match (self.state, byte) {
            (State::Outside, b'<') => State::Opened,
            (State::Outside, _) if self.depth == 0 && !byte.is_ascii_whitespace() => {
                return Err("it is no XML".to_owned());
            }
            (State::Outside, _) => State::Outside,
            (State::Opened, b'/') => State::Tag { closing: true, slash: false },
            (State::Opened, b'?') => State::Declaration,
            // neither document types with their entities nor comments have a place here
            (State::Opened, b'!') => return Err("it holds a declaration that no array sends".to_owned()),
            (State::Opened, _) => State::Tag { closing: false, slash: false },
            (State::Declaration, b'>') => State::Outside,
            (State::Declaration, _) => State::Declaration,
            (State::Tag { closing, .. }, quote @ (b'"' | b'\'')) => State::Quoted { closing, quote },
            (State::Tag { closing, slash }, b'>') => return self.end_of_tag(closing, slash),
            (State::Tag { closing, .. }, _) => State::Tag { closing, slash: byte == b'/' },
            (State::Quoted { closing, quote }, _) if byte == quote => State::Tag { closing, slash: false },
            (quoted @ State::Quoted { .. }, _) => quoted,
        };
        Ok(())
    }

    fn end_of_tag(&mut self, closing: bool, empty: bool) -> Result<(), String> {
        self.state = State::Outside;
        match (closing, empty) {
            (true, _) if self.depth == 0 => return Err("it closes what it never opened".to_owned()),
            (true, _) => self.depth -= 1,
            (false, true) => {}
            (false, false) => self.depth += 1,
        }
        if self.depth > DEEPEST {
            return Err(format!("it nests deeper than {DEEPEST}"));
        }
        self.ended = self.depth == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_document_ends_with_its_root_however_it_is_cut() {
        let text = b"<?xml version=\"1.0\"?><a x=\"/>\"><b y='>'/><c></c></a> \n";
        for cut in 0..text.len() {
            let mut frame = Frame::default();
            assert!(frame.feed(&text[..cut]).unwrap() == (cut >= text.len() - 2), "{cut}");
            assert!(frame.feed(&text[cut..]).unwrap());
        }
    }

    #[test]
    fn what_no_array_sends_is_refused() {
        let deep = "<a>".repeat(17);
        for text in ["x", "</a>", "<a/>junk", "<!DOCTYPE a>", "<a><!-- --></a>", deep.as_str()] {
            assert!(Frame::default().feed(text.as_bytes()).is_err(), "{text}");
        }
    }
}
