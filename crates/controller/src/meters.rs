//! What Prometheus reads of the controller: the engine's counts, and an inventory of backends, pools and volumes.
//!
//! Counts are labelled with backends, operations and kinds of error, which are few. Ids stand in one family only,
//! `perilune_volume_info`, which joins what Kubernetes and the array call a volume.

mod inventory;

use std::time::Duration;

use perilune_engine::meter::Ending;
use perilune_engine::{ErrorKind, Meter, UseCase};
use perilune_telemetry::metrics::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

pub(crate) use inventory::Inventory;

/// From an array at its best to the longest deadline of a sidecar.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Operation {
    backend: String,
    operation: String,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Login {
    backend: String,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Place {
    backend: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Kind {
    operation: String,
}

type Seconds<L> = Family<L, Histogram, fn() -> Histogram>;

/// The engine's counts.
#[derive(Debug)]
pub(crate) struct EngineMeters {
    operations: Seconds<Operation>,
    attempts: Family<Operation, Counter>,
    changes: Family<Operation, Counter>,
    waits: Seconds<Place>,
    logins: Family<Login, Counter>,
    locked: Family<Kind, Counter>,
}

impl EngineMeters {
    /// New counts, shown by `metrics`.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let seconds = || Histogram::new(SECONDS);
        let meters = Self {
            operations: Family::new_with_constructor(seconds),
            attempts: Family::default(),
            changes: Family::default(),
            waits: Family::new_with_constructor(seconds),
            logins: Family::default(),
            locked: Family::default(),
        };
        metrics.register(|registry| {
            let (operations, waits) = (meters.operations.clone(), meters.waits.clone());
            let help = "How long operations on volumes took, all attempts and waits included";
            registry.register("operation_duration_seconds", help, operations);
            let help = "Attempts at an array; more than one may make an operation";
            registry.register("array_attempts", help, meters.attempts.clone());
            registry.register(
                "array_changes",
                "Calls that alter something on an array",
                meters.changes.clone(),
            );
            let help = "How long attempts stood in line for their turn at the backend";
            registry.register("array_queue_duration_seconds", help, waits);
            registry.register(
                "array_logins",
                "Sessions that were opened, or tried to",
                meters.logins.clone(),
            );
            let help = "Operations turned away because another one worked on the same object";
            registry.register("operations_locked", help, meters.locked.clone());
        });
        meters
    }
}

impl Meter for EngineMeters {
    fn operation(&self, backend: &str, use_case: UseCase, ending: Ending, took: Duration) {
        self.operations.get_or_create(&operation(backend, use_case, ending)).observe(took.as_secs_f64());
    }

    fn attempt(&self, backend: &str, use_case: UseCase, ending: Ending, waited: Duration) {
        self.attempts.get_or_create(&operation(backend, use_case, ending)).inc();
        self.waits.get_or_create(&Place { backend: backend.to_owned() }).observe(waited.as_secs_f64());
    }

    fn change(&self, backend: &str, use_case: UseCase, ending: Ending) {
        self.changes.get_or_create(&operation(backend, use_case, ending)).inc();
    }

    fn login(&self, backend: &str, ending: Ending) {
        self.logins.get_or_create(&Login { backend: backend.to_owned(), result: ending.word() }).inc();
    }

    fn locked(&self, use_case: UseCase) {
        self.locked.get_or_create(&Kind { operation: snake(use_case) }).inc();
    }

    fn forget(&self, backend: &str) {
        self.waits.remove(&Place { backend: backend.to_owned() });
        let endings = ErrorKind::ALL.into_iter().map(Ending::failed).chain([Ending::OK]);
        for ending in endings {
            self.logins.remove(&Login { backend: backend.to_owned(), result: ending.word() });
            for use_case in UseCase::ALL {
                let labels = operation(backend, use_case, ending);
                self.operations.remove(&labels);
                self.attempts.remove(&labels);
                self.changes.remove(&labels);
            }
        }
    }
}

fn operation(backend: &str, use_case: UseCase, ending: Ending) -> Operation {
    Operation { backend: backend.to_owned(), operation: snake(use_case), result: ending.word() }
}

/// `CreateVolume` as `create_volume`.
fn snake(use_case: UseCase) -> String {
    let mut text = String::new();
    for letter in format!("{use_case:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests;
