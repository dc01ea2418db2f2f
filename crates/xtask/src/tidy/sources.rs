//! One source file: its module doc, its size, its name, its tests.

use super::{Findings, Source};

const MOST_LINES: usize = 600;
const MANY_LINES: usize = 400;
const MOST_TEST_LINES: usize = 100;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "common", "helpers", "helper", "types", "manager", "service", "misc"];

pub(super) fn check(file: &Source, findings: &mut Findings) {
    let Source { path, text } = file;
    // put together here, so that this file does not name it
    if text.contains(&["..", "shared"].join("/")) {
        findings.errors.push(format!("{path}: names a folder beside the repository"));
    }
    if !path.ends_with(".rs") || path.contains("/generated/") {
        return;
    }
    if !text.starts_with("//! ") {
        findings.errors.push(format!("{path}: open it with `//!` and what lives here"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        findings.errors.push(format!("{path}: {lines} lines, {MOST_LINES} is the most"));
    } else if lines > MANY_LINES {
        findings.warnings.push(format!("{path}: {lines} lines, more than {MANY_LINES}"));
    }
    let name = module(path);
    if EMPTY_NAMES.contains(&name) {
        findings.errors.push(format!("{path}: {name:?} says nothing about what is inside"));
    }
    let tests = test_lines(text);
    if tests > MOST_TEST_LINES {
        let place = path.trim_end_matches(".rs");
        findings.errors.push(format!(
            "{path}: {tests} lines of tests, from {MOST_TEST_LINES} on put them into {place}/tests.rs"
        ));
    }
}

fn module(path: &str) -> &str {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    match stem {
        "mod" => path.rsplit('/').nth(1).unwrap_or(stem),
        _ => stem,
    }
}

/// Lines of `mod tests { … }`, which by custom is the last thing in its file.
fn test_lines(text: &str) -> usize {
    let mut lines = text.lines().skip_while(|l| !l.starts_with("mod tests {"));
    lines.by_ref().take_while(|l| *l != "}").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Findings {
        let mut findings = Findings::default();
        check(&Source { path: path.into(), text: text.into() }, &mut findings);
        findings
    }

    #[test]
    fn a_short_file_with_its_module_doc_is_fine() {
        let findings = found("crates/array/src/size.rs", "//! Sizes.\n\nfn f() {}\n");
        assert!(findings.errors.is_empty() && findings.warnings.is_empty(), "{findings:?}");
    }

    #[test]
    fn a_file_without_module_doc_is_refused() {
        assert_eq!(found("a.rs", "fn f() {}\n").errors.len(), 1);
    }

    #[test]
    fn size_warns_before_it_refuses() {
        let text = |n: usize| format!("//! X.\n{}", "//\n".repeat(n - 1));
        assert!(found("a.rs", &text(400)).warnings.is_empty());
        assert_eq!(found("a.rs", &text(401)).warnings.len(), 1);
        assert!(found("a.rs", &text(600)).errors.is_empty());
        assert_eq!(found("a.rs", &text(601)).errors.len(), 1);
    }

    #[test]
    fn a_module_named_after_nothing_is_refused_in_either_layout() {
        assert_eq!(found("crates/x/src/utils.rs", "//! X.\n").errors.len(), 1);
        assert_eq!(found("crates/x/src/common/mod.rs", "//! X.\n").errors.len(), 1);
    }

    #[test]
    fn long_tests_belong_into_a_file_of_their_own() {
        let text = |n: usize| format!("//! X.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    //\n".repeat(n - 1));
        assert!(found("a.rs", &text(100)).errors.is_empty());
        assert_eq!(found("a.rs", &text(101)).errors.len(), 1);
    }

    #[test]
    fn generated_code_is_nobodys_style() {
        assert!(found("csi-proto/src/generated/csi.v1.rs", "fn f() {}\n").errors.is_empty());
    }
}
