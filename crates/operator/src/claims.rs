//! What claims command by annotation: to let go of their volume.
//!
//! A PersistentVolumeClaim has no status of ours, so the record of a command is an annotation on it. The steps are such that any of
//! them may be repeated: the PersistentVolume is set to Retain, the engine takes our mark off the volume, and one patch of the
//! claim clears the command and writes the record.

mod unmanage;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use perilune_api::names::ANNOTATION_UNMANAGE;
use perilune_engine::Engine;
use tokio::time::sleep;

use crate::OperatorSettings;
use unmanage::Unmanage;

/// How often a command is tried that something temporary stands in the way of.
const RETRIES: [u64; 6] = [2, 5, 15, 30, 60, 120];

/// Heeds the claims of the cluster until `stop`.
pub(crate) async fn run(
    client: Client,
    settings: OperatorSettings,
    engine: Arc<Engine>,
    stop: impl Future<Output = ()> + Send,
) {
    let work = Arc::new(Unmanage::new(client.clone(), &settings, engine));
    tokio::select! {
        () = stop => {}
        () = heed(client, work) => {}
    }
}

async fn heed(client: Client, work: Arc<Unmanage>) {
    // metadata only, and none of it kept: a cluster has many claims and few commands
    let claims: Api<PartialObjectMeta<PersistentVolumeClaim>> = Api::all(client);
    let news = watcher(claims, watcher::Config::default()).default_backoff().applied_objects();
    pin_mut!(news);
    let busy = Arc::new(Mutex::new(BTreeSet::new()));
    while let Some(claim) = news.next().await {
        match claim {
            Ok(claim) if commands(&claim) => begin(&claim, &work, &busy),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot follow the claims; their commands wait until this works again");
            }
        }
    }
}

fn commands(claim: &PartialObjectMeta<PersistentVolumeClaim>) -> bool {
    claim.annotations().contains_key(ANNOTATION_UNMANAGE)
}

type Key = (String, String);

/// One task for each claim, so that one that waits does not hold up the others.
fn begin(
    claim: &PartialObjectMeta<PersistentVolumeClaim>,
    work: &Arc<Unmanage>,
    busy: &Arc<Mutex<BTreeSet<Key>>>,
) {
    let key: Key = (claim.namespace().unwrap_or_default(), claim.name_any());
    if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
        return;
    }
    let (work, busy) = (Arc::clone(work), Arc::clone(busy));
    tokio::spawn(async move {
        for pause in RETRIES {
            match work.round(&key.0, &key.1).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(
                    namespace = key.0,
                    claim = key.1,
                    "cannot let go of the volume yet: {error}"
                ),
            }
            sleep(Duration::from_secs(pause)).await;
        }
        busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    });
}
