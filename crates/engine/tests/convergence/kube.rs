//! What Kubernetes believes, and the sidecars that make it believe so.
//!
//! Modelled after external-provisioner 6.3 (`checkError`, claims in progress), external-attacher 4.12 (detach whatever attach
//! answered), external-resizer 2.2 (an uncertain target is kept) and external-snapshotter 8.6 (the being-created annotation). What
//! matters is when each lets go: after a final code it forgets an object that it has no id for.

use std::collections::BTreeMap;
use std::time::Duration;

use perilune_array::Size;
use perilune_engine::{
    Code, ContentSource, PublishRequest, SizeRange, SnapshotHandle, SnapshotRequest, TopologyRequirement,
    VolumeHandle, VolumeRequest,
};
use tokio::time::sleep;

use crate::cluster::{Answer, Cluster};

const MAX_IOPS: &str = "perilune.dev/max-iops";

/// A sidecar that was refused this often will be refused for ever.
const CALLS: u32 = 40;

/// What the API server has objects for.
#[derive(Debug, Default)]
pub(crate) struct Belief {
    pub(crate) volumes: Vec<Pv>,
    pub(crate) snapshots: Vec<Snap>,
    /// Goals that were never reached though nobody gave up.
    pub(crate) stuck: Vec<String>,
    /// Volumes that the operator let go of.
    pub(crate) released: Vec<Pv>,
    /// Volumes that Kubernetes was told are deleted.
    pub(crate) deleted: Vec<String>,
    /// Claims that were deleted while nobody remembered that a call for them was under way.
    pub(crate) abandoned: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pv {
    pub(crate) name: String,
    pub(crate) handle: VolumeHandle,
    pub(crate) size: Size,
    pub(crate) content: String,
    pub(crate) nodes: Vec<String>,
    /// What its attributes class says.
    pub(crate) max_iops: Option<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct Snap {
    pub(crate) name: String,
    pub(crate) handle: SnapshotHandle,
    pub(crate) content: String,
}

/// May the operation still be under way?
fn is_final(code: Code) -> bool {
    !code.keeps_the_caller()
}

/// For the attacher, resizer and snapshotter a full array is no final answer.
fn is_final_elsewhere(code: Code) -> bool {
    is_final(code) && code != Code::ResourceExhausted
}

async fn back_off(tried: u32) {
    sleep(Duration::from_secs(2_u64.pow(tried.min(8)).min(300))).await;
}

/// When the user changes her mind: after so many answers.
pub(crate) type GiveUp = Option<u32>;

fn gone(give_up: GiveUp, tried: u32) -> bool {
    give_up.is_some_and(|after| tried >= after)
}

/// The provisioner, from claim to PV; and to deletion, if the claim was deleted.
pub(crate) async fn provision(c: &mut Cluster, request: VolumeRequest, content: &str, give_up: GiveUp) {
    let (mut in_progress, mut life) = (false, c.life);
    for tried in 0..CALLS {
        if c.life != life {
            (in_progress, life) = (false, c.life);
            if gone(give_up, tried) {
                return c.belief.abandoned.push(request.csi_name);
            }
        }
        if gone(give_up, tried) && !in_progress {
            return;
        }
        let wish = request.clone();
        let answer = c
            .call("CreateVolume", move |engine, by| {
                Box::pin(async move { engine.ensure_volume(&wish, by).await })
            })
            .await;
        match answer {
            Answer::Done(view) => {
                // the provisioner deletes what is smaller than asked, and so would a checker
                assert!(view.size >= request.size.required, "answered {} for {:?}", view.size, request.size);
                assert_eq!(view.source, request.source, "the answer names another source");
                let pv = Pv {
                    name: request.csi_name.clone(),
                    handle: view.handle,
                    size: view.size,
                    content: content.to_owned(),
                    nodes: Vec::new(),
                    max_iops: None,
                };
                c.belief.volumes.push(pv);
                if give_up.is_some_and(|after| after <= tried + 1) {
                    delete(c, &request.csi_name).await;
                }
                return;
            }
            Answer::Refused(code, _) => in_progress = !is_final(code),
            Answer::Lost => in_progress = true,
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("claim {} was never bound", request.csi_name));
}

/// The provisioner, from a released PV to none. It never gives up.
pub(crate) async fn delete(c: &mut Cluster, name: &str) {
    let pv = volume(c, name);
    for tried in 0..CALLS {
        let handle = pv.handle.clone();
        let answer = c
            .call("DeleteVolume", move |engine, by| {
                Box::pin(async move { engine.remove_volume(&handle, by).await })
            })
            .await;
        if let Answer::Done(()) = answer {
            c.belief.deleted.push(name.to_owned());
            return c.belief.volumes.retain(|pv| pv.name != name);
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never deleted"));
}

/// The attacher, from attachment object to attached; and to detached, if the object was deleted.
pub(crate) async fn attach(c: &mut Cluster, name: &str, node: &str, give_up: GiveUp) {
    let pv = volume(c, name);
    for tried in 0..CALLS {
        if gone(give_up, tried) {
            return detach(c, name, Some(node)).await;
        }
        let request = PublishRequest {
            volume: pv.handle.clone(),
            node: node.to_owned(),
            read_only: false,
            shared: false,
        };
        let answer = c
            .call("ControllerPublish", move |engine, by| {
                Box::pin(async move { engine.publish(&request, by).await })
            })
            .await;
        if let Answer::Done(attachment) = answer {
            assert!(!attachment.paths.is_empty(), "an attachment without a path");
            record(c, name).nodes.push(node.to_owned());
            if give_up.is_some_and(|after| after <= tried + 1) {
                detach(c, name, Some(node)).await;
            }
            return;
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never attached"));
}

/// The attacher's other half. It calls whatever the attach answered, and never gives up.
pub(crate) async fn detach(c: &mut Cluster, name: &str, node: Option<&str>) {
    let pv = volume(c, name);
    for tried in 0..CALLS {
        let (handle, from) = (pv.handle.clone(), node.map(str::to_owned));
        let answer = c
            .call("ControllerUnpublish", move |engine, by| {
                Box::pin(async move { engine.unpublish(&handle, from.as_deref(), by).await })
            })
            .await;
        if let Answer::Done(()) = answer {
            return record(c, name).nodes.retain(|at| node.is_some_and(|node| at != node));
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never detached"));
}

/// The resizer. Who changes her mind asks for less, and is heard once the last answer was final.
pub(crate) async fn expand(c: &mut Cluster, name: &str, to: Size, less: Size, give_up: GiveUp) {
    let pv = volume(c, name);
    let (mut target, mut uncertain) = (to, false);
    for tried in 0..CALLS {
        if gone(give_up, tried) && !uncertain {
            target = less;
        }
        let (handle, range) = (pv.handle.clone(), SizeRange { required: target, limit: None });
        let answer = c
            .call("ControllerExpand", move |engine, by| {
                Box::pin(async move { engine.grow(&handle, range, by).await })
            })
            .await;
        match answer {
            Answer::Done(size) => {
                assert!(size >= target, "grown to {size} instead of {target}");
                return record(c, name).size = size;
            }
            Answer::Refused(code, _) => uncertain = !is_final_elsewhere(code),
            Answer::Lost => uncertain = true,
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never expanded"));
}

/// The resizer's other half: another attributes class. Who changes her mind asks for another one yet, and is heard once the last
/// answer was final.
pub(crate) async fn modify(c: &mut Cluster, name: &str, to: u32, other: u32, give_up: GiveUp) {
    let pv = volume(c, name);
    let (mut target, mut uncertain) = (to, false);
    for tried in 0..CALLS {
        if gone(give_up, tried) && !uncertain {
            target = other;
        }
        let (handle, wanted) =
            (pv.handle.clone(), BTreeMap::from([(MAX_IOPS.to_owned(), target.to_string())]));
        let answer = c
            .call("ControllerModify", move |engine, by| {
                Box::pin(async move { engine.modify(&handle, &wanted, by).await })
            })
            .await;
        match answer {
            Answer::Done(()) => {
                record(c, name).max_iops = Some(target);
                if target == to && give_up.is_some() {
                    // the class that she asked for meanwhile is next
                    (target, uncertain) = (other, false);
                    continue;
                }
                return;
            }
            Answer::Refused(code, _) => uncertain = !is_final_elsewhere(code),
            Answer::Lost => uncertain = true,
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never modified"));
}

/// The operator, asked to let a volume go. It never gives up.
pub(crate) async fn release(c: &mut Cluster, name: &str) {
    let pv = volume(c, name);
    for tried in 0..CALLS {
        let handle = pv.handle.clone();
        let answer = c
            .call("release", move |engine, by| {
                Box::pin(async move { engine.release_volume(&handle, by).await })
            })
            .await;
        if let Answer::Done(()) = answer {
            c.belief.released.push(pv);
            return c.belief.volumes.retain(|pv| pv.name != name);
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("volume {name} was never released"));
}

/// The operator, asked to make the records anew.
pub(crate) async fn restore(c: &mut Cluster) {
    for tried in 0..CALLS {
        let answer =
            c.call("restore", move |engine, by| Box::pin(async move { engine.restore("a", by).await })).await;
        if let Answer::Done(restored) = answer {
            assert!(restored.refused.is_empty(), "{restored:?}");
            return;
        }
        back_off(tried).await;
    }
    c.belief.stuck.push("the records were never restored".to_owned());
}

/// The snapshotter, from content object to handle; and to deletion, if the object was deleted.
pub(crate) async fn snapshot(c: &mut Cluster, of: &str, name: &str, give_up: GiveUp) {
    let pv = volume(c, of);
    let mut being_created = false;
    for tried in 0..CALLS {
        if gone(give_up, tried) && !being_created {
            return;
        }
        being_created = true;
        let request = SnapshotRequest {
            csi_name: name.to_owned(),
            source: pv.handle.clone(),
            topology: TopologyRequirement::default(),
        };
        let answer = c
            .call("CreateSnapshot", move |engine, by| {
                Box::pin(async move { engine.ensure_snapshot(&request, by).await })
            })
            .await;
        match answer {
            Answer::Done(view) if view.ready => {
                let snap = Snap { name: name.to_owned(), handle: view.handle, content: pv.content.clone() };
                c.belief.snapshots.push(snap);
                if give_up.is_some_and(|after| after <= tried + 1) {
                    delete_snapshot(c, name).await;
                }
                return;
            }
            Answer::Done(_) | Answer::Lost => {}
            Answer::Refused(code, _) => being_created = !is_final_elsewhere(code),
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("snapshot {name} was never taken"));
}

pub(crate) async fn delete_snapshot(c: &mut Cluster, name: &str) {
    let snap = c.belief.snapshots.iter().find(|snap| snap.name == name).cloned().expect("a snapshot");
    for tried in 0..CALLS {
        let handle = snap.handle.clone();
        let answer = c
            .call("DeleteSnapshot", move |engine, by| {
                Box::pin(async move { engine.remove_snapshot(&handle, by).await })
            })
            .await;
        if let Answer::Done(()) = answer {
            return c.belief.snapshots.retain(|snap| snap.name != name);
        }
        back_off(tried).await;
    }
    c.belief.stuck.push(format!("snapshot {name} was never deleted"));
}

pub(crate) fn volume(c: &Cluster, name: &str) -> Pv {
    c.belief.volumes.iter().find(|pv| pv.name == name).cloned().expect("a volume of that name")
}

fn record<'c>(c: &'c mut Cluster, name: &str) -> &'c mut Pv {
    c.belief.volumes.iter_mut().find(|pv| pv.name == name).expect("a volume of that name")
}

pub(crate) fn source_volume(c: &Cluster, name: &str) -> ContentSource {
    ContentSource::Volume(volume(c, name).handle)
}

pub(crate) fn source_snapshot(c: &Cluster, name: &str) -> ContentSource {
    let snap = c.belief.snapshots.iter().find(|snap| snap.name == name).expect("a snapshot of that name");
    ContentSource::Snapshot(snap.handle.clone())
}
