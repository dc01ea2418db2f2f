//! The CSI id of a node: what the controller knows it by, and finds its `ArrayNode` record with.

use std::fmt;

use perilune_csi::Failure;
use sha2::{Digest, Sha256};

/// What CSI promises to carry everywhere.
const LIMIT: usize = 128;

/// Enough of the digest that two machines under one name are told apart.
const HASH_BYTES: usize = 4;

/// The node's name and a short hash. The name is for people; the hash changes when the machine behind the name is
/// another one, so that the array's host object of the old one is not taken for that of the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeId(String);

impl NodeId {
    /// From the name in Kubernetes and the contents of `/etc/machine-id`.
    pub fn new(node_name: &str, machine_id: &str) -> Result<Self, Failure> {
        let machine_id = machine_id.trim();
        if machine_id.len() != 32 || !machine_id.bytes().all(|b| b.is_ascii_hexdigit()) {
            let problem = "is not 32 hex digits; run systemd-machine-id-setup on the node";
            return Err(Failure::field("machine id", format!("{machine_id:?} {problem}")));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        if node_name.is_empty() || !node_name.bytes().all(plain) {
            return Err(Failure::field("node name", format!("{node_name:?} is not the name of a node")));
        }
        // The name is hashed too, so that long names that begin alike stay apart when they are cut.
        let digest =
            Sha256::new().chain_update(node_name).chain_update(b"\0").chain_update(machine_id).finalize();
        let hash = hex::encode(&digest[..HASH_BYTES]);
        let room = LIMIT - hash.len() - 1;
        Ok(Self(format!("{}-{hash}", &node_name[..node_name.len().min(room)])))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn another_machine_under_the_same_name_has_another_id() {
        let id = |machine: &str| NodeId::new("worker-1.example.org", machine).unwrap();
        assert_eq!(id(MACHINE), id(&format!("{MACHINE}\n")));
        assert_ne!(id(MACHINE), id(&MACHINE.replace('0', "1")));
        assert!(id(MACHINE).as_str().starts_with("worker-1.example.org-"));
    }

    #[test]
    fn the_longest_names_still_make_short_and_different_ids() {
        let long = "n".repeat(253);
        let (one, other) = (NodeId::new(&long, MACHINE).unwrap(), NodeId::new(&long[1..], MACHINE).unwrap());
        assert_eq!(one.as_str().len(), LIMIT);
        assert_ne!(one, other);
    }

    #[test]
    fn an_unset_machine_id_is_refused_with_a_remedy() {
        let failure = NodeId::new("worker-1", "uninitialized\n").unwrap_err();
        assert!(failure.message.contains("systemd-machine-id-setup"), "{failure}");
        assert!(NodeId::new("", MACHINE).is_err());
    }
}
