//! What Prometheus reads.

use std::sync::Arc;
use std::time::Duration;

use perilune_engine::meter::Ending;
use perilune_engine::{ErrorKind, Meter, UseCase};
use perilune_telemetry::metrics::Metrics;

use super::EngineMeters;

#[test]
fn an_operation_is_counted_by_backend_kind_and_outcome() {
    let metrics = Metrics::new("controller", "0");
    let meters = Arc::new(EngineMeters::register(&metrics));
    meters.operation("gold", UseCase::CreateVolume, Ending::OK, Duration::from_millis(40));
    meters.attempt("gold", UseCase::CreateVolume, Ending::failed(ErrorKind::NoAnswer), Duration::ZERO);
    meters.change("gold", UseCase::CreateVolume, Ending::OK);
    meters.login("gold", Ending::failed(ErrorKind::Unauthenticated));
    meters.locked(UseCase::Expand);
    let text = metrics.text().unwrap();
    for line in [
        r#"perilune_operation_duration_seconds_count{backend="gold",operation="create_volume",result="ok"} 1"#,
        r#"perilune_array_attempts_total{backend="gold",operation="create_volume",result="no-answer"} 1"#,
        r#"perilune_array_changes_total{backend="gold",operation="create_volume",result="ok"} 1"#,
        r#"perilune_array_logins_total{backend="gold",result="unauthenticated"} 1"#,
        r#"perilune_operations_locked_total{operation="expand"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_backend_that_is_gone_leaves_no_series_behind() {
    let metrics = Metrics::new("controller", "0");
    let meters = EngineMeters::register(&metrics);
    for backend in ["gold", "iron"] {
        meters.operation(backend, UseCase::Publish, Ending::OK, Duration::ZERO);
        meters.attempt(backend, UseCase::Publish, Ending::failed(ErrorKind::Busy), Duration::ZERO);
        meters.login(backend, Ending::OK);
    }
    meters.forget("gold");
    let text = metrics.text().unwrap();
    assert!(!text.contains("gold"), "{text}");
    assert!(text.contains("iron"));
}
