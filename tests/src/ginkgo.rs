//! What a suite written with Ginkgo reports: each of its specs, and what became of it.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// One spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its headings and its own words.
    pub name: String,
    pub outcome: Outcome,
}

/// What became of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

/// The specs of a JSON report. Whatever is not a success is a failure or a skip with its reason.
pub fn read(report: &str) -> Result<Vec<Spec>> {
    let report: Value = serde_json::from_str(report).context("reading the report")?;
    let suites = report.as_array().context("the report is no list of suites")?;
    let mut specs = Vec::new();
    for suite in suites {
        specs.extend(suite["SpecReports"].as_array().into_iter().flatten().filter_map(spec));
        for reason in suite["SpecialSuiteFailureReasons"].as_array().into_iter().flatten() {
            let name = "the suite as a whole".to_owned();
            specs.push(Spec { name, outcome: Outcome::Failed(reason.to_string()) });
        }
    }
    ensure!(!specs.is_empty(), "the report has no specs");
    Ok(specs)
}

/// `None` for what is no spec of its own, such as a preparation that went well.
fn spec(report: &Value) -> Option<Spec> {
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headings = report["ContainerHierarchyTexts"].as_array().into_iter().flatten();
    let mut name: Vec<String> = headings.map(words).collect();
    name.push(words(&report["LeafNodeText"]));
    let failure = &report["Failure"];
    let said = words(&failure["Message"]);
    let outcome = match report["State"].as_str() {
        Some("passed") if report["LeafNodeType"] != "It" => return None,
        Some("passed") => Outcome::Passed,
        Some("skipped") => Outcome::Skipped(said),
        Some("pending") => Outcome::Skipped("its authors have disabled it".to_owned()),
        state => {
            let place = &failure["Location"];
            let at = format!("{}:{}", words(&place["FileName"]), place["LineNumber"]);
            Outcome::Failed(format!("{} at {at}: {said}", state.unwrap_or("no state")))
        }
    };
    Some(Spec { name: name.join(" "), outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spec_has_its_name_outcome_and_reason() {
        let report = r#"[{"SpecReports": [
            {"ContainerHierarchyTexts": null, "LeafNodeType": "BeforeSuite", "LeafNodeText": "", "State": "passed"},
            {"ContainerHierarchyTexts": ["Node", "Stage"], "LeafNodeType": "It", "LeafNodeText": "works", "State": "passed"},
            {"ContainerHierarchyTexts": ["Group"], "LeafNodeType": "It", "LeafNodeText": "works", "State": "skipped", "Failure": {"Message": "no groups"}},
            {"ContainerHierarchyTexts": ["List"], "LeafNodeType": "It", "LeafNodeText": "pages", "State": "pending"},
            {"ContainerHierarchyTexts": ["Node"], "LeafNodeType": "It", "LeafNodeText": "dies", "State": "panicked",
             "Failure": {"Message": "nil", "Location": {"FileName": "node.go", "LineNumber": 7}}}
        ], "SpecialSuiteFailureReasons": ["Suite Timeout Elapsed"]}]"#;
        let specs = read(report).unwrap();
        let told = |at: usize| (specs[at].name.as_str(), specs[at].outcome.clone());
        assert_eq!(told(0), ("Node Stage works", Outcome::Passed));
        assert_eq!(told(1), ("Group works", Outcome::Skipped("no groups".into())));
        assert_eq!(told(2), ("List pages", Outcome::Skipped("its authors have disabled it".into())));
        assert_eq!(told(3), ("Node dies", Outcome::Failed("panicked at node.go:7: nil".into())));
        assert!(matches!(&specs[4].outcome, Outcome::Failed(why) if why.contains("Timeout")));
        assert_eq!(specs.len(), 5);
    }

    #[test]
    fn a_report_without_specs_is_no_success() {
        for report in ["", "{}", "[]", r#"[{"SpecReports": []}]"#] {
            assert!(read(report).is_err(), "{report}");
        }
    }
}
