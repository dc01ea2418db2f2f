//! Checks of single request fields. Each failure is INVALID_ARGUMENT and begins with the field's name.

use std::collections::HashMap;

use crate::status::Failure;

/// What CSI lets a text field carry unless it says otherwise.
pub const TEXT_LIMIT: usize = 128;

/// What CSI lets a map carry, keys and values together.
pub const MAP_LIMIT: usize = 4096;

/// The longest path that Linux takes.
const PATH_LIMIT: usize = 4095;

/// A text that must be there and fit into `limit` bytes.
pub fn text<'a>(field: &str, value: &'a str, limit: usize) -> Result<&'a str, Failure> {
    if value.is_empty() {
        return Err(Failure::field(field, "is missing"));
    }
    if value.len() > limit {
        return Err(Failure::field(
            field,
            format!("has {} bytes, more than the {limit} allowed", value.len()),
        ));
    }
    if let Some(odd) = value.chars().find(|c| c.is_control()) {
        return Err(Failure::field(field, format!("contains the control character {odd:?}")));
    }
    Ok(value)
}

/// A volume, snapshot or node id, or a name that CSI limits to 128 bytes.
pub fn id<'a>(field: &str, value: &'a str) -> Result<&'a str, Failure> {
    text(field, value, TEXT_LIMIT)
}

/// An absolute path without `.` and `..` in it.
pub fn path<'a>(field: &str, value: &'a str) -> Result<&'a str, Failure> {
    text(field, value, PATH_LIMIT)?;
    let Some(below_root) = value.strip_prefix('/') else {
        return Err(Failure::field(field, format!("{value:?} is not an absolute path")));
    };
    if below_root.trim_end_matches('/').split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Failure::field(
            field,
            format!("{value:?} is not a plain path: it has an empty, . or .. part"),
        ));
    }
    Ok(value)
}

/// A map within CSI's limit. Says nothing of its contents: they may be secret.
pub fn map<'a>(
    field: &str,
    value: &'a HashMap<String, String>,
) -> Result<&'a HashMap<String, String>, Failure> {
    let bytes: usize = value.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > MAP_LIMIT {
        return Err(Failure::field(field, format!("has {bytes} bytes, more than the {MAP_LIMIT} allowed")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_begin_with_the_field() {
        for (failure, says) in [
            (id("volume_id", "").unwrap_err(), "volume_id: is missing"),
            (id("name", &"x".repeat(129)).unwrap_err(), "name: has 129 bytes"),
            (id("name", "a\nb").unwrap_err(), "name: contains the control character '\\n'"),
            (path("target_path", "pods/x").unwrap_err(), "target_path: \"pods/x\" is not an absolute path"),
            (
                path("target_path", "/pods/../etc").unwrap_err(),
                "target_path: \"/pods/../etc\" is not a plain path",
            ),
        ] {
            assert!(failure.message.starts_with(says), "{failure}");
            assert_eq!(failure.code, crate::Code::InvalidArgument);
        }
    }

    #[test]
    fn an_oversized_map_is_refused_without_showing_it() {
        let map = HashMap::from([("password".to_owned(), "hush".repeat(2000))]);
        let failure = super::map("secrets", &map).unwrap_err();
        assert!(failure.message.starts_with("secrets: has 8008 bytes"), "{failure}");
        assert!(!failure.message.contains("hush"));
    }
}
