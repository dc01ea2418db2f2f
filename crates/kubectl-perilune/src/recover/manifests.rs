//! The manifests of one volume: pure.
//!
//! The PersistentVolume is set to Retain, so that nothing that goes wrong while recovering deletes the volume, and names its claim,
//! so that nobody else's claim gets it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;
use perilune_api::ArrayVolume;
use serde_json::{Value, json};

/// StorageClass parameters that the provisioner copies into PersistentVolumes, and under which name.
const SECRETS: [(&str, &str); 2] =
    [("node-stage", "nodeStageSecretRef"), ("controller-expand", "controllerExpandSecretRef")];

/// A volume on record, and what is known around it.
pub(super) struct Wanted<'a> {
    pub(super) record: &'a ArrayVolume,
    pub(super) driver: &'a str,
    pub(super) class: Option<&'a StorageClass>,
    pub(super) volumes: &'a [PersistentVolume],
    pub(super) claims: &'a [PersistentVolumeClaim],
    /// Also what is in the cluster.
    pub(super) all: bool,
}

/// PersistentVolume and claim, unless they are there.
pub(super) fn manifests(wanted: &Wanted<'_>) -> Vec<Value> {
    let handle = format!("v1:{}", wanted.record.name_any());
    let has = |volume: &PersistentVolume| {
        volume.spec.as_ref().and_then(|spec| spec.csi.as_ref()).is_some_and(|csi| csi.volume_handle == handle)
    };
    let there = wanted.volumes.iter().find(|volume| has(volume));
    let name = there.map_or_else(|| wanted.record.spec.csi_name.clone(), ResourceExt::name_any);
    let volume = (wanted.all || there.is_none()).then(|| volume(wanted, &name, &handle));
    volume.into_iter().chain(claim(wanted, &name)).collect()
}

fn volume(wanted: &Wanted<'_>, name: &str, handle: &str) -> Value {
    let record = &wanted.record;
    let mut csi = json!({
        "driver": wanted.driver, "volumeHandle": handle,
        // whatever is on it is to be kept: it is never formatted
        "volumeAttributes": {"bornEmpty": "false"},
    });
    let parameters = wanted.class.and_then(|class| class.parameters.clone()).unwrap_or_default();
    if let Some(fs_type) = parameters.get("csi.storage.k8s.io/fstype") {
        csi["fsType"] = json!(fs_type);
    }
    for (parameter, field) in SECRETS {
        if let Some(reference) = secret(&parameters, parameter) {
            csi[field] = reference;
        }
    }
    let mut spec = json!({
        "capacity": {"storage": size(record)},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": class_name(wanted),
        "csi": csi,
    });
    if let Some(claim) = &record.spec.claim {
        spec["claimRef"] = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace, "name": claim.name,
        });
    }
    if let Some(affinity) = affinity(&record.spec.topology) {
        spec["nodeAffinity"] = affinity;
    }
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": wanted.driver}},
        "spec": spec,
    })
}

/// The claim that the volume was made for, unless it is there.
fn claim(wanted: &Wanted<'_>, volume: &str) -> Option<Value> {
    let claim = wanted.record.spec.claim.as_ref()?;
    let is = |c: &PersistentVolumeClaim| {
        c.name_any() == claim.name && c.namespace().as_ref() == Some(&claim.namespace)
    };
    if !wanted.all && wanted.claims.iter().any(is) {
        return None;
    }
    Some(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name, "namespace": claim.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class_name(wanted),
            "volumeName": volume,
            "resources": {"requests": {"storage": size(wanted.record)}},
        },
    }))
}

fn size(record: &ArrayVolume) -> String {
    record.status.as_ref().map(|status| status.size.clone()).unwrap_or_default()
}

/// The empty name keeps any default class away.
fn class_name(wanted: &Wanted<'_>) -> String {
    wanted.class.map(ResourceExt::name_any).unwrap_or_default()
}

