//! The registry of a process: what its libraries count is registered here by the binary and read by Prometheus.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// A handle on the one registry; clones share it.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A registry whose families all begin with `perilune_`, with the build of this binary as the first of them.
    pub fn new(component: &'static str, version: &'static str) -> Self {
        let mut registry = Registry::with_prefix("perilune");
        let build = Info::new(vec![("component", component), ("version", version)]);
        registry.register("build", "The running build", build);
        Self { registry: Arc::new(Mutex::new(registry)) }
    }

    /// Lets `families` be added.
    pub fn register(&self, families: impl FnOnce(&mut Registry)) {
        families(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All families in Prometheus' text format.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn what_is_registered_is_written_with_our_prefix() {
        let metrics = Metrics::new("node", "1.2.3");
        let calls: Counter = Counter::default();
        metrics.register(|registry| registry.register("calls", "Calls", calls.clone()));
        calls.inc();
        let text = metrics.text().unwrap();
        assert!(text.contains("perilune_calls_total 1"), "{text}");
        assert!(text.contains(r#"perilune_build_info{component="node",version="1.2.3"} 1"#), "{text}");
    }
}
