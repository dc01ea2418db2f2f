//! What is looked after from time to time, whether or not anybody asks: calls that were left in doubt, and records of volumes that
//! were let go of.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::{Api, Client};
use perilune_engine::ledger::{Entry, Phase};
use perilune_engine::{Engine, Ledger, VolumeHandle};
use tokio::time::{Instant, sleep};

use crate::ArrayVolumeLedger;

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// How long one record may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Goes on until `stop`. While nothing is in doubt and nothing was let go of, it costs nothing.
pub(super) async fn tend(
    client: Client,
    engine: Arc<Engine>,
    ledger: ArrayVolumeLedger,
    stop: impl Future<Output = ()>,
) {
    let work = async {
        ledger.filled().await;
        loop {
            let tended = engine.tend().await;
            if tended.settled > 0 || tended.left > 0 {
                tracing::info!(
                    settled = tended.settled,
                    left = tended.left,
                    "followed up what was left in doubt"
                );
            }
            for entry in ledger.index().entries().unwrap_or_default() {
                if entry.phase == Phase::Released {
                    forget(&client, &engine, &entry).await;
                }
            }
            sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = stop => {}
        () = work => {}
    }
}

/// A volume that was let go of keeps its record as long as its PersistentVolume is there, to say why it cannot be used. Ending it
/// alters nothing on the array.
async fn forget(client: &Client, engine: &Engine, entry: &Entry) {
    let (handle, volumes) = (VolumeHandle::of(&entry.id), Api::<PersistentVolume>::all(client.clone()));
    match volumes.get_metadata_opt(&entry.csi_name).await {
        Ok(Some(_)) => return,
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(volume = %entry.csi_name, %error, "cannot tell whether a PersistentVolume is there");
            return;
        }
    }
    match engine.remove_volume(&handle, Instant::now() + PATIENCE).await {
        Ok(()) => {
            tracing::info!(volume = %entry.csi_name, record = %entry.id, "forgot a volume that was let go of");
        }
        Err(failure) => {
            tracing::warn!(volume = %entry.csi_name, record = %entry.id, "cannot forget a volume that was let go of: {failure}");
        }
    }
}
