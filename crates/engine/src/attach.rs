//! Publish and unpublish: making a volume reachable for a node, and ending that.
//!
//! The record of attachments is written before a map is made and after it is proved gone, so that it never says less
//! than the array does.

mod host;

use perilune_array::{AccessModel, Error, ErrorKind, HostId, Mapping, Path, Size, Wwid};
use tokio::time::Instant;

use crate::engine::within;
use crate::guard::{Op, Step};
use crate::ledger::{Attached, Departed, Entry};
use crate::nodes::NodeFacts;
use crate::volume::{LATE_EXECUTION, MAKING, usable};
use crate::{Engine, Failure, UseCase, VolumeHandle};

/// A volume that a node should reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    pub volume: VolumeHandle,
    /// The CSI node id.
    pub node: String,
    pub read_only: bool,
    /// May other nodes reach it at the same time?
    pub shared: bool,
}

/// Everything a node needs to find the volume and to know that it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub wwid: Wwid,
    pub wwid_alt: Option<Wwid>,
    pub size: Size,
    pub paths: Vec<Path>,
    pub min_paths: u16,
    pub read_only: bool,
    /// Changes when the volume's identity or content was exchanged beneath its handle.
    pub generation: u64,
}

impl Engine {
    /// Makes the volume reachable for the node; a second call answers the same.
    pub async fn publish(&self, request: &PublishRequest, deadline: Instant) -> Result<Attachment, Failure> {
        let doing = UseCase::Publish;
        let _held = self.guard.hold(doing, &request.volume.to_string())?;
        let entry = self.known(doing, &request.volume, deadline).await?;
        let fail = |error: Error| {
            Failure::of(
                doing,
                &error.context(format!(
                    "publish volume {} ({}) to node {}",
                    entry.csi_name, request.volume, request.node
                )),
            )
        };
        let facts = self.facts(&request.node, deadline).await.map_err(fail)?;
        admit(&entry, request, facts.as_ref()).map_err(fail)?;
        self.attach(&entry, request, facts, deadline).await.map_err(fail)
    }

    /// Ends the node's access; without a node, everybody's. A second call does nothing.
    pub async fn unpublish(
        &self,
        volume: &VolumeHandle,
        node: Option<&str>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let doing = UseCase::Unpublish;
        let _held = self.guard.hold(doing, &volume.to_string())?;
        let Some(mut entry) = self.entry(doing, volume, deadline).await? else { return Ok(()) };
        let fail = |error: Error| Failure::of(doing, &error.context(format!("unpublish volume {volume}")));
        let leaving: Vec<Attached> =
            entry.attachments.iter().filter(|a| node.is_none_or(|node| a.node == node)).cloned().collect();
        for attached in &leaving {
            self.detach(&entry, attached, deadline).await.map_err(fail)?;
        }
        if leaving.is_empty() {
            // a request to attach that stood still, or whose record is still on its way, finds another version and ends
            self.note(&entry, deadline).await.map_err(fail)?;
            return Ok(());
        }
        entry.attachments.retain(|a| !leaving.contains(a));
        let now = self.clock.now();
        let young =
            |attached: &Attached| attached.since.is_some_and(|at| self.clock.since(at) < LATE_EXECUTION);
        for Attached { node, host, .. } in leaving.into_iter().filter(young) {
            let Some(host) = host else { continue };
            entry.departed.retain(|departed| departed.host != host);
            entry.departed.push(Departed { node, host, at: now });
        }
        self.note(&entry, deadline).await.map_err(fail)?;
        Ok(())
    }

    /// What is known of a node; `None` only where nobody gave the engine a directory of nodes.
    async fn facts(&self, node: &str, deadline: Instant) -> Result<Option<NodeFacts>, Error> {
        let Some(nodes) = &self.nodes else { return Ok(None) };
        match within(deadline, nodes.get(node)).await? {
            Some(facts) => Ok(Some(facts)),
            None => Err(Error::new(
                ErrorKind::NotFound,
                "there is no such node; `kubectl get arraynodes` lists those whose plugin has started",
            )),
        }
    }

