//! What expressions come to, and how those are refused that could do harm or never work.

use perilune_array::Size;

use super::{Question, Rating};
use crate::fleet::Scheduling;
use crate::request::VolumeRequest;
use crate::testing;

fn of(filter: &str, goodness: &str) -> Result<Rating, String> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Rating::compile(&Scheduling { filter: text(filter), goodness: text(goodness), weight: 0 })
}

fn ask<T>(rating: &Rating, of: impl FnOnce(&Rating, &Question<'_>) -> T) -> T {
    let view = testing::view("a");
    let report = view.report.as_ref().expect("a report");
    let request = VolumeRequest { csi_name: "v".to_owned(), ..VolumeRequest::default() };
    let pool = &report.system.pools[0];
    of(rating, &Question { spec: &view.spec, report, pool, request: &request, size: Size::gib(10) })
}

#[test]
fn expressions_see_pool_volume_and_capabilities() {
    for (filter, admits) in [
        ("", true),
        ("pool.freeGiB >= volume.sizeGiB", true),
        ("pool.freePercent > 50", false),
        ("capabilities.qos && 'ISCSI' in capabilities.protocols", true),
        ("volume.source == 'snapshot'", false),
        ("!has(pool.labels.ssd)", true),
        ("volume.size <= 10 * 1073741824 && pool.left > 0 && volume.name.startsWith('v')", true),
    ] {
        let rating = of(filter, "").expect(filter);
        assert_eq!(ask(&rating, |r, q| r.admits(q)), Ok(admits), "{filter}");
    }
}

#[test]
fn goodness_is_kept_between_0_and_100() {
    for (goodness, good) in [
        ("", 0),
        ("pool.freePercent", 50),
        ("1000", 100),
        ("-5", 0),
        ("33.9", 33),
        ("capabilities.qos ? 70 : 20", 70),
    ] {
        let rating = of("", goodness).expect(goodness);
        assert_eq!(ask(&rating, |r, q| r.goodness(q)), Ok(good), "{goodness}");
    }
}

#[test]
fn what_is_no_expression_is_refused_with_its_field() {
    for (filter, says) in [
        ("pool.freeGiB >", "spec.scheduling.filter: is no expression"),
        ("backend.name == 'a'", "knows no backend; there are pool, volume, capabilities"),
        ("[1,2].all(x, x > 0)", "loop"),
        ("pool.labels.map(x, x).size() > 0", "loop"),
        (&"(".repeat(33), "nested"),
        (&"a?".repeat(40), "nested"),
        (&"!".repeat(40), "nested"),
        (&"x".repeat(2000), "longer than 1024"),
    ] {
        let refusal = of(filter, "").expect_err(filter);
        assert!(refusal.contains(says), "{filter}: {refusal}");
    }
}

#[test]
fn what_cannot_come_to_an_answer_is_an_error_and_no_crash() {
    for filter in [
        "pool.nothing > 1",
        "1 / 0 == 1",
        "pool.freeGiB",
        "pool.name + 1 == 2",
        "-9223372036854775808 / -1 > 0",
    ] {
        let rating = of(filter, "").expect(filter);
        assert!(ask(&rating, |r, q| r.admits(q)).is_err(), "{filter}");
        assert!(
            rating.rehearse(&testing::view("a").spec, &testing::view("a").report.expect("a report")).is_err()
        );
    }
}

#[test]
fn no_text_however_made_ends_the_process() {
    // a small generator of nonsense: every pair of fragments, alone and before a third
    let parts = [
        "(", ")", "[", "]", "{", "}", "?", ":", "!", "-", ".", ",", "'", "\"", "\\", "pool", "1", "0x",
        "1e999", "in", "&&", "\u{0}", "é", "has(", "r'",
    ];
    let try_it = |text: &str| {
        if let Ok(rating) = of(text, "") {
            let _ = ask(&rating, |r, q| r.admits(q));
        }
    };
    for (n, a) in parts.iter().enumerate() {
        for b in parts {
            try_it(&format!("{a}{b}"));
            try_it(&format!("{a}{b}{}", parts[(n * 7 + b.len()) % parts.len()]));
        }
    }
}
