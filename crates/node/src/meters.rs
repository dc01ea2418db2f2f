//! What the host counts, for Prometheus.

use std::fmt;
use std::sync::Arc;

use perilune_host::LinuxHost;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Reads the host's counters at each scrape.
#[derive(Debug)]
pub(crate) struct HostMeters(pub(crate) Arc<LinuxHost>);

impl Collector for HostMeters {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let started = ConstCounter::new(self.0.processes_started());
        let help = "Processes started to attach, mount, grow and detach";
        started.encode(encoder.encode_descriptor(
            "node_processes_started",
            help,
            None,
            started.metric_type(),
        )?)?;
        let (found, expected) = self.0.paths_seen();
        for (name, help, value) in [
            ("node_paths_found", "Paths of staged volumes that can carry their IO", found),
            ("node_paths_expected", "Paths that staged volumes should have", expected),
            (
                "node_stuck_calls",
                "Calls that the kernel has not answered though their deadline is over",
                self.0.stuck_calls(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
