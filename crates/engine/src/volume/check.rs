//! What is judged of volumes without any array: is this the volume that was asked for, may it go, may it be this small?

use std::collections::BTreeMap;

use perilune_array::{Error, ErrorKind, Size};
use tokio::time::Instant;

use super::{VolumeView, source_text, usable, view};
use crate::attach::holders;
use crate::ledger::Entry;
use crate::{ContentSource, Engine, Failure, UseCase, VolumeHandle, VolumeRequest, qos};

/// Does a volume have what these parameters ask for?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeQuestion {
    pub volume: VolumeHandle,
    /// Of a StorageClass; empty: not asked.
    pub parameters: BTreeMap<String, String>,
    /// Of a VolumeAttributesClass; empty: not asked.
    pub mutable: BTreeMap<String, String>,
}

impl Engine {
    /// The volume, and what about it is not as the parameters say; `None`: nothing.
    pub async fn check_volume(
        &self,
        question: &VolumeQuestion,
        deadline: Instant,
    ) -> Result<(VolumeView, Option<String>), Failure> {
        let entry = self.known(UseCase::Inspect, &question.volume, deadline).await?;
        Ok((view(&entry), objection(&entry, question)))
    }
}

fn objection(entry: &Entry, question: &VolumeQuestion) -> Option<String> {
    if let Err(error) = usable(entry) {
        return Some(error.to_string());
    }
    if let Err(error) = qos::wish(&question.mutable) {
        return Some(format!("mutable_parameters: {error}"));
    }
    differing("parameters", &entry.parameters, &question.parameters)
        .or_else(|| differing("mutable_parameters", &entry.mutable, &question.mutable))
}

/// The first key that is asked for otherwise than it is.
fn differing(what: &str, is: &BTreeMap<String, String>, asked: &BTreeMap<String, String>) -> Option<String> {
    asked.iter().find(|(key, value)| is.get(*key) != Some(value)).map(|(key, value)| match is.get(key) {
        Some(has) => format!("{what}.{key}: the volume has {has:?}, not {value:?}"),
        None => format!("{what}.{key}: the volume was made without it"),
    })
}

/// Is a record what this request asks for?
pub(super) fn same_request(entry: &Entry, request: &VolumeRequest) -> Result<(), Error> {
    let differs = |what: &str| {
        Err(Error::new(
            ErrorKind::Exists,
            format!("a volume of this name exists with another {what} (record {})", entry.id),
        ))
    };
    if entry.size < request.size.required || request.size.limit.is_some_and(|limit| entry.size > limit) {
        return differs("size");
    }
    if entry.source != request.source.as_ref().map(source_text) {
        return differs("content source");
    }
    if entry.parameters != request.parameters {
        return differs("set of parameters");
    }
    if differing("", &entry.mutable, &request.mutable).is_some() {
        return differs("set of mutable parameters");
    }
    if !crate::topology::satisfies(&entry.topology, &request.topology) {
        return differs("topology");
    }
    Ok(())
}

/// May the volume go?
pub(crate) fn unused(entry: &Entry) -> Result<(), Error> {
    let holders = holders(entry);
    if !holders.is_empty() {
        return Err(Error::new(
            ErrorKind::InUse,
            format!("it is published to {}; detach it there first", holders.join(", ")),
        ));
    }
    if !entry.snapshots.is_empty() {
        let names: Vec<&str> = entry.snapshots.iter().map(|s| s.csi_name.as_str()).collect();
        return Err(Error::new(
            ErrorKind::InUse,
            format!("its snapshots would go with it; delete them first: {}", names.join(", ")),
        ));
    }
    Ok(())
}

/// A copy without a size of its own gets its source's; a smaller one is refused.
pub(super) fn with_source_size(
    request: &VolumeRequest,
    origin: Option<&Entry>,
) -> Result<VolumeRequest, Error> {
    let mut request = request.clone();
    let Some(origin) = origin else { return Ok(request) };
    let needed = match &request.source {
        Some(ContentSource::Snapshot(handle)) => origin
            .snapshots
            .iter()
            .find(|s| s.native.as_ref() == Some(&handle.native))
            .map_or(origin.size, |s| s.size),
        _ => origin.size,
    };
    if request.size.required == Size::default() {
        request.size.required = needed;
    }
    if request.size.required < needed {
        let asked = request.size.required;
        return Err(Error::new(ErrorKind::OutOfRange, format!("{asked} is less than its source's {needed}")));
    }
    Ok(request)
}
