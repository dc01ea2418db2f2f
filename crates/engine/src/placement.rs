//! Where a new volume goes: filter the pools, refuse with each pool's reason, else take the best.

mod room;

use perilune_array::{Error, ErrorKind, Pool, Protocol, Size};

use crate::fleet::{AdministrativeState, BackendReport, BackendView, PoolSpec};
use crate::qos;
use crate::rating::Question;
use crate::request::{BackendChoice, SizeRange, VolumeRequest};
use crate::topology::{self, Segments, TopologyRequirement};

pub(crate) use room::{Room, room};

/// The place that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) backend: String,
    pub(crate) pool: Pool,
    /// The size it will have there.
    pub(crate) size: Size,
    /// From where it will be reachable.
    pub(crate) topology: Vec<Segments>,
}

/// A place with what it is compared by.
#[derive(Debug)]
struct Candidate {
    place: Place,
    /// Rank of the first preferred topology that it is in; less is better.
    preference: usize,
    goodness: u8,
    weight: i32,
}

/// Chooses among all backends, from memory. `only` pins a copy to its source's backend.
pub(crate) fn choose(
    views: &[BackendView],
    request: &VolumeRequest,
    only: Option<&str>,
) -> Result<Place, Error> {
    let wanted: Vec<&BackendView> = views
        .iter()
        .filter(|view| only.is_none_or(|name| view.spec.name == name) && chosen(view, &request.backend))
        .collect();
    if wanted.is_empty() {
        return Err(no_match(views, request, only));
    }
    let mut refusals = Vec::new();
    let mut fitting: Vec<Candidate> = Vec::new();
    for view in wanted {
        match usable(view) {
            Ok(report) => weigh(view, report, request, &mut fitting, &mut refusals),
            Err(refusal) => refusals.push(refusal),
        }
    }
    best(fitting).ok_or_else(|| sum_up(refusals))
}

/// Nearest to where it is wanted, then by the administrator's words, then the roomiest, then by name.
fn best(mut fitting: Vec<Candidate>) -> Option<Place> {
    fitting.sort_by(|a, b| {
        (a.preference.cmp(&b.preference))
            .then(b.goodness.cmp(&a.goodness))
            .then(b.weight.cmp(&a.weight))
            .then(b.place.pool.free.cmp(&a.place.pool.free))
            .then(a.place.backend.cmp(&b.place.backend))
            .then(a.place.pool.name.cmp(&b.place.pool.name))
    });
    fitting.into_iter().next().map(|candidate| candidate.place)
}

pub(crate) fn chosen(view: &BackendView, choice: &BackendChoice) -> bool {
    match choice {
        BackendChoice::Any => true,
        BackendChoice::Named(name) => view.spec.name == *name,
        BackendChoice::Labelled(labels) => labels.iter().all(|(k, v)| view.spec.labels.get(k) == Some(v)),
    }
}

/// Holds one backend's pools against the wish.
fn weigh(
    view: &BackendView,
    report: &BackendReport,
    request: &VolumeRequest,
    fitting: &mut Vec<Candidate>,
    refusals: &mut Vec<Error>,
) {
    let name = &view.spec.name;
    if let Err(refusal) = able(view, request) {
        return refusals.push(refusal.context(format!("backend {name}")));
    }
    let mut named = false;
    for pool in &report.system.pools {
        if request.pool.as_ref().is_some_and(|wanted| pool.name != *wanted) {
            continue;
        }
        named = true;
        match fit(view, report, pool, request) {
            Ok(candidate) => fitting.push(candidate),
            Err(refusal) => {
                refusals.push(refusal.context(format!("backend {name}, pool {}", pool.name)));
            }
        }
    }
    if !named {
        let all: Vec<&str> = report.system.pools.iter().map(|p| p.name.as_str()).collect();
        let text = match &request.pool {
            Some(wanted) => format!("backend {name}: has no pool {wanted}, only {}", all.join(", ")),
            None => format!("backend {name}: has no pool"),
        };
        refusals.push(Error::new(ErrorKind::Invalid, text));
    }
}

/// Can the array do what the volume needs?
fn able(view: &BackendView, request: &VolumeRequest) -> Result<(), Error> {
    let wish = qos::wish(&request.mutable)?;
    match view.offer() {
        Some(offer) => offer.at_birth(&wish).map(|_| ()),
        None => Err(Error::new(ErrorKind::Unreachable, "still being connected")),
    }
}

fn fit(
    view: &BackendView,
    report: &BackendReport,
    pool: &Pool,
    request: &VolumeRequest,
) -> Result<Candidate, Error> {
    let spec = view.spec.pool(&pool.name);
    let topology = reachable(view, report, spec);
    in_reach(&topology, &request.topology)?;
    let most = spec.and_then(|spec| spec.max_volume_size);
    let size = size_on(report, &request.size, most)?;
    has_room(pool, spec, size)?;
    let goodness = rated(view, report, pool, request, size)?;
    let preference = topology::preference(&topology, &request.topology);
    let place = Place { backend: view.spec.name.clone(), pool: pool.clone(), size, topology };
    Ok(Candidate { place, preference, goodness, weight: view.spec.scheduling.weight })
}

