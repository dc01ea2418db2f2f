//! What goes into the bundle, and from where. Secrets are not among it.

use std::fmt::Debug;

use anyhow::Result;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::{CSIDriver, CSINode, StorageClass, VolumeAttachment};
use kube::api::LogParams;
use kube::{Api, Resource, ResourceExt};
use perilune_api::names::GROUP;
use perilune_api::{ArrayBackend, ArrayNode, ArrayVolume};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Bundle;
use crate::cluster::{Cluster, list, said};
use crate::{output, scans};

/// What cannot be collected is noted in the bundle; only writing it may fail.
pub(super) async fn everything(cluster: &Cluster, bundle: &mut Bundle, tail: i64) -> Result<()> {
    let namespace = cluster.perilune_namespace().await;
    output::note(&format!("collecting objects, events and logs of Perilune in the namespace {namespace} …"));
    about(cluster, bundle, &namespace).await?;
    ours(cluster, bundle).await?;
    around(cluster, bundle).await?;
    installation(cluster, bundle, &namespace).await?;
    events(cluster, bundle, &namespace).await?;
    logs(cluster, bundle, &namespace, tail).await
}

async fn about(cluster: &Cluster, bundle: &mut Bundle, namespace: &str) -> Result<()> {
    let version = match cluster.client.apiserver_version().await {
        Ok(info) => info.git_version,
        Err(error) => {
            bundle.gap("the version of the API server", &error.into());
            "unknown".to_owned()
        }
    };
    let about = json!({
        "plugin": env!("CARGO_PKG_VERSION"), "kubernetes": version, "perilune_namespace": namespace,
        "collected": jiff::Timestamp::now().to_string(),
    });
    bundle.add_json("about.json", about)
}

async fn ours(cluster: &Cluster, bundle: &mut Bundle) -> Result<()> {
    objects::<ArrayBackend>(bundle, &Api::all(cluster.client.clone()), |_| true).await?;
    objects::<ArrayVolume>(bundle, &Api::all(cluster.client.clone()), |_| true).await?;
    objects::<ArrayNode>(bundle, &Api::all(cluster.client.clone()), |_| true).await?;
    match scans::read(cluster, None).await {
        Ok(scans) => bundle.add_json("scans.json", serde_json::to_value(scans)?),
        Err(error) => {
            bundle.gap("scans", &error);
            Ok(())
        }
    }
}

/// What Kubernetes knows of our volumes.
async fn around(cluster: &Cluster, bundle: &mut Bundle) -> Result<()> {
    let client = &cluster.client;
    objects::<StorageClass>(bundle, &Api::all(client.clone()), |class| is_ours(&class.provisioner)).await?;
    objects::<CSIDriver>(bundle, &Api::all(client.clone()), |driver| is_ours(&driver.name_any())).await?;
    objects::<CSINode>(bundle, &Api::all(client.clone()), |_| true).await?;
    objects::<Node>(bundle, &Api::all(client.clone()), |_| true).await?;
    objects::<VolumeAttachment>(bundle, &Api::all(client.clone()), |one| is_ours(&one.spec.attacher)).await?;
    let ours = |volume: &PersistentVolume| {
        volume.spec.as_ref().and_then(|s| s.csi.as_ref()).is_some_and(|c| is_ours(&c.driver))
    };
    objects::<PersistentVolume>(bundle, &Api::all(client.clone()), ours).await?;
    let provisioner = "volume.kubernetes.io/storage-provisioner";
    let ours = |claim: &PersistentVolumeClaim| {
        claim.annotations().get(provisioner).is_some_and(|name| is_ours(name))
    };
    objects::<PersistentVolumeClaim>(bundle, &Api::all(client.clone()), ours).await
}

/// The driver may have been given another name, but hardly one without ours in it.
fn is_ours(driver: &str) -> bool {
    driver.contains("perilune")
}

async fn installation(cluster: &Cluster, bundle: &mut Bundle, namespace: &str) -> Result<()> {
    let client = &cluster.client;
    objects::<Deployment>(bundle, &Api::namespaced(client.clone(), namespace), |_| true).await?;
    objects::<DaemonSet>(bundle, &Api::namespaced(client.clone(), namespace), |_| true).await?;
    objects::<Pod>(bundle, &Api::namespaced(client.clone(), namespace), |_| true).await?;
    objects::<Lease>(bundle, &Api::namespaced(client.clone(), namespace), |_| true).await
}

/// Events of our namespace, about our kinds, and about claims.
async fn events(cluster: &Cluster, bundle: &mut Bundle, namespace: &str) -> Result<()> {
    let worth = |event: &Event| {
        let about = &event.involved_object;
        event.namespace().as_deref() == Some(namespace)
            || about.api_version.as_deref().is_some_and(|version| version.starts_with(GROUP))
            || matches!(
                about.kind.as_deref(),
                Some("PersistentVolumeClaim" | "PersistentVolume" | "VolumeSnapshot")
            )
            || event
                .reason
                .as_deref()
                .is_some_and(|reason| reason.contains("Attach") || reason.contains("Mount"))
    };
    objects::<Event>(bundle, &Api::all(cluster.client.clone()), worth).await
}

async fn logs(cluster: &Cluster, bundle: &mut Bundle, namespace: &str, tail: i64) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let all = match list(&pods, "").await {
        Ok(all) => all,
        Err(error) => {
            bundle.gap("logs", &error);
            return Ok(());
        }
    };
    for pod in all {
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
        for container in containers {
            for previous in [false, true] {
                log(bundle, &pods, &pod.name_any(), &container.name, previous, tail).await?;
            }
        }
    }
    Ok(())
}

async fn log(
    bundle: &mut Bundle,
    pods: &Api<Pod>,
    pod: &str,
    container: &str,
    previous: bool,
    tail: i64,
) -> Result<()> {
    let params = LogParams {
        container: Some(container.to_owned()),
        previous,
        tail_lines: Some(tail),
        timestamps: true,
        ..LogParams::default()
    };
    let name = format!("logs/{pod}/{container}{}.log", if previous { ".previous" } else { "" });
    match pods.logs(pod, &params).await {
        Ok(text) => bundle.add(&name, &text),
        // most containers never ran before
        Err(kube::Error::Api(_)) if previous => Ok(()),
        Err(error) => {
            bundle.gap(&name, &said("read the log", &error));
            Ok(())
        }
    }
}

async fn objects<K>(bundle: &mut Bundle, api: &Api<K>, worth: impl Fn(&K) -> bool) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
{
    let what = K::plural(&()).into_owned();
    match list(api, "").await {
        Ok(found) => {
            let kept: Vec<K> = found.into_iter().filter(|object| worth(object)).collect();
            let data: Value = serde_json::to_value(kept)?;
            bundle.add_json(&format!("objects/{what}.json"), data)
        }
        Err(error) => {
            bundle.gap(&what, &error);
            Ok(())
        }
    }
}
