//! The port to what is known of nodes: who they are to an array.

use std::fmt;

use perilune_array::Initiator;

use crate::LedgerError;

/// What the node plugin told of its node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFacts {
    /// The Kubernetes Node's name; hosts on arrays are named after it.
    pub name: String,
    /// All ports that it can reach an array with.
    pub initiators: Vec<Initiator>,
    /// It was cut off on purpose and must not be given anything until that is undone: the reason.
    pub fenced: Option<String>,
}

/// Finds nodes by their CSI node id. `operator` implements it over `ArrayNode` objects.
#[async_trait::async_trait]
pub trait Nodes: Send + Sync + fmt::Debug {
    /// The node of that id; `None`: there is none, and none of that id may be given a volume.
    async fn get(&self, node_id: &str) -> Result<Option<NodeFacts>, LedgerError>;
}

/// A directory of nodes in memory, for tests.
#[cfg(any(test, feature = "fake"))]
pub mod memory {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use super::{NodeFacts, Nodes};
    use crate::LedgerError;

    #[derive(Debug, Default)]
    pub struct MemoryNodes(Mutex<BTreeMap<String, NodeFacts>>);

    impl MemoryNodes {
        /// The node is there, with these facts from now on.
        pub fn put(&self, node_id: &str, facts: NodeFacts) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(node_id.to_owned(), facts);
        }

        pub fn remove(&self, node_id: &str) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(node_id);
        }
    }

    #[async_trait::async_trait]
    impl Nodes for MemoryNodes {
        async fn get(&self, node_id: &str) -> Result<Option<NodeFacts>, LedgerError> {
            Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node_id).cloned())
        }
    }
}
