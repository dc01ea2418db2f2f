//! What an `ArrayBackend` and its Secrets come to.

use perilune_api::ArrayBackend;
use perilune_api::conditions::{ConditionType, Reason};
use perilune_engine::{AdministrativeState, PoolSpec, Protocol, Size, Trust, Vendor};
use serde_json::{Value, json};

use super::super::resolve::{Bundle, Resolved, fixture};
use super::super::{OnRecord, Plan};
use super::{decide, description};

fn backend(extra: &Value) -> ArrayBackend {
    let mut spec = json!({
        "type": "SolidFire",
        "endpoints": [{"address": "192.0.2.10", "port": 8443}],
        "credentialsSecretRef": {"name": "account"},
        "solidFire": {"tenant": "shop", "svip": "192.0.2.20"},
    });
    spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let metadata = json!({"name": "gold", "labels": {"tier": "gold"}});
    serde_json::from_value(json!({
        "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend", "metadata": metadata, "spec": spec,
    }))
    .unwrap()
}

fn deleted(extra: &Value) -> ArrayBackend {
    let mut object = backend(extra);
    object.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
    object
}

fn some(volumes: usize) -> OnRecord {
    OnRecord { volumes, ..OnRecord::default() }
}

fn inputs() -> Resolved {
    Resolved {
        account: Some(fixture::secret("account", "5", &[("username", "admin"), ("password", "hunter2\n")])),
        chap: None,
        bundle: None,
        on_record: OnRecord::default(),
        draining: false,
        scan_due: false,
        probe_due: false,
    }
}

#[test]
fn a_full_object_is_described_with_all_it_says() {
    let object = backend(&json!({
        "arrayID": "abc",
        "limits": {"apiTimeout": "1m30s", "maxConcurrentOps": 3, "minPaths": 2},
        "tls": {"caBundle": {"secretRef": {"name": "ca"}}, "serverName": "array.example"},
        "iscsi": {"chap": {"mode": "Mutual", "secretRef": {"name": "chap"}}},
        "pools": [{"name": "fast"}],
    }));
    let chap = [("username", "u"), ("password", "p"), ("mutualUsername", "mu"), ("mutualPassword", "mp")];
    let inputs = Resolved {
        chap: Some(Some(fixture::secret("chap", "1", &chap))),
        bundle: Some(Bundle::Found("PEM".to_owned())),
        ..inputs()
    };
    let spec = description(&object, inputs).unwrap();
    assert_eq!(spec.connect.vendor, Vendor::Solidfire);
    assert_eq!(spec.connect.endpoints[0].port, Some(8443));
    assert_eq!(spec.connect.credentials.password.reveal(), "hunter2", "without the line end");
    assert_eq!(spec.connect.trust, Trust::Bundle("PEM".to_owned()));
    assert_eq!(spec.connect.timeout.as_secs(), 90);
    assert_eq!(spec.connect.settings.get("tenant"), Some("shop"));
    assert_eq!(spec.connect.settings.get("svip"), Some("192.0.2.20"));
    assert_eq!(spec.connect.chap.unwrap().mutual.unwrap().password.reveal(), "mp");
    assert_eq!((spec.limits.concurrent, spec.limits.min_paths), (3, 2));
    assert_eq!((spec.pools, spec.labels["tier"].as_str()), (vec![PoolSpec::named("fast")], "gold"));
}

#[test]
fn what_is_missing_is_named_with_the_field_that_asks_for_it() {
    let why = description(&backend(&json!({})), Resolved { account: None, ..inputs() }).unwrap_err();
    assert_eq!((why.about, why.reason), (ConditionType::CredentialsValid, Reason::SecretMissing));
    assert!(why.message.contains("spec.credentialsSecretRef names the Secret account"), "{}", why.message);
    let no_password = Some(fixture::secret("account", "5", &[("username", "admin"), ("password", "")]));
    let why = description(&backend(&json!({})), Resolved { account: no_password, ..inputs() }).unwrap_err();
    assert!(why.message.contains("its key password"), "{}", why.message);
    let gone = Some(Bundle::Missing("ConfigMap ca with the key ca.crt".to_owned()));
    let why = description(&backend(&json!({})), Resolved { bundle: gone, ..inputs() }).unwrap_err();
    assert_eq!((why.about, why.reason), (ConditionType::CertificateValid, Reason::CaBundleMissing));
    let object = backend(&json!({"iscsi": {"chap": {"mode": "OneWay", "secretRef": {"name": "chap"}}}}));
    let why = description(&object, Resolved { chap: Some(None), ..inputs() }).unwrap_err();
    assert!(why.message.contains("spec.iscsi.chap.secretRef names the Secret chap"), "{}", why.message);
}

