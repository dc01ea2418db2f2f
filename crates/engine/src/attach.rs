//! Publish and unpublish: making a volume reachable for a node, and ending that.

use perilune_array::{Error, ErrorKind, HostSpec, Name, Path, Size, Wwid};
use tokio::time::Instant;

use crate::engine::within;
use crate::guard::{Op, Step};
use crate::ledger::{Attached, Entry, Phase};
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
        admit(&entry, request).map_err(fail)?;
        let entry = self.record_attachment(entry.clone(), request, deadline).await.map_err(fail)?;
        self.map(&entry, request, deadline).await.map_err(fail)
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
            self.unmap(&entry, &attached.node, deadline).await.map_err(fail)?;
        }
        if leaving.is_empty() {
            return Ok(());
        }
        entry.attachments.retain(|a| !leaving.contains(a));
        within(deadline, self.ledger.update(&entry)).await.map_err(fail)?;
        Ok(())
    }

    async fn record_attachment(
        &self,
        mut entry: Entry,
        request: &PublishRequest,
        deadline: Instant,
    ) -> Result<Entry, Error> {
        if entry.attachments.iter().any(|a| a.node == request.node) {
            return Ok(entry);
        }
        entry.attachments.push(Attached { node: request.node.clone(), read_only: request.read_only });
        within(deadline, self.ledger.update(&entry)).await
    }

    async fn map(
        &self,
        entry: &Entry,
        request: &PublishRequest,
        deadline: Instant,
    ) -> Result<Attachment, Error> {
        let op = self.attach_op(UseCase::Publish, entry, deadline);
        self.guard.run(&op, |step| map_once(step, entry.clone(), request.clone())).await
    }

    async fn unmap(&self, entry: &Entry, node: &str, deadline: Instant) -> Result<(), Error> {
        let op = self.attach_op(UseCase::Unpublish, entry, deadline);
        self.guard.run(&op, |step| unmap_once(step, entry.clone(), node.to_owned())).await
    }

    fn attach_op(&self, use_case: UseCase, entry: &Entry, deadline: Instant) -> Op {
        let subject = format!("volume {}", entry.csi_name);
        Op { use_case, backend: entry.backend.clone(), subject, deadline, in_doubt: false }
    }
}

/// May this node have it?
fn admit(entry: &Entry, request: &PublishRequest) -> Result<(), Error> {
    if entry.phase != Phase::Ready {
        return Err(Error::new(ErrorKind::WrongState, "the volume is being created or deleted"));
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

async fn map_once(step: Step, entry: Entry, request: PublishRequest) -> Result<Attachment, Error> {
    let Some(native) = &entry.native else {
        return Err(Error::new(ErrorKind::Bug, format!("record {} is ready without a native id", entry.id)));
    };
    let access = step.array.access();
    let host = host_spec(&request.node);
    let host = match access.find_host(&host).await? {
        Some(host) => host,
        None => step.change(access.create_host(&host)).await?,
    };
    let mapping = step.change(access.map(native, &host.id, request.read_only)).await?;
    let (Some(wwid), min_paths) = (entry.wwid.clone(), step.view.spec.limits.min_paths) else {
        return Err(Error::new(ErrorKind::Bug, format!("record {} is ready without an identity", entry.id)));
    };
    Ok(Attachment {
        wwid,
        wwid_alt: entry.wwid_alt,
        size: entry.size,
        paths: mapping.paths,
        min_paths,
        read_only: request.read_only,
        generation: 1,
    })
}

async fn unmap_once(step: Step, entry: Entry, node: String) -> Result<(), Error> {
    let (Some(native), access) = (&entry.native, step.array.access()) else { return Ok(()) };
    let Some(host) = access.find_host(&host_spec(&node)).await? else { return Ok(()) };
    step.change(access.unmap(native, &host.id)).await
}

fn host_spec(node: &str) -> HostSpec {
    HostSpec { name: Name::new(node), initiators: Vec::new() }
}

/// Does a record's volume have users that forbid its end?
pub(crate) fn holders(entry: &Entry) -> Vec<&str> {
    entry.attachments.iter().map(|a| a.node.as_str()).collect()
}
