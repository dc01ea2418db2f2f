//! Pairing keys: a JSON text in lower-case hexadecimal digits, as the array gives them out.

use std::fmt::Write;

use serde_json::Value;

pub(crate) fn encode(content: &Value) -> String {
    content.to_string().bytes().fold(String::new(), |mut key, byte| {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// What a key says, if it is one.
pub(crate) fn decode(key: &str) -> Option<Value> {
    let digits: Vec<u32> = key.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes = digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]));
    serde_json::from_slice(&bytes.collect::<Result<Vec<u8>, _>>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{decode, encode};

    #[test]
    fn a_key_says_what_was_put_into_it_and_nonsense_is_none() {
        let content = json!({"mvip": "127.0.0.1", "volumeID": 3});
        assert_eq!(decode(&encode(&content)), Some(content.clone()));
        assert!(encode(&content).bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        for nonsense in ["", "7b2", "zz", "00ff", "é"] {
            assert_eq!(decode(nonsense), None, "{nonsense}");
        }
    }
}
