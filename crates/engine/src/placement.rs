//! Where a new volume goes: filter the pools, refuse with each pool's reason, else take the one with most room.

use perilune_array::{Error, ErrorKind, Pool, Size};

use crate::fleet::{AdministrativeState, BackendReport, BackendView};
use crate::request::{BackendChoice, VolumeRequest};

/// The place that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) backend: String,
    pub(crate) pool: Pool,
    /// The size it will have there.
    pub(crate) size: Size,
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
    let mut best: Option<Place> = None;
    for view in wanted {
        match fit(view, request) {
            Ok(place) if best.as_ref().is_none_or(|b| place.pool.free > b.pool.free) => best = Some(place),
            Ok(_) => {}
            Err(refusal) => refusals.push(refusal),
        }
    }
    best.ok_or_else(|| sum_up(refusals))
}

fn chosen(view: &BackendView, choice: &BackendChoice) -> bool {
    match choice {
        BackendChoice::Any => true,
        BackendChoice::Named(name) => view.spec.name == *name,
        BackendChoice::Labelled(labels) => labels.iter().all(|(k, v)| view.spec.labels.get(k) == Some(v)),
    }
}

/// The roomiest pool of one backend that takes the volume.
fn fit(view: &BackendView, request: &VolumeRequest) -> Result<Place, Error> {
    let name = &view.spec.name;
    let report = usable(view)?;
    let size = size_on(report, request).map_err(|error| error.context(format!("backend {name}")))?;
    let pools = report
        .system
        .pools
        .iter()
        .filter(|pool| request.pool.as_ref().is_none_or(|wanted| pool.name == *wanted));
    let roomiest = pools.max_by_key(|pool| pool.free).ok_or_else(|| {
        let all: Vec<&str> = report.system.pools.iter().map(|p| p.name.as_str()).collect();
        let wanted = request.pool.as_deref().unwrap_or("any");
        Error::new(
            ErrorKind::Invalid,
            format!("backend {name}: has no pool {wanted}, only {}", all.join(", ")),
        )
    })?;
    let promised = roomiest.provisioned.get().saturating_add(size.get());
    if roomiest.free == Size::default() || promised > roomiest.provisionable.get() {
        let (free, left) = (
            roomiest.free,
            Size::bytes(roomiest.provisionable.get().saturating_sub(roomiest.provisioned.get())),
        );
        return Err(Error::new(
            ErrorKind::NoCapacity,
            format!(
                "backend {name}: pool {} has no room for {size} ({free} free, {left} left to promise)",
                roomiest.name
            ),
        ));
    }
    Ok(Place { backend: name.clone(), pool: roomiest.clone(), size })
}

fn usable(view: &BackendView) -> Result<&BackendReport, Error> {
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
pub(crate) fn size_on(report: &BackendReport, request: &VolumeRequest) -> Result<Size, Error> {
    let (rules, range) = (&report.sizes, &request.size);
    let wish = if range.required == Size::default() { rules.min } else { range.required };
    let out = |what: String| Err(Error::new(ErrorKind::OutOfRange, what));
    if wish < rules.min {
        return out(format!("{wish} is less than the smallest volume, {}; ask for at least that", rules.min));
    }
    let Some(size) = wish.round_up(rules.step).filter(|size| *size <= rules.max) else {
        return out(format!("{wish} is more than the largest volume, {}", rules.max));
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
