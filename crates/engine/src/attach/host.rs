//! Host objects on arrays that keep maps: found, made and mended from what the nodes tell.

use perilune_array::{Error, ErrorKind, Host, HostId, HostSpec, Initiator, Name};

use crate::failure::of_ledger;
use crate::guard::{Op, Step};
use crate::nodes::NodeFacts;
use crate::{Engine, naming};

/// What to do about a node's host: a pure function of what the array shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    Make,
    /// Its ports are to be these.
    Mend(HostId, Vec<Initiator>),
    Done(HostId),
    /// It is somebody else's too, who would lose access.
    Shared(Host),
}

/// `seen` owns a port of the node; `known` is what the record calls the node's host, should all its ports be new.
fn next(seen: Option<&Host>, known: Option<&HostId>, name: &Name, initiators: &[Initiator]) -> Next {
    let Some(host) = seen else {
        return known.map_or(Next::Make, |id| Next::Mend(id.clone(), initiators.to_vec()));
    };
    let ours = host.name == *name || known == Some(&host.id);
    let strange = host.initiators.iter().any(|initiator| !initiators.contains(initiator));
    let missing = initiators.iter().any(|initiator| !host.initiators.contains(initiator));
    match (ours, strange, missing) {
        (_, false, false) => Next::Done(host.id.clone()),
        // a port that the node has no more would let whoever has it now reach the node's volumes
        (true, _, _) | (false, false, true) => Next::Mend(host.id.clone(), initiators.to_vec()),
        (false, true, _) => Next::Shared(host.clone()),
    }
}

