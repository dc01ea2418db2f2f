//! Host objects on arrays that keep maps: found, made and mended from what the nodes tell.

use perilune_array::{Error, ErrorKind, Host, HostId, HostSpec, Initiator, Name};

use crate::guard::{Op, Step};
use crate::nodes::NodeFacts;
use crate::{Engine, naming};

/// What to do about a node's host: a pure function of what the array shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    Make,
    /// It lacks ports of the node.
    Mend(HostId, Vec<Initiator>),
    Done(HostId),
}

fn next(seen: Option<&Host>, initiators: &[Initiator]) -> Next {
    let Some(host) = seen else { return Next::Make };
    let missing = initiators.iter().any(|initiator| !host.initiators.contains(initiator));
    // a port that the node has no more would let whoever has it now reach the node's volumes
    let strange = host.initiators.iter().any(|initiator| !initiators.contains(initiator));
    if missing || strange {
        return Next::Mend(host.id.clone(), initiators.to_vec());
    }
    Next::Done(host.id.clone())
}

impl Engine {
    /// The host that stands for the node, with exactly the node's ports.
    pub(super) async fn ensure_host(&self, op: &Op, facts: &NodeFacts) -> Result<HostId, Error> {
        if facts.initiators.is_empty() {
            let text = format!(
                "the node has no initiator: neither iSCSI nor Fibre Channel was found there; see `kubectl describe arraynode {}`",
                facts.name
            );
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        self.guard.run(op, |step| converge(step, facts.clone())).await
    }
}

async fn converge(step: Step, facts: NodeFacts) -> Result<HostId, Error> {
    let access = step.array.access();
    let name = naming::host(&step.array.profile().volume_names, &facts.name);
    let spec = HostSpec { name, initiators: facts.initiators.clone() };
    let seen = access.find_host(&spec).await?;
    let managed = step.view.spec.hosts.managed;
    match next(seen.as_ref(), &facts.initiators) {
        Next::Done(id) => Ok(id),
        Next::Make if managed => Ok(step.change(access.create_host(&spec)).await?.id),
        Next::Mend(id, initiators) if managed => {
            Ok(step.change(access.update_host(&id, &initiators)).await?.id)
        }
        Next::Make => Err(Error::new(
            ErrorKind::WrongState,
            format!(
                "no host on the array has the ports of node {}, and spec.hosts.management says that hosts are made by hand; define it there",
                facts.name
            ),
        )),
        // by hand means by hand: ports beyond the node's may be meant
        Next::Mend(id, initiators) => {
            match seen.filter(|host| initiators.iter().all(|i| host.initiators.contains(i))) {
                Some(host) => Ok(host.id),
                None => Err(Error::new(
                    ErrorKind::WrongState,
                    format!(
                        "host {id} lacks ports of node {}, and hosts are kept by hand; add them there",
                        facts.name
                    ),
                )),
            }
        }
    }
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

    fn host(ports: &[&str]) -> Host {
        Host {
            id: HostId::new("h"),
            name: Name::new("node"),
            initiators: ports.iter().map(|port| iqn(port)).collect(),
        }
    }

    #[test]
    fn a_host_is_made_once_and_mended_when_the_nodes_ports_changed() {
        let ports = [iqn("a"), iqn("b")];
        let mend = Next::Mend(HostId::new("h"), ports.to_vec());
        assert_eq!(next(None, &ports), Next::Make);
        assert_eq!(next(Some(&host(&["b", "a"])), &ports), Next::Done(HostId::new("h")));
        assert_eq!(next(Some(&host(&["a"])), &ports), mend, "a port was added");
        assert_eq!(next(Some(&host(&["a", "b", "c"])), &ports), mend, "a port was taken out");
    }
}
