//! Takes out of objects and text what may be a secret: too much rather than too little.

use serde_json::Value;

const GONE: &str = "<redacted>";

/// Whatever has a name with one of these in it.
const TELLING: [&str; 9] =
    ["password", "passwd", "secret", "token", "credential", "chap", "apikey", "privatekey", "authorization"];

/// Names that only sound like it: references to Secrets by name, and our own words.
const HARMLESS: [&str; 12] = [
    "secretref",
    "credentialssecretref",
    "nodestagesecretref",
    "nodepublishsecretref",
    "controllerexpandsecretref",
    "controllerpublishsecretref",
    "imagepullsecrets",
    "usechap",
    "chap",
    "credentials",
    "secretresourceversion",
    "automountserviceaccounttoken",
];

/// Redacts an object in place.
pub(super) fn value(data: &mut Value) {
    match data {
        Value::Object(fields) => {
            // a copy of a whole manifest, with whatever stood in it
            fields.retain(|key, _| {
                key != "managedFields" && key != "kubectl.kubernetes.io/last-applied-configuration"
            });
            let named = fields.get("name").and_then(Value::as_str).is_some_and(telling);
            for (key, field) in fields.iter_mut() {
                // the environment of a container: {"name": "DB_PASSWORD", "value": "…"}
                let spoken = telling(key) || (named && key == "value");
                if spoken && !(field.is_object() || field.is_array()) {
                    *field = Value::from(GONE);
                } else {
                    value(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(value),
        Value::String(text) => {
            let redacted = self::text(text);
            if redacted != *text {
                *text = redacted;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Parameters such as `csi.storage.k8s.io/node-stage-secret-name` name a Secret, they hold none.
fn telling(key: &str) -> bool {
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let names_one = plain.ends_with("secretname") || plain.ends_with("secretnamespace");
    !names_one && !HARMLESS.contains(&plain.as_str()) && TELLING.iter().any(|word| plain.contains(word))
}

/// Redacts text, line by line: what follows `password=`, `token: ` and the like, and keys in PEM.
pub(super) fn text(text: &str) -> String {
    let mut in_key = false;
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----") {
            in_key = !line.contains("-----END");
            lines.push(GONE.to_owned());
        } else if in_key {
            in_key = !line.contains("-----END");
        } else {
            lines.push(assignments(&basic(line)));
        }
    }
    lines.join("\n")
}

/// `word=value`, `word: value`, `"word":"value"`.
fn assignments(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let name_ends = before[..at].trim_end_matches(['"', '\'', '\\', ' ']);
        let name_begins = name_ends
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .map_or(0, |i| i + name_ends[i..].chars().next().map_or(1, char::len_utf8));
        rest = after;
        if !telling(&name_ends[name_begins..]) {
            continue;
        }
        let padding = after.len() - after.trim_start_matches([' ', '"', '\'', '\\']).len();
        let (space, secret) = after.split_at(padding);
        let quoted = space.contains(['"', '\'']);
        let end = if quoted { secret.find(['"', '\'']) } else { secret.find([' ', ',', ';', '}', ')', '&']) };
        let end = end.unwrap_or(secret.len());
        // `secret: the Secret gold-account …` is prose: one word of it goes, which costs nothing
        if end > 0 {
            out.push_str(space);
            out.push_str(GONE);
            rest = &secret[end..];
        }
    }
    out + rest
}

/// `Basic …`, `Bearer …`, and a login in an address.
fn basic(line: &str) -> String {
    let mut out = line.to_owned();
    for scheme in ["Basic ", "Bearer "] {
        let mut from = 0;
        while let Some(at) = out[from..].find(scheme).map(|at| from + at + scheme.len()) {
            let word = out[at..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || "+/=._-".contains(c)))
                .unwrap_or(out.len() - at);
            if word >= 8 {
                out.replace_range(at..at + word, GONE);
            }
            from = at;
        }
    }
    let mut from = 0;
    while let Some(at) = out[from..].find("://").map(|at| from + at + 3) {
        let host = out[at..].find(['/', ' ', '"', '\'']).map_or(out.len(), |end| at + end);
        if let Some(login) = out[at..host].rfind('@') {
            out.replace_range(at..at + login, GONE);
        }
        from = at;
    }
    out
}

#[cfg(test)]
mod tests;