    /// Host, record, map: in this order, so that the record names the host before anything is mapped to it.
    async fn attach(
        &self,
        entry: &Entry,
        request: &PublishRequest,
        facts: Option<NodeFacts>,
        deadline: Instant,
    ) -> Result<Attachment, Error> {
        let op = self.attach_op(UseCase::Publish, entry, deadline);
        let (session, view) = self.fleet.session(&entry.backend)?;
        let by_map = session.array.profile().access == AccessModel::Mapping;
        self.within_limit(
            entry,
            request,
            session.array.profile().volumes_per_host,
            view.spec.limits.volumes_per_node,
        )?;
        let _alone = match by_map {
            true => Some(self.guard.wait(&host_lock(&entry.backend, &request.node), deadline).await?),
            false => None,
        };
        let host = match (by_map, facts) {
            (true, Some(facts)) => Some(self.ensure_host(&op, &request.node, &facts).await?),
            (true, None) => {
                let text = "this array maps volumes to hosts, and nothing is known of nodes";
                return Err(Error::new(ErrorKind::Bug, text));
            }
            (false, _) => None,
        };
        let entry = self.record_attachment(entry.clone(), request, host.clone(), deadline).await?;
        self.guard.run(&op, |step| map_once(step, entry.clone(), request.clone(), host.clone())).await
    }

    /// As many volumes on one node as array and administrator allow.
    fn within_limit(
        &self,
        entry: &Entry,
        request: &PublishRequest,
        array: Option<u32>,
        administrator: Option<u32>,
    ) -> Result<(), Error> {
        let Some(limit) = array.into_iter().chain(administrator).min() else { return Ok(()) };
        if entry.attachments.iter().any(|a| a.node == request.node) {
            return Ok(());
        }
        let entries = self
            .index()
            .entries()
            .map_err(|error| crate::failure::of_ledger("count the node's volumes", error))?;
        let here = |other: &Entry| {
            other.backend == entry.backend && other.attachments.iter().any(|a| a.node == request.node)
        };
        let count = entries.iter().filter(|other| here(other)).count();
        if u32::try_from(count).is_ok_and(|count| count < limit) {
            return Ok(());
        }
        let text = format!(
            "the node has {count} volumes of backend {} already, and {limit} is the limit there; \
             let the pod run on another node",
            entry.backend
        );
        Err(Error::new(ErrorKind::LimitReached, text))
    }

    async fn record_attachment(
        &self,
        mut entry: Entry,
        request: &PublishRequest,
        host: Option<HostId>,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        let since = Some(self.clock.now());
        match entry.attachments.iter_mut().find(|a| a.node == request.node) {
            Some(mine)
                if mine.host == host && mine.since.is_some_and(|at| self.clock.since(at) < MAKING / 2) =>
            {
                return Ok(entry);
            }
            Some(mine) => (mine.host, mine.since) = (host, since),
            None => {
                let (node, read_only) = (request.node.clone(), request.read_only);
                entry.attachments.push(Attached { node, read_only, host, since });
            }
        }
        within(deadline, self.ledger.update(&entry)).await
    }

    async fn detach(&self, entry: &Entry, attached: &Attached, deadline: Instant) -> Result<(), Error> {
        let op = self.attach_op(UseCase::Unpublish, entry, deadline);
        let _alone = match &attached.host {
            Some(_) => Some(self.guard.wait(&host_lock(&entry.backend, &attached.node), deadline).await?),
            None => None,
        };
        self.guard.run(&op, |step| unmap_once(step, entry.clone(), attached.clone())).await
    }

    fn attach_op(&self, use_case: UseCase, entry: &Entry, deadline: Instant) -> Op {
        self.volume_op(use_case, entry, false, deadline)
    }
}

