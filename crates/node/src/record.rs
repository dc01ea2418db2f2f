//! Writes this node's `ArrayNode` and nothing else, by server-side apply: when something has changed, and from time to
//! time as a sign of life. The controller finds the node's initiators there.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use perilune_api::{ArrayNode, ArrayNodeSpec, ArrayNodeStatus};
use perilune_csi_node::NodeId;
use perilune_host::{Host, Identity};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::findings;
use crate::plugin::VERSION;

/// Who the fields belong to.
const FIELD_MANAGER: &str = "perilune-node";

/// How often the host is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How old the sign of life may get while nothing changes.
const TELL_EVERY: Duration = Duration::from_secs(300);

/// How long changes are gathered before they are told: a drain or a rack that comes back changes many at once.
const GATHER: Duration = Duration::from_secs(1);

/// When to try again after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Keeps the record true.
#[derive(Debug)]
pub(crate) struct Publisher {
    name: String,
    id: NodeId,
    host: Arc<dyn Host>,
    seen: Option<Identity>,
    told: Option<(ArrayNodeStatus, Instant)>,
}

impl Publisher {
    /// For the node of this name.
    pub(crate) fn new(name: String, id: NodeId, host: Arc<dyn Host>) -> Self {
        Self { name, id, host, seen: None, told: None }
    }

    /// Goes on until it is dropped; failures are told and tried again.
    pub(crate) async fn run(mut self) {
        let (mut client, mut changes) = (None, self.host.changes());
        loop {
            let pause = match self.round(&mut client).await {
                Ok(()) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!("this node's ArrayNode record is not up to date, trying again: {error:#}");
                    RETRY_AFTER
                }
            };
            self.until_due(&mut changes, pause).await;
        }
    }

    /// Waits for the next look: the pause, or a change and a moment for what comes with it.
    async fn until_due(&self, changes: &mut watch::Receiver<u64>, pause: Duration) {
        let changed = tokio::time::timeout(pause, changes.changed()).await;
        if matches!(changed, Ok(Ok(()))) {
            tokio::time::sleep(GATHER).await;
            changes.mark_unchanged();
        } else if matches!(changed, Ok(Err(_))) {
            tokio::time::sleep(pause).await;
        }
    }

    async fn round(&mut self, client: &mut Option<Client>) -> Result<()> {
        let identity = self.host.identity().await.context("looking at the host")?;
        findings::tell(&identity, self.seen.as_ref());
        let staged = self.host.staged().await.context("counting the staged volumes and their paths")?;
        let facts = findings::facts(&identity, &staged, VERSION);
        self.seen = Some(identity);
        if self.told.as_ref().is_some_and(|(told, at)| *told == facts && at.elapsed() < TELL_EVERY) {
            return Ok(());
        }
        let client = match client {
            Some(client) => client,
            None => client.insert(
                Client::try_default()
                    .await
                    .map_err(|error| said("finding the Kubernetes API server", &error))?,
            ),
        };
        self.publish(client, &facts).await?;
        self.told = Some((facts, Instant::now()));
        Ok(())
    }

    /// Writes the record, then its status; both only ever under this node's name.
    pub(crate) async fn publish(&self, client: &Client, facts: &ArrayNodeStatus) -> Result<()> {
        let records: Api<ArrayNode> = Api::all(client.clone());
        let as_owner = PatchParams::apply(FIELD_MANAGER).force();
        let mut record = ArrayNode::new(&self.name, ArrayNodeSpec { node_id: self.id.to_string() });
        record.metadata.owner_references = self.owner(client).await.map(|owner| vec![owner]);
        let there = records
            .patch(&self.name, &as_owner, &Patch::Apply(&record))
            .await
            .map_err(|error| said(&format!("writing the ArrayNode {}", self.name), &error))?;
        let old = there.status.as_ref().map_or(&[][..], |status| &status.conditions);
        let status = findings::dated(facts.clone(), old, there.metadata.generation, Timestamp::now());
        let status = json!({
            "apiVersion": ArrayNode::api_version(&()),
            "kind": ArrayNode::kind(&()),
            "metadata": {"name": self.name},
            "status": status,
        });
        records
            .patch_status(&self.name, &as_owner, &Patch::Apply(&status))
            .await
            .map_err(|error| said(&format!("writing the status of the ArrayNode {}", self.name), &error))?;
        Ok(())
    }

    /// With the Node as owner the record goes when the Node goes. Without it the record is as good, and stays.
    async fn owner(&self, client: &Client) -> Option<OwnerReference> {
        let nodes: Api<Node> = Api::all(client.clone());
        match nodes.get(&self.name).await {
            Ok(node) => Some(OwnerReference {
                api_version: Node::api_version(&()).into_owned(),
                kind: Node::kind(&()).into_owned(),
                name: node.name_any(),
                uid: node.uid()?,
                ..OwnerReference::default()
            }),
            Err(error) => {
                let reason = in_full(&error);
                tracing::warn!(
                    "the Node {} cannot be read, its ArrayNode record will outlive it: {reason}",
                    self.name
                );
                None
            }
        }
    }
}

/// Some of the client's errors quote their causes and some hide them; so each is said once.
fn said(doing: &str, error: &kube::Error) -> anyhow::Error {
    anyhow!("{doing}: {}", in_full(error))
}

fn in_full(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let words = deeper.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests;
