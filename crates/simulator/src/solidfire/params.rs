//! The parameters of one call, read as leniently as the array reads them, and those that nobody read.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::codes::{self, Refusal};

/// Remembers what was asked for: the rest is reported as `unusedParameters`, never refused.
#[derive(Debug)]
pub(crate) struct Params {
    given: Map<String, Value>,
    known: BTreeSet<&'static str>,
}

type Read<T> = Result<T, Refusal>;

impl Params {
    pub(crate) fn new(given: Map<String, Value>) -> Self {
        Self { given, known: BTreeSet::new() }
    }

    /// The parameters that the method did not look at.
    pub(crate) fn unused(mut self) -> Map<String, Value> {
        self.given.retain(|name, _| !self.known.contains(name.as_str()));
        self.given
    }

    /// The value, unless it is absent or null.
    fn value(&mut self, name: &'static str) -> Option<&Value> {
        self.known.insert(name);
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// Understood and without effect here.
    pub(crate) fn ignore(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    pub(crate) fn has(&mut self, name: &'static str) -> bool {
        self.value(name).is_some()
    }

    /// A whole number, also written as text.
    pub(crate) fn number(&mut self, name: &'static str) -> Read<Option<u64>> {
        self.value(name).filter(|value| *value != "").map(|value| number(name, value)).transpose()
    }

    pub(crate) fn needed_number(&mut self, name: &'static str) -> Read<u64> {
        self.number(name)?.ok_or_else(|| codes::missing(name))
    }

    /// An optional id: clients send 0 for none.
    pub(crate) fn id(&mut self, name: &'static str) -> Read<Option<u64>> {
        Ok(self.number(name)?.filter(|id| *id != 0))
    }

    /// A truth value, also written as text.
    pub(crate) fn flag(&mut self, name: &'static str) -> Read<Option<bool>> {
        let wrong = || codes::wrong_type(name, "a boolean");
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => text.to_lowercase().parse().map(Some).map_err(|_| wrong()),
            Some(_) => Err(wrong()),
        }
    }

    /// Text; clients send the empty text for none.
    pub(crate) fn text(&mut self, name: &'static str) -> Read<Option<String>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(codes::wrong_type(name, "a string")),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &'static str) -> Read<String> {
        let present = self.has(name);
        match self.text(name)? {
            Some(text) => Ok(text),
            None if present => Ok(String::new()),
            None => Err(codes::missing(name)),
        }
    }

    pub(crate) fn object(&mut self, name: &'static str) -> Read<Option<Map<String, Value>>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members.clone())),
            Some(_) => Err(codes::wrong_type(name, "an object")),
        }
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Read<Option<Vec<Value>>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.clone())),
            Some(_) => Err(codes::wrong_type(name, "an array")),
        }
    }

    pub(crate) fn numbers(&mut self, name: &'static str) -> Read<Option<Vec<u64>>> {
        let items = self.list(name)?;
        items.map(|items| items.iter().map(|item| number(name, item)).collect()).transpose()
    }

    pub(crate) fn needed_numbers(&mut self, name: &'static str) -> Read<Vec<u64>> {
        let present = self.given.contains_key(name);
        match self.numbers(name)? {
            Some(numbers) => Ok(numbers),
            None if present => Ok(Vec::new()),
            None => Err(codes::missing(name)),
        }
    }

    /// `attributes`, held to the 1000 bytes that an object may have of them.
    pub(crate) fn attributes(&mut self) -> Read<Option<Map<String, Value>>> {
        let attributes = self.object("attributes")?;
        if let Some(attributes) = &attributes {
            let length = Value::Object(attributes.clone()).to_string().len();
            if length > 1000 {
                return Err(codes::invalid(format!("attributes take {length} bytes; 1000 are allowed")));
            }
        }
        Ok(attributes)
    }
}

/// A whole number, as such or as text.
pub(crate) fn number(name: &str, value: &Value) -> Read<u64> {
    let read = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    read.ok_or_else(|| codes::wrong_type(name, "an integer"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Params;

    fn params(value: Value) -> Params {
        let Value::Object(given) = value else { panic!("parameters are an object") };
        Params::new(given)
    }

    #[test]
    fn numbers_and_flags_may_be_text() {
        let mut p = params(json!({"a": "3", "b": "false", "c": true, "d": 7}));
        assert_eq!((p.number("a"), p.number("d")), (Ok(Some(3)), Ok(Some(7))));
        assert_eq!((p.flag("b"), p.flag("c")), (Ok(Some(false)), Ok(Some(true))));
    }

    #[test]
    fn zero_empty_and_null_are_none_where_an_id_or_text_is_optional() {
        let mut p = params(json!({"a": 0, "b": "", "c": null}));
        assert_eq!((p.id("a"), p.id("b"), p.id("c"), p.id("d")), (Ok(None), Ok(None), Ok(None), Ok(None)));
        assert_eq!((p.text("b"), p.text("c")), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_nobody_asks_for_is_unused() {
        let mut p = params(json!({"volumeID": 1, "sliceCount": 1}));
        assert_eq!(p.needed_number("volumeID"), Ok(1));
        assert_eq!(Value::Object(p.unused()), json!({"sliceCount": 1}));
    }

    #[test]
    fn fractions_and_negative_numbers_are_of_the_wrong_type() {
        let mut p = params(json!({"a": 1.5, "b": -1, "c": [1, "x"]}));
        for name in ["a", "b"] {
            assert_eq!(p.number(name).expect_err("refused").name, "xInvalidParameterType");
        }
        assert_eq!(p.numbers("c").expect_err("refused").name, "xInvalidParameterType");
    }

    #[test]
    fn attributes_are_bounded_by_their_encoded_length() {
        assert!(
            params(json!({"attributes": {"a": "x".repeat(991)}})).attributes().is_ok_and(|a| a.is_some())
        );
        assert!(params(json!({"attributes": {"a": "x".repeat(993)}})).attributes().is_err());
    }
}
