//! A command is carried out once, whatever happens on the way.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use perilune_api::operation::{HISTORY_MAX, Operation, OperationPhase};
use serde_json::json;

use super::{Command, Next, end, given, next, remember};

const RESCAN: &str = "perilune.dev/rescan";

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn command(id: Option<&str>) -> Command {
    Command { key: RESCAN.to_owned(), value: "true".to_owned(), id: id.map(str::to_owned), dry_run: false }
}

fn now() -> Time {
    Time(jiff::Timestamp::UNIX_EPOCH)
}

fn recorded(id: &str, phase: OperationPhase) -> Operation {
    command(Some(id)).record(String::new, phase, &now())
}

#[test]
fn only_verbs_of_the_kind_are_commands() {
    let there =
        annotations(&[("perilune.dev/freeze", "x"), (RESCAN, "true"), ("perilune.dev/request-id", "7")]);
    assert_eq!(given(&there, &[RESCAN]), Some(command(Some("7"))));
    assert_eq!(given(&there, &["perilune.dev/failover"]), None);
}

#[test]
fn a_command_found_again_after_a_crash_is_the_same_one() {
    let begun = recorded("made-up", OperationPhase::Accepted);
    assert_eq!(
        next(Some(command(None)), Some(&begun), &[]),
        Next::Resume(begun.clone(), Some(command(None))),
        "recorded, and not cleared yet"
    );
    assert_eq!(next(None, Some(&begun), &[]), Next::Resume(begun.clone(), None), "cleared, and not done yet");
    let other = command(Some("another"));
    assert_eq!(
        next(Some(other), Some(&begun), &[]),
        Next::Resume(begun, None),
        "another one waits, its annotation stays"
    );
}

#[test]
fn an_id_that_has_ended_is_never_carried_out_again() {
    let done = recorded("7", OperationPhase::Succeeded);
    let again = command(Some("7"));
    assert_eq!(next(Some(again.clone()), Some(&done), &[]), Next::Clear(again.clone()));
    let later = recorded("8", OperationPhase::Rejected);
    assert_eq!(next(Some(again.clone()), Some(&later), &[done]), Next::Clear(again));
}

#[test]
fn without_an_id_each_annotation_is_a_command_of_its_own() {
    let done = recorded("made-up", OperationPhase::Succeeded);
    assert_eq!(next(Some(command(None)), Some(&done), &[]), Next::Accept(command(None)));
    assert_eq!(next(None, Some(&done), &[]), Next::Nothing);
}

#[test]
fn history_is_bounded_and_the_latest_comes_first() {
    let (mut present, mut history) = (None, Vec::new());
    for id in 0..20 {
        remember(&mut present, &mut history, recorded(&id.to_string(), OperationPhase::Succeeded));
    }
    assert_eq!(present.unwrap().id, "19");
    assert_eq!((history.len(), history[0].id.as_str()), (HISTORY_MAX, "18"));
}

#[test]
fn clearing_tests_what_was_read_before_it_removes() {
    let there = annotations(&[(RESCAN, "true"), ("perilune.dev/request-id", "7"), ("theirs", "stays")]);
    let path = "/metadata/annotations/perilune.dev~1rescan";
    let id = "/metadata/annotations/perilune.dev~1request-id";
    assert_eq!(
        command(Some("7")).clearing(&there),
        json!([
            {"op": "test", "path": path, "value": "true"}, {"op": "remove", "path": path},
            {"op": "test", "path": id, "value": "7"}, {"op": "remove", "path": id},
        ])
    );
}

#[test]
fn what_people_write_is_cut_to_what_the_schema_takes() {
    let long = Command { value: "ä".repeat(300), ..command(None) };
    let mut record = long.record(|| "x".to_owned(), OperationPhase::Accepted, &now());
    assert!(record.value.len() <= 256);
    end(&mut record, OperationPhase::Failed, &"m".repeat(5000), &now());
    assert_eq!(record.message.unwrap().len(), 1024);
}
