//! The runner's part in the life of a command: what is written where, and in which order.
//!
//! The record is written before the annotation is cleared, and that before anything is done: whenever the process ends, the next
//! one finds either the annotation or the record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams};
use kube::{Resource, ResourceExt};
use perilune_api::operation::{Operation, OperationPhase};

use super::command::{Command, Next, end, given, next, remember};
use super::{Kind, Runner};

impl<K: Kind> Runner<K> {
    /// Sees to one command. `true`: another one may be waiting.
    pub(super) async fn commands(
        &self,
        object: &K::Object,
        status: &mut K::Status,
    ) -> Result<bool, kube::Error> {
        let command = given(object.annotations(), K::VERBS);
        let record = K::operations(status);
        match next(command, record.present.as_ref(), record.history) {
            Next::Nothing => Ok(false),
            Next::Clear(command) => self.clear(object, &command).await.map(|()| false),
            Next::Accept(command) => self.accept(object, status, &command).await.map(|()| false),
            Next::Resume(operation, command) => {
                let waiting = command.is_none() && given(object.annotations(), K::VERBS).is_some();
                if let Some(command) = command {
                    self.clear(object, &command).await?;
                }
                self.carry_out(object, status, operation).await.map(|()| waiting)
            }
        }
    }

    async fn accept(
        &self,
        object: &K::Object,
        status: &mut K::Status,
        command: &Command,
    ) -> Result<(), kube::Error> {
        let now = now();
        // the version is the object's own: the same annotation gets the same id if this process ends now
        let made_up = || {
            format!("{}-{}", command.verb(), object.resource_version().unwrap_or_else(|| now.0.to_string()))
        };
        let mut operation = command.record(made_up, OperationPhase::Accepted, &now);
        let admitted = self.kind.admit(object, status, command);
        match &admitted {
            Ok(plan) if command.dry_run => {
                end(&mut operation, OperationPhase::Succeeded, &format!("dry run: {plan}"), &now);
            }
            Ok(_) => {}
            Err(why) => end(&mut operation, OperationPhase::Rejected, why, &now),
        }
        let before = status.clone();
        let record = K::operations(status);
        remember(record.present, record.history, operation.clone());
        self.publish(object, Some(&before), status).await?;
        self.clear(object, command).await?;
        if operation.phase.is_over() {
            self.events.told(&object.object_ref(&()), &operation).await;
            return Ok(());
        }
        self.carry_out(object, status, operation).await
    }

    async fn carry_out(
        &self,
        object: &K::Object,
        status: &mut K::Status,
        mut operation: Operation,
    ) -> Result<(), kube::Error> {
        let before = status.clone();
        operation.phase = OperationPhase::Executing;
        *K::operations(status).present = Some(operation.clone());
        self.publish(object, Some(&before), status).await?;
        let before = status.clone();
        match self.kind.execute(object, &operation, status).await {
            Ok(message) => end(&mut operation, OperationPhase::Succeeded, &message, &now()),
            Err(message) => end(&mut operation, OperationPhase::Failed, &message, &now()),
        }
        *K::operations(status).present = Some(operation.clone());
        self.publish(object, Some(&before), status).await?;
        self.events.told(&object.object_ref(&()), &operation).await;
        Ok(())
    }

    /// Takes the annotations away, unless somebody altered them meanwhile: then they are another command.
    async fn clear(&self, object: &K::Object, command: &Command) -> Result<(), kube::Error> {
        let none = BTreeMap::new();
        let annotations = object.meta().annotations.as_ref().unwrap_or(&none);
        let patch = serde_json::from_value(command.clearing(annotations)).map_err(kube::Error::SerdeError)?;
        let patch = Patch::<K::Object>::Json(patch);
        match self.api.patch(&object.name_any(), &PatchParams::default(), &patch).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn now() -> Time {
    Time(Timestamp::now())
}