/// A Secret that the class names outright; one that it names by a template cannot be known here.
fn secret(parameters: &BTreeMap<String, String>, which: &str) -> Option<Value> {
    let part = |what: &str| {
        let value = parameters.get(&format!("csi.storage.k8s.io/{which}-secret-{what}"))?;
        (!value.contains("${")).then_some(value)
    };
    Some(json!({"name": part("name")?, "namespace": part("namespace")?}))
}

fn affinity(topology: &[BTreeMap<String, String>]) -> Option<Value> {
    let term = |place: &BTreeMap<String, String>| {
        let all = place.iter().map(|(key, value)| json!({"key": key, "operator": "In", "values": [value]}));
        json!({"matchExpressions": all.collect::<Vec<_>>()})
    };
    let terms: Vec<Value> = topology.iter().filter(|place| !place.is_empty()).map(term).collect();
    (!terms.is_empty()).then(|| json!({"required": {"nodeSelectorTerms": terms}}))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PersistentVolume;
    use k8s_openapi::api::storage::v1::StorageClass;
    use perilune_api::ArrayVolume;
    use serde_json::{from_value, json};

    use super::{Wanted, manifests};

    fn record() -> ArrayVolume {
        from_value(json!({
            "apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayVolume", "metadata": {"name": "5a0c"},
            "spec": {"csiName": "pvc-1", "backend": "gold", "pool": "fast", "poolID": "1", "nativeName": "pvc-1",
                "topology": [{"zone": "a"}], "claim": {"namespace": "shop", "name": "data"}},
            "status": {"phase": "Ready", "sizeBytes": 1073741824, "size": "1Gi"},
        }))
        .unwrap()
    }

    fn class() -> StorageClass {
        from_value(json!({
            "metadata": {"name": "gold"}, "provisioner": "csi.perilune.dev",
            "parameters": {"csi.storage.k8s.io/fstype": "xfs", "csi.storage.k8s.io/node-stage-secret-name": "chap",
                "csi.storage.k8s.io/node-stage-secret-namespace": "perilune-system"},
        }))
        .unwrap()
    }

    #[test]
    fn a_lost_volume_comes_back_kept_bound_to_its_claim_and_never_formatted() {
        let (record, class) = (record(), class());
        let wanted = Wanted {
            record: &record,
            driver: "csi.perilune.dev",
            class: Some(&class),
            volumes: &[],
            claims: &[],
            all: false,
        };
        let made = manifests(&wanted);
        let spec = &made[0]["spec"];
        assert_eq!(spec["persistentVolumeReclaimPolicy"], "Retain");
        assert_eq!(spec["csi"]["volumeHandle"], "v1:5a0c");
        assert_eq!(spec["csi"]["volumeAttributes"]["bornEmpty"], "false");
        assert_eq!(
            (&spec["csi"]["fsType"], &spec["csi"]["nodeStageSecretRef"]["name"]),
            (&json!("xfs"), &json!("chap"))
        );
        assert_eq!(spec["claimRef"]["name"], "data");
        assert_eq!(
            spec["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"][0],
            "a"
        );
        assert_eq!(
            (&made[1]["spec"]["volumeName"], &made[1]["metadata"]["namespace"]),
            (&json!("pvc-1"), &json!("shop"))
        );
        let _: PersistentVolume = from_value(made[0].clone()).unwrap();
    }

    #[test]
    fn what_is_in_the_cluster_is_printed_on_request_only() {
        let record = record();
        let volume: PersistentVolume = from_value(json!({
            "metadata": {"name": "mine"}, "spec": {"csi": {"driver": "d", "volumeHandle": "v1:5a0c"}},
        }))
        .unwrap();
        let claim = from_value(json!({"metadata": {"name": "data", "namespace": "shop"}})).unwrap();
        let (volumes, claims) = ([volume], [claim]);
        let wanted = |all| Wanted {
            record: &record,
            driver: "d",
            class: None,
            volumes: &volumes,
            claims: &claims,
            all,
        };
        assert!(manifests(&wanted(false)).is_empty());
        let all = manifests(&wanted(true));
        assert_eq!((all.len(), &all[0]["metadata"]["name"]), (2, &json!("mine")));
        assert_eq!(all[0]["spec"]["storageClassName"], "", "no default class may take it");
    }
}
