//! The direction of dependencies between our packages: downward only, as docs on architecture lay the floors. A package
//! that is not in the table, or an edge that is not in its row, is refused; to allow one is a decision, made here.

use super::Findings;
use crate::workspace::Package;

/// Each package and what it may link, all without the prefix `perilune-`.
const FLOORS: &[(&str, &[&str])] = &[
    // floor 1
    ("array", &[]),
    ("wire", &[]),
    ("host", &[]),
    ("api", &[]),
    ("csi-proto", &[]),
    ("csi", &["csi-proto"]),
    ("telemetry", &[]),
    // floor 2
    ("engine", &["array"]),
    ("driver-xiv", &["array", "wire"]),
    ("driver-ds8k", &["array", "wire"]),
    ("driver-solidfire", &["array", "wire"]),
    ("driver-storagecenter", &["array", "wire"]),
    // floor 3
    ("operator", &["engine", "api"]),
    ("csi-controller", &["engine", "csi", "csi-proto"]),
    ("csi-node", &["host", "csi", "csi-proto"]),
    ("drivers", &["array", "driver-xiv", "driver-ds8k", "driver-solidfire", "driver-storagecenter"]),
    // floor 4
    ("controller", &["operator", "csi-controller", "drivers", "telemetry", "engine", "csi", "api"]),
    ("node", &["csi-node", "api", "telemetry", "host", "csi"]),
    ("kubectl-perilune", &["api"]),
    // beside the house
    ("simulator", &[]),
    ("conformance", &["array"]),
    ("lab", &[]),
    ("xtask", &[]),
];

/// What tests may link beyond their package's row.
const FOR_TESTS: &[(&str, &[&str])] = &[
    ("conformance", &["array"]),
    ("driver-solidfire", &["conformance", "simulator"]),
    ("driver-xiv", &["conformance", "simulator"]),
    ("engine", &["array", "conformance"]),
    ("operator", &["array"]),
    ("csi-controller", &["array"]),
];

/// The end-to-end package may see everything.
const END_TO_END: &str = "tests";

pub(super) fn check(packages: &[Package], findings: &mut Findings) {
    for package in packages {
        let name = bare(&package.name);
        if name == END_TO_END {
            continue;
        }
        let Some((_, below)) = FLOORS.iter().find(|(n, _)| *n == name) else {
            findings
                .errors
                .push(format!("{}: on no floor; give it a row in the table of tidy", package.name));
            continue;
        };
        let for_tests = FOR_TESTS.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, list)| *list);
        for used in &package.uses {
            let other = bare(&used.name);
            let for_tests = used.for_tests && (for_tests.contains(&other) || other == name);
            let allowed = below.contains(&other) || for_tests;
            if !allowed {
                let how = if used.for_tests { "its tests may not link" } else { "it may not link" };
                findings.errors.push(format!("{}: {how} {}", package.name, used.name));
            }
        }
        if !package.folder.ends_with(name) {
            findings.errors.push(format!("{}: its folder is {}", package.name, package.folder.display()));
        }
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix("perilune-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Use;

    fn found(name: &str, uses: &[(&str, bool)]) -> Vec<String> {
        let uses = uses.iter().map(|(n, t)| Use { name: format!("perilune-{n}"), for_tests: *t }).collect();
        let package = Package {
            name: format!("perilune-{name}"),
            folder: format!("/x/crates/{name}").into(),
            targets: vec![],
            uses,
        };
        let mut findings = Findings::default();
        check(&[package], &mut findings);
        findings.errors
    }

    #[test]
    fn an_edge_downward_is_fine_and_one_sideward_or_upward_is_refused() {
        assert!(found("engine", &[("array", false)]).is_empty());
        assert_eq!(found("engine", &[("wire", false)]).len(), 1);
        assert_eq!(found("node", &[("engine", false)]).len(), 1);
    }

    #[test]
    fn what_tests_may_link_the_product_may_not() {
        assert!(found("driver-solidfire", &[("simulator", true)]).is_empty());
        assert_eq!(found("driver-solidfire", &[("simulator", false)]).len(), 1);
    }

    #[test]
    fn a_package_without_a_row_is_refused() {
        assert_eq!(found("surprise", &[]).len(), 1);
    }
}
