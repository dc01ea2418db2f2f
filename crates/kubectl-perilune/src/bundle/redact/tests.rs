//! A secret planted anywhere does not get through.

use serde_json::json;

use super::{text, value};

const PLANTED: &str = "hunter2-Xy9";

#[test]
fn a_secret_in_an_object_does_not_get_through_and_references_stay() {
    let mut object = json!({
        "metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"password\":\"{PLANTED}\"}}")},
            "managedFields": [{"x": PLANTED}],
        },
        "data": {"password": PLANTED, "adminToken": PLANTED, "note": format!("login with password={PLANTED} please")},
        "spec": {
            "credentialsSecretRef": {"name": "gold-account"},
            "iscsi": {"chap": {"mode": "OneWay", "secretRef": {"name": "gold-chap"}, "chapSecret": PLANTED}},
            "solidFire": {"useCHAP": true},
            "containers": [{"env": [{"name": "DB_PASSWORD", "value": PLANTED}, {"name": "LEVEL", "value": "info"}]}],
            "endpoint": format!("https://admin:{PLANTED}@192.0.2.10/json-rpc"),
        },
        "parameters": {"csi.storage.k8s.io/node-stage-secret-name": "gold-chap"},
        "status": {"conditions": [{"message": format!("the array refused password: {PLANTED}")}]},
    });
    value(&mut object);
    let shown = object.to_string();
    assert!(!shown.contains(PLANTED), "{shown}");
    for stays in ["gold-account", "gold-chap", "OneWay", "info", "192.0.2.10"] {
        assert!(shown.contains(stays), "{stays} is gone: {shown}");
    }
    assert_eq!(object["spec"]["solidFire"]["useCHAP"], true);
    assert_eq!(object["parameters"]["csi.storage.k8s.io/node-stage-secret-name"], "gold-chap");
}

#[test]
fn a_secret_in_a_log_does_not_get_through_in_any_of_its_usual_forms() {
    for line in [
        format!("login failed password={PLANTED}"),
        format!("login failed password = {PLANTED}, trying again"),
        format!("{{\"initiatorSecret\":\"{PLANTED}\",\"username\":\"k8s\"}}"),
        format!("{{\\\"targetSecret\\\":\\\"{PLANTED}\\\"}}"),
        format!("--chap-password '{PLANTED}' is no flag, --password={PLANTED} is"),
        format!("node.session.auth.password = {PLANTED}"),
        format!("authorization: Basic {PLANTED}=="),
        format!("sent Authorization Bearer {PLANTED}.{PLANTED}"),
        format!("GET https://admin:{PLANTED}@192.0.2.10:443/x failed"),
        format!("api_key: {PLANTED}"),
        format!("a=1 TOKEN={PLANTED} b=2"),
    ] {
        let shown = text(&line);
        // the flag with a blank is prose to any reader of text; the one with an equals sign is not
        let allowed = usize::from(line.starts_with("--chap-password '"));
        assert!(shown.matches(PLANTED).count() <= allowed, "{shown}");
    }
    let kept = "2026-01-01T00:00:00Z INFO array: volume pvc-1 made backend=gold took=0.2s";
    assert_eq!(text(kept), kept);
}

#[test]
fn a_private_key_goes_as_a_whole() {
    let shown = text(&format!(
        "before\n-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n-----END RSA PRIVATE KEY-----\nafter"
    ));
    assert_eq!(shown, "before\n<redacted>\nafter");
}

#[test]
fn any_text_at_all_is_taken_without_a_panic() {
    for odd in [
        "",
        "=",
        ":::",
        "pässword=ü",
        "token=",
        "secret: \"",
        "://@",
        "Basic ",
        "ключ=секрет password=ü",
        "\u{0}token:\u{0}",
    ] {
        text(odd);
    }
}
