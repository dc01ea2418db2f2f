//! Writes the generated `CustomResourceDefinition`s as YAML, one file each, or with `--check` only compares.
//!
//! Usage: `crds [--check] FOLDER…`. A folder below `charts` gets the annotation that makes Helm keep the
//! definitions when the chart is uninstalled, because with them go all objects. The one place that knows YAML.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

const HEADER: &str = "# Generated from crates/api by `cargo run -p perilune-api --bin crds`; do not edit.\n";

fn main() -> ExitCode {
    let (flags, folders): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let check = flags.iter().any(|f| f == "--check");
    if folders.is_empty() || flags.iter().any(|f| f != "--check") {
        return complain("usage: crds [--check] FOLDER…");
    }
    for folder in &folders {
        if let Err(error) = write_all(Path::new(folder), check) {
            return complain(&format!("{folder}: {error}"));
        }
    }
    ExitCode::SUCCESS
}

fn write_all(folder: &Path, check: bool) -> io::Result<()> {
    let in_chart = folder.components().any(|c| c.as_os_str() == "charts");
    for mut crd in perilune_api::crds() {
        let path = folder.join(format!("{}.yaml", crd.spec.names.plural));
        if in_chart {
            annotate_keep(&mut crd);
        }
        let text = render(&crd, in_chart)?;
        if !check {
            fs::write(&path, text)?;
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            return Err(io::Error::other(format!(
                "{} is not what crates/api generates; run `cargo run -p perilune-api --bin crds -- {}`",
                path.display(),
                folder.display()
            )));
        }
    }
    Ok(())
}

fn annotate_keep(crd: &mut CustomResourceDefinition) {
    let annotations = crd.metadata.annotations.get_or_insert_default();
    annotations.insert("helm.sh/resource-policy".to_owned(), "keep".to_owned());
}

/// In a chart the text is a template, so what reads like template code must be quoted; today nothing does.
fn render(crd: &CustomResourceDefinition, in_chart: bool) -> io::Result<String> {
    let yaml = serde_yaml::to_string(crd).map_err(io::Error::other)?;
    if in_chart && yaml.contains("{{") {
        return Err(io::Error::other("a description contains {{, which Helm would take for template code"));
    }
    Ok(format!("{HEADER}{yaml}"))
}

fn complain(message: &str) -> ExitCode {
    // Nothing is left to do if standard error is closed as well.
    let _ = writeln!(io::stderr(), "crds: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::write_all;
    use std::path::Path;

    #[test]
    fn the_committed_definitions_are_what_the_types_generate() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        write_all(&root.join("crds"), true).unwrap();
        write_all(&root.join("charts/perilune-crds/templates"), true).unwrap();
    }
}