/// LUNs of one host are chosen one at a time.
pub(crate) fn host_lock(backend: &str, node: &str) -> String {
    format!("host {node} on {backend}")
}

/// May this node have it?
fn admit(entry: &Entry, request: &PublishRequest, facts: Option<&NodeFacts>) -> Result<(), Error> {
    usable(entry)?;
    if let Some(why) = facts.and_then(|facts| facts.fenced.as_ref()) {
        let text = format!("the node is fenced ({why}) and may not be given anything until that is undone");
        return Err(Error::new(ErrorKind::WrongState, text));
    }
    if let Some(mine) = entry.attachments.iter().find(|a| a.node == request.node) {
        if mine.read_only == request.read_only {
            return Ok(());
        }
        return Err(Error::new(
            ErrorKind::Exists,
            "it is published to this node already with another read-only setting",
        ));
    }
    match entry.attachments.first() {
        Some(other) if !request.shared => Err(Error::new(
            ErrorKind::InUse,
            format!(
                "node {} has it, and its access mode allows one node only; detach it there first",
                other.node
            ),
        )),
        _ => Ok(()),
    }
}

async fn map_once(
    step: Step,
    entry: Entry,
    request: PublishRequest,
    host: Option<HostId>,
) -> Result<Attachment, Error> {
    let Some(native) = &entry.native else {
        return Err(Error::new(ErrorKind::Bug, format!("record {} is ready without a native id", entry.id)));
    };
    let host = match host {
        Some(host) => host,
        None => host::account(&step, &request.node).await?,
    };
    let mapping = step.change(step.array.access().map(native, &host, request.read_only)).await?;
    told(&step, &entry, &request, mapping)
}

fn told(step: &Step, entry: &Entry, request: &PublishRequest, mapping: Mapping) -> Result<Attachment, Error> {
    let Some(wwid) = entry.wwid.clone() else {
        return Err(Error::new(ErrorKind::Bug, format!("record {} is ready without an identity", entry.id)));
    };
    if mapping.read_only != request.read_only {
        let is = if mapping.read_only { "read-only" } else { "writable" };
        return Err(Error::new(ErrorKind::WrongState, format!("the array has it mapped {is} already")));
    }
    Ok(Attachment {
        wwid,
        wwid_alt: entry.wwid_alt.clone(),
        size: entry.size,
        paths: mapping.paths,
        min_paths: step.view.spec.limits.min_paths,
        read_only: request.read_only,
        generation: entry.generation,
    })
}

/// Ends once more what may have been mapped after it was ended, unless the host has it again.
pub(crate) async fn sweep_map(step: Step, entry: Entry, departed: Departed) -> Result<(), Error> {
    let Some(native) = entry.native.as_ref() else { return Ok(()) };
    if entry.attachments.iter().any(|attached| attached.host.as_ref() == Some(&departed.host)) {
        return Ok(());
    }
    match step.change(step.array.access().unmap(native, &departed.host)).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// Unmaps and reads back: access has ended when the array says so.
async fn unmap_once(step: Step, entry: Entry, attached: Attached) -> Result<(), Error> {
    let (Some(native), access) = (&entry.native, step.array.access()) else { return Ok(()) };
    let Some(host) = &attached.host else {
        return match access.find_host(&host::unknown(&attached.node)).await? {
            Some(account) => step.change(access.unmap(native, &account.id)).await,
            None => Ok(()),
        };
    };
    step.change(access.unmap(native, host)).await?;
    match access.mappings(native).await {
        Ok(holders) if holders.iter().any(|holder| holder.id == *host) => Err(Error::new(
            ErrorKind::Busy,
            format!("the array still shows the volume to host {host} after it was unmapped"),
        )),
        Ok(_) => host::end_unused(&step, host).await,
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Does a record's volume have users that forbid its end?
pub(crate) fn holders(entry: &Entry) -> Vec<&str> {
    entry.attachments.iter().map(|a| a.node.as_str()).collect()
}
