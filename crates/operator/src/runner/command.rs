//! The life of a command given by annotation, the same for every kind: taken in once, recorded before anything is done,
//! cleared, carried out, told, remembered.
//!
//! The pure part is here: what to do next about an object's annotations and the record in its status.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use perilune_api::names::{ANNOTATION_DRY_RUN, ANNOTATION_REQUEST_ID};
use perilune_api::operation::{HISTORY_MAX, Operation, OperationPhase};
use serde_json::{Value, json};

/// What the schema takes.
const LONGEST_VALUE: usize = 256;
const LONGEST_ID: usize = 128;
const LONGEST_MESSAGE: usize = 1024;

/// A command as it stands in the annotations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    /// The annotation's key.
    pub(crate) key: String,
    pub(crate) value: String,
    /// The id that the author gave it.
    pub(crate) id: Option<String>,
    /// Only say what would be done.
    pub(crate) dry_run: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Nobody commands anything.
    Nothing,
    /// It was carried out before; only the annotation is to go.
    Clear(Command),
    /// A new one: record it, clear the annotation, carry it out.
    Accept(Command),
    /// One that was recorded and perhaps begun before a restart: carry it out. What is left of its annotation is to go.
    Resume(Operation, Option<Command>),
}

impl Command {
    /// The verb: the key without our group.
    pub(crate) fn verb(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// The record of it. An id that nobody gave is made up.
    pub(crate) fn record(
        &self,
        made_up: impl FnOnce() -> String,
        phase: OperationPhase,
        now: &Time,
    ) -> Operation {
        Operation {
            id: self.id.clone().unwrap_or_else(made_up),
            verb: self.verb().to_owned(),
            value: cut(&self.value, LONGEST_VALUE),
            phase,
            message: None,
            start_time: now.clone(),
            completion_time: None,
        }
    }

    /// The JSON patch that takes the annotations away, if they still say what was read.
    pub(crate) fn clearing(&self, annotations: &BTreeMap<String, String>) -> Value {
        let ours = [self.key.as_str(), ANNOTATION_REQUEST_ID, ANNOTATION_DRY_RUN];
        let there =
            ours.into_iter().filter_map(|key| annotations.get(key).map(|value| (pointer(key), value)));
        let operations = there.flat_map(|(path, value)| {
            [json!({"op": "test", "path": path, "value": value}), json!({"op": "remove", "path": path})]
        });
        operations.collect()
    }
}

/// The first of `verbs` that stands in the annotations.
pub(crate) fn given(annotations: &BTreeMap<String, String>, verbs: &[&str]) -> Option<Command> {
    let (key, value) = verbs.iter().find_map(|verb| annotations.get_key_value(*verb))?;
    Some(Command {
        key: key.clone(),
        value: value.clone(),
        id: annotations.get(ANNOTATION_REQUEST_ID).map(|id| cut(id, LONGEST_ID)).filter(|id| !id.is_empty()),
        dry_run: annotations.get(ANNOTATION_DRY_RUN).is_some_and(|value| value == "true"),
    })
}

/// What to do, by what is commanded and what is recorded.
pub(super) fn next(command: Option<Command>, present: Option<&Operation>, history: &[Operation]) -> Next {
    let unfinished = present.filter(|operation| !operation.phase.is_over());
    let Some(command) = command else {
        return unfinished.map_or(Next::Nothing, |operation| Next::Resume(operation.clone(), None));
    };
    if let Some(operation) = unfinished {
        // the process ended between the record and the clearing: the same annotation is the same command
        let same = operation.verb == command.verb()
            && operation.value == cut(&command.value, LONGEST_VALUE)
            && command.id.as_ref().is_none_or(|id| *id == operation.id);
        return Next::Resume(operation.clone(), same.then_some(command));
    }
    let ended = |id: &String| present.into_iter().chain(history).any(|operation| operation.id == *id);
    if command.id.as_ref().is_some_and(ended) { Next::Clear(command) } else { Next::Accept(command) }
}

/// Puts an operation in the present one's place, which goes down in history.
pub(super) fn remember(present: &mut Option<Operation>, history: &mut Vec<Operation>, new: Operation) {
    if let Some(old) = present.replace(new) {
        history.insert(0, old);
        history.truncate(HISTORY_MAX);
    }
}

/// How it ended.
pub(crate) fn end(operation: &mut Operation, phase: OperationPhase, message: &str, now: &Time) {
    operation.phase = phase;
    operation.message = Some(cut(message, LONGEST_MESSAGE));
    operation.completion_time = Some(now.clone());
}

/// An annotation's key as part of a JSON pointer.
pub(crate) fn pointer(key: &str) -> String {
    format!("/metadata/annotations/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn cut(text: &str, longest: usize) -> String {
    text[..text.floor_char_boundary(longest)].to_owned()
}

#[cfg(test)]
mod tests;
