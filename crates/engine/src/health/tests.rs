//! What is said of a volume, the worst first.

use super::{Found, HealthKind, ScanFindings, Seen, judge};
use crate::ledger::Phase;
use crate::testing;
use perilune_array::{RecordId, Size};

#[test]
fn the_worst_that_is_known_is_told() {
    let entry = testing::entry("a", "v");
    let mut view = testing::view("a");
    let kind = |found, view: &_| judge(&entry, Some(view), found).kind;
    assert_eq!(kind(Found::Well, &view), HealthKind::Good);
    assert_eq!(kind(Found::Faulted, &view), HealthKind::Inaccessible);
    if let Some(report) = &mut view.report {
        report.system.pools[0].free = Size::default();
    }
    assert_eq!(kind(Found::Well, &view), HealthKind::Degraded);
    view.fault = Some(testing::fault());
    assert_eq!(kind(Found::Well, &view), HealthKind::Inaccessible);
    assert_eq!(kind(Found::Missing, &view), HealthKind::DataLoss);
    let deleting = crate::ledger::Entry { phase: Phase::Deleting, ..entry.clone() };
    assert_eq!(judge(&deleting, Some(&view), Found::Missing).kind, HealthKind::Inaccessible);
    assert!(judge(&entry, None, Found::Well).abnormal, "a backend that is not known");
}

#[test]
fn a_look_at_one_volume_mends_what_the_scan_said_of_it() {
    let seen = Seen::default();
    let (one, two) = (RecordId::new("1"), RecordId::new("2"));
    seen.note("a", ScanFindings { missing: [one.clone(), two.clone()].into(), ..ScanFindings::default() });
    seen.note_one("a", &one, Found::Well);
    assert_eq!(
        (seen.of("a", &one), seen.of("a", &two), seen.of("b", &two)),
        (Found::Well, Found::Missing, Found::Well)
    );
}