#[test]
fn a_deleted_backend_takes_no_volumes_before_it_may_go() {
    let Plan::Use { spec, .. } = decide(&deleted(&json!({})), inputs()) else { panic!("released too early") };
    assert_eq!(spec.state, AdministrativeState::Draining);
    let drained = Resolved { draining: true, ..inputs() };
    assert!(matches!(decide(&deleted(&json!({})), drained), Plan::Release { .. }));
}

#[test]
fn a_deleted_backend_stays_in_use_while_volumes_live_there_unless_they_are_to_be_left() {
    let occupied = || Resolved { draining: true, on_record: some(3), ..inputs() };
    assert!(matches!(
        decide(&deleted(&json!({})), occupied()),
        Plan::Use { on_record: OnRecord { volumes: 3, .. }, .. }
    ));
    assert!(matches!(
        decide(&deleted(&json!({"deletionPolicy": "Retain"})), occupied()),
        Plan::Release { .. }
    ));
    assert!(matches!(decide(&backend(&json!({"deletionPolicy": "Retain"})), occupied()), Plan::Use { .. }));
}

#[test]
fn a_missing_secret_does_not_keep_an_empty_backend_from_going() {
    let lost = || Resolved { account: None, ..inputs() };
    assert!(matches!(decide(&deleted(&json!({})), lost()), Plan::Release { .. }));
    assert!(matches!(decide(&backend(&json!({})), lost()), Plan::Wait { .. }));
    assert!(matches!(
        decide(&deleted(&json!({})), Resolved { on_record: some(1), ..lost() }),
        Plan::Wait { on_record: OnRecord { volumes: 1, .. }, .. }
    ));
}

#[test]
fn what_an_object_says_of_pools_and_limits_reaches_the_engine() {
    let object = backend(&json!({
        "pools": [{"name": "fast", "maxOversubscription": 2.5, "reservedPercent": 10, "maxVolumeSize": "2Ti", "labels": {"a": "b"},
            "topology": [{"zone": "a"}]}],
        "topology": [{"zone": "a"}, {"zone": "b"}],
        "protocols": ["FC", "ISCSI"],
        "scheduling": {"filter": "true", "goodness": "50", "weight": 3},
        "hosts": {"management": "Existing"},
        "defaults": {"qos": {"maxIOPS": 900}},
        "limits": {"requestsPerSecond": 10, "maxVolumesPerNode": 20},
        "solidFire": {"tenant": "t", "useCHAP": false, "volumeAccessGroups": ["a", "b"],
            "qosTiers": [{"name": "gold", "qos": {"minIOPS": 1, "maxIOPS": 2}}]},
    }));
    let spec = description(&object, inputs()).unwrap();
    let pool = spec.pools[0].clone();
    assert_eq!((pool.max_oversubscription, pool.reserved_percent), (Some(2.5), 10));
    assert_eq!((pool.max_volume_size, pool.topology.len()), (Some(Size::gib(2048)), 1));
    assert_eq!(spec.topology.len(), 2);
    assert_eq!(spec.protocols, [Protocol::Fc, Protocol::Iscsi]);
    assert_eq!((spec.scheduling.filter.as_deref(), spec.scheduling.weight), (Some("true"), 3));
    assert!(!spec.hosts.managed);
    assert_eq!((spec.limits.requests_per_second, spec.limits.volumes_per_node), (Some(10), Some(20)));
    assert_eq!(spec.qos_tiers["gold"].max_iops, Some(2));
    assert_eq!(spec.default_qos.and_then(|qos| qos.max_iops), Some(900));
    let settings = spec.connect.settings;
    assert_eq!((settings.get("useCHAP"), settings.get("volumeAccessGroups")), (Some("false"), Some("a,b")));
}

#[test]
fn an_array_of_the_xiv_family_is_told_its_domain_only() {
    let block = |xiv: Value| backend(&json!({"type": "XIV", "solidFire": null, "xiv": xiv}));
    let spec = description(&block(json!({"domain": "d"})), inputs()).unwrap();
    assert_eq!((spec.connect.vendor, spec.connect.settings.get("domain")), (Vendor::Xiv, Some("d")));
    let spec = description(&block(Value::Null), inputs()).unwrap();
    assert!(spec.connect.settings.0.is_empty());
}

#[test]
fn a_freeze_by_annotation_comes_before_what_the_spec_says() {
    let mut object = backend(&json!({"administrativeState": "Draining"}));
    object.metadata.annotations = Some([("perilune.dev/freeze".to_owned(), "upgrade".to_owned())].into());
    let AdministrativeState::Frozen { reason } = description(&object, inputs()).unwrap().state else {
        panic!("not frozen")
    };
    assert!(reason.contains("upgrade") && reason.contains("perilune.dev/freeze"), "{reason}");
    object.metadata.annotations = None;
    assert_eq!(description(&object, inputs()).unwrap().state, AdministrativeState::Draining);
}
