//! What the configuration accepts, and that each refusal names its field.

use std::time::Duration;

use super::{Config, Data};

const GOOD: &str = "
tls: {directory: /tmp/x}
arrays:
  - name: sf1
    vendor: solidfire
    listen: 127.0.0.1:0
    credentials: {username: admin, password: secret}
";

fn refusal(yaml: &str) -> String {
    let text = Config::parse(yaml).expect_err("refused").to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn everything_but_name_vendor_listen_and_credentials_has_a_default() {
    let config = Config::parse(GOOD).expect("parses");
    assert_eq!(config.arrays[0].data, Data::Memory);
    assert_eq!(config.arrays[0].clone_delay, Duration::from_millis(200));
}

#[test]
fn every_fact_of_the_array_can_be_set() {
    let yaml = format!(
        "{GOOD}    data: lio\n    model: SF9605\n    firmware: 12.0.0.333\n    \
         serial: 7e6a5a4e-0c1e-4c3c-9d53-6a4d31c0ffee\n    unique_id: 5vkj\n    \
         pools: [{{name: p, capacity: 20000000000}}]\n    iscsi: ['10.0.0.1:3260', '10.0.1.1:3260']\n    \
         limits: {{snapshotsPerVolumeMax: 10}}\n    latency: 20ms\n    clone_delay: 1s\n    \
         clone_overflow: queue\n    lio: {{directory: /run/x, chap: mutual}}\n"
    );
    let config = Config::parse(&yaml).expect("parses");
    assert_eq!(config.arrays[0].latency, Duration::from_millis(20));
    assert_eq!(config.arrays[0].iscsi.len(), 2);
}

#[test]
fn a_refusal_is_one_line_that_names_the_field() {
    let cases = [
        (GOOD.replace("solidfire", "netapp"), "arrays[0].vendor"),
        (GOOD.replace("vendor", "vender"), "vender"),
        (GOOD.replace("127.0.0.1:0", "0.0.0.0:0"), "arrays[0].listen"),
        (GOOD.replace("127.0.0.1:0", "everywhere"), "arrays[0].listen"),
        (format!("{GOOD}    partner: sf1\n"), "arrays[0].partner"),
        (format!("{GOOD}    partner: sf2\n"), "arrays[0].partner"),
        (format!("{GOOD}    unique_id: toolong\n"), "arrays[0].unique_id"),
        (format!("{GOOD}    serial: x\n"), "arrays[0].serial"),
        (format!("{GOOD}    latency: 20\n"), "arrays[0].latency"),
        (format!("{GOOD}    pools: [{{capacity: 1}}]\n"), "arrays[0].pools[0].capacity"),
        (format!("{GOOD}    limits: {{volumes: 1}}\n"), "arrays[0].limits.volumes"),
        (format!("{GOOD}    iscsi: ['127.0.0.1:0']\n"), "arrays[0].iscsi[0]"),
        ("arrays: []\n".to_owned(), "arrays"),
        ("control: here\narrays: []\n".to_owned(), "control"),
    ];
    for (yaml, field) in cases {
        let text = refusal(&yaml);
        assert!(text.contains(field), "{text:?} does not name {field}");
    }
}

#[test]
fn credentials_do_not_show_the_password() {
    let config = Config::parse(GOOD).expect("parses");
    assert!(!format!("{config:?}").contains("password: \"secret"));
}