impl Engine {
    /// The host that stands for the node, with exactly the node's ports.
    pub(super) async fn ensure_host(&self, op: &Op, node: &str, facts: &NodeFacts) -> Result<HostId, Error> {
        if facts.initiators.is_empty() {
            let text = format!(
                "the node has no initiator: neither iSCSI nor Fibre Channel was found there; see `kubectl describe arraynode {}`",
                facts.name
            );
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        let known = self.known_host(&op.backend, node)?;
        self.guard.run(op, |step| converge(step, facts.clone(), known.clone())).await
    }

    /// The host that the node's other volumes of this backend are mapped to.
    fn known_host(&self, backend: &str, node: &str) -> Result<Option<HostId>, Error> {
        let entries = self.index().entries().map_err(|error| of_ledger("look the node's host up", error))?;
        let of_node = entries.iter().filter(|entry| entry.backend == backend).flat_map(|e| &e.attachments);
        Ok(of_node.filter(|attached| attached.node == node).find_map(|attached| attached.host.clone()))
    }
}

async fn converge(step: Step, facts: NodeFacts, known: Option<HostId>) -> Result<HostId, Error> {
    let access = step.array.access();
    let name = naming::host(&step.array.profile().volume_names, &facts.name);
    let spec = HostSpec { name, initiators: facts.initiators.clone() };
    let seen = access.find_host(&spec).await?;
    if !step.view.spec.hosts.managed {
        return by_hand(seen, &facts);
    }
    match next(seen.as_ref(), known.as_ref(), &spec.name, &facts.initiators) {
        Next::Done(id) => Ok(id),
        Next::Make => make(&step, &spec).await,
        Next::Mend(id, initiators) => match step.change(access.update_host(&id, &initiators)).await {
            Ok(host) => Ok(host.id),
            // an administrator ended it, and all its maps
            Err(error) if error.kind() == ErrorKind::NotFound => make(&step, &spec).await,
            Err(error) => Err(error),
        },
        Next::Shared(host) => Err(Error::new(
            ErrorKind::WrongState,
            format!(
                "host {} on the array has ports of node {} and others beside them; give each node a host of its own there, \
                 or set spec.hosts.management to Existing",
                host.name, facts.name
            ),
        )),
    }
}

/// Makes the host; under another name, if a forgotten one of the node's earlier ports has the name still.
async fn make(step: &Step, spec: &HostSpec) -> Result<HostId, Error> {
    let access = step.array.access();
    match step.change(access.create_host(spec)).await {
        Err(error) if error.kind() == ErrorKind::Exists => {
            let name = naming::host_again(&step.array.profile().volume_names, &spec.name, &spec.initiators);
            let again = HostSpec { name, ..spec.clone() };
            Ok(step.change(access.create_host(&again)).await?.id)
        }
        answer => Ok(answer?.id),
    }
}

/// By hand means by hand: nothing is altered, and ports beyond the node's may be meant.
fn by_hand(seen: Option<Host>, facts: &NodeFacts) -> Result<HostId, Error> {
    let node = &facts.name;
    let text = match seen {
        None => format!(
            "no host on the array has the ports of node {node}, and spec.hosts.management says that hosts are made by hand; \
             define it there"
        ),
        Some(host) if facts.initiators.iter().all(|i| host.initiators.contains(i)) => return Ok(host.id),
        Some(host) => format!(
            "host {} lacks ports of node {node}, and hosts are kept by hand; add them there",
            host.name
        ),
    };
    Err(Error::new(ErrorKind::WrongState, text))
}

/// With access by account: the account that stands for all hosts.
pub(super) async fn account(step: &Step, node: &str) -> Result<HostId, Error> {
    let access = step.array.access();
    let spec = unknown(node);
    match access.find_host(&spec).await? {
        Some(host) => Ok(host.id),
        None => Ok(step.change(access.create_host(&spec)).await?.id),
    }
}

pub(super) fn unknown(node: &str) -> HostSpec {
    HostSpec { name: Name::new(node), initiators: Vec::new() }
}

/// The host goes with its last mapping, where the administrator wants that. One that is still used says so itself.
pub(super) async fn end_unused(step: &Step, host: &HostId) -> Result<(), Error> {
    let policy = step.view.spec.hosts;
    if !policy.managed || !policy.delete_unused {
        return Ok(());
    }
    match step.change(step.array.access().delete_host(host)).await {
        Err(error) if matches!(error.kind(), ErrorKind::InUse | ErrorKind::NotFound) => Ok(()),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, next};
    use perilune_array::{Host, HostId, Initiator, Name};

    fn iqn(name: &str) -> Initiator {
        Initiator::Iqn(format!("iqn.2026-01.test:{name}"))
    }

    fn host(name: &str, ports: &[&str]) -> Host {
        let initiators = ports.iter().map(|port| iqn(port)).collect();
        Host { id: HostId::new("h"), name: Name::new(name), initiators }
    }

    fn of(seen: Option<&Host>, known: Option<&HostId>) -> Next {
        next(seen, known, &Name::new("node"), &[iqn("a"), iqn("b")])
    }

    #[test]
    fn a_host_is_made_once_and_mended_when_the_nodes_ports_changed() {
        let id = HostId::new("h");
        let mend = Next::Mend(id.clone(), vec![iqn("a"), iqn("b")]);
        assert_eq!(of(None, None), Next::Make);
        assert_eq!(of(None, Some(&id)), mend, "all ports are new");
        assert_eq!(of(Some(&host("node", &["b", "a"])), None), Next::Done(id));
        assert_eq!(of(Some(&host("node", &["a"])), None), mend, "a port was added");
        assert_eq!(of(Some(&host("node", &["a", "b", "c"])), None), mend, "a port was taken out");
    }

    #[test]
    fn a_host_that_others_share_is_not_taken_from_them() {
        let theirs = host("cluster", &["a", "b", "other-node"]);
        assert_eq!(of(Some(&theirs), None), Next::Shared(theirs.clone()));
        assert_eq!(
            of(Some(&theirs), Some(&theirs.id)),
            Next::Mend(theirs.id.clone(), vec![iqn("a"), iqn("b")])
        );
        assert_eq!(of(Some(&host("cluster", &["a", "b"])), None), Next::Done(HostId::new("h")));
        assert!(
            matches!(of(Some(&host("cluster", &["a"])), None), Next::Mend(..)),
            "it lacks a port, and is nobody else's"
        );
    }
}
