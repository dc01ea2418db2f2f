//! Transitions of conditions, told as events on the object.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use perilune_api::conditions::{ConditionType, transitions};
use perilune_api::names::FIELD_MANAGER;
use perilune_api::operation::{Operation, OperationPhase};

/// The API server takes notes of up to a kilobyte.
const LONGEST_NOTE: usize = 1000;

/// Writes events.
pub(crate) struct Events(Recorder);

impl Events {
    pub(crate) fn new(client: Client, identity: String) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(identity) };
        Self(Recorder::new(client, reporter))
    }

    /// One event about a command that ended.
    pub(crate) async fn told(&self, about: &ObjectReference, operation: &Operation) {
        let event = ended(operation);
        tracing::info!(
            id = operation.id,
            "{}: {}",
            event.reason,
            operation.message.as_deref().unwrap_or_default()
        );
        if let Err(error) = self.0.publish(&event, about).await {
            tracing::debug!(%error, reason = event.reason, "could not write an event");
        }
    }

    /// One event for each transition that somebody may want to know of. A lost event is no reason to fail.
    pub(super) async fn tell(&self, about: &ObjectReference, before: &[Condition], after: &[Condition]) {
        for condition in transitions(before, after) {
            let Some(event) = event(before, condition) else { continue };
            let Condition { type_, status, reason, message, .. } = condition;
            tracing::info!("{type_}={status}, {reason}: {message}");
            if let Err(error) = self.0.publish(&event, about).await {
                tracing::debug!(%error, reason = %condition.reason, "could not write an event");
            }
        }
    }
}

/// What came of a command.
fn ended(operation: &Operation) -> Event {
    let mut note = operation.message.clone().unwrap_or_default();
    note.truncate(note.floor_char_boundary(LONGEST_NOTE));
    let well = operation.phase == OperationPhase::Succeeded;
    Event {
        type_: if well { EventType::Normal } else { EventType::Warning },
        reason: format!("{}{:?}", camel(&operation.verb), operation.phase),
        note: Some(note),
        action: camel(&operation.verb),
        secondary: None,
    }
}

/// `restore-records` as `RestoreRecords`.
fn camel(verb: &str) -> String {
    let part = |part: &str| part.get(..1).map(|first| first.to_uppercase() + &part[1..]).unwrap_or_default();
    verb.split('-').map(part).collect()
}

/// What is well from the start is no news, but for `Ready`.
fn event(before: &[Condition], condition: &Condition) -> Option<Event> {
    let about = ConditionType::parse(&condition.type_)?;
    let well = about.is_well(&condition.status);
    let new = !before.iter().any(|c| c.type_ == condition.type_);
    if condition.status == "Unknown" || (well && new && about != ConditionType::Ready) {
        return None;
    }
    let mut note = format!("{}={}: {}", condition.type_, condition.status, condition.message);
    note.truncate(note.floor_char_boundary(LONGEST_NOTE));
    Some(Event {
        type_: if well { EventType::Normal } else { EventType::Warning },
        reason: condition.reason.clone(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{camel, event};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use kube::runtime::events::EventType;
    use perilune_api::conditions::{Claim, ConditionType, Reason, set};

    fn condition(claim: &Claim) -> Condition {
        let mut conditions = Vec::new();
        set(&mut conditions, claim, Some(1), &Time(jiff::Timestamp::UNIX_EPOCH));
        conditions.remove(0)
    }

    #[test]
    fn a_fault_is_a_warning_and_its_end_is_told_too() {
        let bad = condition(&Claim::no(ConditionType::CredentialsValid, Reason::NewSecretRejected, "x"));
        let good = condition(&Claim::yes(ConditionType::CredentialsValid, Reason::Accepted, "y"));
        let warning = event(&[], &bad).unwrap();
        assert_eq!((warning.type_, warning.reason.as_str()), (EventType::Warning, "NewSecretRejected"));
        assert_eq!(event(&[bad], &good).unwrap().type_, EventType::Normal);
        assert!(event(&[], &good).is_none(), "what is well from the start is no news");
    }

    #[test]
    fn a_commands_reason_is_one_word() {
        assert_eq!(
            (camel("restore-records"), camel("rescan"), camel("")),
            ("RestoreRecords".into(), "Rescan".into(), String::new())
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let claim = Claim::no(ConditionType::Ready, Reason::Failed, "ä".repeat(2000));
        assert!(event(&[], &condition(&claim)).unwrap().note.unwrap().len() <= 1000);
    }
}
