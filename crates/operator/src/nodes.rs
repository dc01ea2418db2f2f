//! What is known of nodes, over the `ArrayNode` objects that the node plugins write.

use std::time::Duration;

use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use perilune_api::ArrayNode;
use perilune_api::node::Protocol;
use perilune_engine::nodes::{NodeFacts, Nodes};
use perilune_engine::{Initiator, LedgerError};

/// How long one request to the API server may take; the engine's own deadline may be shorter.
const PATIENCE: Duration = Duration::from_secs(15);

/// The nodes of a cluster. Each look asks the API server: an adapter that was just replaced must not be missed.
#[derive(Clone)]
pub struct ArrayNodes {
    api: Api<ArrayNode>,
}

impl ArrayNodes {
    /// The nodes of the cluster that `client` speaks with.
    pub fn new(client: Client) -> Self {
        Self { api: Api::all(client) }
    }

    /// The record below the name that the id begins with, or whichever has the id.
    async fn find(&self, node_id: &str) -> Result<Option<ArrayNode>, kube::Error> {
        // the id is the node's name and a short hash; a long name may have been cut, then all are looked at
        if let Some((name, _)) = node_id.rsplit_once('-')
            && let Some(node) = self.api.get_opt(name).await?
            && node.spec.node_id == node_id
        {
            return Ok(Some(node));
        }
        let all = self.api.list(&ListParams::default()).await?;
        Ok(all.items.into_iter().find(|node| node.spec.node_id == node_id))
    }
}

impl std::fmt::Debug for ArrayNodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArrayNodes")
    }
}

#[async_trait::async_trait]
impl Nodes for ArrayNodes {
    async fn get(&self, node_id: &str) -> Result<Option<NodeFacts>, LedgerError> {
        match tokio::time::timeout(PATIENCE, self.find(node_id)).await {
            Ok(found) => found
                .map(|node| node.map(|node| facts(&node)))
                .map_err(|e| LedgerError::Unavailable(e.to_string())),
            Err(_) => Err(LedgerError::Unavailable("the API server did not answer in time".to_owned())),
        }
    }
}

fn facts(node: &ArrayNode) -> NodeFacts {
    let initiators = node.status.iter().flat_map(|status| &status.initiators);
    NodeFacts {
        name: node.name_any(),
        initiators: initiators.map(initiator).collect(),
        ..NodeFacts::default()
    }
}

/// In the one spelling by which arrays compare them.
fn initiator(told: &perilune_api::node::Initiator) -> Initiator {
    match told.protocol {
        Protocol::Iscsi | Protocol::Iser => Initiator::Iqn(told.name.to_ascii_lowercase()),
        Protocol::Fc => {
            let digits = told.name.strip_prefix("0x").unwrap_or(&told.name);
            Initiator::Wwpn(
                digits.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use perilune_api::ArrayNode;
    use perilune_engine::Initiator;
    use serde_json::json;

    use super::facts;

    #[test]
    fn initiators_are_told_in_the_spelling_that_arrays_compare() {
        let node: ArrayNode = serde_json::from_value(json!({
            "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayNode",
            "metadata": {"name": "worker-1"}, "spec": {"nodeID": "worker-1-00112233"},
            "status": {"initiators": [
                {"name": "iqn.2004-10.com.Ubuntu:01:ABC", "protocol": "ISCSI"},
                {"name": "0x21:00:00:24:FF:00:00:01", "protocol": "FC"},
            ]},
        }))
        .unwrap();
        let facts = facts(&node);
        assert_eq!(facts.name, "worker-1");
        assert_eq!(
            facts.initiators,
            [
                Initiator::Iqn("iqn.2004-10.com.ubuntu:01:abc".to_owned()),
                Initiator::Wwpn("21000024ff000001".to_owned())
            ]
        );
    }

    #[test]
    fn a_node_that_told_nothing_yet_has_no_initiators() {
        let node = ArrayNode::new(
            "worker-1",
            perilune_api::ArrayNodeSpec { node_id: "worker-1-00112233".to_owned() },
        );
        assert!(facts(&node).initiators.is_empty());
    }
}
