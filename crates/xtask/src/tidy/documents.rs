//! One document: every path of the repository that it names exists.

use super::{Findings, Source};

pub(super) fn check(file: &Source, paths: &[&str], findings: &mut Findings) {
    let Source { path, text } = file;
    let document = path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md"));
    if !document {
        return;
    }
    for named in named(text, paths) {
        let folder = format!("{}/", named.trim_end_matches('/'));
        let exists = paths.iter().any(|p| *p == named || p.starts_with(&folder));
        if !exists {
            findings.errors.push(format!("{path}: names `{named}`, which is not there"));
        }
    }
}

/// Paths in backquotes and in links, as far as they begin with a folder of the repository.
fn named<'a>(text: &'a str, paths: &[&str]) -> Vec<&'a str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    quoted.chain(linked).map(|n| n.trim_start_matches("./")).filter(|n| ours(n, paths)).collect()
}

fn ours(name: &str, paths: &[&str]) -> bool {
    let Some((first, _)) = name.split_once('/') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    name.chars().all(plain) && paths.iter().any(|p| p.split_once('/').is_some_and(|(root, _)| root == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: &[&str] = &["README.md", "crates/array/src/lib.rs", "docs/faq.md"];

    fn found(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Source { path: "README.md".into(), text: text.into() }, PATHS, &mut findings);
        findings.errors
    }

    #[test]
    fn paths_that_exist_are_fine_as_file_folder_and_link() {
        assert!(
            found("See `crates/array/src/lib.rs`, `crates/array/` and [more](docs/faq.md#x).").is_empty()
        );
    }

    #[test]
    fn a_path_that_does_not_exist_is_refused() {
        assert_eq!(found("See `crates/gone/src/lib.rs`.").len(), 1);
        assert_eq!(found("See [more](docs/gone.md).").len(), 1);
    }

    #[test]
    fn what_is_no_path_of_ours_is_left_alone() {
        assert!(
            found("Run `cargo xtask test`, read `/etc/hosts`, `a/b` and `target/bench.json`.").is_empty()
        );
    }
}
