//! Backends, pools and volumes as they stand at the moment of a scrape, read from memory.

use std::fmt;
use std::sync::Arc;

use perilune_engine::ledger::Entry;
use perilune_engine::{BackendView, Fleet, Ledger, Size};
use perilune_telemetry::metrics::Metrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Reads fleet and ledger at each scrape.
#[derive(Debug)]
pub(crate) struct Inventory {
    fleet: Arc<Fleet>,
    ledger: Arc<dyn Ledger>,
}

impl Inventory {
    /// Lets `metrics` show what is in `fleet` and `ledger`.
    pub(crate) fn register(metrics: &Metrics, fleet: Arc<Fleet>, ledger: Arc<dyn Ledger>) {
        metrics.register(|registry| registry.register_collector(Box::new(Self { fleet, ledger })));
    }
}

impl Collector for Inventory {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let views = self.fleet.views();
        backends(&mut encoder, &views)?;
        let pool = |of: fn(&perilune_engine::Pool) -> Size| rooms(&views, of);
        bytes(&mut encoder, "pool_capacity", "Physical room of a pool", pool(|pool| pool.total))?;
        bytes(&mut encoder, "pool_free", "Physical room left in a pool", pool(|pool| pool.free))?;
        let help = "What has been promised to volumes of a pool";
        bytes(&mut encoder, "pool_provisioned", help, pool(|pool| pool.provisioned))?;
        let help = "How much may be promised to volumes of a pool";
        bytes(&mut encoder, "pool_provisionable", help, pool(|pool| pool.provisionable))?;
        // a replica that waits for the lease knows no backend, and leaves the volumes to the one that has it; and while the
        // records are still being read there is nothing to say of volumes
        let entries = self.ledger.index().entries().ok().filter(|_| !views.is_empty()).unwrap_or_default();
        attachments(&mut encoder, &views, &entries)?;
        volumes(&mut encoder, &entries)
    }
}

fn backends(encoder: &mut DescriptorEncoder, views: &[BackendView]) -> fmt::Result {
    let help = "Whether a backend is in use: 1 if its last look succeeded";
    let mut family = encoder.encode_descriptor("backend_up", help, None, MetricType::Gauge)?;
    for view in views {
        let labels = [("backend", view.spec.name.as_str()), ("vendor", vendor(view))];
        let up = i64::from(view.report.is_some() && view.fault.is_none());
        gauge(family.encode_family(&labels)?, &up)?;
    }
    let help = "Whether a session with the array of a backend is open";
    let mut family = encoder.encode_descriptor("backend_sessions", help, None, MetricType::Gauge)?;
    for view in views {
        gauge(
            family.encode_family(&[("backend", view.spec.name.as_str())])?,
            &i64::from(view.report.is_some()),
        )?;
    }
    Ok(())
}

const fn vendor(view: &BackendView) -> &'static str {
    match view.spec.connect.vendor {
        perilune_engine::Vendor::Xiv => "xiv",
        perilune_engine::Vendor::Ds8k => "ds8k",
        perilune_engine::Vendor::Solidfire => "solidfire",
        perilune_engine::Vendor::Storagecenter => "storagecenter",
    }
}

type Room<'a> = (&'a str, &'a str, Size);

fn rooms(views: &[BackendView], of: fn(&perilune_engine::Pool) -> Size) -> Vec<Room<'_>> {
    let each = views.iter().filter_map(|view| Some((view.spec.name.as_str(), pools_of(view)?)));
    each.flat_map(|(backend, pools)| pools.iter().map(move |pool| (backend, pool.name.as_str(), of(pool))))
        .collect()
}

fn pools_of(view: &BackendView) -> Option<&[perilune_engine::Pool]> {
    view.report.as_ref().map(|report| report.system.pools.as_slice())
}

fn bytes(encoder: &mut DescriptorEncoder, name: &str, help: &str, rooms: Vec<Room<'_>>) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Bytes), MetricType::Gauge)?;
    for (backend, pool, room) in rooms {
        let room = i64::try_from(room.get()).unwrap_or(i64::MAX);
        gauge(family.encode_family(&[("backend", backend), ("pool", pool)])?, &room)?;
    }
    Ok(())
}

fn attachments(
    encoder: &mut DescriptorEncoder,
    views: &[BackendView],
    entries: &[Arc<Entry>],
) -> fmt::Result {
    let help = "Volumes on record";
    let mut family = encoder.encode_descriptor("backend_volumes", help, None, MetricType::Gauge)?;
    let of = |view: &BackendView| {
        entries.iter().filter(|entry| entry.backend == view.spec.name).collect::<Vec<_>>()
    };
    for view in views {
        let count = i64::try_from(of(view).len()).unwrap_or(i64::MAX);
        gauge(family.encode_family(&[("backend", view.spec.name.as_str())])?, &count)?;
    }
    let help = "Attachments of volumes to nodes on record";
    let mut family = encoder.encode_descriptor("backend_attachments", help, None, MetricType::Gauge)?;
    for view in views {
        let count: usize = of(view).iter().map(|entry| entry.attachments.len()).sum();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        gauge(family.encode_family(&[("backend", view.spec.name.as_str())])?, &count)?;
    }
    Ok(())
}

fn volumes(encoder: &mut DescriptorEncoder, entries: &[Arc<Entry>]) -> fmt::Result {
    let help = "What Kubernetes and the array call a volume";
    let mut family = encoder.encode_descriptor("volume_info", help, None, MetricType::Gauge)?;
    for entry in entries {
        let claim = entry.claim.as_ref();
        let labels = [
            ("namespace", claim.map_or("", |claim| claim.namespace.as_str())),
            ("persistentvolumeclaim", claim.map_or("", |claim| claim.name.as_str())),
            // the provisioner names the volume that it asks for as the PersistentVolume
            ("persistentvolume", entry.csi_name.as_str()),
            ("backend", entry.backend.as_str()),
            ("pool", entry.pool_name.as_str()),
            ("array_volume", entry.name.as_str()),
            ("wwid", entry.wwid.as_ref().map_or("", |wwid| wwid.as_str())),
        ];
        gauge(family.encode_family(&labels)?, &1_i64)?;
    }
    Ok(())
}

fn gauge(
    mut encoder: prometheus_client::encoding::MetricEncoder<'_>,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    encoder.encode_gauge(value)
}
