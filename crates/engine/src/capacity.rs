//! How much room there is for new volumes, from the last looks.

use perilune_array::Size;

use crate::fleet::BackendView;
use crate::placement::{chosen, reachable, room, usable};
use crate::request::CapacityRequest;
use crate::topology::{self, TopologyRequirement};
use crate::{Engine, Failure};

/// Room for new volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// What all new volumes together may take.
    pub available: Size,
    /// The largest single one; `None`: there is no room for any.
    pub largest: Option<Size>,
    /// The smallest one that is made; `None`: none is.
    pub smallest: Option<Size>,
}

impl Engine {
    /// The room in all pools that fit the request. Backends that are frozen, draining or not usable count as full.
    pub fn capacity(&self, request: &CapacityRequest) -> Result<Capacity, Failure> {
        Ok(sum(&self.fleet.views(), request))
    }
}

fn sum(views: &[BackendView], request: &CapacityRequest) -> Capacity {
    let mut all = Capacity::default();
    for view in views.iter().filter(|view| chosen(view, &request.backend)) {
        let Ok(report) = usable(view) else { continue };
        let wanted = |name: &str| request.pool.as_ref().is_none_or(|pool| pool == name);
        for pool in report.system.pools.iter().filter(|pool| wanted(&pool.name)) {
            let spec = view.spec.pool(&pool.name);
            let place = TopologyRequirement {
                requisite: request.topology.iter().cloned().collect(),
                preferred: Vec::new(),
            };
            if !topology::satisfies(&reachable(view, report, spec), &place) {
                continue;
            }
            let promise = room(pool, spec).promise;
            all.available = Size::bytes(all.available.get().saturating_add(promise.get()));
            let most = spec
                .and_then(|spec| spec.max_volume_size)
                .map_or(report.sizes.max, |m| m.min(report.sizes.max));
            let step = report.sizes.step.get().max(1);
            let largest = Size::bytes(promise.min(most).get() / step * step);
            if largest >= report.sizes.min {
                all.largest = all.largest.max(Some(largest));
                all.smallest = Some(all.smallest.map_or(report.sizes.min, |min| min.min(report.sizes.min)));
            }
        }
    }
    all
}
