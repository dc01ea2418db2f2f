//! One Cargo manifest: it inherits the workspace's lints, and third-party versions.

use super::{Findings, Source};

pub(super) fn check(file: &Source, findings: &mut Findings) {
    let Source { path, text } = file;
    // the root's own is where it all stands
    if !path.ends_with("/Cargo.toml") {
        return;
    }
    if !text.contains("[lints]\nworkspace = true") {
        findings.errors.push(format!("{path}: inherit the workspace's lints: [lints] workspace = true"));
    }
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && line.contains('=')
            && !line.starts_with('#')
            && !line.contains("workspace = true")
            // the package itself, for its tests with a feature
            && !line.contains("path = \".\"")
        {
            findings.errors.push(format!(
                "{path}: {line:?}: the version belongs into the root's [workspace.dependencies]"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let mut findings = Findings::default();
        check(&Source { path: "crates/x/Cargo.toml".into(), text: text.into() }, &mut findings);
        findings.errors.len()
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_fine() {
        assert_eq!(found("[dependencies]\nbytes.workspace = true\n\n[lints]\nworkspace = true\n"), 0);
    }

    #[test]
    fn a_version_of_its_own_and_missing_lints_are_refused() {
        assert_eq!(found("[dev-dependencies]\nbytes = \"1\"\n"), 2);
    }
}