/// What the administrator's own words say of the pool.
fn rated(
    view: &BackendView,
    report: &BackendReport,
    pool: &Pool,
    request: &VolumeRequest,
    size: Size,
) -> Result<u8, Error> {
    let question = Question { spec: &view.spec, report, pool, request, size };
    match view.rating.admits(&question) {
        Ok(true) => {}
        Ok(false) => {
            return Err(Error::new(ErrorKind::NoCapacity, "spec.scheduling.filter does not let it in"));
        }
        Err(why) => return Err(Error::new(ErrorKind::WrongState, why)),
    }
    Ok(view.rating.goodness(&question).unwrap_or_else(|why| {
        tracing::warn!(backend = view.spec.name, pool = pool.name, why, "the pool's goodness is taken as 0");
        0
    }))
}

/// From where the volumes of a pool can be reached.
pub(crate) fn reachable(
    view: &BackendView,
    report: &BackendReport,
    pool: Option<&PoolSpec>,
) -> Vec<Segments> {
    let of_pool = pool.map_or(&[][..], |pool| &pool.topology);
    let protocols: &[Protocol] = &report.protocols;
    topology::accessible(&view.spec.topology, of_pool, protocols)
}

fn in_reach(accessible: &[Segments], wanted: &TopologyRequirement) -> Result<(), Error> {
    if topology::satisfies(accessible, wanted) {
        return Ok(());
    }
    let text = format!(
        "can be reached from {}, and the volume is wanted at {}",
        topology::told(accessible),
        topology::told(&wanted.requisite)
    );
    Err(Error::new(ErrorKind::NoCapacity, text))
}

fn has_room(pool: &Pool, spec: Option<&PoolSpec>, size: Size) -> Result<(), Error> {
    let Room { promise, physical } = room(pool, spec);
    if size <= promise && physical > Size::default() {
        return Ok(());
    }
    let text = format!("has no room for {size} ({physical} free, {promise} left to promise)");
    Err(Error::new(ErrorKind::NoCapacity, text))
}

/// Does the backend take new volumes now?
pub(crate) fn usable(view: &BackendView) -> Result<&BackendReport, Error> {
    let name = &view.spec.name;
    match &view.spec.state {
        AdministrativeState::Frozen { reason } => {
            return Err(Error::new(
                ErrorKind::Frozen,
                format!("backend {name}: frozen by its administrator: {reason}"),
            ));
        }
        AdministrativeState::Draining => {
            return Err(Error::new(
                ErrorKind::Frozen,
                format!("backend {name}: draining, takes no new volume"),
            ));
        }
        AdministrativeState::Active => {}
    }
    match (&view.report, &view.fault) {
        (Some(report), None) => Ok(report),
        (_, Some(fault)) => Err(Error::new(ErrorKind::Unreachable, format!("backend {name}: {fault}"))),
        (None, None) => {
            Err(Error::new(ErrorKind::Unreachable, format!("backend {name}: still being connected")))
        }
    }
}

/// The size that the array will make of the wish.
fn size_on(report: &BackendReport, range: &SizeRange, most: Option<Size>) -> Result<Size, Error> {
    let rules = &report.sizes;
    let max = most.map_or(rules.max, |most| most.min(rules.max));
    let wish = if range.required == Size::default() { rules.min } else { range.required };
    let out = |what: String| Err(Error::new(ErrorKind::OutOfRange, what));
    if wish < rules.min {
        return out(format!("{wish} is less than the smallest volume, {}; ask for at least that", rules.min));
    }
    let Some(size) = wish.round_up(rules.step).filter(|size| *size <= max) else {
        return out(format!("{wish} is more than the largest volume, {max}"));
    };
    match range.limit {
        Some(limit) if size > limit => out(format!(
            "{wish} becomes {size}, a multiple of {}, which is over the limit of {limit}",
            rules.step
        )),
        _ => Ok(size),
    }
}

fn no_match(views: &[BackendView], request: &VolumeRequest, only: Option<&str>) -> Error {
    let known: Vec<&str> = views.iter().map(|view| view.spec.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let asked = match &request.backend {
        BackendChoice::Any => "any backend".to_owned(),
        BackendChoice::Named(name) => format!("backend {name}"),
        BackendChoice::Labelled(labels) => {
            let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("a backend labelled {}", pairs.join(","))
        }
    };
    let source = only.map(|name| format!(" on {name}, where its source is")).unwrap_or_default();
    Error::new(
        ErrorKind::Invalid,
        format!("the StorageClass asks for {asked}{source}, and there is none; ArrayBackends known: {known}"),
    )
}

/// One refusal speaks for itself; of several, the most hopeful kind wins and every reason is told.
fn sum_up(mut refusals: Vec<Error>) -> Error {
    let hope = |error: &Error| match error.kind() {
        ErrorKind::Unreachable => 3,
        ErrorKind::NoCapacity => 2,
        ErrorKind::Frozen => 1,
        _ => 0,
    };
    refusals.sort_by_key(|error| std::cmp::Reverse(hope(error)));
    let reasons: Vec<&str> = refusals.iter().map(Error::message).collect();
    let kind = refusals.first().map_or(ErrorKind::Bug, Error::kind);
    Error::new(kind, format!("no pool takes it: {}", reasons.join("; ")))
}

#[cfg(test)]
mod tests;
