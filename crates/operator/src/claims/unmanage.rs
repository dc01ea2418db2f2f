//! Letting go of a claim's volume: it stays on the array with its data, and nobody here touches it any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use perilune_api::names::{ANNOTATION_LAST_OPERATION, ANNOTATION_UNMANAGE};
use perilune_api::operation::{Operation, OperationPhase};
use perilune_engine::{Engine, Requeue, VolumeHandle};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::OperatorSettings;
use crate::runner::command::{Command, end, given, pointer};
use crate::runner::events::Events;

/// How long the array may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Carries the command out.
pub(super) struct Unmanage {
    client: Client,
    driver: String,
    engine: Arc<Engine>,
    events: Events,
}

/// How a round ended, if not by a failure to be tried again.
type Ended = Result<String, (OperationPhase, String)>;

impl Unmanage {
    pub(super) fn new(client: Client, settings: &OperatorSettings, engine: Arc<Engine>) -> Self {
        let events = Events::new(client.clone(), settings.identity.clone());
        Self { client, driver: settings.driver_name.clone(), engine, events }
    }

    /// Looks at a claim as it is now and does what it commands. An error is worth another try.
    pub(super) async fn round(&self, namespace: &str, name: &str) -> Result<(), String> {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let Some(claim) = claims.get_opt(name).await.map_err(|error| error.to_string())? else {
            return Ok(());
        };
        let Some(command) = given(claim.annotations(), &[ANNOTATION_UNMANAGE]) else { return Ok(()) };
        if let Some(done) = carried_out(claim.annotations(), &command) {
            return self.clear(&claims, &claim, &command, &done).await;
        }
        let ended = self.carry_out(&claim, &command).await?;
        let record = record(&claim, &command, ended);
        self.clear(&claims, &claim, &command, &record).await?;
        self.events.told(&claim.object_ref(&()), &record).await;
        Ok(())
    }

    async fn carry_out(&self, claim: &PersistentVolumeClaim, command: &Command) -> Result<Ended, String> {
        let rejected = |why: String| Ok(Err((OperationPhase::Rejected, why)));
        if command.value != "true" {
            return rejected(format!("the annotation {ANNOTATION_UNMANAGE} takes only the value \"true\""));
        }
        let Some(bound) = claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref()) else {
            return rejected("the claim has no volume to let go of".to_owned());
        };
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        let volume = volumes.get_opt(bound).await.map_err(|error| error.to_string())?;
        let Some(handle) = volume.as_ref().and_then(|volume| self.handle(volume)) else {
            return rejected(format!("its PersistentVolume {bound} is not one of {}", self.driver));
        };
        if command.dry_run {
            return Ok(Ok(format!(
                "dry run: set {bound} to Retain and take our mark off volume {handle}; nothing is deleted"
            )));
        }
        // first this: whatever comes after, nobody deletes the volume because the claim goes
        let retain = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}});
        let patched = volumes.patch(bound, &PatchParams::default(), &Patch::Merge(&retain)).await;
        patched.map_err(|error| format!("set {bound} to Retain: {error}"))?;
        match self.engine.release_volume(&handle, Instant::now() + PATIENCE).await {
            Ok(()) => Ok(Ok(format!(
                "{bound} is set to Retain and volume {handle} bears our mark no more; it stays on its array with its data. Delete the \
                 claim and {bound} when you like"
            ))),
            Err(failure) if failure.requeue == Requeue::Soon => Err(failure.message),
            Err(failure) => Ok(Err((OperationPhase::Failed, failure.message))),
        }
    }

    fn handle(&self, volume: &PersistentVolume) -> Option<VolumeHandle> {
        let csi = volume.spec.as_ref()?.csi.as_ref()?;
        (csi.driver == self.driver).then(|| csi.volume_handle.parse().ok())?
    }

    /// Takes the command away and writes the record, in one patch; unless somebody altered the command meanwhile.
    async fn clear(
        &self,
        claims: &Api<PersistentVolumeClaim>,
        claim: &PersistentVolumeClaim,
        command: &Command,
        record: &Operation,
    ) -> Result<(), String> {
        let patch = clearing(claim.annotations(), command, record).map_err(|error| error.to_string())?;
        let patch = serde_json::from_value(patch).map_err(|error| error.to_string())?;
        let patch = Patch::<PersistentVolumeClaim>::Json(patch);
        match claims.patch(&claim.name_any(), &PatchParams::default(), &patch).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The record of a command of this id, if it has been carried out.
fn carried_out(annotations: &BTreeMap<String, String>, command: &Command) -> Option<Operation> {
    let record: Operation = serde_json::from_str(annotations.get(ANNOTATION_LAST_OPERATION)?).ok()?;
    (command.id.as_ref() == Some(&record.id) && record.phase.is_over()).then_some(record)
}

fn record(claim: &PersistentVolumeClaim, command: &Command, ended: Ended) -> Operation {
    let now = Time(Timestamp::now());
    let made_up = || format!("{}-{}", command.verb(), claim.resource_version().unwrap_or_default());
    let mut record = command.record(made_up, OperationPhase::Executing, &now);
    match ended {
        Ok(message) => end(&mut record, OperationPhase::Succeeded, &message, &now),
        Err((phase, message)) => end(&mut record, phase, &message, &now),
    }
    record
}

fn clearing(
    annotations: &BTreeMap<String, String>,
    command: &Command,
    record: &Operation,
) -> Result<Value, serde_json::Error> {
    let mut patch = command.clearing(annotations);
    if let Value::Array(operations) = &mut patch {
        let value = serde_json::to_string(record)?;
        operations.push(json!({"op": "add", "path": pointer(ANNOTATION_LAST_OPERATION), "value": value}));
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::api::core::v1::PersistentVolumeClaim;
    use perilune_api::operation::OperationPhase;

    use super::{carried_out, clearing, given, record};

    fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn one_patch_clears_the_command_and_writes_what_came_of_it() {
        let there = annotations(&[("perilune.dev/unmanage", "true"), ("perilune.dev/request-id", "7")]);
        let command = given(&there, &["perilune.dev/unmanage"]).unwrap();
        let done = record(&PersistentVolumeClaim::default(), &command, Ok("gone".to_owned()));
        let patch = clearing(&there, &command, &done).unwrap();
        let steps: Vec<&str> =
            patch.as_array().unwrap().iter().map(|step| step["op"].as_str().unwrap()).collect();
        assert_eq!(steps, ["test", "remove", "test", "remove", "add"]);
        let told = patch[4]["value"].as_str().unwrap();
        let after = annotations(&[("perilune.dev/last-operation", told)]);
        assert_eq!(carried_out(&after, &command).unwrap().phase, OperationPhase::Succeeded);
    }

    #[test]
    fn a_command_without_an_id_is_a_new_one_each_time() {
        let there = annotations(&[("perilune.dev/unmanage", "true")]);
        let command = given(&there, &["perilune.dev/unmanage"]).unwrap();
        let done = record(&PersistentVolumeClaim::default(), &command, Ok("gone".to_owned()));
        let after = annotations(&[("perilune.dev/last-operation", &serde_json::to_string(&done).unwrap())]);
        assert!(carried_out(&after, &command).is_none());
    }
}
