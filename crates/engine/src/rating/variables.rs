//! What expressions see.

use std::collections::{BTreeMap, HashMap};

use cel::Value;
use perilune_array::{Capabilities, Protocol, Size};

use super::Question;
use crate::ContentSource;
use crate::fleet::BackendReport;
use crate::placement::Room;
use crate::request::VolumeRequest;

pub(super) const NAMES: [&str; 3] = ["pool", "volume", "capabilities"];

pub(super) fn all(question: &Question<'_>, room: Room) -> [(&'static str, Value); 3] {
    [
        ("pool", pool(question, room)),
        ("volume", volume(question.request, question.size)),
        ("capabilities", capabilities(question.report)),
    ]
}

fn pool(question: &Question<'_>, room: Room) -> Value {
    let pool = question.pool;
    let none = BTreeMap::new();
    let labels = question.spec.pool(&pool.name).map_or(&none, |spec| &spec.labels);
    let share = u128::from(pool.free.get()) * 100 / u128::from(pool.total.get().max(1));
    map([
        ("name", Value::from(pool.name.as_str())),
        ("labels", words(labels)),
        ("total", bytes(pool.total)),
        ("free", bytes(pool.free)),
        ("provisioned", bytes(pool.provisioned)),
        ("left", bytes(room.promise)),
        ("totalGiB", gib(pool.total)),
        ("freeGiB", gib(pool.free)),
        ("provisionedGiB", gib(pool.provisioned)),
        ("leftGiB", gib(room.promise)),
        ("freePercent", Value::Int(i64::try_from(share).unwrap_or(100))),
    ])
}

fn volume(request: &VolumeRequest, size: Size) -> Value {
    let source = match &request.source {
        None => "",
        Some(ContentSource::Volume(_)) => "volume",
        Some(ContentSource::Snapshot(_)) => "snapshot",
    };
    let claim = request.claim.as_ref();
    map([
        ("name", Value::from(request.csi_name.as_str())),
        ("size", bytes(size)),
        ("sizeGiB", gib(size.round_up(Size::gib(1)).unwrap_or(size))),
        ("parameters", words(&request.parameters)),
        ("source", Value::from(source)),
        ("namespace", Value::from(claim.map_or("", |claim| claim.namespace.as_str()))),
        ("claim", Value::from(claim.map_or("", |claim| claim.name.as_str()))),
    ])
}

fn capabilities(report: &BackendReport) -> Value {
    let Capabilities { snapshots, groups, group_snapshots, mirrors, role_swap, qos, rename, .. } =
        report.capabilities;
    let protocol = |protocol: &Protocol| match protocol {
        Protocol::Iscsi => "ISCSI",
        Protocol::Fc => "FC",
    };
    let protocols: Vec<Value> = report.protocols.iter().map(|p| Value::from(protocol(p))).collect();
    map([
        ("snapshots", Value::Bool(snapshots)),
        ("groups", Value::Bool(groups)),
        ("groupSnapshots", Value::Bool(group_snapshots)),
        ("mirrors", Value::Bool(mirrors)),
        ("roleSwap", Value::Bool(role_swap)),
        ("qos", Value::Bool(qos)),
        ("rename", Value::Bool(rename)),
        ("protocols", Value::from(protocols)),
    ])
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::from(HashMap::from(pairs.map(|(key, value)| (key.to_owned(), value))))
}

fn words(pairs: &BTreeMap<String, String>) -> Value {
    let pairs = pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Value::from(pairs.collect::<HashMap<String, Value>>())
}

fn bytes(size: Size) -> Value {
    Value::Int(i64::try_from(size.get()).unwrap_or(i64::MAX))
}

fn gib(size: Size) -> Value {
    Value::Int(i64::try_from(size.get() >> 30).unwrap_or(i64::MAX))
}
